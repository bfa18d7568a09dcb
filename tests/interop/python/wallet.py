"""The steps of a person who opens a wallet with a card, and takes the card out again."""

from waika.v1 import admin_pb2, card_pb2, types_pb2

from client import ACCOUNT, PASSWORD, PHONE
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
        admin_pb2.PutMerchantRequest(idempotency_key="python-m1", merchant=merchant)
    )
    check("merchant", answer.merchant, merchant)


def send_phone_code(client):
    answer = client.cards.SendPhoneCode(
        card_pb2.SendPhoneCodeRequest(idempotency_key="c1", account_id=ACCOUNT, phone_number=PHONE)
    )
    # An answer is one of several outcomes; which one, WhichOneof tells.
    check("outcome", answer.WhichOneof("outcome"), "sent")
    client.phone_code = answer.sent.sandbox_code
    check("digits of the code", len(client.phone_code), 6)


def bind(client):
    answer = client.cards.Bind(
        card_pb2.BindRequest(
            idempotency_key="b1",
            account_id=ACCOUNT,
            service_agreement_accepted=True,
            privacy_policy_accepted=True,
            identity=card_pb2.IdentityDocument(
                type=card_pb2.IDENTITY_DOCUMENT_TYPE_FOREIGN_PERMANENT_RESIDENT_CARD,
                number="FPR-1859",
                issuing_country="CN",
                holder_name="Pierre Curie",
                expires_on=types_pb2.Date(year=2039, month=12, day=31),
            ),
            card=card_pb2.CardEntry(
                pan="5555 5555 5555 4444",
                scheme=types_pb2.SCHEME_MASTERCARD,
                expiry_month=12,
                expiry_year=2039,
                cvv="123",
                holder_name="PIERRE CURIE",
            ),
            phone_number=PHONE,
            phone_code=client.phone_code,
            payment_password=PASSWORD,
        )
    )
    check("outcome", answer.WhichOneof("outcome"), "card")
    check("last four digits", answer.card.last_four, "4444")
    client.card_token = answer.card.card_token


def account_used(client):
    check_used(client, 250_00)


def account_unused(client):
    check_used(client, 0)


def check_used(client, used_fen):
    account = client.cards.GetAccount(card_pb2.GetAccountRequest(account_id=ACCOUNT))
    for window in (account.month, account.year):
        # Limits count the principal, not the fee.
        check("used", window.used_fen, used_fen)
        check("remaining", window.remaining_fen, window.limit_fen - used_fen)


def unbind(client):
    answer = client.cards.Unbind(
        card_pb2.UnbindRequest(
            idempotency_key="u1",
            account_id=ACCOUNT,
            card_token=client.card_token,
            payment_password=PASSWORD,
        )
    )
    check("outcome", answer.WhichOneof("outcome"), "unbound")
    check("card", answer.unbound.card_token, client.card_token)
