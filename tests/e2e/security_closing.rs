//! The end of an account: what it leaves, what is refused from then on, and that nothing personal is left on
//! the disk once it is erased (decision 0042).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tonic::{Code, Status};
use waika::v1;
use waika::v1::close_account_response::Outcome as Closed;
use waika::v1::erase_account_response::Outcome as Erased;

use crate::binary_fields::binary_fields;
use crate::refund::refund;
use crate::support::{Home, Server, binary, reason_of};
use crate::wallet::{
    Callers, PHONE, bind, bound, instant, pay, quote, reverse, send_phone_code, unbind, visa,
};

/// Small segments, so that entries are soon in one that is full; no snapshot but those that are asked for.
const SMALL: [&str; 4] = ["--segment-bytes", "4096", "--snapshot-every", "0"];
pub(crate) const CLOSED_AT: &str = "2024-01-05T10:00:00+08:00";
pub(crate) const ERASABLE_FROM: &str = "2024-01-07T10:00:00+08:00";

impl Callers {
    /// How it ends: how many cards were unbound, or the reason why it stays open.
    pub(crate) async fn close(&mut self, account: &str, key: &str) -> Result<i32, &'static str> {
        let request = v1::CloseAccountRequest {
            idempotency_key: key.to_owned(),
            account_id: account.to_owned(),
        };
        let response = self.admin.close_account(request).await.unwrap();
        match response.into_inner().outcome.unwrap() {
            Closed::Closed(closed) => Ok(closed.cards_unbound),
            Closed::Refusal(refusal) => Err(refusal.reason().as_str_name()),
        }
    }

    pub(crate) async fn erase(
        &mut self,
        account: &str,
        key: &str,
    ) -> Result<(), v1::ErasureRefusal> {
        let request = v1::EraseAccountRequest {
            idempotency_key: key.to_owned(),
            account_id: account.to_owned(),
        };
        let response = self.admin.erase_account(request).await.unwrap();
        match response.into_inner().outcome.unwrap() {
            Erased::Begun(_) => Ok(()),
            Erased::Refusal(refusal) => Err(refusal),
        }
    }

    pub(crate) async fn closure(&mut self, account: &str) -> Option<v1::Closure> {
        let request = v1::GetClosureRequest {
            account_id: account.to_owned(),
        };
        let response = self.admin.get_closure(request).await.unwrap();
        response.into_inner().closure
    }

    pub(crate) async fn decisions(&mut self, account: &str) -> Vec<v1::AuthorisationRecord> {
        let request = v1::ListAuthorisationsRequest {
            account_id: account.to_owned(),
            ..v1::ListAuthorisationsRequest::default()
        };
        let page = self.authorisations.list_authorisations(request).await;
        page.unwrap().into_inner().authorisations
    }

    /// Every way in which a wallet's owner may come.
    async fn what_its_owner_hears(&mut self, account: &str, card: &str) -> Vec<Status> {
        let id = account.to_owned();
        let mut bound_again = bind(account);
        "again".clone_into(&mut bound_again.idempotency_key);
        "123456".clone_into(&mut bound_again.phone_code);
        let mut code = send_phone_code(account, PHONE);
        "another code".clone_into(&mut code.idempotency_key);
        vec![
            self.cards.bind(bound_again).await.unwrap_err(),
            self.cards.send_phone_code(code).await.unwrap_err(),
            self.cards
                .unbind(unbind(account, card, "unbind"))
                .await
                .unwrap_err(),
            self.authorise(pay(account, card, "after it", 100))
                .await
                .unwrap_err(),
            self.authorisations
                .quote(quote(account, 100))
                .await
                .unwrap_err(),
            self.cards
                .get_account(v1::GetAccountRequest {
                    account_id: id.clone(),
                })
                .await
                .unwrap_err(),
            self.cards
                .list_cards(v1::ListCardsRequest { account_id: id })
                .await
                .unwrap_err(),
        ]
    }

    pub(crate) async fn check_closed(&mut self, account: &str, card: &str) {
        for status in self.what_its_owner_hears(account, card).await {
            assert_eq!(status.code(), Code::NotFound, "{status:?}");
            assert_eq!(reason_of(&status), "ACCOUNT_CLOSED");
        }
        let closed_at = self.closure(account).await.unwrap().closed_at;
        assert_eq!(closed_at, Some(instant(CLOSED_AT)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_account_has_its_payments_and_nothing_else() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze(CLOSED_AT).await;
    let card = callers.wallet_with("a", 111_000_001).await;
    let first = callers.paid("a", &card, "one", 20_017).await;
    let second = callers.paid("a", &card, "two", 100).await;
    assert_eq!(callers.closure("a").await, None);
    let refusal = callers.erase("a", "too soon").await.unwrap_err();
    assert_eq!(refusal.reason(), v1::ErasureRefusalReason::NotClosed);
    assert_eq!(callers.close("a", "close").await, Ok(1));
    assert_eq!(callers.close("a", "close").await, Ok(1), "the same key");
    let again = Err("CLOSING_REFUSAL_REASON_ALREADY_CLOSED");
    assert_eq!(callers.close("a", "close again").await, again);
    callers.check_closed("a", &card).await;
    // What was answered is answered alike.
    let same = callers.paid("a", &card, "one", 20_017).await;
    assert_eq!(same.authorisation_id, first.authorisation_id);
    let given_back = callers.reversal(reverse("a", "back", &second.authorisation_id));
    assert_eq!(given_back.await, "REVERSED");
    let early = callers.refunds(refund("a", "early", &first.authorisation_id));
    assert_eq!(early.await, "NOT_SETTLED");
    let refusal = callers.erase("a", "erase").await.unwrap_err();
    assert_eq!(refusal.reason(), v1::ErasureRefusalReason::RetentionNotOver);
    assert_eq!(refusal.resets_at, Some(instant(ERASABLE_FROM)));
    // The card is nobody's: another person may bind it, and pays without a risk.
    let theirs = callers.wallet_with("b", 111_000_001).await;
    callers.paid("b", &theirs, "three", 100).await;

    let decisions = callers.decisions("a").await;
    assert_eq!(decisions.len(), 2);
    callers
        .admin
        .take_snapshot(v1::TakeSnapshotRequest {})
        .await
        .unwrap();
    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    callers.check_closed("a", &card).await;
    assert_eq!(callers.decisions("a").await, decisions);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_in_the_balance_keeps_an_account_open() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet_with_balance("a", 500).await;
    let kept = Err("CLOSING_REFUSAL_REASON_BALANCE_LEFT");
    assert_eq!(callers.close("a", "close").await, kept);
    callers.account("a").await;
    let unknown = v1::CloseAccountRequest {
        idempotency_key: "k".to_owned(),
        account_id: "nobody".to_owned(),
    };
    let status = callers.admin.close_account(unknown).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(reason_of(&status), "NOT_FOUND");
    let empty = v1::CloseAccountRequest::default();
    let status = callers.admin.close_account(empty).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

/// What entries of the account hold that is no text: digests of cards, documents, phones and passwords.
fn digests(folder: &Path, account: &str) -> BTreeSet<Vec<u8>> {
    let length = u8::try_from(account.len()).unwrap();
    let named = [&[0x0A, length][..], account.as_bytes()].concat();
    let mut found = BTreeSet::new();
    for (name, bytes) in files(folder) {
        if !name.starts_with("journal-") {
            continue;
        }
        let mut rest = bytes.get(64..).unwrap();
        while rest.starts_with(b"WKRC") {
            let length = u32::from_le_bytes(rest[28..32].try_into().unwrap()) as usize;
            let (record, behind) = rest.split_at(36 + length);
            let mut payload = &record[36..];
            while !payload.is_empty() {
                let length = prost::decode_length_delimiter(&mut payload).unwrap();
                let (entry, more) = payload.split_at(length);
                payload = more;
                if entry.starts_with(&named) {
                    found.extend(binary_fields(entry).unwrap());
                }
            }
            rest = behind;
        }
    }
    found
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    files
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            // One that goes meanwhile holds nothing any more.
            (name, fs::read(entry.path()).unwrap_or_default())
        })
        .collect()
}

/// The files of a folder in which one of these stands.
fn that_hold(folder: &Path, digests: &BTreeSet<Vec<u8>>) -> Vec<String> {
    let holds = |bytes: &[u8]| bytes.windows(15).any(|window| digests.contains(window));
    let files = files(folder).into_iter();
    files
        .filter(|(_, bytes)| holds(bytes))
        .map(|(name, _)| name)
        .collect()
}

/// Others go on paying until an account's data are gone.
async fn until_erased(callers: &mut Callers, account: &str, card: &str) {
    let begun = Instant::now();
    for number in 0.. {
        let closure = callers.closure(account).await.unwrap();
        if closure.erased_at.is_some() {
            assert_eq!(closure.erasure_begun_at, None);
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{closure:?}");
        let elapsed = begun.elapsed().as_nanos();
        callers
            .paid("b", card, &format!("{elapsed} {number}"), 1)
            .await;
        sleep(Duration::from_millis(50)).await;
    }
}

/// The account's rows in an export.
fn exported(home: &Home) -> String {
    let output = home.data().with_file_name("export.jsonl");
    let ended = Command::new(binary("waika-server"))
        .args(["journal", "export", "--format", "json-lines", "--store"])
        .arg(format!("journal:{}", home.data().display()))
        .arg("--output")
        .arg(&output)
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let text = fs::read_to_string(&output).unwrap();
    fs::remove_file(output).unwrap();
    let rows = text.lines().filter(|row| row.contains("erase-me"));
    rows.collect::<Vec<_>>().join("\n")
}

/// A server with an account of two cards, payments and a wrong password that is closed, in snapshot and backup as it was
/// before, and with another account. Gives that one's card, one of the closed one's, and its decisions.
async fn closed_with_copies(
    home: Home,
    more: &[&str],
) -> (Server, String, String, Vec<v1::AuthorisationRecord>) {
    let server = Server::start_in(home, more);
    let mut callers = Callers::of(&server).await;
    callers.freeze(CLOSED_AT).await;
    let other = callers.wallet_with("b", 222_000_002).await;
    let card = callers.wallet_with("erase-me", 111_000_001).await;
    let another = bound(&callers.another_card("erase-me", 111_000_003).await);
    callers.paid("erase-me", &another, "one", 20_017).await;
    let wrong = v1::AuthoriseRequest {
        payment_password: "000000".to_owned(),
        want_receipt: true,
        ..pay("erase-me", &card, "wrong", 100)
    };
    assert_eq!(callers.decision(wrong).await, "PASSWORD_WRONG");
    callers
        .admin
        .take_snapshot(v1::TakeSnapshotRequest {})
        .await
        .unwrap();
    callers
        .admin
        .take_backup(v1::TakeBackupRequest {})
        .await
        .unwrap();
    assert_eq!(callers.close("erase-me", "close").await, Ok(2));
    callers.freeze(ERASABLE_FROM).await;
    let decisions = callers.decisions("erase-me").await;
    (server, other, card, decisions)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_is_in_no_file_any_more() {
    let home = Home::new();
    let copies = tempfile::tempdir().unwrap();
    let backup = copies.path().join("backup");
    let folder = backup.to_str().unwrap();
    let mut more = SMALL.to_vec();
    more.extend(["--backup-to", folder, "--backup-every", "0"]);
    let (server, other, card, decisions) = closed_with_copies(home, &more).await;
    let home = server.kill();
    // Both show the same document and have the same phone.
    let of_others = digests(&home.data(), "b");
    let personal = digests(&home.data(), "erase-me");
    let personal: BTreeSet<_> = personal.difference(&of_others).cloned().collect();
    assert!(personal.len() >= 4, "{}", personal.len());
    let held = that_hold(&home.data(), &personal);
    assert!(
        held.iter().any(|name| name.starts_with("snapshot-")),
        "{held:?}"
    );
    assert!(!that_hold(&backup, &personal).is_empty());
    let last_four = format!("\"last_four\":\"{}\"", &visa(111_000_001)[12..]);
    assert!(exported(&home).contains(&last_four));

    let server = Server::start_in(home, &more);
    let mut callers = Callers::of(&server).await;
    callers.erase("erase-me", "erase").await.unwrap();
    // It goes on after a kill, wherever that comes.
    let server = Server::start_in(server.kill(), &more);
    let mut callers = Callers::of(&server).await;
    until_erased(&mut callers, "erase-me", &other).await;
    callers
        .admin
        .take_backup(v1::TakeBackupRequest {})
        .await
        .unwrap();
    let begun = callers.erase("erase-me", "once more").await.unwrap_err();
    assert_eq!(begun.reason(), v1::ErasureRefusalReason::AlreadyBegun);
    callers.check_closed("erase-me", &card).await;
    assert_eq!(callers.decisions("erase-me").await, decisions);

    let home = server.kill();
    let nothing: [String; 0] = [];
    assert_eq!(that_hold(&home.data(), &personal), nothing);
    assert_eq!(that_hold(&backup, &personal), nothing);
    assert!(!that_hold(&home.data(), &of_others).is_empty());
    assert!(!exported(&home).contains(&last_four));
    verified(&home.data());
    verified(&backup);
    // A start that has to replay all of it finds the same.
    for (name, _) in files(&home.data()) {
        if name.starts_with("snapshot-") {
            fs::remove_file(home.data().join(name)).unwrap();
        }
    }
    let server = Server::start_in(home, &more);
    let mut callers = Callers::of(&server).await;
    callers.check_closed("erase-me", &card).await;
    assert_eq!(callers.decisions("erase-me").await, decisions);
    callers.paid("b", &other, "still", 100).await;
}

fn verified(folder: &Path) {
    let ended = Command::new(binary("waika-server"))
        .args(["journal", "verify", "--store"])
        .arg(format!("journal:{}", folder.display()))
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
}
