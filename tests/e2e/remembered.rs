//! Passwords, requests to reset them, reviews and messages outlive a server that is killed: from the
//! journal alone, from a snapshot, and from a snapshot with entries behind it.

use waika::v1::{self, PasswordTicketVerdict, ReviewVerdict, WalletRegion};

use crate::passports::{FACE_FAILS, Material, photo_outcome};
use crate::passwords::{
    change, change_outcome, proof, reset_by_card, reset_by_identity, reset_outcome, verify,
    verify_outcome, with_token,
};
use crate::support::Server;
use crate::wallet::{Callers, PHONE, pay, unbind};

/// When a snapshot is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Snapshot {
    Never,
    HalfWay,
    AtTheEnd,
}

const MOMENTS: [Snapshot; 3] = [Snapshot::Never, Snapshot::HalfWay, Snapshot::AtTheEnd];

/// All that can be read of some accounts, and of what waits for operators.
#[derive(Debug, PartialEq)]
struct Seen {
    accounts: Vec<v1::GetAccountResponse>,
    reviews: Vec<(&'static str, Vec<Material>, i32)>,
    notices: Vec<Vec<v1::Notification>>,
    waiting: Vec<v1::PendingReview>,
    tickets: Vec<v1::PasswordTicket>,
}

impl Callers {
    async fn see(&mut self, accounts: &[&str]) -> Seen {
        let mut seen = Seen {
            accounts: Vec::new(),
            reviews: Vec::new(),
            notices: Vec::new(),
            waiting: self.reviews().await,
            tickets: self.password_tickets().await,
        };
        for account in accounts {
            seen.accounts.push(self.account(account).await);
            seen.reviews.push(self.verification(account).await);
            seen.notices.push(self.notices(account).await);
        }
        seen
    }

    async fn snapshot_if(&mut self, wanted: bool) {
        if wanted {
            let request = v1::TakeSnapshotRequest {};
            self.admin.take_snapshot(request).await.unwrap();
        }
    }

    /// A wallet whose card was unbound.
    async fn cardless(&mut self, account: &str, number: u32) {
        let card_token = self.wallet_with(account, number).await;
        self.unbind(unbind(account, &card_token, "unbind")).await;
    }

    /// How a reset by the document ends, in a word.
    async fn form(&mut self, account: &str, key: &str) -> &'static str {
        reset_outcome(&self.reset(reset_by_identity(account, key)).await)
    }

    /// How a password is verified, in a word.
    async fn tried(&mut self, account: &str, key: &str, password: &str) -> &'static str {
        let mut request = verify(account, "card_0000000000001", key, 100);
        password.clone_into(&mut request.payment_password);
        verify_outcome(&self.verify(request).await)
    }
}

#[tokio::test]
async fn d7_a_password_its_tokens_and_its_tries_survive() {
    for snapshot in MOMENTS {
        let server = Server::start();
        let mut callers = Callers::of(&server).await;
        callers.freeze("2024-05-01T10:00:00+08:00").await;
        let card = callers.wallet_with("a", 111_000_001).await;
        let other = callers.wallet_with("b", 111_000_002).await;
        let unused = callers.token(verify("a", &card, "unused", 100)).await;
        let used = callers.token(verify("a", &card, "used", 100)).await;
        let payment = with_token(pay("a", &card, "1", 100), &used.payment_token);
        let paid = callers.authorise(payment.clone()).await.unwrap();
        callers.wrong_passwords("a", &card, 1..=3).await;
        callers.snapshot_if(snapshot == Snapshot::HalfWay).await;
        callers.wrong_passwords("a", &card, 4..=4).await;
        callers.wrong_passwords("b", &other, 1..=5).await;
        let changed = callers.change(change("b", "locked")).await;
        assert_eq!(change_outcome(&changed), "PASSWORD_LOCKED");
        callers.snapshot_if(snapshot == Snapshot::AtTheEnd).await;
        let before = callers.see(&["a", "b"]).await;

        let server = Server::start_in(server.kill(), &[]);
        let mut callers = Callers::of(&server).await;
        assert_eq!(callers.see(&["a", "b"]).await, before, "{snapshot:?}");
        let again = callers.authorise(payment).await.unwrap();
        assert_eq!(
            (again.replayed, again.authorisation),
            (true, paid.authorisation)
        );
        let again = callers.token(verify("a", &card, "unused", 100)).await;
        assert!(again == unused, "{snapshot:?}: the same token");
        let twice = with_token(pay("a", &card, "2", 100), &used.payment_token);
        assert_eq!(callers.decision(twice).await, "PAYMENT_TOKEN_USED");
        let first = with_token(pay("a", &card, "3", 100), &unused.payment_token);
        assert_eq!(callers.decision(first).await, "APPROVED", "{snapshot:?}");
        // The fifth wrong one locks: four were counted before.
        callers.wrong_passwords("a", &card, 5..=5).await;
        assert_eq!(callers.tried("a", "6", "135790").await, "PASSWORD_LOCKED");
        assert_eq!(callers.tried("b", "6", "135790").await, "PASSWORD_LOCKED");
        callers.freeze("2024-05-01T10:30:00+08:00").await;
        assert_eq!(
            callers.tried("b", "7", "135790").await,
            "VERIFIED",
            "{snapshot:?}"
        );
    }
}

