"""The steps of a caller with many payments: one stream for all of them; and deadlines."""

import threading

import grpc
from waika.v1 import authorisation_pb2 as authorisation

import details
from client import BAD_FIELDS
from people import PAYER
from steps import Failed, check, expect


def stream_two(client):
    # 200.00 yuan is free of the fee; one fen more has it on the whole.
    answers = stream(client, {7: client.payment("s1", 200_00), 8: client.payment("s2", 200_01)})
    for number, fee_fen in ((7, 0), (8, 6_00)):
        decision = answers[number].response.authorisation
        check(f"outcome of {number}", decision.WhichOneof("outcome"), "approval")
        check(f"fee of {number}", decision.fee_fen, fee_fen)


def stream_with_malformed(client):
    wrong = client.payment("s3", 1_00, **BAD_FIELDS)
    answers = stream(client, {1: wrong, 2: client.payment("s4", 1_00)})
    check("the other one", answers[2].response.authorisation.WhichOneof("outcome"), "approval")
    check("outcome", answers[1].WhichOneof("outcome"), "error")
    error = answers[1].error
    check("code", error.code, grpc.StatusCode.INVALID_ARGUMENT.value[0])
    check("fields", details.bad_fields(details.of_bytes(error.details)), sorted(BAD_FIELDS))


def stream(client, requests):
    """Sends payments in one message. The answers come in any order: they are told apart by id."""
    message = authorisation.AuthoriseStreamRequest(
        requests=[
            authorisation.StreamedRequest(correlation_id=number, request=request)
            for number, request in requests.items()
        ]
    )
    answers = {}
    for batch in client.payments.AuthoriseStream(iter([message]), timeout=10):
        for response in batch.responses:
            expect("each is answered once", response.correlation_id not in answers)
            answers[response.correlation_id] = response
    check("answered", sorted(answers), sorted(requests))
    for answer in answers.values():
        if answer.HasField("response"):
            client.decided.add(answer.response.authorisation.authorisation_id)
    return answers


def deadlines(client):
    # The timeout is in seconds, and travels with the call.
    client.payments.ListAuthorisations(
        authorisation.ListAuthorisationsRequest(account_id=PAYER.account_id), timeout=10
    )

    asked = threading.Event()

    def nothing_yet():
        asked.wait()
        yield from ()

    # A stream that nothing is sent on stays open until its deadline.
    try:
        for _ in client.payments.AuthoriseStream(nothing_yet(), timeout=0.3):
            raise Failed("an answer without a request")
        raise Failed("the stream should have ended with its deadline")
    except grpc.RpcError as error:
        check("code", error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
    finally:
        asked.set()
