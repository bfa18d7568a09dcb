//! Service messages: read in pages, newest first (R50, R53).

use tonic::{Code, Status};
use waika::v1;

use crate::malformed::{bad_fields, named};
use crate::passports::kind;
use crate::passwords::{change, change_outcome};
use crate::support::Server;
use crate::wallet::{Callers, instant, send_phone_code};

impl Callers {
    /// Something that a person is told of.
    pub(crate) async fn money_comes_in(&mut self, account: &str, key: &str) {
        let request = v1::ReceiveFundsRequest {
            idempotency_key: key.to_owned(),
            account_id: account.to_owned(),
            kind: v1::FundsKind::RedPacket.into(),
            amount_fen: 100,
            currency: "CNY".to_owned(),
        };
        let received = self.cards.receive_funds(request).await.unwrap();
        let outcome = received.into_inner().outcome.unwrap();
        let taken = matches!(outcome, v1::receive_funds_response::Outcome::Taken(_));
        assert!(taken, "{key}: {outcome:?}");
    }

    async fn page(
        &mut self,
        account: &str,
        page_size: i32,
        page_token: &str,
    ) -> Result<v1::ListNotificationsResponse, Status> {
        let request = v1::ListNotificationsRequest {
            account_id: account.to_owned(),
            page_size,
            page_token: page_token.to_owned(),
        };
        let listed = self.cards.list_notifications(request).await;
        listed.map(tonic::Response::into_inner)
    }
}

#[tokio::test]
async fn messages_are_read_newest_first_in_pages_that_do_not_move() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-05-01T10:00:00+08:00").await;
    let card_token = callers.wallet("a").await;
    callers.wallet_with("b", 111_000_002).await;
    for number in 0..11 {
        let key = format!("k{number}");
        callers.money_comes_in("a", &key).await;
        callers.money_comes_in("a", &key).await; // A replay is told of once.
        callers.money_comes_in("b", &key).await;
        // What nobody is told of stands between.
        callers.paid("a", &card_token, &key, 100).await;
    }
    callers.freeze("2024-05-01T11:00:00+08:00").await;
    let changed = callers.change(change("a", "change")).await;
    assert_eq!(change_outcome(&changed), "CHANGED");

    let whole = callers.notices("a").await;
    assert_eq!(whole.len(), 12);
    assert_eq!(kind(&whole[0]), "PASSWORD_CHANGED", "the newest first");
    assert_eq!(whole[0].at, Some(instant("2024-05-01T11:00:00+08:00")));
    assert!(
        whole[1..]
            .iter()
            .all(|notice| kind(notice) == "FUNDS_RECEIVED")
    );
    let mut names: Vec<_> = whole.iter().map(|notice| &notice.notification_id).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 12, "each has a name of its own");

    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = callers.page("a", 5, &page_token).await.unwrap();
        assert!(page.notifications.len() <= 5);
        seen.extend(page.notifications);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        let key = format!("meanwhile {}", seen.len());
        callers.money_comes_in("a", &key).await; // It moves no later page.
    }
    assert_eq!(seen, whole);
    assert_eq!(callers.notices("b").await.len(), 11, "its own only");
}

#[tokio::test]
async fn a_page_of_another_account_or_of_nobody_is_refused() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet("a").await;
    callers.wallet_with("b", 111_000_002).await;
    for number in 0..3 {
        callers.money_comes_in("a", &format!("k{number}")).await;
    }
    let first = callers.page("a", 2, "").await.unwrap();
    assert!(!first.next_page_token.is_empty());
    let foreign = callers
        .page("b", 2, &first.next_page_token)
        .await
        .unwrap_err();
    assert_eq!(bad_fields(&foreign), named(["page_token"]));
    let garbage = callers.page("a", 101, "garbage").await.unwrap_err();
    assert_eq!(bad_fields(&garbage), named(["page_size", "page_token"]));
    let negative = callers.page("a", -1, "").await.unwrap_err();
    assert_eq!(bad_fields(&negative), named(["page_size"]));
    let nobody = callers.page("nobody", 2, "").await.unwrap_err();
    assert_eq!(nobody.code(), Code::NotFound, "D27");
    let request = send_phone_code("c", "+44 7700 900999");
    callers.cards.send_phone_code(request).await.unwrap();
    let nothing = callers.page("c", 0, "").await.unwrap();
    assert_eq!(nothing, v1::ListNotificationsResponse::default());
}
