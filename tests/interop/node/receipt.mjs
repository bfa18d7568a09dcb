// The steps of a caller who wants to know how a payment was decided.

import { check } from "./steps.mjs";

export async function ofApproval(client) {
  const rungs = await receipt(client, "p7", 250_00);
  const find = (name) => rungs.find(({ rung }) => rung === name);
  for (const name of ["RUNG_PASSWORD", "RUNG_ISSUER"]) {
    check("verdict", find(name).verdict, "RUNG_VERDICT_PASSED");
  }
  // There was no code to look at.
  check("payment code", find("RUNG_PAYMENT_CODE").verdict, "RUNG_VERDICT_SKIPPED");
  const { observed_fen, limit_fen } = find("RUNG_LIMIT_SINGLE").amount_limit;
  check("observed", observed_fen, "25000");
  check("limit", limit_fen, "600000");
}

export async function ofDecline(client) {
  const rungs = await receipt(client, "p8", 6_000_01);
  const verdicts = rungs.map(({ verdict }) => verdict.replace("RUNG_VERDICT_", ""));
  const rejecting = verdicts.indexOf("REJECTED");
  check("the first no", rungs[rejecting]?.rung, "RUNG_LIMIT_SINGLE");
  const later = verdicts.slice(rejecting + 1);
  check("after it", later, later.map(() => "SKIPPED"));
}

// The rungs of a payment, in their order.
async function receipt(client, key, amountFen) {
  const { receipt } = await client.pay(key, amountFen, { want_receipt: true });
  const names = receipt.rungs.map(({ rung }) => rung);
  check("rungs", names, client.rungs);
  return receipt.rungs;
}
