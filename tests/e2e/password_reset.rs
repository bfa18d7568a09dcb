//! A forgotten password is reset by both routes of the guide (R45 to R47, D23): with a bound card,
//! or by customer service.

use waika::v1::{self, PasswordTicketState as State, PasswordTicketVerdict as Verdict};

use crate::malformed::{bad_fields, named};
use crate::passwords::{
    NEW_PASSWORD, document, proof, reset_by_card, reset_by_identity, reset_outcome, reset_refusal,
    verify, verify_outcome, with_token,
};
use crate::support::Server;
use crate::wallet::{Callers, PHONE, assert_says, bind, bind_outcome, bound, instant, pay, unbind};

impl Callers {
    /// A wallet whose card was unbound: the password outlives it.
    async fn wallet_without_card(&mut self, account: &str, number: u32) {
        let card_token = self.wallet_with(account, number).await;
        self.unbind(unbind(account, &card_token, "unbind")).await;
    }

    /// How a reset ends, in a word.
    async fn reset_ends(&mut self, request: v1::ResetPasswordRequest) -> &'static str {
        reset_outcome(&self.reset(request).await)
    }

    /// True if a password is the account's.
    async fn is_password(&mut self, account: &str, key: &str, password: &str) -> bool {
        let mut request = verify(account, "card_0000000000001", key, 100);
        password.clone_into(&mut request.payment_password);
        verify_outcome(&self.verify(request).await) == "VERIFIED"
    }
}

#[tokio::test]
async fn r47_a_bound_card_resets_the_password_and_unlocks_it() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let token = callers.token(verify("a", &card_token, "v", 100)).await;
    callers.wrong_passwords("a", &card_token, 1..=5).await;
    let code = callers.next_phone_code("a", PHONE).await;
    let request = reset_by_card("a", "r", &card_token, (PHONE, &code));
    let reset = callers.reset(request.clone()).await;
    assert_eq!((reset.replayed, reset_outcome(&reset)), (false, "RESET"));
    let again = callers.reset(request.clone()).await;
    assert_eq!((again.replayed, &again.outcome), (true, &reset.outcome));
    assert!(!callers.is_password("a", "old", "135790").await);
    assert!(callers.is_password("a", "new", NEW_PASSWORD).await);
    let void = with_token(pay("a", &card_token, "t", 100), &token.payment_token);
    assert_eq!(callers.decision(void).await, "PAYMENT_TOKEN_INVALID");
    assert_eq!(callers.told_of("a").await, ["PASSWORD_RESET"]);
    // The code was used (D8), and the card is not bound anew.
    let mut once_more = request.clone();
    "r2".clone_into(&mut once_more.idempotency_key);
    assert_eq!(callers.reset_ends(once_more).await, "PHONE_CODE_SPENT");
    assert_eq!(callers.account("a").await.cards_bound, 1);
    // What is secret is not compared (D18): whoever knew the key would learn whether it is right.
    let mut other = request.clone();
    proof(&mut other).card.as_mut().unwrap().expiry_month = 1;
    proof(&mut other).phone_number = "+44 7700 900555".to_owned();
    let same = callers.reset(other).await;
    assert_eq!((same.replayed, same.outcome), (true, reset.outcome));
    let identity = reset_by_identity("a", "r");
    let mut card = request;
    proof(&mut card).card_token = "card_0000000000001".to_owned();
    for other in [identity, card] {
        let conflict = callers.cards.reset_password(other).await.unwrap_err();
        assert_eq!(conflict.code(), tonic::Code::AlreadyExists, "D18");
    }
}

/// Changes a reset so that it is refused.
type Change = fn(&mut v1::ResetPasswordRequest);

