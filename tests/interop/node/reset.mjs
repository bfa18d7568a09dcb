// The steps of a person who forgot the password: with the card's data, and without a card.

import { payFromBalance } from "./balance.mjs";
import { call } from "./contract.mjs";
import { PAYER } from "./people.mjs";
import { check } from "./steps.mjs";
import { sendCode } from "./wallet.mjs";

const SECOND_PASSWORD = "246803";
const THIRD_PASSWORD = "975310";

export async function codeTooSoon(client) {
  const answer = await sendCode(client, "c2", PAYER);
  check("outcome", answer.outcome, "refusal");
  check("reason", answer.refusal.reason, "PHONE_CODE_REFUSAL_REASON_RESEND_TOO_SOON");
  client.resendAt = answer.refusal.resend_at;
}

export async function waitForCode(client) {
  // The sandbox need not wait: an operator moves its clock. From there it goes on.
  const request = { idempotency_key: "w1", move: client.resendAt };
  const { clock } = await call(client.admin, "SetClock", request);
  check("clock", clock.now, client.resendAt);
  check("seconds in a second", clock.rate, 1);
}

export async function codeAgain(client) {
  const answer = await sendCode(client, "c3", PAYER);
  check("outcome", answer.outcome, "sent");
  client.phoneCode = answer.sent.sandbox_code;
}

export async function byCard(client) {
  const card = {
    card_token: client.cardToken,
    card: PAYER.card,
    phone_number: PAYER.phone_number,
    phone_code: client.phoneCode,
  };
  const answer = await reset(client, "n1", SECOND_PASSWORD, { card });
  check("outcome", answer.outcome, "reset");
}

function reset(client, key, password, proof) {
  return call(client.cards, "ResetPassword", {
    idempotency_key: key,
    account_id: PAYER.account_id,
    new_password: password,
    new_password_again: password,
    ...proof,
  });
}

export async function oldPassword(client) {
  const { decline } = (await client.pay("n2", 10_00)).authorisation;
  check("reason", decline?.reason, "DECLINE_REASON_PASSWORD_WRONG");
}

export async function newPassword(client) {
  client.password = SECOND_PASSWORD;
  const decision = (await client.pay("n3", 10_00)).authorisation;
  check("outcome", decision.outcome, "approval");
}

export async function askByIdentity(client) {
  const answer = await reset(client, "n4", THIRD_PASSWORD, { identity: PAYER.identity });
  check("outcome", answer.outcome, "ticket");
  check("state", answer.ticket.state, "PASSWORD_TICKET_STATE_OPEN");
  // Whether it is the right document is for operators to know.
  check("tells of the document", "identity_matches" in answer.ticket, false);
  client.ticketId = answer.ticket.ticket_id;
}

export async function listTickets(client) {
  const { tickets } = await call(client.admin, "ListPasswordTickets", {});
  const open = tickets.map(({ ticket_id, identity_matches }) => [ticket_id, identity_matches]);
  check("tickets", open, [[client.ticketId, true]]);
}

export async function approveTicket(client) {
  const answer = await call(client.admin, "ResolvePasswordTicket", {
    idempotency_key: "n5",
    account_id: PAYER.account_id,
    ticket_id: client.ticketId,
    verdict: "PASSWORD_TICKET_VERDICT_APPROVE",
  });
  check("resolved", answer.resolved, true);
  check("state", answer.ticket.state, "PASSWORD_TICKET_STATE_APPROVED");
}

export async function ticketNotification(client) {
  const request = { account_id: PAYER.account_id, page_size: 1 };
  const { notifications } = await call(client.cards, "ListNotifications", request);
  check("newest", notifications[0]?.kind, "NOTIFICATION_KIND_PASSWORD_TICKET_APPROVED");
}

export async function byIdentity(client) {
  // A new key: the old one would give the stored answer, which was the ticket.
  const answer = await reset(client, "n6", THIRD_PASSWORD, { identity: PAYER.identity });
  check("outcome", answer.outcome, "reset");
  client.password = THIRD_PASSWORD;
}

export async function paysWithoutCard(client) {
  const decision = await payFromBalance(client, "n7", 10_00);
  check("outcome", decision.outcome, "approval");
}
