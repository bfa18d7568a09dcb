#!/usr/bin/env python3
"""A walk through Waika's calls as a Python client writes them.

    python3 walk.py RPC_ADDRESS ADMIN_ADDRESS

It wants the generated stubs on PYTHONPATH and a fresh server: tests/interop/run.sh sees to both.
"""

import sys

import balance
import payment_code
import payment_token
import payments
import policy
import receipt
import reset
import review
import settlement
import streams
import wallet
import wire
from client import Client
from steps import run

# Their names are the same in tests/interop/node/walk.mjs: run.sh prints them side by side.
STEPS = [
    ("PutMerchant, on the operators' listener", wallet.put_merchant),
    ("SendPhoneCode: the sandbox shows the code", wallet.send_phone_code),
    ("Bind with that code", wallet.bind),
    ("Quote: usable, with fee and token", payments.quote),
    ("Authorise with the quote token", payments.authorise),
    ("the same key again: the stored answer", payments.same_key_again),
    ("the same key, another amount: ALREADY_EXISTS", payments.same_key_other_amount),
    ("malformed: every bad field is named", payments.malformed),
    ("GetAccount: the payment is used", wallet.account_used),
    ("Reverse 60.00 of 250.00: fee 1.80", payments.reverse_part),
    ("Reverse the rest: fee 5.70", payments.reverse_rest),
    ("GetAccount: nothing is used any more", wallet.account_unused),
    ("AuthoriseStream: two in one message", streams.stream_two),
    ("AuthoriseStream: a malformed one ends only itself", streams.stream_with_malformed),
    ("6,000.01: declined LIMIT_SINGLE, with text", payments.declined),
    ("999,999,999,999 fen come through whole", payments.largest_amount),
    ("want_receipt: every rung, passed or skipped", receipt.of_approval),
    ("want_receipt of a decline: rejected, then skipped", receipt.of_decline),
    ("CreatePaymentCode: eighteen digits", payment_code.create),
    ("Authorise with the code and nothing else", payment_code.pay),
    ("the same code again: PAYMENT_CODE_USED", payment_code.pay_twice),
    ("VerifyPassword: a token for one payment", payment_token.verify_password),
    ("Authorise with the token, without the password", payment_token.pay),
    ("the same token again: PAYMENT_TOKEN_USED", payment_token.pay_twice),
    ("ReceiveFunds: a red packet", balance.receive_funds),
    ("Authorise from the balance: no fee", balance.pay),
    ("GetBalance: what is left", balance.get_balance),
    ("ListAuthorisations: all, newest first", payments.history),
    ("a deadline that is met, and one that passes", streams.deadlines),
    ("a field of a newer client is ignored", wire.unknown_field),
    ("Bind with a passport: review REQUIRED", review.bind),
    ("ListNotifications: REVIEW_NEEDED", review.review_needed),
    ("Authorise before the review: REVIEW_REQUIRED", review.pay_too_soon),
    ("WatchNotifications: open", review.watch),
    ("SubmitVerification: the page, in pieces", review.submit_page),
    ("SubmitVerification: a face that is not recognised", review.submit_blurred_face),
    ("SubmitVerification: the face again", review.submit_face),
    ("ListReviews, for operators", review.list_reviews),
    ("ResolveReview: approved", review.approve),
    ("WatchNotifications: REVIEW_APPROVED arrives", review.approval_arrives),
    ("Authorise after the review", review.pay_at_last),
    ("SendPhoneCode again: RESEND_TOO_SOON", reset.code_too_soon),
    ("SetClock: on to when it may be sent again", reset.wait_for_code),
    ("SendPhoneCode then: sent", reset.code_again),
    ("ResetPassword with the card and that code", reset.by_card),
    ("Authorise with the old password: PASSWORD_WRONG", reset.old_password),
    ("Authorise with the new password", reset.new_password),
    ("Settle before its time", settlement.settle),
    ("Reverse then: ALREADY_SETTLED", settlement.reverse_settled),
    ("Refund too early: NOT_SETTLED", settlement.refund_unsettled),
    ("GetAuthorisation: when it settles", settlement.before),
    ("SetClock: on to then, and it is settled", settlement.wait_for_settlement),
    ("Refund 60.00 of 250.00: fee 1.80", settlement.refund_part),
    ("Refund 190.01: EXCEEDS_REMAINING, 190.00 remains", settlement.refund_too_much),
    ("Refund the rest: fee 5.70", settlement.refund_rest),
    ("GetAuthorisation: every step since", settlement.after),
    ("ExportSettlement: lines, and their total", settlement.export_day),
    ("PutPolicy with mistakes: each is named", policy.mistakes),
    ("PutPolicy: stored, and does not hold yet", policy.put),
    ("SetShadowPolicy: decides nothing", policy.shadow),
    ("GetShadowReport: what it would have turned", policy.shadow_report),
    ("ActivatePolicy; GetPolicy: it holds", policy.activate),
    ("Authorise above its limit: LIMIT_SINGLE", policy.decides),
    ("ActivatePolicy: back to weixin-2023", policy.back),
    ("Unbind", wallet.unbind),
    ("Authorise then: CARD_NOT_BOUND", payments.unbound_card),
    ("ResetPassword with the document: a ticket", reset.ask_by_identity),
    ("ListPasswordTickets, for operators", reset.list_tickets),
    ("ResolvePasswordTicket: approved", reset.approve_ticket),
    ("ListNotifications: PASSWORD_TICKET_APPROVED", reset.ticket_notification),
    ("ResetPassword with the document: reset", reset.by_identity),
    ("Authorise from the balance, without a card", reset.pays_without_card),
    ("reflection lists every service", wire.reflection_lists),
    ("reflection describes AuthoriseRequest", wire.reflection_describes),
    ("health: SERVING", wire.health),
]

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(run(STEPS, Client(sys.argv[1], sys.argv[2])))