#[tokio::test]
async fn r47_every_rung_of_the_card_route_refuses_by_name() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    callers.another_card("a", 111_000_007).await;
    let rungs: &[(&str, Change)] = &[
        ("CARD_NOT_BOUND", |request| {
            proof(request).card_token = "card_0000000000001".to_owned();
        }),
        ("CARD_DATA_WRONG", |request| {
            proof(request).card.as_mut().unwrap().pan = crate::wallet::visa(111_000_007);
        }),
        ("CARD_DATA_WRONG", |request| {
            proof(request).card.as_mut().unwrap().scheme = v1::Scheme::Jcb.into();
        }),
        ("CARD_DATA_WRONG", |request| {
            proof(request).card.as_mut().unwrap().expiry_year = 2038;
        }),
        // R21, R47: whoever has read the card has the code sent to a phone of their own.
        ("CARD_DATA_WRONG", |request| {
            proof(request).phone_number = "+44 7700 900999".to_owned();
        }),
        ("PHONE_CODE_WRONG", |request| {
            let code: u32 = proof(request).phone_code.parse().unwrap();
            proof(request).phone_code = format!("{:06}", (code + 1) % 1_000_000);
        }),
        ("PASSWORDS_DIFFER", |request| {
            request.new_password_again = "246803".to_owned();
        }),
    ];
    for (number, (expected, change)) in (0..).zip(rungs) {
        let code = callers.next_phone_code("a", PHONE).await;
        let key = format!("r{number}");
        let mut request = reset_by_card("a", &key, &card_token, (PHONE, &code));
        change(&mut request);
        assert_eq!(callers.reset_ends(request).await, *expected, "{number}");
    }
    assert!(callers.is_password("a", "old", "135790").await);
    let code = callers.next_phone_code("a", PHONE).await;
    let mut another_name = reset_by_card("a", "name", &card_token, (PHONE, &code));
    proof(&mut another_name).card.as_mut().unwrap().holder_name = "M. S. CURIE".to_owned();
    assert_eq!(
        callers.reset_ends(another_name).await,
        "RESET",
        "no name is kept"
    );
}

#[tokio::test]
async fn r47_wrong_card_data_is_counted_and_locks_for_half_an_hour() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-05-01T09:59:00+08:00").await;
    let card_token = callers.wallet("a").await;
    callers.freeze("2024-05-01T10:00:00+08:00").await;
    let code = callers.next_phone_code("a", PHONE).await;
    let right = |key: &str| reset_by_card("a", key, &card_token, (PHONE, &code));
    for number in 1..=5 {
        let mut request = right(&format!("wrong {number}"));
        proof(&mut request).card.as_mut().unwrap().expiry_year = 2030 + number;
        let refusal = reset_refusal(callers.reset(request).await);
        assert_eq!(refusal.reason(), v1::ResetRefusalReason::CardDataWrong);
        assert_eq!(
            (refusal.observed, &*refusal.required),
            (number.to_string(), "5")
        );
    }
    let refusal = reset_refusal(callers.reset(right("locked")).await);
    assert_eq!(refusal.reason(), v1::ResetRefusalReason::ResetLocked);
    assert_eq!(
        refusal.resets_at,
        Some(instant("2024-05-01T10:30:00+08:00"))
    );
    assert_says(
        refusal.text.as_ref(),
        "错误次数过多",
        "Too many wrong details",
    );
    // Who knows the password pays all the while: it is another counter.
    callers.paid("a", &card_token, "1", 100).await;
    callers.freeze("2024-05-01T10:29:59.999+08:00").await;
    assert_eq!(callers.reset_ends(right("still")).await, "RESET_LOCKED");
    callers.freeze("2024-05-01T10:30:00+08:00").await;
    assert_eq!(
        callers.reset_ends(right("a forgotten code")).await,
        "PHONE_CODE_NONE"
    );
    let unlocked = callers.reset_by_card(("a", "unlocked"), &card_token, PHONE);
    assert_eq!(unlocked.await, "RESET");
}

