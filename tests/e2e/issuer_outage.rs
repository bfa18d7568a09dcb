//! An issuer that goes away and comes back while payments come in: declines with 91, advices that
//! wait and then drain, and books that agree to the fen in the end (D16). Killed at any moment, on
//! either side, the same. `WAIKA_ISSUER_KILLS=50` is the long form.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use waika::v1;

use crate::issuer_support::{Issued, IssuerSandbox, books_agree};
use crate::requests::{decision, pay, reverse};
use crate::support::{Server, number};
use crate::wallet::Callers;

/// Callers who pay one after the other, each from a wallet of its own, until they are told to stop.
struct Traffic {
    stop: Arc<AtomicBool>,
    payers: JoinSet<Told>,
}

/// What a payer was told.
#[derive(Default)]
struct Told {
    /// Payments that were approved: account, key and authorisation id.
    approved: Vec<(String, String, String)>,
    /// Declined with 91.
    unavailable: u64,
    /// Not answered: the server was gone.
    unanswered: u64,
}

/// Names keys over all traffic of a test.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Traffic {
    /// Begins with these wallets: account and card.
    fn begin(callers: &Callers, wallets: &[(String, String)]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut payers = JoinSet::new();
        for (account, token) in wallets {
            let payer = Payer {
                callers: callers.clone(),
                account: account.clone(),
                token: token.clone(),
            };
            payers.spawn(payer.pay_until(Arc::clone(&stop)));
        }
        Self { stop, payers }
    }

    async fn end(mut self) -> Told {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Told::default();
        while let Some(told) = self.payers.join_next().await {
            let told = told.unwrap();
            all.approved.extend(told.approved);
            all.unavailable += told.unavailable;
            all.unanswered += told.unanswered;
        }
        all
    }
}

struct Payer {
    callers: Callers,
    account: String,
    token: String,
}

impl Payer {
    async fn pay_until(mut self, stop: Arc<AtomicBool>) -> Told {
        let mut told = Told::default();
        while !stop.load(Ordering::Relaxed) {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let key = format!("k{number}");
            // Small ones, so that a limit is no reason.
            let asked = pay(&self.account, &self.token, &key, 1);
            if let Ok(response) = self.callers.authorise(asked).await {
                self.note(&mut told, key, &response).await;
            } else {
                told.unanswered += 1;
                sleep(Duration::from_millis(5)).await;
            }
        }
        told
    }

    async fn note(&mut self, told: &mut Told, key: String, response: &v1::AuthoriseResponse) {
        match &*decision(response) {
            "APPROVED" => {
                let id = response.authorisation.as_ref().unwrap();
                let id = id.authorisation_id.clone();
                // Every fifth is given back.
                if told.approved.len() % 5 == 4 {
                    let reversal = reverse(&self.account, &format!("r {key}"), &id);
                    drop(self.callers.reverse(reversal).await);
                }
                told.approved.push((self.account.clone(), key, id));
            }
            "ISSUER_UNAVAILABLE" => told.unavailable += 1,
            other => panic!("{other}"),
        }
    }
}

/// Wallets of cards with numbers of their own.
async fn wallets(callers: &mut Callers, count: u32) -> Vec<(String, String)> {
    let mut wallets = Vec::new();
    for number in 0..count {
        let account = format!("w{number}");
        let token = callers.wallet_with(&account, 1_000_000 + number).await;
        wallets.push((account, token));
    }
    wallets
}

