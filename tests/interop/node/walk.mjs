// A walk through Waika's calls as a Node client writes them.
//
//     node walk.mjs PROTO_FOLDER RPC_ADDRESS ADMIN_ADDRESS
//
// It wants its packages installed and a fresh server: tests/interop/run.sh sees to both.

import { Client } from "./client.mjs";
import * as payments from "./payments.mjs";
import { run } from "./steps.mjs";
import * as streams from "./streams.mjs";
import * as wallet from "./wallet.mjs";
import * as wire from "./wire.mjs";

// Their names are the same in tests/interop/python/walk.py: run.sh prints them side by side.
const STEPS = [
  ["PutMerchant, on the operators' listener", wallet.putMerchant],
  ["SendPhoneCode: the sandbox shows the code", wallet.sendPhoneCode],
  ["Bind with that code", wallet.bind],
  ["Quote: usable, with fee and token", payments.quote],
  ["Authorise with the quote token", payments.authorise],
  ["the same key again: the stored answer", payments.sameKeyAgain],
  ["the same key, another amount: ALREADY_EXISTS", payments.sameKeyOtherAmount],
  ["malformed: every bad field is named", payments.malformed],
  ["GetAccount: the payment is used", wallet.accountUsed],
  ["Reverse 60.00 of 250.00: fee 1.80", payments.reversePart],
  ["Reverse the rest: fee 5.70", payments.reverseRest],
  ["GetAccount: nothing is used any more", wallet.accountUnused],
  ["AuthoriseStream: two in one message", streams.streamTwo],
  ["AuthoriseStream: a malformed one ends only itself", streams.streamWithMalformed],
  ["6,000.01: declined LIMIT_SINGLE, with text", payments.declined],
  ["999,999,999,999 fen come through whole", payments.largestAmount],
  ["ListAuthorisations: all, newest first", payments.history],
  ["a deadline that is met, and one that passes", streams.deadlines],
  ["a field of a newer client is ignored", wire.unknownField],
  ["Unbind", wallet.unbind],
  ["Authorise then: CARD_NOT_BOUND", payments.unboundCard],
  ["reflection lists every service", wire.reflectionLists],
  ["reflection describes AuthoriseRequest", wire.reflectionDescribes],
  ["health: SERVING", wire.health],
];

if (process.argv.length !== 5) {
  console.error("usage: node walk.mjs PROTO_FOLDER RPC_ADDRESS ADMIN_ADDRESS");
  process.exit(64);
}
const client = new Client(...process.argv.slice(2));
process.exitCode = await run(STEPS, client);
client.close();
