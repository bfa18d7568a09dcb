"""The steps after a payment: it settles, and is given back afterwards."""

from datetime import timedelta, timezone

from waika.v1 import admin_pb2, policy_pb2, types_pb2
from waika.v1 import authorisation_pb2 as authorisation

from people import PAYER
from steps import check

SHANGHAI = timezone(timedelta(hours=8))


def settle(client):
    paid = client.pay("x1", 250_00).authorisation
    answer = client.payments.Settle(
        authorisation.SettleRequest(
            idempotency_key="x2",
            account_id=PAYER.account_id,
            authorisation_id=paid.authorisation_id,
        )
    )
    check("outcome", answer.WhichOneof("outcome"), "settlement")
    check("total", answer.settlement.total_fen, 257_50)
    client.sold = paid


def reverse_settled(client):
    answer = client.payments.Reverse(
        authorisation.ReverseRequest(
            idempotency_key="x3",
            account_id=PAYER.account_id,
            authorisation_id=client.sold.authorisation_id,
        )
    )
    check_refusal(answer, authorisation.REVERSAL_REFUSAL_REASON_ALREADY_SETTLED)


def refund_unsettled(client):
    client.sold = client.pay("x4", 250_00).authorisation
    answer = refund(client, "x5", amount_fen=60_00)
    check_refusal(answer, authorisation.REVERSAL_REFUSAL_REASON_NOT_SETTLED)


def refund(client, key, **amount):
    return client.payments.Refund(
        authorisation.RefundRequest(
            idempotency_key=key,
            account_id=PAYER.account_id,
            authorisation_id=client.sold.authorisation_id,
            **amount,
        )
    )


def check_refusal(answer, reason):
    check("outcome", answer.WhichOneof("outcome"), "refusal")
    check("reason", answer.refusal.reason, reason)


def before(client):
    answer = look(client)
    check("steps", names(answer), ["APPROVED"])
    check("settled", answer.status.settled, False)
    client.settles_at = answer.status.settles_at


def look(client):
    return client.payments.GetAuthorisation(
        authorisation.GetAuthorisationRequest(
            account_id=PAYER.account_id,
            authorisation_id=client.sold.authorisation_id,
        )
    )


def names(answer):
    """What happened, oldest first, without the enum's prefix."""
    name = authorisation.AuthorisationStepKind.Name
    prefix = "AUTHORISATION_STEP_KIND_"
    return [name(step.kind).removeprefix(prefix) for step in answer.steps]


def wait_for_settlement(client):
    client.admin.SetClock(
        admin_pb2.SetClockRequest(idempotency_key="x6", move=client.settles_at)
    )
    answer = look(client)
    check("steps", names(answer), ["APPROVED", "SETTLED"])
    check("settled", answer.status.settled, True)


def refund_part(client):
    given_back = refund(client, "x7", amount_fen=60_00).refund
    check("principal", given_back.amount_fen, 60_00)
    check("fee", given_back.fee_fen, 1_80)
    check("remaining", given_back.remaining_fen, 190_00)
    check("the year has it back", given_back.year_restored, False)


def refund_too_much(client):
    answer = refund(client, "x8", amount_fen=190_01)
    check_refusal(answer, authorisation.REVERSAL_REFUSAL_REASON_EXCEEDS_REMAINING)
    check("observed", answer.refusal.observed_fen, 190_01)
    check("remaining", answer.refusal.remaining_fen, 190_00)


def refund_rest(client):
    given_back = refund(client, "x9").refund
    check("principal", given_back.amount_fen, 190_00)
    check("fee", given_back.fee_fen, 5_70)
    check("remaining", given_back.remaining_fen, 0)


def after(client):
    answer = look(client)
    check("decision", answer.authorisation, client.sold)
    expected = ["APPROVED", "SETTLED", "REFUNDED", "REFUNDED"]
    check("steps", names(answer), expected)
    check("amounts", [step.amount_fen for step in answer.steps[2:]], [60_00, 190_00])
    check("refunded", answer.status.refunded_fen, 250_00)
    check("fee refunded", answer.status.refunded_fee_fen, 7_50)


def export_day(client):
    # Days are those of Shanghai.
    day = client.settles_at.ToDatetime(SHANGHAI)
    request = policy_pb2.ExportSettlementRequest(
        day=types_pb2.Date(year=day.year, month=day.month, day=day.day),
        merchant_id="noodle-bar",
    )
    lines, totals = [], []
    for message in client.admin.ExportSettlement(request, timeout=10):
        if message.HasField("line"):
            lines.append(message.line)
        else:
            totals.append(message.total)
    sold = client.sold.authorisation_id
    ours = [line for line in lines if line.authorisation_id == sold]
    amounts = [(line.refund, line.amount_fen, line.fee_fen) for line in ours]
    expected = [(False, 250_00, 7_50), (True, -60_00, -1_80), (True, -190_00, -5_70)]
    check("lines of the payment", amounts, expected)
    check_total(lines, totals)


def check_total(lines, totals):
    check("totals", [total.merchant_id for total in totals], ["noodle-bar"])
    total = totals[0]
    check("principal in all", total.amount_fen, sum(line.amount_fen for line in lines))
    check("fee in all", total.fee_fen, sum(line.fee_fen for line in lines))
    check("refunds", total.refunded, sum(line.refund for line in lines))
