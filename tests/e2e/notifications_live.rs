//! Service messages as they come: what is there already, what comes, and how a stream ends.

use std::time::Duration;

use tonic::{Code, Status, Streaming};
use waika::v1::{self, ReviewVerdict};

use crate::malformed::{bad_fields, named};
use crate::passports::kind;
use crate::passwords::change;
use crate::support::Server;
use crate::wallet::Callers;

/// An account's messages as they come.
struct Watch(Streaming<v1::WatchNotificationsResponse>);

impl Watch {
    /// The next message, which comes soon.
    async fn next(&mut self) -> Result<Option<v1::Notification>, Status> {
        let next = tokio::time::timeout(Duration::from_secs(20), self.0.message());
        let next = next.await.unwrap_or_else(|_| panic!("no message came"));
        Ok(next?.and_then(|message| message.notification))
    }

    /// What the next message is about.
    async fn kind(&mut self) -> &'static str {
        kind(&self.next().await.unwrap().unwrap())
    }

    /// True if there is no message for a while.
    async fn is_silent(&mut self) -> bool {
        let next = tokio::time::timeout(Duration::from_millis(200), self.0.message());
        next.await.is_err()
    }
}

impl Callers {
    async fn try_watch(&mut self, account: &str, after: &str) -> Result<Watch, Status> {
        let request = v1::WatchNotificationsRequest {
            account_id: account.to_owned(),
            after_notification_id: after.to_owned(),
        };
        let watching = self.cards.watch_notifications(request).await?;
        Ok(Watch(watching.into_inner()))
    }

    async fn watch(&mut self, account: &str, after: &str) -> Watch {
        self.try_watch(account, after).await.unwrap()
    }
}

#[tokio::test]
async fn r53_the_result_of_a_review_is_told_when_it_is_there() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.passport_wallet("a").await;
    let mut watch = callers.watch("a", "").await;
    callers.send_page_and_face("a").await;
    assert!(watch.is_silent().await, "what was before is not told again");
    callers
        .resolve_review("a", "no", ReviewVerdict::Reject)
        .await;
    let told = watch.next().await.unwrap().unwrap();
    assert_eq!(kind(&told), "REVIEW_REJECTED");
    assert_eq!(
        Some(&told),
        callers.notices("a").await.first(),
        "as it is listed"
    );
}

#[tokio::test]
async fn what_came_after_a_message_is_told_oldest_first_and_then_what_comes() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet("a").await;
    for number in 0..150 {
        callers.money_comes_in("a", &format!("k{number}")).await;
    }
    let mut whole = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListNotificationsRequest {
            account_id: "a".to_owned(),
            page_size: 100,
            page_token,
        };
        let page = callers.cards.list_notifications(request).await.unwrap();
        let page = page.into_inner();
        whole.extend(page.notifications);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    whole.reverse();
    assert_eq!(whole.len(), 150);
    let mut watch = callers.watch("a", &whole[0].notification_id).await;
    for (number, expected) in (1..).zip(&whole[1..]) {
        let told = watch.next().await.unwrap();
        assert_eq!(told.as_ref(), Some(expected), "{number}");
    }
    callers.change(change("a", "change")).await;
    assert_eq!(watch.kind().await, "PASSWORD_CHANGED");
    let mut after_the_last = callers.watch("a", &whole[149].notification_id).await;
    assert_eq!(after_the_last.kind().await, "PASSWORD_CHANGED");
    assert!(after_the_last.is_silent().await, "each once");
}

#[tokio::test]
async fn all_who_watch_are_told_and_nobody_elses_watcher_is() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet("a").await;
    callers.wallet_with("b", 111_000_002).await;
    let mut watches = Vec::new();
    for _ in 0..2 {
        // One connection each, for they may be served by different cores.
        let mut other = Callers::of(&server).await;
        watches.push(other.watch("a", "").await);
    }
    let mut elsewhere = callers.watch("b", "").await;
    let mut names = Vec::new();
    for number in 0..20 {
        callers.money_comes_in("a", &format!("k{number}")).await;
    }
    for watch in &mut watches {
        let mut seen = Vec::new();
        for _ in 0..20 {
            seen.push(watch.next().await.unwrap().unwrap().notification_id);
        }
        names.push(seen);
    }
    assert_eq!(names[0], names[1], "all, in one order");
    let listed = callers.notices("a").await.into_iter().rev();
    let listed: Vec<_> = listed.map(|notice| notice.notification_id).collect();
    assert_eq!(names[0], listed);
    assert!(elsewhere.is_silent().await);
    // One who leaves takes nothing from the other.
    drop(watches.pop());
    callers.money_comes_in("a", "after").await;
    assert_eq!(watches[0].kind().await, "FUNDS_RECEIVED");
}

#[tokio::test]
async fn a_server_that_stops_ends_the_stream_and_its_successor_goes_on() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet("a").await;
    callers.money_comes_in("a", "before").await;
    let last = callers.notices("a").await[0].notification_id.clone();
    let mut watch = callers.watch("a", "").await;
    server.signal(rustix::process::Signal::TERM);
    let ended = watch.next().await.unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable, "{ended:?}");
    let (status, home) = server.ended();
    assert_eq!(status.code(), Some(0));

    let server = Server::start_in(home, &[]);
    let mut callers = Callers::of(&server).await;
    callers.money_comes_in("a", "while nobody watched").await;
    let mut watch = callers.watch("a", &last).await;
    assert_eq!(watch.kind().await, "FUNDS_RECEIVED", "where it had ended");
    assert!(watch.is_silent().await);
    let home = server.kill();
    assert!(watch.next().await.is_err(), "a server that was killed");
    let server = Server::start_in(home, &[]);
    let mut callers = Callers::of(&server).await;
    let mut watch = callers.watch("a", &last).await;
    assert_eq!(watch.kind().await, "FUNDS_RECEIVED", "its name still holds");
}

#[tokio::test]
async fn who_watches_nobody_or_after_nothing_is_refused() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet("a").await;
    callers.wallet_with("b", 111_000_002).await;
    callers.money_comes_in("a", "k").await;
    let id = callers.notices("a").await[0].notification_id.clone();
    for (account, after) in [("b", &*id), ("a", "note_1"), ("a", "garbage")] {
        let refused = callers.try_watch(account, after).await;
        let refused = refused.err().unwrap_or_else(|| panic!("{account} {after}"));
        assert_eq!(bad_fields(&refused), named(["after_notification_id"]));
    }
    let nobody = callers.try_watch("nobody", "").await.err().unwrap();
    assert_eq!(nobody.code(), Code::NotFound, "D27");
    let malformed = callers.try_watch("", "").await.err().unwrap();
    assert_eq!(bad_fields(&malformed), named(["account_id"]));
}
