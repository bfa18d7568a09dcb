"""The steps of a payer who shows a payment code, which the merchant scans."""

import re

from waika.v1 import authorisation_pb2 as authorisation
from waika.v1 import types_pb2, wallet_pb2

from people import PAYER
from steps import check, expect


def create(client):
    answer = client.cards.CreatePaymentCode(
        wallet_pb2.CreatePaymentCodeRequest(
            idempotency_key="k1",
            account_id=PAYER.account_id,
            card_token=client.card_token,
            payment_password=client.password,
        )
    )
    check("outcome", answer.WhichOneof("outcome"), "code")
    client.payment_code = answer.code.payment_code
    expect("18 digits, 10 to 15 first", re.fullmatch(r"1[0-5]\d{16}", client.payment_code))
    seconds = answer.code.expires_at.seconds - answer.decided_at.seconds
    check("seconds that it holds", seconds, 60)


def pay(client):
    decision = scan(client, "k2")
    check("outcome", decision.WhichOneof("outcome"), "approval")
    # Whose it was, the merchant's side learns from the answer.
    check("account", decision.account_id, PAYER.account_id)
    check("card", decision.card_token, client.card_token)


def pay_twice(client):
    decline = scan(client, "k3").decline
    check("reason", decline.reason, authorisation.DECLINE_REASON_PAYMENT_CODE_USED)
    check("layer", decline.layer, types_pb2.DECLINE_LAYER_MERCHANT)
    check("response code", decline.response_code, "12")


def scan(client, key):
    # The code stands for account, card and password: they are not sent.
    answer = client.pay(
        key,
        30_00,
        account_id="",
        card_token="",
        payment_password="",
        payment_code=client.payment_code,
        mode=authorisation.PAYMENT_MODE_PAYMENT_CODE,
    )
    return answer.authorisation
