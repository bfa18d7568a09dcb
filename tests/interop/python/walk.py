#!/usr/bin/env python3
"""A walk through Waika's calls as a Python client writes them.

    python3 walk.py RPC_ADDRESS ADMIN_ADDRESS

It wants the generated stubs on PYTHONPATH and a fresh server: tests/interop/run.sh sees to both.
"""

import sys

import payments
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
    ("ListAuthorisations: all, newest first", payments.history),
    ("a deadline that is met, and one that passes", streams.deadlines),
    ("a field of a newer client is ignored", wire.unknown_field),
    ("Unbind", wallet.unbind),
    ("Authorise then: CARD_NOT_BOUND", payments.unbound_card),
    ("reflection lists every service", wire.reflection_lists),
    ("reflection describes AuthoriseRequest", wire.reflection_describes),
    ("health: SERVING", wire.health),
]

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(run(STEPS, Client(sys.argv[1], sys.argv[2])))
