// The steps of an operator who changes the rules' numbers while the server runs.

import grpc from "@grpc/grpc-js";
import { call, detail, detailsOf, refused } from "./contract.mjs";
import { check, expect } from "./steps.mjs";

// Keys that are left out are as in weixin-2023.
const THRIFTY = `\
name = "thrifty"

[limits]
single_fen = 100000
`;

const MISTAKEN = `\
name = "mistaken"

[limits]
single_fen = -1
monthly_fen = 100000
`;

export async function mistakes(client) {
  const request = { idempotency_key: "y1", toml: MISTAKEN };
  const error = await refused(client.admin, "PutPolicy", request);
  check("code", error.code, grpc.status.INVALID_ARGUMENT);
  const { field_violations } = detail(detailsOf(error), "BadRequest");
  const told = field_violations.map(({ description }) => description);
  for (const key of ["limits.single_fen", "limits.monthly_fen"]) {
    expect(`${key} is named: ${told}`, told.some((mistake) => mistake.includes(key)));
  }
}

export async function put(client) {
  const request = { idempotency_key: "y2", toml: THRIFTY };
  const { policy } = await call(client.admin, "PutPolicy", request);
  check("name", policy.name, "thrifty");
  // It does not hold yet.
  check("activated", policy.activated, false);
  const { policies, active } = await call(client.admin, "ListPolicies", {});
  check("policies", policies.map(({ name }) => name), ["thrifty", "weixin-2023"]);
  check("active", active, "weixin-2023");
}

export async function shadow(client) {
  await setShadow(client, "y3", "thrifty");
  const decision = (await client.pay("y4", 1_500_00)).authorisation;
  // The shadow decides nothing.
  check("outcome", decision.outcome, "approval");
  check("policy", decision.policy, "weixin-2023");
}

async function setShadow(client, key, name) {
  const request = { idempotency_key: key, name };
  const answer = await call(client.admin, "SetShadowPolicy", request);
  check("shadow", answer.name, name);
}

export async function shadowReport(client) {
  const report = await call(client.admin, "GetShadowReport", {});
  check("shadow", report.shadow, "thrifty");
  check("decisions", report.decisions, "1");
  const flip = {
    active: "DECLINE_REASON_UNSPECIFIED", // approved
    shadow: "DECLINE_REASON_LIMIT_SINGLE",
    rung: "RUNG_LIMIT_SINGLE",
    count: "1",
  };
  check("decisions that would be others", report.flips, [flip]);
  await setShadow(client, "y5", "");
}

export async function activate(client) {
  await activatePolicy(client, "y6", "thrifty");
  // Without a name: the one that holds now.
  const { policy, toml } = await call(client.admin, "GetPolicy", {});
  check("holds", policy.name, "thrifty");
  expect("its own limit", toml.includes("single_fen = 100000\n"));
  expect("the rest as before", toml.includes("month_fen = 5000000\n"));
}

async function activatePolicy(client, key, name) {
  const request = { idempotency_key: key, name };
  const { policy } = await call(client.admin, "ActivatePolicy", request);
  check("policy", policy.name, name);
  check("activated", policy.activated, true);
}

export async function decides(client) {
  const { policy, decline } = (await client.pay("y7", 1_500_00)).authorisation;
  check("policy", policy, "thrifty");
  check("reason", decline?.reason, "DECLINE_REASON_LIMIT_SINGLE");
  check("limit", decline.amount_limit.limit_fen, "100000");
}

export async function back(client) {
  await activatePolicy(client, "y8", "weixin-2023");
  const decision = (await client.pay("y9", 1_500_00)).authorisation;
  check("outcome", decision.outcome, "approval");
}
