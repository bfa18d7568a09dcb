//! Data keys change while payments go on: every card is found and every password is right, before, meanwhile
//! and after; and once nothing is under the old key, it is removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use waika::v1;

use crate::crash_folders::done;
use crate::security_keys_support::{Keys, goes_on_with};
use crate::support::{Home, Server};
use crate::wallet::{
    Callers, MERCHANT, bind, bind_outcome, bound, card, decision, merchant, pay, unbind,
    unbind_outcome, visa,
};

const ACCOUNTS: u32 = 300;
/// Who pays without a pause while all of it goes on.
const PAYERS: u32 = 4;

fn name(number: u32) -> String {
    format!("a{number}")
}

/// Each with a card of its own: their tokens.
async fn wallets(callers: &mut Callers) -> Vec<String> {
    let mut tokens = Vec::new();
    for number in 0..ACCOUNTS {
        tokens.push(callers.wallet_with(&name(number), 1_000 + number).await);
    }
    tokens
}

/// Payments of some accounts until they are told to stop. Gives how many there were.
fn payers(callers: &Callers, stop: &Arc<AtomicBool>) -> Vec<tokio::task::JoinHandle<u32>> {
    let payer = |number: u32| {
        let (mut callers, stop) = (callers.clone(), Arc::clone(stop));
        tokio::spawn(async move {
            let account = format!("payer{number}");
            let token = callers.wallet_with(&account, 9_000 + number).await;
            let mut paid = 0;
            while !stop.load(Ordering::Relaxed) {
                let request = pay(&account, &token, &format!("k{paid}"), 1);
                let answer = callers.authorise(request).await.unwrap();
                assert_eq!(decision(&answer), "APPROVED", "{account} {paid}");
                paid += 1;
            }
            paid
        })
    };
    (0..PAYERS).map(payer).collect()
}

/// Uses each password once.
async fn pay_with_each(callers: &mut Callers, tokens: &[String], key: &str) {
    for (number, token) in (0..).zip(tokens) {
        let account = name(number);
        let answer = callers.authorise(pay(&account, token, key, 100)).await;
        assert_eq!(decision(&answer.unwrap()), "APPROVED", "{account} {key}");
    }
}

/// Binds the card of an account again.
async fn bind_again(callers: &mut Callers, account: &str, token: &str, middle: u32) -> String {
    let unbound = callers.unbind(unbind(account, token, "unbind")).await;
    assert_eq!(unbind_outcome(&unbound), "UNBOUND", "{account}");
    let mut request = bind(account);
    "bind again".clone_into(&mut request.idempotency_key);
    request.phone_number = format!("+44 7700 {middle:09}");
    request.card = Some(card(&visa(middle), v1::Scheme::Visa));
    bound(&callers.bind(request).await)
}