#[tokio::test]
async fn d7_a_changed_a_reset_and_an_unlocked_password_survive() {
    for snapshot in MOMENTS {
        let server = Server::start();
        let mut callers = Callers::of(&server).await;
        let card = callers.wallet("a").await;
        let void = callers.token(verify("a", &card, "void", 100)).await;
        callers.wallet_with("b", 111_000_002).await;
        let third = callers.wallet_with("c", 111_000_003).await;
        assert_eq!(
            change_outcome(&callers.change(change("b", "c")).await),
            "CHANGED"
        );
        callers.snapshot_if(snapshot == Snapshot::HalfWay).await;
        let reset = callers.reset_by_card(("a", "r"), &card, PHONE).await;
        assert_eq!(reset, "RESET");
        callers.wrong_passwords("c", &third, 1..=5).await;
        assert!(callers.unlock("c", "unlock").await);
        callers.snapshot_if(snapshot == Snapshot::AtTheEnd).await;
        let before = callers.see(&["a", "b", "c"]).await;

        let server = Server::start_in(server.kill(), &[]);
        let mut callers = Callers::of(&server).await;
        assert_eq!(callers.see(&["a", "b", "c"]).await, before, "{snapshot:?}");
        for account in ["a", "b"] {
            assert_eq!(
                callers.tried(account, "old", "135790").await,
                "PASSWORD_WRONG"
            );
            assert_eq!(callers.tried(account, "new", "246802").await, "VERIFIED");
        }
        let void = with_token(pay("a", &card, "1", 100), &void.payment_token);
        assert_eq!(callers.decision(void).await, "PAYMENT_TOKEN_INVALID");
        assert_eq!(callers.tried("c", "unlocked", "135790").await, "VERIFIED");
        let again = callers.change(change("b", "c")).await;
        assert_eq!((again.replayed, change_outcome(&again)), (true, "CHANGED"));
    }
}

