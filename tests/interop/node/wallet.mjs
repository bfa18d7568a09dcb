// The steps of a person who opens a wallet with a card, and takes the card out again.

import { call } from "./contract.mjs";
import { PAYER } from "./people.mjs";
import { check } from "./steps.mjs";

export async function putMerchant(client) {
  const merchant = {
    merchant_id: "noodle-bar",
    name: "Noodle bar",
    region: "MERCHANT_REGION_MAINLAND",
    category_code: "5812",
    international_cards: true,
  };
  const answer = await call(client.admin, "PutMerchant", { idempotency_key: "m1", merchant });
  check("merchant", answer.merchant, merchant);
}

export async function sendPhoneCode(client) {
  const answer = await sendCode(client, "c1", PAYER);
  // An answer is one of several outcomes; which one, `outcome` tells.
  check("outcome", answer.outcome, "sent");
  client.phoneCode = answer.sent.sandbox_code;
  check("digits of the code", client.phoneCode.length, 6);
}

export function sendCode(client, key, { account_id, phone_number }) {
  const request = { idempotency_key: key, account_id, phone_number };
  return call(client.cards, "SendPhoneCode", request);
}

export async function bind(client) {
  const answer = await bindCard(client, "b1", PAYER, client.phoneCode);
  check("outcome", answer.outcome, "card");
  check("last four digits", answer.card.last_four, "1111");
  client.cardToken = answer.card.card_token;
}

export function bindCard(client, key, person, phoneCode) {
  return call(client.cards, "Bind", {
    idempotency_key: key,
    account_id: person.account_id,
    service_agreement_accepted: true,
    privacy_policy_accepted: true,
    identity: person.identity,
    card: person.card,
    phone_number: person.phone_number,
    phone_code: phoneCode,
    payment_password: client.password,
  });
}

export async function accountUsed(client) {
  await checkUsed(client, 250_00);
}

export async function accountUnused(client) {
  await checkUsed(client, 0);
}

async function checkUsed(client, usedFen) {
  const account = await call(client.cards, "GetAccount", { account_id: PAYER.account_id });
  for (const window of [account.month, account.year]) {
    // Limits count the principal, not the fee. To reckon with an amount, make it a BigInt.
    check("used", window.used_fen, String(usedFen));
    check("remaining", BigInt(window.remaining_fen), BigInt(window.limit_fen) - BigInt(usedFen));
  }
}

export async function unbind(client) {
  const answer = await call(client.cards, "Unbind", {
    idempotency_key: "u1",
    account_id: PAYER.account_id,
    card_token: client.cardToken,
    payment_password: client.password,
  });
  check("outcome", answer.outcome, "unbound");
  check("card", answer.unbound.card_token, client.cardToken);
}
