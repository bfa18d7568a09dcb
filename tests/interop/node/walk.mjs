// A walk through Waika's calls as a Node client writes them.
//
//     node walk.mjs PROTO_FOLDER RPC_ADDRESS ADMIN_ADDRESS
//
// It wants its packages installed and a fresh server: tests/interop/run.sh sees to both.

import * as balance from "./balance.mjs";
import { Client } from "./client.mjs";
import * as paymentCode from "./payment_code.mjs";
import * as paymentToken from "./payment_token.mjs";
import * as payments from "./payments.mjs";
import * as policy from "./policy.mjs";
import * as receipt from "./receipt.mjs";
import * as reset from "./reset.mjs";
import * as review from "./review.mjs";
import * as settlement from "./settlement.mjs";
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
  ["want_receipt: every rung, passed or skipped", receipt.ofApproval],
  ["want_receipt of a decline: rejected, then skipped", receipt.ofDecline],
  ["CreatePaymentCode: eighteen digits", paymentCode.create],
  ["Authorise with the code and nothing else", paymentCode.pay],
  ["the same code again: PAYMENT_CODE_USED", paymentCode.payTwice],
  ["VerifyPassword: a token for one payment", paymentToken.verifyPassword],
  ["Authorise with the token, without the password", paymentToken.pay],
  ["the same token again: PAYMENT_TOKEN_USED", paymentToken.payTwice],
  ["ReceiveFunds: a red packet", balance.receiveFunds],
  ["Authorise from the balance: no fee", balance.pay],
  ["GetBalance: what is left", balance.getBalance],
  ["ListAuthorisations: all, newest first", payments.history],
  ["a deadline that is met, and one that passes", streams.deadlines],
  ["a field of a newer client is ignored", wire.unknownField],
  ["Bind with a passport: review REQUIRED", review.bind],
  ["ListNotifications: REVIEW_NEEDED", review.reviewNeeded],
  ["Authorise before the review: REVIEW_REQUIRED", review.payTooSoon],
  ["WatchNotifications: open", review.watch],
  ["SubmitVerification: the page, in pieces", review.submitPage],
  ["SubmitVerification: a face that is not recognised", review.submitBlurredFace],
  ["SubmitVerification: the face again", review.submitFace],
  ["ListReviews, for operators", review.listReviews],
  ["ResolveReview: approved", review.approve],
  ["WatchNotifications: REVIEW_APPROVED arrives", review.approvalArrives],
  ["Authorise after the review", review.payAtLast],
  ["SendPhoneCode again: RESEND_TOO_SOON", reset.codeTooSoon],
  ["SetClock: on to when it may be sent again", reset.waitForCode],
  ["SendPhoneCode then: sent", reset.codeAgain],
  ["ResetPassword with the card and that code", reset.byCard],
  ["Authorise with the old password: PASSWORD_WRONG", reset.oldPassword],
  ["Authorise with the new password", reset.newPassword],
  ["Settle before its time", settlement.settle],
  ["Reverse then: ALREADY_SETTLED", settlement.reverseSettled],
  ["Refund too early: NOT_SETTLED", settlement.refundUnsettled],
  ["GetAuthorisation: when it settles", settlement.before],
  ["SetClock: on to then, and it is settled", settlement.waitForSettlement],
  ["Refund 60.00 of 250.00: fee 1.80", settlement.refundPart],
  ["Refund 190.01: EXCEEDS_REMAINING, 190.00 remains", settlement.refundTooMuch],
  ["Refund the rest: fee 5.70", settlement.refundRest],
  ["GetAuthorisation: every step since", settlement.after],
  ["ExportSettlement: lines, and their total", settlement.exportDay],
  ["PutPolicy with mistakes: each is named", policy.mistakes],
  ["PutPolicy: stored, and does not hold yet", policy.put],
  ["SetShadowPolicy: decides nothing", policy.shadow],
  ["GetShadowReport: what it would have turned", policy.shadowReport],
  ["ActivatePolicy; GetPolicy: it holds", policy.activate],
  ["Authorise above its limit: LIMIT_SINGLE", policy.decides],
  ["ActivatePolicy: back to weixin-2023", policy.back],
  ["Unbind", wallet.unbind],
  ["Authorise then: CARD_NOT_BOUND", payments.unboundCard],
  ["ResetPassword with the document: a ticket", reset.askByIdentity],
  ["ListPasswordTickets, for operators", reset.listTickets],
  ["ResolvePasswordTicket: approved", reset.approveTicket],
  ["ListNotifications: PASSWORD_TICKET_APPROVED", reset.ticketNotification],
  ["ResetPassword with the document: reset", reset.byIdentity],
  ["Authorise from the balance, without a card", reset.paysWithoutCard],
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