/// The same with the cards of those who have paid meanwhile. Gives how often they have.
async fn payers_bind_again(
    callers: &mut Callers,
    paying: Vec<tokio::task::JoinHandle<u32>>,
) -> u32 {
    let mut paid = 0;
    for (number, payer) in (0..).zip(paying) {
        paid += payer.await.unwrap();
        let account = format!("payer{number}");
        let cards = v1::ListCardsRequest {
            account_id: account.clone(),
        };
        let cards = callers.cards.list_cards(cards).await.unwrap().into_inner();
        let token = &cards.cards[0].card_token;
        bind_again(callers, &account, token, 9_000 + number).await;
    }
    paid
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_card_and_password_works_while_a_key_is_rotated_and_removed() {
    let server = Server::start();
    let keys = Keys::of(&server.home);
    let mut callers = Callers::of(&server).await;
    callers.put_merchant(merchant(MERCHANT)).await;
    let mut tokens = wallets(&mut callers).await;
    let stop = Arc::new(AtomicBool::new(false));
    let paying = payers(&callers, &stop);
    pay_with_each(&mut callers, &tokens, "before").await;
    let all = u64::from(ACCOUNTS + PAYERS);
    assert_eq!(keys.under(1), [all; 3]);

    done(&keys.rotate());
    goes_on_with(&server, 2.0).await;
    assert_eq!(keys.under(1)[..2], [all; 2], "nothing was bound since");
    pay_with_each(&mut callers, &tokens, "after").await;
    let under = keys.under(1);
    assert_eq!(under, [all, all, 0], "every password was used");
    let refused = keys.rewrap(&["--remove-old"]);
    assert_eq!(refused.code, Some(64), "{}", refused.text);
    assert!(
        refused
            .text
            .contains("under data key 1: cards 304, documents 304, passwords 0"),
        "{}",
        refused.text
    );

    for (number, token) in (0..).zip(&mut tokens) {
        *token = bind_again(&mut callers, &name(number), token, 1_000 + number).await;
    }
    stop.store(true, Ordering::Relaxed);
    let paid = payers_bind_again(&mut callers, paying).await;
    assert_eq!(keys.under(1), [0; 3]);
    assert_eq!(keys.under(2), [all; 3]);
    let moved = server.figure("waika_moved_passwords_total").await;
    let told = keys.rewrap(&["--remove-old"]);
    done(&told);
    assert!(told.text.contains("removed: 1\n"), "{}", told.text);
    goes_on_with(&server, 1.0).await;
    pay_with_each(&mut callers, &tokens, "removed").await;
    eprintln!(
        "{all} accounts; {paid} payments beside the rotation, all approved; {} passwords moved\n{}",
        moved.unwrap_or_default(),
        told.text
    );

    drop(callers);
    let (status, home) = server.stop(Signal::TERM);
    assert_eq!(status.code(), Some(0));
    let server = Server::start_in(home, &[]);
    let mut callers = Callers::of(&server).await;
    pay_with_each(&mut callers, &tokens, "restarted").await;
    rewrapped(server, &tokens).await;
}

/// Another key wraps the keyring at once; the one before it is of no use any more.
async fn rewrapped(server: Server, tokens: &[String]) {
    let keys = Keys::of(&server.home);
    let new = Keys::with(&server.home, "new.key");
    done(&keys.rewrap(&["--new-key-file", new.key_file.to_str().unwrap()]));
    let mut callers = Callers::of(&server).await;
    pay_with_each(&mut callers, tokens, "rewrapped").await;
    drop(callers);
    let home = server.kill();
    let Err(refused) = Server::try_start(&mut home.command(), home) else {
        panic!("started with the key that was replaced");
    };
    assert_eq!(refused.status.code(), Some(64), "{}", refused.text);
    for part in ["keyring", "waika.key", "rewrap-keys"] {
        assert!(refused.text.contains(part), "{part}: {}", refused.text);
    }
    let home = refused.home;
    let said = keys.rewrap(&[]);
    assert_eq!(said.code, Some(64), "{}", said.text);
    let mut command = home.command_with_key(&new.key_file);
    let server = Server::try_start(&mut command, home);
    let server = server.unwrap_or_else(|refused| panic!("{}", refused.text));
    let mut callers = Callers::of(&server).await;
    pay_with_each(&mut callers, tokens, "under the new key").await;
}

/// A person with another document than the account's own.
fn of_another(mut request: v1::BindRequest, number: &str) -> v1::BindRequest {
    number.clone_into(&mut request.identity.as_mut().unwrap().number);
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cards_people_and_codes_are_known_across_keys() {
    let server = Server::start();
    let keys = Keys::of(&server.home);
    let mut callers = Callers::of(&server).await;
    let anna = callers.wallet_with("anna", 77).await;
    let token = callers.wallet_with("otto", 78).await;
    let code = callers.phone_code("otto", "+44 7700 900777").await;
    done(&keys.rotate());
    goes_on_with(&server, 2.0).await;

    // D23: the same card; D9: the same person; a code that was sent before.
    let mut again = bind("anna");
    "again".clone_into(&mut again.idempotency_key);
    again.phone_number = "+44 7700 900555".to_owned();
    again.card = Some(card(&visa(77), v1::Scheme::Visa));
    let refused = callers.bind(again.clone()).await;
    assert_eq!(bind_outcome(&refused), "CARD_ALREADY_BOUND");
    again.card = Some(card(&visa(79), v1::Scheme::Visa));
    "other".clone_into(&mut again.idempotency_key);
    let other = of_another(again.clone(), "FPR-somebody-else");
    assert_eq!(bind_outcome(&callers.bind(other).await), "IDENTITY_DIFFERS");
    let mut with_code = bind("otto");
    "with code".clone_into(&mut with_code.idempotency_key);
    with_code.phone_number = "+44 7700 900777".to_owned();
    with_code.phone_code = code;
    with_code.card = Some(card(&visa(80), v1::Scheme::Visa));
    assert_eq!(bind_outcome(&callers.bind(with_code).await), "BOUND");
    assert_eq!(
        keys.under(2),
        [1, 1, 1],
        "otto's second card, his document, his password"
    );

    // D9: two people with one card, on either side of the rotation.
    assert_eq!(
        callers.decision(pay("anna", &anna, "alone", 1)).await,
        "APPROVED"
    );
    let mut request = bind("ben");
    request.card = Some(card(&visa(77), v1::Scheme::Visa));
    let ben = bound(&callers.bind(request).await);
    for after_restart in [false, true] {
        for (account, token) in [("anna", &anna), ("ben", &ben)] {
            let key = format!("shared {after_restart}");
            let decided = callers.decision(pay(account, token, &key, 1)).await;
            assert_eq!(decided, "RISK_CARD_SHARED", "{account} {after_restart}");
        }
        if !after_restart {
            callers
                .admin
                .take_snapshot(v1::TakeSnapshotRequest {})
                .await
                .unwrap();
        }
    }
    let unbound = callers.unbind(unbind("ben", &ben, "unbind")).await;
    assert_eq!(unbind_outcome(&unbound), "UNBOUND");
    assert_eq!(
        callers.decision(pay("anna", &anna, "alone again", 1)).await,
        "APPROVED"
    );
    assert_eq!(
        callers.decision(pay("otto", &token, "p", 1)).await,
        "APPROVED"
    );
    restarted(server, &anna, &token).await;
}

/// The same once it is read from the disk, with the snapshot and without.
async fn restarted(server: Server, anna: &str, otto: &str) {
    let mut home = server.kill();
    for with_snapshot in [true, false] {
        if !with_snapshot {
            remove_snapshots(&home);
        }
        let server = Server::start_in(home, &[]);
        let mut callers = Callers::of(&server).await;
        let account = format!("carl {with_snapshot}").replace(' ', "-");
        let mut request = bind(&account);
        request.card = Some(card(&visa(77), v1::Scheme::Visa));
        let carl = bound(&callers.bind(request).await);
        let key = |what: &str| format!("{what} {with_snapshot}");
        let shared = callers.decision(pay("anna", anna, &key("shared"), 1)).await;
        assert_eq!(shared, "RISK_CARD_SHARED", "{with_snapshot}");
        let unbound = callers.unbind(unbind(&account, &carl, "unbind")).await;
        assert_eq!(unbind_outcome(&unbound), "UNBOUND");
        for (account, token) in [("anna", anna), ("otto", otto)] {
            let decided = callers
                .decision(pay(account, token, &key("alone"), 1))
                .await;
            assert_eq!(decided, "APPROVED", "{account} {with_snapshot}");
        }
        home = server.kill();
    }
}

fn remove_snapshots(home: &Home) {
    for entry in std::fs::read_dir(home.data()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "snap") {
            std::fs::remove_file(path).unwrap();
        }
    }
}
