"""The steps of a caller who wants to know how a payment was decided."""

from waika.v1 import authorisation_pb2 as authorisation

from steps import check

RUNGS = [rung for rung in authorisation.Rung.values() if rung]


def of_approval(client):
    rungs = receipt(client, "p7", 250_00)
    passed = authorisation.RUNG_VERDICT_PASSED
    for rung in (authorisation.RUNG_PASSWORD, authorisation.RUNG_ISSUER):
        check("verdict", rungs[rung].verdict, passed)
    # There was no code to look at.
    skipped = authorisation.RUNG_VERDICT_SKIPPED
    check("payment code", rungs[authorisation.RUNG_PAYMENT_CODE].verdict, skipped)
    single = rungs[authorisation.RUNG_LIMIT_SINGLE].amount_limit
    check("observed", single.observed_fen, 250_00)
    check("limit", single.limit_fen, 6_000_00)


def of_decline(client):
    rungs = receipt(client, "p8", 6_000_01)
    rejecting = authorisation.RUNG_LIMIT_SINGLE
    for number, rung in rungs.items():
        if number < rejecting:
            no = rung.verdict == authorisation.RUNG_VERDICT_REJECTED
            check(f"rung {number} says no", no, False)
        elif number == rejecting:
            check("verdict", rung.verdict, authorisation.RUNG_VERDICT_REJECTED)
        else:
            check(f"verdict of {number}", rung.verdict, authorisation.RUNG_VERDICT_SKIPPED)


def receipt(client, key, amount_fen):
    """The rungs of a payment by their numbers."""
    answer = client.pay(key, amount_fen, want_receipt=True)
    rungs = answer.receipt.rungs
    check("rungs, in their order", [rung.rung for rung in rungs], RUNGS)
    return {rung.rung: rung for rung in rungs}
