//! A caller has a budget of wrong passwords over all accounts (D7): five tries an account are no
//! bound for somebody who tries every account.

use tonic::Code;
use tonic_types::StatusExt as _;
use waika::v1;

use crate::passwords::{WRONG_PASSWORD, change, verify, verify_outcome};
use crate::support::Server;
use crate::wallet::{Callers, bind, pay, unbind};

const POLICY: &str = "name = \"five-a-minute\"\n[password]\ncaller_wrong_per_minute = 5\n";

/// The call was turned away, and says why.
#[track_caller]
fn assert_turned_away(status: &tonic::Status) {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let details = status.get_error_details();
    let reason = &details.error_info().unwrap().reason;
    assert_eq!(reason, "TOO_MANY_WRONG_PASSWORDS");
}

#[tokio::test]
async fn d7_a_caller_that_tries_every_account_is_turned_away() {
    let server = Server::start_under(POLICY);
    let mut callers = Callers::of(&server).await;
    let mut cards = Vec::new();
    for number in 0..4 {
        let account = format!("acct-{number}");
        cards.push(callers.wallet_with(&account, 111_000_000 + number).await);
    }
    let paid = callers
        .authorise(pay("acct-3", &cards[3], "paid", 100))
        .await;
    let paid = paid.unwrap().authorisation;
    for (number, tries) in [(0, 1..=2), (1, 1..=2), (2, 1..=1)] {
        let account = format!("acct-{number}");
        callers
            .wrong_passwords(&account, &cards[number], tries)
            .await;
    }
    // Nothing is written, so the tries of the account are as they were; right ones do not pass.
    let (account, card) = ("acct-3", &cards[3]);
    let verified = callers
        .cards
        .verify_password(verify(account, card, "v", 100))
        .await;
    assert_turned_away(&verified.unwrap_err());
    let authorised = callers.authorise(pay(account, card, "new", 100)).await;
    assert_turned_away(&authorised.unwrap_err());
    let changed = callers.cards.change_password(change(account, "c")).await;
    assert_turned_away(&changed.unwrap_err());
    let unbound = callers.cards.unbind(unbind(account, card, "u")).await;
    assert_turned_away(&unbound.unwrap_err());
    let shown = v1::CreatePaymentCodeRequest {
        idempotency_key: "code".to_owned(),
        account_id: account.to_owned(),
        card_token: card.clone(),
        payment_password: "135790".to_owned(),
        ..v1::CreatePaymentCodeRequest::default()
    };
    let shown = callers.cards.create_payment_code(shown).await;
    assert_turned_away(&shown.unwrap_err());
    let mut another = bind(account);
    another.idempotency_key = "bind 2".to_owned();
    another.phone_number = "+44 7700 900222".to_owned();
    another.phone_code = callers.phone_code(account, "+44 7700 900222").await;
    let another = callers.cards.bind(another).await;
    assert_turned_away(&another.unwrap_err());
    assert_eq!(callers.account(account).await.password_locked_until, None);

    // D18: used keys are answered from what is stored, which tries nothing.
    let again = callers
        .authorise(pay(account, card, "paid", 100))
        .await
        .unwrap();
    assert_eq!((again.replayed, again.authorisation), (true, paid));
    let mut told = verify("acct-0", &cards[0], "wrong 1", 100);
    told.payment_password = WRONG_PASSWORD.to_owned();
    let told = callers.verify(told).await;
    assert_eq!(
        (told.replayed, verify_outcome(&told)),
        (true, "PASSWORD_WRONG")
    );
    // What needs no password goes on.
    callers.quote(crate::wallet::quote(account, 100)).await;
}

/// D7: "tries on a locked account not counted": or anyone could spend a caller's budget there.
#[tokio::test]
async fn d7_tries_on_a_locked_account_are_not_counted() {
    let policy = POLICY.replace("= 5", "= 6");
    let server = Server::start_under(&policy);
    let mut callers = Callers::of(&server).await;
    let locked = callers.wallet("a").await;
    let other = callers.wallet_with("b", 111_000_002).await;
    callers.wrong_passwords("a", &locked, 1..=5).await;
    for number in 0..20 {
        let mut request = verify("a", &locked, &format!("locked {number}"), 100);
        request.payment_password = WRONG_PASSWORD.to_owned();
        let outcome = callers.verify(request).await;
        assert_eq!(verify_outcome(&outcome), "PASSWORD_LOCKED");
    }
    callers.paid("b", &other, "1", 100).await;
    callers.wrong_passwords("b", &other, 1..=1).await;
    let authorised = callers.authorise(pay("b", &other, "2", 100)).await;
    assert_turned_away(&authorised.unwrap_err());
}
