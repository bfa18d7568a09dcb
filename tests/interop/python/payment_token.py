"""The steps of a front end that asks for the password first, and pays with a token for it."""

from waika.v1 import authorisation_pb2 as authorisation
from waika.v1 import password_pb2, types_pb2

from people import PAYER
from steps import check


def verify_password(client):
    # The token is good for this amount of this card, once.
    answer = client.cards.VerifyPassword(
        password_pb2.VerifyPasswordRequest(
            idempotency_key="t1",
            account_id=PAYER.account_id,
            payment_password=client.password,
            amount_fen=40_00,
            card_token=client.card_token,
        )
    )
    check("outcome", answer.WhichOneof("outcome"), "token")
    client.payment_token = answer.token.payment_token
    seconds = answer.token.expires_at.seconds - answer.decided_at.seconds
    check("seconds that it holds", seconds, 300)


def pay(client):
    check("outcome", pay_with_token(client, "t2").WhichOneof("outcome"), "approval")


def pay_twice(client):
    decline = pay_with_token(client, "t3").decline
    check("reason", decline.reason, authorisation.DECLINE_REASON_PAYMENT_TOKEN_USED)
    check("layer", decline.layer, types_pb2.DECLINE_LAYER_WALLET)
    check("response code", decline.response_code, "55")


def pay_with_token(client, key):
    token = {"payment_password": "", "payment_token": client.payment_token}
    return client.pay(key, 40_00, **token).authorisation
