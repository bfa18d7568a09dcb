// The contract as JavaScript sees it, and calls as promises.

import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import { expect } from "./steps.mjs";

const OPTIONS = {
  keepCase: true, // amount_fen, as the contract has it, and not amountFen
  longs: String, // an int64 does not fit into a number: amounts are strings
  enums: String, // names, not numbers
  defaults: true, // 0, "" and null where nothing came
  oneofs: true, // `outcome` names the one that came
};

// The services of Waika, from the folder that has waika/v1.
export function waika(protoFolder) {
  const files = ["admin", "authorisation", "card"].map((name) => `waika/v1/${name}.proto`);
  const definitions = protoLoader.loadSync(files, { ...OPTIONS, includeDirs: [protoFolder] });
  return grpc.loadPackageDefinition(definitions).waika.v1;
}

// Published contracts, as far as they are needed here.
const known = protoLoader.loadSync(["health.proto", "reflection.proto", "details.proto"], {
  ...OPTIONS,
  includeDirs: [fileURLToPath(new URL("protos", import.meta.url))],
});
const services = grpc.loadPackageDefinition(known).grpc;
export const Health = services.health.v1.Health;
export const ServerReflection = services.reflection.v1.ServerReflection;
export const FileDescriptor = known["google.protobuf.FileDescriptorProto"];

// A unary call as a promise: its answer, or the error with code, details and metadata.
export function call(client, method, request, options = {}) {
  return new Promise((resolve, reject) => {
    client[method](request, options, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

// The error that a unary call ends with.
export async function refused(client, method, request) {
  const ended = await call(client, method, request).catch((error) => error);
  expect("the call should have been refused", ended instanceof Error);
  return ended;
}

// The google.rpc.Status of a call's error, encoded: the trailer grpc-status-details-bin.
export function detailsOf(error) {
  return error.metadata.get("grpc-status-details-bin")[0];
}

// The detail of a kind, ErrorInfo or BadRequest, in an encoded google.rpc.Status.
export function detail(encoded, kind) {
  const status = known["google.rpc.Status"].deserialize(encoded);
  const packed = status.details.find(({ type_url }) => type_url.endsWith(`/google.rpc.${kind}`));
  return packed && known[`google.rpc.${kind}`].deserialize(packed.value);
}

// The names of the fields that are malformed, sorted.
export function badFields(encoded) {
  return detail(encoded, "BadRequest").field_violations.map(({ field }) => field).sort();
}
