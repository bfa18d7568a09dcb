// The steps of a person who pays.

import grpc from "@grpc/grpc-js";
import { BAD_FIELDS } from "./client.mjs";
import { badFields, call, detail, detailsOf, refused } from "./contract.mjs";
import { PAYER } from "./people.mjs";
import { check, expect } from "./steps.mjs";

export async function quote(client) {
  const answer = await call(client.payments, "Quote", {
    account_id: PAYER.account_id,
    merchant_id: "noodle-bar",
    amount_fen: 250_00,
    scene: "SCENE_PURCHASE",
  });
  check("fee", answer.fee_fen, "750");
  check("total", answer.total_fen, "25750");
  check("cards", answer.cards.map(({ card }) => card.card_token), [client.cardToken]);
  check("usable", answer.cards[0].usable, true);
  client.quoteToken = answer.cards[0].quote_token;
  expect("there is a quote token", client.quoteToken);
}

export async function authorise(client) {
  const answer = await client.pay("p1", 250_00, { quote_token: client.quoteToken });
  client.paid = answer.authorisation;
  // A decline is an answer too, and no error.
  check("outcome", client.paid.outcome, "approval");
  check("fee: 3 % of the whole above 200.00 yuan", client.paid.fee_fen, "750");
  check("total", client.paid.total_fen, "25750");
  check("letters of the approval code", client.paid.approval.approval_code.length, 6);
  check("replayed", answer.replayed, false);
}

export async function sameKeyAgain(client) {
  const answer = await client.pay("p1", 250_00, { quote_token: client.quoteToken });
  check("replayed", answer.replayed, true);
  check("authorisation", answer.authorisation, client.paid);
}

export async function sameKeyOtherAmount(client) {
  const request = client.payment("p1", 251_00, { quote_token: client.quoteToken });
  const error = await refused(client.payments, "Authorise", request);
  check("code", error.code, grpc.status.ALREADY_EXISTS);
  check("details", detail(detailsOf(error), "ErrorInfo"), {
    reason: "IDEMPOTENCY_KEY_CONFLICT",
    domain: "waika",
    metadata: { field: "amount_fen" },
  });
}

export async function malformed(client) {
  const request = client.payment("p2", 1_00, BAD_FIELDS);
  const error = await refused(client.payments, "Authorise", request);
  check("code", error.code, grpc.status.INVALID_ARGUMENT);
  check("fields", badFields(detailsOf(error)), Object.keys(BAD_FIELDS));
}

export async function reversePart(client) {
  // Without an amount, all that remains would be given back.
  const givenBack = await reverse(client, "r1", { amount_fen: 60_00 });
  check("given back", givenBack, { amount_fen: "6000", fee_fen: "180", remaining_fen: "19000" });
}

export async function reverseRest(client) {
  const givenBack = await reverse(client, "r2");
  check("given back", givenBack, { amount_fen: "19000", fee_fen: "570", remaining_fen: "0" });
}

async function reverse(client, key, amount = {}) {
  const answer = await call(client.payments, "Reverse", {
    idempotency_key: key,
    account_id: PAYER.account_id,
    authorisation_id: client.paid.authorisation_id,
    ...amount,
  });
  check("outcome", answer.outcome, "reversal");
  check("the month has it back", answer.reversal.month_restored, true);
  check("the year has it back", answer.reversal.year_restored, true);
  const { amount_fen, fee_fen, remaining_fen } = answer.reversal;
  return { amount_fen, fee_fen, remaining_fen };
}

export async function declined(client) {
  const { decline } = (await client.pay("p3", 6_000_01)).authorisation;
  check("reason", decline.reason, "DECLINE_REASON_LIMIT_SINGLE");
  check("layer", decline.layer, "DECLINE_LAYER_WALLET");
  check("response code", decline.response_code, "61");
  check("retry", decline.retry, "RETRY_CLASS_REDUCE_AMOUNT");
  check("observed", decline.amount_limit.observed_fen, "600001");
  check("limit", decline.amount_limit.limit_fen, "600000");
  expect("a text in English", decline.text.en);
  expect("a text in Chinese", /\p{Script=Han}/u.test(decline.text.zh_cn));
}

export async function largestAmount(client) {
  // Amounts may be given as numbers or as strings; they come as strings.
  const decision = (await client.pay("p4", "999999999999")).authorisation;
  check("amount", decision.amount_fen, "999999999999");
  check("observed", decision.decline.amount_limit.observed_fen, "999999999999");
}

export async function history(client) {
  const records = [];
  const request = { account_id: PAYER.account_id, page_size: 2, page_token: "" };
  // Only an empty token ends it: a page may be empty, and not the last.
  do {
    const page = await call(client.payments, "ListAuthorisations", request);
    records.push(...page.authorisations);
    request.page_token = page.next_page_token;
  } while (request.page_token);
  const ids = records.map(({ authorisation }) => authorisation.authorisation_id);
  check("decisions, each once", ids.sort(), [...client.decided].sort());
  const instants = records.map(({ authorisation: { decided_at } }) =>
    BigInt(decided_at.seconds) * 1_000_000_000n + BigInt(decided_at.nanos));
  expect("newest first", instants.every((at, index) => index === 0 || at <= instants[index - 1]));
  const first = records.at(-1);
  check("the first decision", first.authorisation, client.paid);
  check("reversed", first.status.reversed_fen, "25000");
  check("fee reversed", first.status.reversed_fee_fen, "750");
}

export async function unboundCard(client) {
  const { decline } = (await client.pay("p6", 10_00)).authorisation;
  check("reason", decline?.reason, "DECLINE_REASON_CARD_NOT_BOUND");
}
