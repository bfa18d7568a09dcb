// The steps that look at the wire itself: newer messages, reflection, health.

import grpc from "@grpc/grpc-js";
import { FileDescriptor, Health, ServerReflection, call } from "./contract.mjs";
import { check, expect } from "./steps.mjs";

const CALLERS = ["waika.v1.AuthorisationService", "waika.v1.CardService"];
const OPERATORS = ["waika.v1.AdminService"];
// Reflection lists itself by the version that is asked; Node's client asks v1, Python's v1alpha.
const BESIDES = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"];

export async function unknownField(client) {
  // Field 1000 of five bytes, as the contract of a later year may have it.
  const newer = Buffer.from("\xc2\x3e\x05later", "latin1");
  const { Authorise } = client.payments.constructor.service;
  const answer = await new Promise((resolve, reject) => {
    client.payments.makeUnaryRequest(
      Authorise.path,
      (request) => Buffer.concat([Authorise.requestSerialize(request), newer]),
      Authorise.responseDeserialize,
      client.payment("p5", 10_00),
      (error, decided) => (error ? reject(error) : resolve(decided)),
    );
  });
  check("outcome", answer.authorisation.outcome, "approval");
  check("amount", answer.authorisation.amount_fen, "1000");
}

// Runs a piece with a client of its own for a service on an address.
async function withClient(Service, address, use) {
  const client = new Service(address, grpc.credentials.createInsecure());
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

// Asks reflection one thing.
function reflect(address, request) {
  return withClient(ServerReflection, address, async (client) => {
    const stream = client.ServerReflectionInfo({ deadline: Date.now() + 10_000 });
    stream.end(request);
    for await (const answer of stream) {
      return answer;
    }
    return expect("an answer of reflection", false);
  });
}

export async function reflectionLists({ addresses }) {
  for (const [listener, ours, others] of [
    ["callers", CALLERS, OPERATORS],
    ["operators", OPERATORS, CALLERS],
  ]) {
    const answer = await reflect(addresses[listener], { list_services: "" });
    const listed = answer.list_services_response.service.map(({ name }) => name);
    const missing = [...ours, ...BESIDES].filter((name) => !listed.includes(name));
    check(`missing for ${listener}`, missing, []);
    const foreign = others.filter((name) => listed.includes(name));
    check(`of the other listener for ${listener}`, foreign, []);
  }
}

export async function reflectionDescribes(client) {
  const symbol = { file_containing_symbol: "waika.v1.AuthoriseRequest" };
  const { file_descriptor_response: found } = await reflect(client.addresses.callers, symbol);
  const messages = found.file_descriptor_proto
    .map((encoded) => FileDescriptor.deserialize(encoded))
    .flatMap((file) => file.messageType);
  const numbers = (message) => message.field.map(({ name, number }) => `${name} = ${number}`);
  const described = messages.find(({ name }) => name === "AuthoriseRequest");
  const here = client.payments.constructor.service.Authorise.requestType.type;
  check("fields", numbers(described), numbers(here));
}

export async function health({ addresses }) {
  for (const [listener, names] of [["callers", CALLERS], ["operators", OPERATORS]]) {
    await withClient(Health, addresses[listener], async (client) => {
      // The name "" is the listener as a whole.
      for (const service of ["", ...names]) {
        const answer = await call(client, "Check", { service });
        check(`status of "${service}"`, answer.status, "SERVING");
      }
    });
  }
}