/// What was told stays true: each approval is given again by its key.
async fn approvals_stand(callers: &mut Callers, wallets: &[(String, String)], told: &Told) {
    for (account, key, id) in &told.approved {
        let (_, token) = wallets.iter().find(|(name, _)| name == account).unwrap();
        let again = callers.authorise(pay(account, token, key, 1)).await;
        let again = again.unwrap();
        assert!(again.replayed, "{key}");
        assert_eq!(&again.authorisation.unwrap().authorisation_id, id, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d16_an_outage_declines_and_what_is_owed_drains_when_it_is_over() {
    let slow = ["--latency", "p50=5ms,p99=20ms"];
    let Issued {
        mut callers,
        issuer,
        server,
    } = Issued::start(&slow, &[]).await;
    let wallets = wallets(&mut callers, 16).await;
    callers.nothing_owed().await;
    let traffic = Traffic::begin(&callers, &wallets);
    sleep(Duration::from_millis(400)).await;
    let port = issuer.port();
    let home = issuer.kill();
    sleep(Duration::from_millis(1_500)).await;
    let owed = callers.owed().await.total_size;
    assert!(owed > 0, "calls that were under way are owed");
    let issuer = IssuerSandbox::start_in(home, port, &slow);
    sleep(Duration::from_secs(3)).await;
    let told = traffic.end().await;
    assert!(told.unavailable > 0 && told.approved.len() > 100);
    assert_eq!(told.unanswered, 0);
    callers.nothing_owed().await;
    approvals_stand(&mut callers, &wallets, &told).await;
    books_agree(&server, &issuer).await;
    let metrics = server.metrics().await;
    let opened = "waika_issuer_breaker_opened_total{scheme=\"VISA\"} ";
    let times = metrics.lines().find_map(|line| line.strip_prefix(opened));
    assert!(times.is_some_and(|times| times != "0"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d16_a_silent_outage_is_the_same() {
    let outage = ["--latency", "2ms", "--outage", "2s..4s=mute"];
    let Issued {
        mut callers,
        issuer,
        server,
    } = Issued::start(&outage, &[]).await;
    let wallets = wallets(&mut callers, 8).await;
    let traffic = Traffic::begin(&callers, &wallets);
    sleep(Duration::from_millis(6_500)).await;
    let told = traffic.end().await;
    assert!(told.unavailable > 0, "nobody met the outage");
    assert!(told.approved.len() > 100);
    callers.nothing_owed().await;
    approvals_stand(&mut callers, &wallets, &told).await;
    books_agree(&server, &issuer).await;
}

/// The server is killed again and again, and two times in five its issuer before it.
#[tokio::test(flavor = "multi_thread")]
async fn d16_whoever_is_killed_both_books_agree_in_the_end() {
    let slow = ["--latency", "p50=3ms,p99=40ms"];
    let Issued {
        mut callers,
        mut issuer,
        mut server,
    } = Issued::start(&slow, &[]).await;
    let wallets = wallets(&mut callers, 16).await;
    let address = issuer.address();
    let (mut server_kills, mut issuer_kills) = (0, 0);
    let mut all = Told::default();
    for round in 0..number("WAIKA_ISSUER_KILLS").unwrap_or(4) {
        let traffic = Traffic::begin(&callers, &wallets);
        // Not always at the same place.
        sleep(Duration::from_millis(200 + round * 137 % 400)).await;
        if round % 5 < 2 {
            let port = issuer.port();
            let home = issuer.kill();
            issuer_kills += 1;
            sleep(Duration::from_millis(round * 61 % 150)).await;
            issuer = IssuerSandbox::start_in(home, port, &slow);
            sleep(Duration::from_millis(200)).await;
        }
        let home = server.kill();
        server_kills += 1;
        let told = traffic.end().await;
        all.approved.extend(told.approved);
        all.unavailable += told.unavailable;
        all.unanswered += told.unanswered;
        server = Server::start_in(home, &["--issuer", &address]);
        callers = Callers::of(&server).await;
    }
    assert!(all.approved.len() > 20 && all.unanswered > 0);
    callers.nothing_owed().await;
    approvals_stand(&mut callers, &wallets, &all).await;
    books_agree(&server, &issuer).await;
    println!(
        "{server_kills} kills of the server and {issuer_kills} of the issuer: {} approvals told, \
         {} declined for silence, {} not answered; both books agree to the fen",
        all.approved.len(),
        all.unavailable,
        all.unanswered
    );
}
