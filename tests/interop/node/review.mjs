// The steps of a passport holder, who is reviewed before the first payment.

import { once } from "node:events";
import { call } from "./contract.mjs";
import { VISITOR } from "./people.mjs";
import { check, expect } from "./steps.mjs";
import { bindCard, sendCode } from "./wallet.mjs";

// A photo goes in pieces of at most 60 KiB.
const PIECE_BYTES = 60 * 1024;
const PHOTO = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), Buffer.alloc(150_000)]);
// The sandbox does not recognise a face whose photo begins like this.
const BLURRED = Buffer.concat([Buffer.from("FACE-FAILS"), PHOTO]);

export async function bind(client) {
  const { sent } = await sendCode(client, "c1", VISITOR);
  const answer = await bindCard(client, "b1", VISITOR, sent.sandbox_code);
  check("outcome", answer.outcome, "card");
  check("review", answer.review, "REVIEW_STATE_REQUIRED");
  client.visitorCard = answer.card.card_token;
}

export async function reviewNeeded(client) {
  const request = { account_id: VISITOR.account_id };
  const { notifications } = await call(client.cards, "ListNotifications", request);
  const kinds = notifications.map(({ kind }) => kind);
  check("kinds", kinds, ["NOTIFICATION_KIND_REVIEW_NEEDED"]);
  client.lastNotification = notifications[0];
  expect("a text in English", client.lastNotification.text.en);
}

export async function payTooSoon(client) {
  const { decline } = await authorise(client, "v1");
  check("reason", decline?.reason, "DECLINE_REASON_REVIEW_REQUIRED");
  check("retry", decline.retry, "RETRY_CLASS_FIX_DATA");
}

async function authorise(client, key) {
  const visitor = { account_id: VISITOR.account_id, card_token: client.visitorCard };
  const request = client.payment(key, 120_00, visitor);
  return (await call(client.payments, "Authorise", request)).authorisation;
}

export async function watch(client) {
  // After the last one that was read: none is missed, whenever the stream begins.
  const request = {
    account_id: VISITOR.account_id,
    after_notification_id: client.lastNotification.notification_id,
  };
  const deadline = Date.now() + 60_000;
  client.watch = client.cards.WatchNotifications(request, { deadline });
  // A stream that is cancelled ends with an error, which somebody has to hear.
  client.watch.on("error", () => {});
  // Comes once the server has taken the call; a refused one ends here.
  await once(client.watch, "metadata");
}

export async function submitPage(client) {
  const answer = await submit(client, "v2", "VERIFICATION_MATERIAL_PASSPORT_PAGE", PHOTO);
  check("outcome", answer.outcome, "taken");
  check("bytes", answer.taken.photo_bytes, PHOTO.length);
  check("review", answer.review, "REVIEW_STATE_PAGE_RECEIVED");
}

export async function submitBlurredFace(client) {
  const answer = await submit(client, "v3", "VERIFICATION_MATERIAL_FACE", BLURRED);
  check("outcome", answer.outcome, "taken");
  check("recognised", answer.taken.recognised, false);
  check("review", answer.review, "REVIEW_STATE_FACE_FAILED");
}

export async function submitFace(client) {
  // Another photo has another key.
  const answer = await submit(client, "v4", "VERIFICATION_MATERIAL_FACE", PHOTO);
  check("recognised", answer.taken?.recognised, true);
  check("review", answer.review, "REVIEW_STATE_UNDER_REVIEW");
}

// First what it is, then its bytes.
function submit(client, key, material, photo) {
  return new Promise((resolve, reject) => {
    const pieces = client.cards.SubmitVerification((error, answer) =>
      error ? reject(error) : resolve(answer));
    const { account_id } = VISITOR;
    pieces.write({ photo: { idempotency_key: key, account_id, material } });
    for (let begin = 0; begin < photo.length; begin += PIECE_BYTES) {
      pieces.write({ chunk: photo.subarray(begin, begin + PIECE_BYTES) });
    }
    pieces.end();
  });
}

export async function listReviews(client) {
  const { reviews } = await call(client.admin, "ListReviews", {});
  const waiting = reviews.map(({ account_id, face_failures }) => [account_id, face_failures]);
  check("waiting", waiting, [[VISITOR.account_id, 1]]);
}

export async function approve(client) {
  const answer = await call(client.admin, "ResolveReview", {
    idempotency_key: "v5",
    account_id: VISITOR.account_id,
    verdict: "REVIEW_VERDICT_APPROVE",
  });
  check("resolved", answer.resolved, true);
  check("review", answer.review, "REVIEW_STATE_APPROVED");
}

export async function approvalArrives(client) {
  // Waits for the next message, at most until the deadline of the stream.
  const [{ notification }] = await once(client.watch, "data");
  // The stream would stay open for more.
  client.watch.cancel();
  check("kind", notification.kind, "NOTIFICATION_KIND_REVIEW_APPROVED");
}

export async function payAtLast(client) {
  const decision = await authorise(client, "v6");
  check("outcome", decision.outcome, "approval");
}
