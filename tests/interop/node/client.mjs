// The clients of Waika's services, and the payment that most steps make.

import grpc from "@grpc/grpc-js";
import { call, waika } from "./contract.mjs";
import { PAYER } from "./people.mjs";

// Five fields that make a payment malformed, in the order of their names.
export const BAD_FIELDS = {
  account_id: "no spaces",
  amount_fen: 0,
  currency: "EUR",
  payment_password: "12345",
  scene: 99,
};

// The connections, and what one step keeps for the next.
export class Client {
  constructor(protoFolder, rpcAddress, adminAddress) {
    const { AdminService, AuthorisationService, CardService, Rung } = waika(protoFolder);
    const plaintext = grpc.credentials.createInsecure();
    this.addresses = { callers: rpcAddress, operators: adminAddress };
    this.cards = new CardService(rpcAddress, plaintext);
    this.payments = new AuthorisationService(rpcAddress, plaintext);
    this.admin = new AdminService(adminAddress, plaintext);
    // The names of an enum in the contract's order, without UNSPECIFIED.
    this.rungs = Rung.type.value.map(({ name }) => name).slice(1);
    this.password = "135790";
    this.decided = new Set();
  }

  // A payment at the noodle bar. Its key is new, and kept for each retry.
  payment(key, amountFen, others = {}) {
    return {
      idempotency_key: key,
      account_id: PAYER.account_id,
      card_token: this.cardToken,
      merchant_id: "noodle-bar",
      amount_fen: amountFen,
      scene: "SCENE_PURCHASE",
      mode: "PAYMENT_MODE_MERCHANT_QR",
      payment_password: this.password,
      ...others,
    };
  }

  // Sends it, and remembers the decision for the history.
  async pay(key, amountFen, others) {
    const answer = await call(this.payments, "Authorise", this.payment(key, amountFen, others));
    this.decided.add(answer.authorisation.authorisation_id);
    return answer;
  }

  close() {
    for (const client of [this.cards, this.payments, this.admin]) {
      client.close();
    }
  }
}
