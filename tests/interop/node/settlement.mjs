// The steps after a payment: it settles, and is given back afterwards.

import { call } from "./contract.mjs";
import { PAYER } from "./people.mjs";
import { check } from "./steps.mjs";

export async function settle(client) {
  client.sold = (await client.pay("x1", 250_00)).authorisation;
  const answer = await call(client.payments, "Settle", about(client, "x2"));
  check("outcome", answer.outcome, "settlement");
  check("total", answer.settlement.total_fen, "25750");
}

// A request about the payment that was made last.
function about(client, key, others = {}) {
  return {
    idempotency_key: key,
    account_id: PAYER.account_id,
    authorisation_id: client.sold.authorisation_id,
    ...others,
  };
}

export async function reverseSettled(client) {
  const answer = await call(client.payments, "Reverse", about(client, "x3"));
  checkRefusal(answer, "REVERSAL_REFUSAL_REASON_ALREADY_SETTLED");
}

export async function refundUnsettled(client) {
  client.sold = (await client.pay("x4", 250_00)).authorisation;
  const answer = await refund(client, "x5", { amount_fen: 60_00 });
  checkRefusal(answer, "REVERSAL_REFUSAL_REASON_NOT_SETTLED");
}

function refund(client, key, amount) {
  return call(client.payments, "Refund", about(client, key, amount));
}

function checkRefusal(answer, reason) {
  check("outcome", answer.outcome, "refusal");
  check("reason", answer.refusal.reason, reason);
}

export async function before(client) {
  const answer = await look(client);
  check("steps", names(answer), ["APPROVED"]);
  check("settled", answer.status.settled, false);
  client.settlesAt = answer.status.settles_at;
}

function look(client) {
  const { authorisation_id } = client.sold;
  const request = { account_id: PAYER.account_id, authorisation_id };
  return call(client.payments, "GetAuthorisation", request);
}

// What happened, oldest first, without the enum's prefix.
function names({ steps }) {
  return steps.map(({ kind }) => kind.replace("AUTHORISATION_STEP_KIND_", ""));
}

export async function waitForSettlement(client) {
  const request = { idempotency_key: "x6", move: client.settlesAt };
  await call(client.admin, "SetClock", request);
  const answer = await look(client);
  check("steps", names(answer), ["APPROVED", "SETTLED"]);
  check("settled", answer.status.settled, true);
}

export async function refundPart(client) {
  const answer = await refund(client, "x7", { amount_fen: 60_00 });
  checkRefund(answer, { amount_fen: "6000", fee_fen: "180", remaining_fen: "19000" });
  check("the year has it back", answer.refund.year_restored, false);
}

function checkRefund(answer, expected) {
  check("outcome", answer.outcome, "refund");
  const { amount_fen, fee_fen, remaining_fen } = answer.refund;
  check("given back", { amount_fen, fee_fen, remaining_fen }, expected);
}

export async function refundTooMuch(client) {
  const answer = await refund(client, "x8", { amount_fen: 190_01 });
  checkRefusal(answer, "REVERSAL_REFUSAL_REASON_EXCEEDS_REMAINING");
  check("observed", answer.refusal.observed_fen, "19001");
  check("remaining", answer.refusal.remaining_fen, "19000");
}

export async function refundRest(client) {
  const answer = await refund(client, "x9");
  checkRefund(answer, { amount_fen: "19000", fee_fen: "570", remaining_fen: "0" });
}

export async function after(client) {
  const answer = await look(client);
  check("decision", answer.authorisation, client.sold);
  check("steps", names(answer), ["APPROVED", "SETTLED", "REFUNDED", "REFUNDED"]);
  const amounts = answer.steps.slice(2).map(({ amount_fen }) => amount_fen);
  check("amounts", amounts, ["6000", "19000"]);
  check("refunded", answer.status.refunded_fen, "25000");
  check("fee refunded", answer.status.refunded_fee_fen, "750");
}

export async function exportDay(client) {
  const request = { day: dayInShanghai(client.settlesAt), merchant_id: "noodle-bar" };
  const lines = [];
  const totals = [];
  const stream = client.admin.ExportSettlement(request, { deadline: Date.now() + 10_000 });
  for await (const { part, line, total } of stream) {
    if (part === "line") {
      lines.push(line);
    } else {
      totals.push(total);
    }
  }
  const ours = lines.filter((line) => line.authorisation_id === client.sold.authorisation_id);
  const amounts = ours.map(({ refund, amount_fen, fee_fen }) => [refund, amount_fen, fee_fen]);
  const given_back = [[true, "-6000", "-180"], [true, "-19000", "-570"]];
  check("lines of the payment", amounts, [[false, "25000", "750"], ...given_back]);
  checkTotal(lines, totals);
}

function dayInShanghai({ seconds }) {
  const there = new Date((Number(seconds) + 8 * 3600) * 1000);
  return {
    year: there.getUTCFullYear(),
    month: there.getUTCMonth() + 1,
    day: there.getUTCDate(),
  };
}

function checkTotal(lines, totals) {
  check("totals", totals.map(({ merchant_id }) => merchant_id), ["noodle-bar"]);
  const [total] = totals;
  const sum = (name) => lines.reduce((so_far, line) => so_far + BigInt(line[name]), 0n);
  check("principal in all", BigInt(total.amount_fen), sum("amount_fen"));
  check("fee in all", BigInt(total.fee_fen), sum("fee_fen"));
  check("refunds", total.refunded, String(lines.filter(({ refund }) => refund).length));
}
