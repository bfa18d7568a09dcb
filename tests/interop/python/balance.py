"""The steps of a person who receives money, and pays from the balance."""

from waika.v1 import types_pb2, wallet_pb2

from people import PAYER
from steps import check, expect


def receive_funds(client):
    answer = client.cards.ReceiveFunds(
        wallet_pb2.ReceiveFundsRequest(
            idempotency_key="f1",
            account_id=PAYER.account_id,
            kind=wallet_pb2.FUNDS_KIND_RED_PACKET,
            amount_fen=500_00,
        )
    )
    check("outcome", answer.WhichOneof("outcome"), "taken")
    check("balance", answer.taken.balance_fen, 500_00)


def pay(client):
    decision = pay_from_balance(client, "f2", 300_00)
    check("outcome", decision.WhichOneof("outcome"), "approval")
    check("fee", decision.fee_fen, 0)
    check("total", decision.total_fen, 300_00)
    # An approval by a card has no such field at all.
    expect("the balance is told", decision.approval.HasField("balance_left_fen"))
    check("left", decision.approval.balance_left_fen, 200_00)


def pay_from_balance(client, key, amount_fen):
    funding = {"card_token": "", "funding": types_pb2.FUNDING_BALANCE}
    return client.pay(key, amount_fen, **funding).authorisation


def get_balance(client):
    request = wallet_pb2.GetBalanceRequest(account_id=PAYER.account_id)
    check("balance", client.cards.GetBalance(request).balance_fen, 200_00)
