"""The steps of a person who pays."""

import re

import grpc
from google.rpc import error_details_pb2
from waika.v1 import authorisation_pb2 as authorisation
from waika.v1 import types_pb2

import details
from client import BAD_FIELDS
from people import PAYER
from steps import check, expect, refused


def quote(client):
    answer = client.payments.Quote(
        authorisation.QuoteRequest(
            account_id=PAYER.account_id,
            merchant_id="noodle-bar",
            amount_fen=250_00,
            scene=authorisation.SCENE_PURCHASE,
        )
    )
    check("fee", answer.fee_fen, 7_50)
    check("total", answer.total_fen, 257_50)
    check("cards", [card.card.card_token for card in answer.cards], [client.card_token])
    expect("the card is usable", answer.cards[0].usable)
    client.quote_token = answer.cards[0].quote_token
    expect("there is a quote token", client.quote_token)


def authorise(client):
    answer = client.pay("p1", 250_00, quote_token=client.quote_token)
    client.paid = answer.authorisation
    # A decline is an answer too, and no exception.
    check("outcome", client.paid.WhichOneof("outcome"), "approval")
    check("fee: 3 % of the whole above 200.00 yuan", client.paid.fee_fen, 7_50)
    check("total", client.paid.total_fen, 257_50)
    check("letters of the approval code", len(client.paid.approval.approval_code), 6)
    check("replayed", answer.replayed, False)


def same_key_again(client):
    answer = client.pay("p1", 250_00, quote_token=client.quote_token)
    check("replayed", answer.replayed, True)
    check("authorisation", answer.authorisation, client.paid)


def same_key_other_amount(client):
    request = client.payment("p1", 251_00, quote_token=client.quote_token)
    error = refused(client.payments.Authorise, request)
    check("code", error.code(), grpc.StatusCode.ALREADY_EXISTS)
    info = details.find(details.of_error(error), error_details_pb2.ErrorInfo)
    check("reason", info.reason, "IDEMPOTENCY_KEY_CONFLICT")
    check("domain", info.domain, "waika")
    check("field", dict(info.metadata), {"field": "amount_fen"})


def malformed(client):
    error = refused(client.payments.Authorise, client.payment("p2", 1_00, **BAD_FIELDS))
    check("code", error.code(), grpc.StatusCode.INVALID_ARGUMENT)
    check("fields", details.bad_fields(details.of_error(error)), sorted(BAD_FIELDS))


def reverse_part(client):
    # Without an amount, all that remains would be given back.
    given_back = reverse(client, "r1", amount_fen=60_00)
    check("principal", given_back.amount_fen, 60_00)
    check("fee", given_back.fee_fen, 1_80)
    check("remaining", given_back.remaining_fen, 190_00)


def reverse_rest(client):
    given_back = reverse(client, "r2")
    check("principal", given_back.amount_fen, 190_00)
    check("fee", given_back.fee_fen, 5_70)
    check("remaining", given_back.remaining_fen, 0)


def reverse(client, key, **amount):
    answer = client.payments.Reverse(
        authorisation.ReverseRequest(
            idempotency_key=key,
            account_id=PAYER.account_id,
            authorisation_id=client.paid.authorisation_id,
            **amount,
        )
    )
    check("outcome", answer.WhichOneof("outcome"), "reversal")
    expect("the month has it back", answer.reversal.month_restored)
    expect("the year has it back", answer.reversal.year_restored)
    return answer.reversal


def declined(client):
    decline = client.pay("p3", 6_000_01).authorisation.decline
    check("reason", decline.reason, authorisation.DECLINE_REASON_LIMIT_SINGLE)
    check("layer", decline.layer, types_pb2.DECLINE_LAYER_WALLET)
    check("response code", decline.response_code, "61")
    check("retry", decline.retry, types_pb2.RETRY_CLASS_REDUCE_AMOUNT)
    check("observed", decline.amount_limit.observed_fen, 6_000_01)
    check("limit", decline.amount_limit.limit_fen, 6_000_00)
    expect("a text in English", decline.text.en)
    expect("a text in Chinese", re.search("[\u4e00-\u9fff]", decline.text.zh_cn))


def largest_amount(client):
    decision = client.pay("p4", 999_999_999_999).authorisation
    check("amount", decision.amount_fen, 999_999_999_999)
    check("observed", decision.decline.amount_limit.observed_fen, 999_999_999_999)


def history(client):
    records = []
    request = authorisation.ListAuthorisationsRequest(account_id=PAYER.account_id, page_size=2)
    while True:
        page = client.payments.ListAuthorisations(request)
        records.extend(page.authorisations)
        # Only an empty token ends it: a page may be empty, and not the last.
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    ids = [record.authorisation.authorisation_id for record in records]
    check("decisions, each once", sorted(ids), sorted(client.decided))
    instants = [record.authorisation.decided_at.ToNanoseconds() for record in records]
    check("newest first", instants, sorted(instants, reverse=True))
    first = records[-1]
    check("the first decision", first.authorisation, client.paid)
    check("reversed", first.status.reversed_fen, 250_00)
    check("fee reversed", first.status.reversed_fee_fen, 7_50)


def unbound_card(client):
    decline = client.pay("p6", 10_00).authorisation.decline
    check("reason", decline.reason, authorisation.DECLINE_REASON_CARD_NOT_BOUND)