#[tokio::test]
async fn r46_r47_requests_to_reset_a_password_survive_in_every_state() {
    for snapshot in MOMENTS {
        let server = Server::start();
        let mut callers = Callers::of(&server).await;
        callers.freeze("2024-05-01T10:00:00+08:00").await;
        for (number, account) in (1..).zip(["open", "yes", "no", "told"]) {
            callers.cardless(account, 111_000_000 + number).await;
            assert_eq!(callers.form(account, "form").await, "TICKET");
        }
        let card = callers.wallet("locked").await;
        let code = callers.next_phone_code("locked", PHONE).await;
        let phone = (PHONE, &*code);
        callers.snapshot_if(snapshot == Snapshot::HalfWay).await;
        let tickets = callers.password_tickets().await;
        let [_, yes, no, told] = &tickets[..] else {
            panic!("four")
        };
        let (approve, reject) = (
            PasswordTicketVerdict::Approve,
            PasswordTicketVerdict::Reject,
        );
        callers.resolve_ticket(yes, "op", approve).await;
        callers.resolve_ticket(no, "op", reject).await;
        callers.resolve_ticket(told, "op", reject).await;
        assert_eq!(callers.form("told", "then").await, "TICKET_REJECTED");
        for number in 1..=5 {
            let key = format!("wrong {number}");
            let mut request = reset_by_card("locked", &key, &card, phone);
            proof(&mut request).card.as_mut().unwrap().expiry_year = 2030;
            let wrong = callers.reset(request).await;
            assert_eq!(reset_outcome(&wrong), "CARD_DATA_WRONG");
        }
        callers.snapshot_if(snapshot == Snapshot::AtTheEnd).await;
        let accounts = ["open", "yes", "no", "told", "locked"];
        let before = callers.see(&accounts).await;

        let server = Server::start_in(server.kill(), &[]);
        let mut callers = Callers::of(&server).await;
        assert_eq!(callers.see(&accounts).await, before, "{snapshot:?}");
        assert_eq!(callers.form("open", "2").await, "TICKET_OPEN");
        let again = callers.resolve_ticket(yes, "another key", reject).await;
        assert!(!again.resolved, "{snapshot:?}: it was resolved before");
        assert_eq!(callers.form("yes", "set").await, "RESET", "{snapshot:?}");
        assert_eq!(callers.form("no", "then").await, "TICKET_REJECTED");
        assert_eq!(callers.form("told", "anew").await, "TICKET", "{snapshot:?}");
        let right = |key: &str| reset_by_card("locked", key, &card, phone);
        let locked = callers.reset(right("right")).await;
        assert_eq!(reset_outcome(&locked), "RESET_LOCKED", "{snapshot:?}");
        // The list that operators work through goes on, oldest first.
        let waiting = callers.password_tickets().await;
        let waiting: Vec<_> = waiting.iter().map(|ticket| &*ticket.account_id).collect();
        assert_eq!(waiting, ["open", "told"], "{snapshot:?}");
    }
}

#[tokio::test]
async fn r53_reviews_and_regions_survive_in_every_state() {
    let accounts = ["required", "page", "failed", "waits", "no", "yes"];
    for snapshot in MOMENTS {
        let server = Server::start();
        let mut callers = Callers::of(&server).await;
        for account in accounts {
            callers.passport_wallet(account).await;
        }
        callers.send_page_and_face("waits").await;
        callers.send_page_and_face("yes").await;
        for account in ["page", "failed"] {
            let page = callers.send_photo((account, "page"), Material::PassportPage, b"p");
            assert_eq!(page.await, ["TAKEN", "PAGE_RECEIVED"]);
        }
        let face = ("failed", "face 1");
        callers.send_photo(face, Material::Face, FACE_FAILS).await;
        callers.snapshot_if(snapshot == Snapshot::HalfWay).await;
        callers
            .send_photo(("failed", "face 2"), Material::Face, FACE_FAILS)
            .await;
        callers.send_page_and_face("no").await;
        callers
            .resolve_review("yes", "op", ReviewVerdict::Approve)
            .await;
        callers
            .resolve_review("no", "op", ReviewVerdict::Reject)
            .await;
        let out = v1::SwitchWalletRegionRequest {
            idempotency_key: "out".to_owned(),
            account_id: "yes".to_owned(),
            wallet_region: WalletRegion::Malaysia.into(),
        };
        callers
            .cards
            .switch_wallet_region(out.clone())
            .await
            .unwrap();
        callers.snapshot_if(snapshot == Snapshot::AtTheEnd).await;
        let before = callers.see(&accounts).await;

        let server = Server::start_in(server.kill(), &[]);
        let mut callers = Callers::of(&server).await;
        assert_eq!(callers.see(&accounts).await, before, "{snapshot:?}");
        let replay = crate::passports::photo(face, Material::Face, FACE_FAILS);
        let replay = callers.submit(replay).await.unwrap();
        assert!(replay.replayed);
        assert_eq!(photo_outcome(&replay), ["NOT_RECOGNISED", "FACE_FAILED"]);
        let held = callers.send_photo(("failed", "held"), Material::HandHeldPage, b"h");
        assert_eq!(held.await, ["TAKEN", "UNDER_REVIEW"], "{snapshot:?}");
        let waiting = callers.reviews().await;
        let waiting: Vec<_> = waiting
            .iter()
            .map(|review| (&*review.account_id, review.face_failures))
            .collect();
        assert_eq!(waiting, [("waits", 0), ("failed", 2)], "{snapshot:?}");
        let approved = callers.resolve_review("waits", "op", ReviewVerdict::Approve);
        assert_eq!(approved.await, (true, "APPROVED"));
        let switched = callers.cards.switch_wallet_region(out).await.unwrap();
        assert!(switched.into_inner().replayed);
    }
}
