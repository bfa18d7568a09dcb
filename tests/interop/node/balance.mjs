// The steps of a person who receives money, and pays from the balance.

import { call } from "./contract.mjs";
import { PAYER } from "./people.mjs";
import { check } from "./steps.mjs";

export async function receiveFunds(client) {
  const answer = await call(client.cards, "ReceiveFunds", {
    idempotency_key: "f1",
    account_id: PAYER.account_id,
    kind: "FUNDS_KIND_RED_PACKET",
    amount_fen: 500_00,
  });
  check("outcome", answer.outcome, "taken");
  check("balance", answer.taken.balance_fen, "50000");
}

export async function pay(client) {
  const decision = await payFromBalance(client, "f2", 300_00);
  check("outcome", decision.outcome, "approval");
  check("fee", decision.fee_fen, "0");
  check("total", decision.total_fen, "30000");
  // An approval by a card has no such field at all.
  check("left", decision.approval.balance_left_fen, "20000");
}

export async function payFromBalance(client, key, amountFen) {
  const funding = { card_token: "", funding: "FUNDING_BALANCE" };
  return (await client.pay(key, amountFen, funding)).authorisation;
}

export async function getBalance(client) {
  const answer = await call(client.cards, "GetBalance", { account_id: PAYER.account_id });
  check("balance", answer.balance_fen, "20000");
}