#[tokio::test]
async fn r46_customer_service_approves_and_the_person_sets_a_password() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-05-01T10:00:00+08:00").await;
    callers.wallet_without_card("a", 111_000_001).await;
    let asked = callers.reset(reset_by_identity("a", "form")).await;
    let Some(v1::reset_password_response::Outcome::Ticket(ticket)) = asked.outcome.clone() else {
        panic!("no ticket: {asked:?}")
    };
    assert!(ticket.ticket_id.starts_with("ticket_"), "{ticket:?}");
    assert_eq!(
        (ticket.state(), ticket.identity_matches),
        (State::Open, None)
    );
    let again = callers.reset(reset_by_identity("a", "form")).await;
    assert_eq!((again.replayed, &again.outcome), (true, &asked.outcome));
    assert_eq!(
        callers.reset_ends(reset_by_identity("a", "2")).await,
        "TICKET_OPEN"
    );
    assert!(!callers.is_password("a", "not kept", NEW_PASSWORD).await);
    // What the operator sees, and says; saying it again is of no effect.
    let seen = callers.password_tickets().await;
    let expected = v1::PasswordTicket {
        identity_matches: Some(true),
        ..ticket.clone()
    };
    assert_eq!(seen, [expected]);
    let done = callers
        .resolve_ticket(&ticket, "yes", Verdict::Approve)
        .await;
    assert!(done.resolved && !done.replayed);
    assert_eq!(done.ticket.as_ref().unwrap().state(), State::Approved);
    let replay = callers
        .resolve_ticket(&ticket, "yes", Verdict::Approve)
        .await;
    assert_eq!((replay.replayed, &replay.ticket), (true, &done.ticket));
    let twice = callers.resolve_ticket(&ticket, "no", Verdict::Reject).await;
    assert_eq!(
        (twice.resolved, twice.ticket),
        (false, done.ticket),
        "as it was"
    );
    assert!(callers.password_tickets().await.is_empty());
    assert_eq!(callers.told_of("a").await, ["PASSWORD_TICKET_APPROVED"]);

    let mut other = reset_by_identity("a", "other document");
    document(&mut other).number = "FPR-other".to_owned();
    let refusal = reset_refusal(callers.reset(other).await);
    assert_eq!(refusal.reason(), v1::ResetRefusalReason::IdentityDiffers);
    assert_eq!(
        (&*refusal.observed, &*refusal.required),
        ("1", "5"),
        "it is counted"
    );
    let mut typo = reset_by_identity("a", "typo");
    typo.new_password_again = "246803".to_owned();
    assert_eq!(callers.reset_ends(typo).await, "PASSWORDS_DIFFER");
    assert_eq!(
        callers.reset_ends(reset_by_identity("a", "set")).await,
        "RESET"
    );
    assert!(callers.is_password("a", "set", NEW_PASSWORD).await);
    let told = ["PASSWORD_RESET", "PASSWORD_TICKET_APPROVED"];
    assert_eq!(callers.told_of("a").await, told);
    // The approval was for one reset.
    assert_eq!(
        callers.reset_ends(reset_by_identity("a", "more")).await,
        "TICKET"
    );
}

/// What proves who asks is compared with nothing, or a key would tell whether a guess is right.
#[tokio::test]
async fn r46_d18_a_key_is_for_one_document_and_another_one_replays() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet_without_card("a", 111_000_001).await;
    let asked = callers.reset(reset_by_identity("a", "form")).await;
    let mut other = reset_by_identity("a", "form");
    document(&mut other).number = "FPR-other".to_owned();
    let same = callers.reset(other).await;
    assert_eq!((same.replayed, same.outcome), (true, asked.outcome));
    assert_eq!(callers.password_tickets().await.len(), 1);
}

