// The steps of a front end that asks for the password first, and pays with a token for it.

import { call } from "./contract.mjs";
import { PAYER } from "./people.mjs";
import { check } from "./steps.mjs";

export async function verifyPassword(client) {
  // The token is good for this amount of this card, once.
  const answer = await call(client.cards, "VerifyPassword", {
    idempotency_key: "t1",
    account_id: PAYER.account_id,
    payment_password: client.password,
    amount_fen: 40_00,
    card_token: client.cardToken,
  });
  check("outcome", answer.outcome, "token");
  client.paymentToken = answer.token.payment_token;
  const seconds = answer.token.expires_at.seconds - answer.decided_at.seconds;
  check("seconds that it holds", seconds, 300);
}

export async function pay(client) {
  const decision = await payWithToken(client, "t2");
  check("outcome", decision.outcome, "approval");
}

export async function payTwice(client) {
  const { decline } = await payWithToken(client, "t3");
  check("reason", decline?.reason, "DECLINE_REASON_PAYMENT_TOKEN_USED");
  check("layer", decline.layer, "DECLINE_LAYER_WALLET");
  check("response code", decline.response_code, "55");
}

async function payWithToken(client, key) {
  const token = { payment_password: "", payment_token: client.paymentToken };
  return (await client.pay(key, 40_00, token)).authorisation;
}
