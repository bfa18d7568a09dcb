// The steps of a caller with many payments: one stream for all of them; and deadlines.

import { once } from "node:events";
import grpc from "@grpc/grpc-js";
import { BAD_FIELDS } from "./client.mjs";
import { badFields, call } from "./contract.mjs";
import { PAYER } from "./people.mjs";
import { check, expect } from "./steps.mjs";

export async function streamTwo(client) {
  // 200.00 yuan is free of the fee; one fen more has it on the whole.
  const answers = await stream(client, {
    7: client.payment("s1", 200_00),
    8: client.payment("s2", 200_01),
  });
  for (const [id, fee] of [[7, "0"], [8, "600"]]) {
    const decision = answers[id].response.authorisation;
    check(`outcome of ${id}`, decision.outcome, "approval");
    check(`fee of ${id}`, decision.fee_fen, fee);
  }
}

export async function streamWithMalformed(client) {
  const answers = await stream(client, {
    1: client.payment("s3", 1_00, BAD_FIELDS),
    2: client.payment("s4", 1_00),
  });
  check("the other one", answers[2].response?.authorisation.outcome, "approval");
  check("outcome", answers[1].outcome, "error");
  check("code", answers[1].error.code, grpc.status.INVALID_ARGUMENT);
  check("fields", badFields(answers[1].error.details), Object.keys(BAD_FIELDS));
}

// Sends payments in one message. The answers come in any order: they are told apart by id.
async function stream(client, payments) {
  const requests = Object.entries(payments).map(([correlation_id, request]) => ({
    correlation_id,
    request,
  }));
  const both = client.payments.AuthoriseStream({ deadline: Date.now() + 10_000 });
  both.write({ requests });
  both.end();
  const answers = {};
  for await (const { responses } of both) {
    for (const answer of responses) {
      expect("each is answered once", !(answer.correlation_id in answers));
      answers[answer.correlation_id] = answer;
      if (answer.response) {
        client.decided.add(answer.response.authorisation.authorisation_id);
      }
    }
  }
  check("answered", Object.keys(answers), Object.keys(payments));
  return answers;
}

export async function deadlines(client) {
  // The deadline is an instant in milliseconds, and travels with the call.
  const request = { account_id: PAYER.account_id };
  await call(client.payments, "ListAuthorisations", request, { deadline: Date.now() + 10_000 });

  // A stream that nothing is sent on stays open until its deadline.
  const stream = client.payments.AuthoriseStream({ deadline: Date.now() + 300 });
  stream.resume();
  const error = await once(stream, "end").catch((ended) => ended);
  check("code", error.code, grpc.status.DEADLINE_EXCEEDED);
}
