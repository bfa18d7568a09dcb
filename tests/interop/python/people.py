"""The people of the walk, and what they would type in."""

from dataclasses import dataclass

from waika.v1 import card_types_pb2, types_pb2


@dataclass(frozen=True)
class Person:
    """Somebody with a wallet, a phone, a document and a card."""

    account_id: str
    phone_number: str
    identity: card_types_pb2.IdentityDocument
    card: card_types_pb2.CardEntry


# Pays in most of the steps.
PAYER = Person(
    account_id="pierre",
    phone_number="+44 7700 900456",
    identity=card_types_pb2.IdentityDocument(
        type=card_types_pb2.IDENTITY_DOCUMENT_TYPE_FOREIGN_PERMANENT_RESIDENT_CARD,
        number="FPR-1859",
        issuing_country="CN",
        holder_name="Pierre Curie",
        expires_on=types_pb2.Date(year=2039, month=12, day=31),
    ),
    card=card_types_pb2.CardEntry(
        pan="5555 5555 5555 4444",
        scheme=types_pb2.SCHEME_MASTERCARD,
        expiry_month=12,
        expiry_year=2039,
        cvv="123",
        holder_name="PIERRE CURIE",
    ),
)

# Has a passport, and is reviewed before the first payment.
VISITOR = Person(
    account_id="irene",
    phone_number="+33 6 39 98 00 01",
    identity=card_types_pb2.IdentityDocument(
        type=card_types_pb2.IDENTITY_DOCUMENT_TYPE_PASSPORT,
        number="97PC1897",
        issuing_country="FR",
        holder_name="Irene Joliot-Curie",
        expires_on=types_pb2.Date(year=2035, month=9, day=12),
    ),
    card=card_types_pb2.CardEntry(
        pan="6011 1111 1111 1117",
        scheme=types_pb2.SCHEME_DISCOVER,
        expiry_month=6,
        expiry_year=2038,
        cvv="123",
        holder_name="IRENE JOLIOT CURIE",
    ),
)