#[tokio::test]
async fn r46_a_rejection_is_told_once_and_then_another_form_can_be_sent() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet_without_card("a", 111_000_001).await;
    let mut request = reset_by_identity("a", "form");
    document(&mut request).number = "FPR-other".to_owned();
    assert_eq!(callers.reset_ends(request).await, "TICKET");
    let tickets = callers.password_tickets().await;
    assert_eq!(
        tickets[0].identity_matches,
        Some(false),
        "the operator sees it"
    );
    let done = callers
        .resolve_ticket(&tickets[0], "yes", Verdict::Approve)
        .await;
    assert_eq!(
        (done.resolved, done.ticket.unwrap().state()),
        (false, State::Open),
        "and cannot give the wallet to somebody else"
    );
    let done = callers
        .resolve_ticket(&tickets[0], "no", Verdict::Reject)
        .await;
    assert_eq!(
        (done.resolved, done.ticket.unwrap().state()),
        (true, State::Rejected)
    );
    assert_eq!(callers.told_of("a").await, ["PASSWORD_TICKET_REJECTED"]);
    let told = callers.reset(reset_by_identity("a", "then")).await;
    assert_eq!(reset_outcome(&told), "TICKET_REJECTED");
    let text = reset_refusal(told).text;
    assert_says(text.as_ref(), "未通过审核", "was rejected");
    let replay = callers.reset(reset_by_identity("a", "then")).await;
    assert_eq!(
        (replay.replayed, reset_outcome(&replay)),
        (true, "TICKET_REJECTED")
    );
    assert_eq!(
        callers.reset_ends(reset_by_identity("a", "anew")).await,
        "TICKET"
    );
    assert!(callers.is_password("a", "as before", "135790").await);
    // The ticket that was told is gone, and its successor has another name.
    let successor = callers.password_tickets().await;
    assert_ne!(successor[0].ticket_id, tickets[0].ticket_id);
    let gone = v1::ResolvePasswordTicketRequest {
        idempotency_key: "late".to_owned(),
        account_id: "a".to_owned(),
        ticket_id: tickets[0].ticket_id.clone(),
        verdict: Verdict::Approve.into(),
    };
    let error = callers
        .admin
        .resolve_password_ticket(gone)
        .await
        .unwrap_err();
    assert_eq!(error.code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn d23_who_binds_a_card_again_goes_by_the_card() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet_without_card("a", 111_000_001).await;
    assert_eq!(
        callers.reset_ends(reset_by_identity("a", "form")).await,
        "TICKET"
    );
    let tickets = callers.password_tickets().await;
    callers
        .resolve_ticket(&tickets[0], "yes", Verdict::Approve)
        .await;
    // The password came back to mind, and a card is bound with it.
    let mut request = bind("a");
    request.idempotency_key = "remembered".to_owned();
    request.phone_number = "+44 7700 900444".to_owned();
    let response = callers.bind(request).await;
    assert_eq!(bind_outcome(&response), "BOUND");
    assert_eq!(
        callers.reset_ends(reset_by_identity("a", "set")).await,
        "CARD_BOUND"
    );
    let card_token = bound(&response);
    let reset = callers.reset_by_card(("a", "card"), &card_token, "+44 7700 900444");
    assert_eq!(reset.await, "RESET");
}

#[tokio::test]
async fn r46_tickets_are_listed_oldest_first_in_pages() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    for number in 0..7_u32 {
        let account = format!("a{number}");
        callers
            .wallet_without_card(&account, 111_000_000 + number)
            .await;
        let asked = callers
            .reset_ends(reset_by_identity(&account, "form"))
            .await;
        assert_eq!(asked, "TICKET");
    }
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = v1::ListPasswordTicketsRequest {
            page_size: 3,
            page_token,
        };
        let page = callers.admin.list_password_tickets(request).await.unwrap();
        let page = page.into_inner();
        assert!(page.tickets.len() <= 3);
        seen.extend(page.tickets.into_iter().map(|ticket| ticket.account_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["a0", "a1", "a2", "a3", "a4", "a5", "a6"]);
    let request = v1::ListPasswordTicketsRequest {
        page_size: -1,
        page_token: "garbage".to_owned(),
    };
    let error = callers
        .admin
        .list_password_tickets(request)
        .await
        .unwrap_err();
    assert_eq!(bad_fields(&error), named(["page_size", "page_token"]));
    let empty = v1::ResolvePasswordTicketRequest::default();
    let error = callers.admin.resolve_password_ticket(empty).await;
    let fields = ["account_id", "idempotency_key", "ticket_id", "verdict"];
    assert_eq!(bad_fields(&error.unwrap_err()), named(fields));
    let empty = v1::ResetPasswordRequest::default();
    let error = callers.cards.reset_password(empty).await.unwrap_err();
    let fields = [
        "account_id",
        "idempotency_key",
        "new_password",
        "new_password_again",
        "proof",
    ];
    assert_eq!(bad_fields(&error), named(fields));
}
