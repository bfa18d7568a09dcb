"""The steps of a person who forgot the password: with the card's data, and without a card."""

from waika.v1 import admin_pb2, card_pb2, password_pb2, wallet_pb2
from waika.v1 import authorisation_pb2 as authorisation

from balance import pay_from_balance
from people import PAYER
from steps import check, expect
from wallet import send_code

SECOND_PASSWORD = "135791"
THIRD_PASSWORD = "864209"


def code_too_soon(client):
    answer = send_code(client, "c2", PAYER)
    check("outcome", answer.WhichOneof("outcome"), "refusal")
    check("reason", answer.refusal.reason, card_pb2.PHONE_CODE_REFUSAL_REASON_RESEND_TOO_SOON)
    client.resend_at = answer.refusal.resend_at


def wait_for_code(client):
    # The sandbox need not wait: an operator moves its clock. From there it goes on.
    answer = client.admin.SetClock(
        admin_pb2.SetClockRequest(idempotency_key="w1", move=client.resend_at)
    )
    check("clock", answer.clock.now, client.resend_at)
    check("seconds in a second", answer.clock.rate, 1)


def code_again(client):
    answer = send_code(client, "c3", PAYER)
    check("outcome", answer.WhichOneof("outcome"), "sent")
    client.phone_code = answer.sent.sandbox_code


def by_card(client):
    proof = password_pb2.BoundCardProof(
        card_token=client.card_token,
        card=PAYER.card,
        phone_number=PAYER.phone_number,
        phone_code=client.phone_code,
    )
    answer = reset(client, "n1", SECOND_PASSWORD, card=proof)
    check("outcome", answer.WhichOneof("outcome"), "reset")


def reset(client, key, password, **proof):
    return client.cards.ResetPassword(
        password_pb2.ResetPasswordRequest(
            idempotency_key=key,
            account_id=PAYER.account_id,
            new_password=password,
            new_password_again=password,
            **proof,
        )
    )


def old_password(client):
    decline = client.pay("n2", 10_00).authorisation.decline
    check("reason", decline.reason, authorisation.DECLINE_REASON_PASSWORD_WRONG)


def new_password(client):
    client.password = SECOND_PASSWORD
    decision = client.pay("n3", 10_00).authorisation
    check("outcome", decision.WhichOneof("outcome"), "approval")


def ask_by_identity(client):
    answer = reset(client, "n4", THIRD_PASSWORD, identity=PAYER.identity)
    check("outcome", answer.WhichOneof("outcome"), "ticket")
    check("state", answer.ticket.state, password_pb2.PASSWORD_TICKET_STATE_OPEN)
    # Whether it is the right document is for operators to know.
    check("tells of the document", answer.ticket.HasField("identity_matches"), False)
    client.ticket_id = answer.ticket.ticket_id


def list_tickets(client):
    page = client.admin.ListPasswordTickets(admin_pb2.ListPasswordTicketsRequest())
    open_tickets = [(ticket.ticket_id, ticket.identity_matches) for ticket in page.tickets]
    check("tickets", open_tickets, [(client.ticket_id, True)])


def approve_ticket(client):
    answer = client.admin.ResolvePasswordTicket(
        admin_pb2.ResolvePasswordTicketRequest(
            idempotency_key="n5",
            account_id=PAYER.account_id,
            ticket_id=client.ticket_id,
            verdict=admin_pb2.PASSWORD_TICKET_VERDICT_APPROVE,
        )
    )
    check("resolved", answer.resolved, True)
    check("state", answer.ticket.state, password_pb2.PASSWORD_TICKET_STATE_APPROVED)


def ticket_notification(client):
    page = client.cards.ListNotifications(
        wallet_pb2.ListNotificationsRequest(account_id=PAYER.account_id, page_size=1)
    )
    expect("there is one", page.notifications)
    newest = page.notifications[0]
    check("kind", newest.kind, wallet_pb2.NOTIFICATION_KIND_PASSWORD_TICKET_APPROVED)


def by_identity(client):
    # A new key: the old one would give the stored answer, which was the ticket.
    answer = reset(client, "n6", THIRD_PASSWORD, identity=PAYER.identity)
    check("outcome", answer.WhichOneof("outcome"), "reset")
    client.password = THIRD_PASSWORD


def pays_without_card(client):
    decision = pay_from_balance(client, "n7", 10_00)
    check("outcome", decision.WhichOneof("outcome"), "approval")
