"""The steps of a person who opens a wallet with a card, and takes the card out again."""

from waika.v1 import admin_pb2, card_pb2

from people import PAYER
from steps import check


def put_merchant(client):
    merchant = admin_pb2.Merchant(
        merchant_id="noodle-bar",
        name="Noodle bar",
        region=admin_pb2.MERCHANT_REGION_MAINLAND,
        category_code="5812",
        international_cards=True,
    )
    answer = client.admin.PutMerchant(
        admin_pb2.PutMerchantRequest(idempotency_key="m1", merchant=merchant)
    )
    check("merchant", answer.merchant, merchant)


def send_phone_code(client):
    answer = send_code(client, "c1", PAYER)
    # An answer is one of several outcomes; which one, WhichOneof tells.
    check("outcome", answer.WhichOneof("outcome"), "sent")
    client.phone_code = answer.sent.sandbox_code
    check("digits of the code", len(client.phone_code), 6)


def send_code(client, key, person):
    return client.cards.SendPhoneCode(
        card_pb2.SendPhoneCodeRequest(
            idempotency_key=key,
            account_id=person.account_id,
            phone_number=person.phone_number,
        )
    )


def bind(client):
    answer = bind_card(client, "b1", PAYER, client.phone_code)
    check("outcome", answer.WhichOneof("outcome"), "card")
    check("last four digits", answer.card.last_four, "4444")
    client.card_token = answer.card.card_token


def bind_card(client, key, person, phone_code):
    return client.cards.Bind(
        card_pb2.BindRequest(
            idempotency_key=key,
            account_id=person.account_id,
            service_agreement_accepted=True,
            privacy_policy_accepted=True,
            identity=person.identity,
            card=person.card,
            phone_number=person.phone_number,
            phone_code=phone_code,
            payment_password=client.password,
        )
    )


def account_used(client):
    check_used(client, 250_00)


def account_unused(client):
    check_used(client, 0)


def check_used(client, used_fen):
    request = card_pb2.GetAccountRequest(account_id=PAYER.account_id)
    account = client.cards.GetAccount(request)
    for window in (account.month, account.year):
        # Limits count the principal, not the fee.
        check("used", window.used_fen, used_fen)
        check("remaining", window.remaining_fen, window.limit_fen - used_fen)


def unbind(client):
    answer = client.cards.Unbind(
        card_pb2.UnbindRequest(
            idempotency_key="u1",
            account_id=PAYER.account_id,
            card_token=client.card_token,
            payment_password=client.password,
        )
    )
    check("outcome", answer.WhichOneof("outcome"), "unbound")
    check("card", answer.unbound.card_token, client.card_token)
