// The steps of a person who opens a wallet with a card, and takes the card out again.

import { ACCOUNT, PASSWORD, PHONE } from "./client.mjs";
import { call } from "./contract.mjs";
import { check } from "./steps.mjs";

export async function putMerchant(client) {
  const merchant = {
    merchant_id: "noodle-bar",
    name: "Noodle bar",
    region: "MERCHANT_REGION_MAINLAND",
    category_code: "5812",
    international_cards: true,
  };
  const answer = await call(client.admin, "PutMerchant", { idempotency_key: "node-m1", merchant });
  check("merchant", answer.merchant, merchant);
}

export async function sendPhoneCode(client) {
  const request = { idempotency_key: "c1", account_id: ACCOUNT, phone_number: PHONE };
  const answer = await call(client.cards, "SendPhoneCode", request);
  // An answer is one of several outcomes; which one, `outcome` tells.
  check("outcome", answer.outcome, "sent");
  client.phoneCode = answer.sent.sandbox_code;
  check("digits of the code", client.phoneCode.length, 6);
}

export async function bind(client) {
  const answer = await call(client.cards, "Bind", {
    idempotency_key: "b1",
    account_id: ACCOUNT,
    service_agreement_accepted: true,
    privacy_policy_accepted: true,
    identity: {
      type: "IDENTITY_DOCUMENT_TYPE_FOREIGN_PERMANENT_RESIDENT_CARD",
      number: "FPR-1867",
      issuing_country: "CN",
      holder_name: "Marie Curie",
      expires_on: { year: 2039, month: 12, day: 31 },
    },
    card: {
      pan: "4111 1111 1111 1111",
      scheme: "SCHEME_VISA",
      expiry_month: 12,
      expiry_year: 2039,
      cvv: "123",
      holder_name: "MARIE CURIE",
    },
    phone_number: PHONE,
    phone_code: client.phoneCode,
    payment_password: PASSWORD,
  });
  check("outcome", answer.outcome, "card");
  check("last four digits", answer.card.last_four, "1111");
  client.cardToken = answer.card.card_token;
}

export async function accountUsed(client) {
  await checkUsed(client, 250_00);
}

export async function accountUnused(client) {
  await checkUsed(client, 0);
}

async function checkUsed(client, usedFen) {
  const account = await call(client.cards, "GetAccount", { account_id: ACCOUNT });
  for (const window of [account.month, account.year]) {
    // Limits count the principal, not the fee. To reckon with an amount, make it a BigInt.
    check("used", window.used_fen, String(usedFen));
    check("remaining", BigInt(window.remaining_fen), BigInt(window.limit_fen) - BigInt(usedFen));
  }
}

export async function unbind(client) {
  const answer = await call(client.cards, "Unbind", {
    idempotency_key: "u1",
    account_id: ACCOUNT,
    card_token: client.cardToken,
    payment_password: PASSWORD,
  });
  check("outcome", answer.outcome, "unbound");
  check("card", answer.unbound.card_token, client.cardToken);
}
