// The clients of Waika's services, and the person who pays.

import grpc from "@grpc/grpc-js";
import { call, waika } from "./contract.mjs";

export const ACCOUNT = "marie";
export const PHONE = "+44 7700 900123";
export const PASSWORD = "135790";

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
    const { AdminService, AuthorisationService, CardService } = waika(protoFolder);
    const plaintext = grpc.credentials.createInsecure();
    this.addresses = { callers: rpcAddress, operators: adminAddress };
    this.cards = new CardService(rpcAddress, plaintext);
    this.payments = new AuthorisationService(rpcAddress, plaintext);
    this.admin = new AdminService(adminAddress, plaintext);
    this.decided = new Set();
  }

  // A payment at the noodle bar. Its key is new, and kept for each retry.
  payment(key, amountFen, others = {}) {
    return {
      idempotency_key: key,
      account_id: ACCOUNT,
      card_token: this.cardToken,
      merchant_id: "noodle-bar",
      amount_fen: amountFen,
      scene: "SCENE_PURCHASE",
      mode: "PAYMENT_MODE_MERCHANT_QR",
      payment_password: PASSWORD,
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
