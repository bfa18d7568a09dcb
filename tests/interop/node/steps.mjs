// Runs the steps of a walk in their order, and says of each whether it went well.

import { inspect, isDeepStrictEqual } from "node:util";
import grpc from "@grpc/grpc-js";

// Something was not as the contract says.
class Failed extends Error {}

// Compares an answer with what the contract says.
export function check(what, got, expected) {
  const same = isDeepStrictEqual(got, expected);
  expect(`${what}: ${inspect(got)} instead of ${inspect(expected)}`, same);
}

// For what is not compared with one value.
export function expect(what, condition) {
  if (!condition) {
    throw new Failed(what);
  }
}

// Prints one line a step: ok or FAILED, the step and why, with tabs between. Returns the exit code.
// A step that failed does not end the walk: what comes later is worth knowing too.
export async function run(steps, ...given) {
  let failed = false;
  for (const [name, step] of steps) {
    try {
      await step(...given);
      console.log(`ok\t${name}`);
    } catch (error) {
      failed = true;
      console.log(`FAILED\t${name}\t${why(error)}`);
    }
  }
  return failed ? 1 : 0;
}

// One line for the table; where nobody foresaw the error, where it came from to standard error.
function why(error) {
  let text = error.message;
  if (error.metadata instanceof grpc.Metadata) {
    text = `${grpc.status[error.code]}: ${error.details}`;
  } else if (!(error instanceof Failed)) {
    console.error(error);
  }
  return text.replace(/\s+/g, " ").trim();
}
