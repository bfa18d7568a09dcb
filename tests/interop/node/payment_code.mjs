// The steps of a payer who shows a payment code, which the merchant scans.

import { call } from "./contract.mjs";
import { PAYER } from "./people.mjs";
import { check, expect } from "./steps.mjs";

export async function create(client) {
  const answer = await call(client.cards, "CreatePaymentCode", {
    idempotency_key: "k1",
    account_id: PAYER.account_id,
    card_token: client.cardToken,
    payment_password: client.password,
  });
  check("outcome", answer.outcome, "code");
  client.paymentCode = answer.code.payment_code;
  expect("18 digits, 10 to 15 first", /^1[0-5]\d{16}$/.test(client.paymentCode));
  const seconds = answer.code.expires_at.seconds - answer.decided_at.seconds;
  check("seconds that it holds", seconds, 60);
}

export async function pay(client) {
  const decision = await scan(client, "k2");
  check("outcome", decision.outcome, "approval");
  // Whose it was, the merchant's side learns from the answer.
  check("account", decision.account_id, PAYER.account_id);
  check("card", decision.card_token, client.cardToken);
}

export async function payTwice(client) {
  const { decline } = await scan(client, "k3");
  check("reason", decline?.reason, "DECLINE_REASON_PAYMENT_CODE_USED");
  check("layer", decline.layer, "DECLINE_LAYER_MERCHANT");
  check("response code", decline.response_code, "12");
}

async function scan(client, key) {
  // The code stands for account, card and password: they are not sent.
  const answer = await client.pay(key, 30_00, {
    account_id: "",
    card_token: "",
    payment_password: "",
    payment_code: client.paymentCode,
    mode: "PAYMENT_MODE_PAYMENT_CODE",
  });
  return answer.authorisation;
}
