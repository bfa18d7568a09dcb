"""The steps of a passport holder, who is reviewed before the first payment."""

from waika.v1 import admin_pb2, types_pb2, wallet_pb2
from waika.v1 import authorisation_pb2 as authorisation

from people import VISITOR
from steps import check, expect
from wallet import bind_card, send_code

# A photo goes in pieces of at most 60 KiB.
PIECE_BYTES = 60 * 1024
PHOTO = b"\xff\xd8\xff" + bytes(150_000)
# The sandbox does not recognise a face whose photo begins like this.
BLURRED = b"FACE-FAILS" + PHOTO


def bind(client):
    sent = send_code(client, "c1", VISITOR).sent
    answer = bind_card(client, "b1", VISITOR, sent.sandbox_code)
    check("outcome", answer.WhichOneof("outcome"), "card")
    check("review", answer.review, types_pb2.REVIEW_STATE_REQUIRED)
    client.visitor_card = answer.card.card_token


def review_needed(client):
    page = client.cards.ListNotifications(
        wallet_pb2.ListNotificationsRequest(account_id=VISITOR.account_id)
    )
    kinds = [notification.kind for notification in page.notifications]
    check("kinds", kinds, [wallet_pb2.NOTIFICATION_KIND_REVIEW_NEEDED])
    client.last_notification = page.notifications[0]
    expect("a text in English", client.last_notification.text.en)


def pay_too_soon(client):
    decline = pay(client, "v1").decline
    check("reason", decline.reason, authorisation.DECLINE_REASON_REVIEW_REQUIRED)
    check("retry", decline.retry, types_pb2.RETRY_CLASS_FIX_DATA)


def pay(client, key):
    visitor = {"account_id": VISITOR.account_id, "card_token": client.visitor_card}
    return client.payments.Authorise(client.payment(key, 120_00, **visitor)).authorisation


def watch(client):
    # After the last one that was read: none is missed, whenever the stream begins.
    request = wallet_pb2.WatchNotificationsRequest(
        account_id=VISITOR.account_id,
        after_notification_id=client.last_notification.notification_id,
    )
    client.watch = client.cards.WatchNotifications(request, timeout=60)
    # Returns once the server has taken the call; a refused one ends here.
    client.watch.initial_metadata()
    expect("the stream is open", client.watch.is_active())


def submit_page(client):
    answer = submit(client, "v2", wallet_pb2.VERIFICATION_MATERIAL_PASSPORT_PAGE, PHOTO)
    check("outcome", answer.WhichOneof("outcome"), "taken")
    check("bytes", answer.taken.photo_bytes, len(PHOTO))
    check("review", answer.review, types_pb2.REVIEW_STATE_PAGE_RECEIVED)


def submit_blurred_face(client):
    answer = submit(client, "v3", wallet_pb2.VERIFICATION_MATERIAL_FACE, BLURRED)
    check("outcome", answer.WhichOneof("outcome"), "taken")
    check("recognised", answer.taken.recognised, False)
    check("review", answer.review, types_pb2.REVIEW_STATE_FACE_FAILED)


def submit_face(client):
    # Another photo has another key.
    answer = submit(client, "v4", wallet_pb2.VERIFICATION_MATERIAL_FACE, PHOTO)
    check("recognised", answer.taken.recognised, True)
    check("review", answer.review, types_pb2.REVIEW_STATE_UNDER_REVIEW)


def submit(client, key, material, photo):
    # Whatever yields messages is a stream of requests.
    return client.cards.SubmitVerification(pieces(key, material, photo))


def pieces(key, material, photo):
    """First what it is, then its bytes."""
    first = wallet_pb2.VerificationPhoto(
        idempotency_key=key, account_id=VISITOR.account_id, material=material
    )
    yield wallet_pb2.SubmitVerificationRequest(photo=first)
    for begin in range(0, len(photo), PIECE_BYTES):
        piece = photo[begin : begin + PIECE_BYTES]
        yield wallet_pb2.SubmitVerificationRequest(chunk=piece)


def list_reviews(client):
    page = client.admin.ListReviews(admin_pb2.ListReviewsRequest())
    waiting = [(review.account_id, review.face_failures) for review in page.reviews]
    check("waiting", waiting, [(VISITOR.account_id, 1)])


def approve(client):
    answer = client.admin.ResolveReview(
        admin_pb2.ResolveReviewRequest(
            idempotency_key="v5",
            account_id=VISITOR.account_id,
            verdict=admin_pb2.REVIEW_VERDICT_APPROVE,
        )
    )
    check("resolved", answer.resolved, True)
    check("review", answer.review, types_pb2.REVIEW_STATE_APPROVED)


def approval_arrives(client):
    # Waits for the next message, at most until the deadline of the stream.
    notification = next(client.watch).notification
    # The stream would stay open for more.
    client.watch.cancel()
    check("kind", notification.kind, wallet_pb2.NOTIFICATION_KIND_REVIEW_APPROVED)


def pay_at_last(client):
    check("outcome", pay(client, "v6").WhichOneof("outcome"), "approval")
