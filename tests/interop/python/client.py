"""The stubs of Waika's services, and the payment that most steps make."""

import grpc
from waika.v1 import admin_pb2_grpc, authorisation_pb2_grpc, card_pb2_grpc
from waika.v1 import authorisation_pb2 as authorisation

from people import PAYER

# Five fields that make a payment malformed.
BAD_FIELDS = {
    "account_id": "no spaces",
    "amount_fen": 0,
    "currency": "EUR",
    "payment_password": "12345",
    "scene": 99,
}


class Client:
    """The stubs, and what one step keeps for the next."""

    def __init__(self, rpc_address, admin_address):
        # One channel serves any number of stubs and calls.
        self.channel = grpc.insecure_channel(rpc_address)
        self.admin_channel = grpc.insecure_channel(admin_address)
        self.cards = card_pb2_grpc.CardServiceStub(self.channel)
        self.payments = authorisation_pb2_grpc.AuthorisationServiceStub(self.channel)
        self.admin = admin_pb2_grpc.AdminServiceStub(self.admin_channel)
        self.password = "246802"
        self.phone_code = ""
        self.card_token = ""
        self.quote_token = ""
        self.payment_code = ""
        self.payment_token = ""
        self.visitor_card = ""
        self.ticket_id = ""
        self.last_notification = None
        self.watch = None
        self.resend_at = None
        self.paid = None
        self.sold = None
        self.settles_at = None
        self.decided = set()

    def payment(self, key, amount_fen, /, **others):
        """A payment at the noodle bar. Its key is new, and kept for each retry."""
        fields = {
            "idempotency_key": key,
            "account_id": PAYER.account_id,
            "card_token": self.card_token,
            "merchant_id": "noodle-bar",
            "amount_fen": amount_fen,
            "scene": authorisation.SCENE_PURCHASE,
            "mode": authorisation.PAYMENT_MODE_MERCHANT_QR,
            "payment_password": self.password,
        }
        return authorisation.AuthoriseRequest(**{**fields, **others})

    def pay(self, key, amount_fen, **others):
        """Sends it, and remembers the decision for the history."""
        answer = self.payments.Authorise(self.payment(key, amount_fen, **others))
        self.decided.add(answer.authorisation.authorisation_id)
        return answer
