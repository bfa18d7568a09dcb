//! F7: a disk that takes 200 ms over each sync. No more waits for it than may, what is refused is refused at once
//! and not applied, and no answer leaves before it is durable.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;
use waika::v1;

use crate::crash_strace::{Strace, with_slow_syncs};
use crate::support::{Home, Server, number, reason_of};
use crate::wallet::{Callers, decision, part, pay, reverse};

/// How long each sync takes longer than it would.
const DELAY: Duration = Duration::from_millis(200);
/// How many may wait in these tests.
const MOST: &str = "256";

fn slow_syncs(server: &Server) -> Strace {
    let inject = format!("fdatasync:delay_enter={}", DELAY.as_micros());
    Strace::attach(server, "fdatasync", &inject, "/dev/null".as_ref())
}

/// What became of many payments that were sent at once and again and again.
#[derive(Default)]
struct Sent {
    approved: Vec<(String, Duration)>,
    refused: Vec<(String, Duration)>,
}

impl Sent {
    fn add(&mut self, other: Self) {
        self.approved.extend(other.approved);
        self.refused.extend(other.refused);
    }
}

/// One who sends a payment after the other, each under a key of its own.
async fn pay_on(mut callers: Callers, (card, who): (String, usize), until: Instant) -> Sent {
    let mut sent = Sent::default();
    for number in 0.. {
        let began = Instant::now();
        if began > until {
            break;
        }
        let key = format!("{who} {number}");
        let answered = callers.authorise(pay("a", &card, &key, 1)).await;
        let took = began.elapsed();
        match answered {
            Ok(answer) => {
                assert_eq!(decision(&answer), "APPROVED");
                sent.approved.push((key, took));
            }
            Err(status) => {
                assert_overloaded(&status);
                sent.refused.push((key, took));
                // As it was told; and less, so that the bound is met again and again.
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
    sent
}

fn assert_overloaded(status: &Status) {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    assert_eq!(reason_of(status), "OVERLOADED");
    let wait = status.get_details_retry_info().unwrap().retry_delay;
    assert!(wait.unwrap() >= Duration::from_millis(10), "{wait:?}");
    let told: u64 = pushback(status.metadata()).unwrap();
    assert!((10..=5_000).contains(&told), "{told}");
}

/// Where clients that try again by themselves look.
fn pushback(metadata: &MetadataMap) -> Option<u64> {
    let told = metadata.get("grpc-retry-pushback-ms")?;
    told.to_str().ok()?.parse().ok()
}

fn percentile(times: &mut [Duration], of: f64) -> Duration {
    times.sort();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place among a few thousand"
    )]
    let place = ((times.len() - 1) as f64 * of) as usize;
    times[place]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f7_a_slow_disk_bounds_what_waits_and_refuses_the_rest_at_once() {
    let home = Home::new();
    let mut command = home.command();
    let mut command = with_slow_syncs(command.args(["--max-pending", MOST]), DELAY);
    let server = Server::start_by(&mut command, home);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let until =
        Instant::now() + Duration::from_millis(number("WAIKA_OVERLOAD_MS").unwrap_or(3_000));
    let mut crowd = JoinSet::new();
    for who in 0..512 {
        // Each connection carries 64 of them.
        if who % 64 == 0 {
            callers.authorisations = server.authorisations().await;
        }
        crowd.spawn(pay_on(callers.clone(), (card.clone(), who), until));
    }
    let mut sent = Sent::default();
    while let Some(one) = crowd.join_next().await {
        sent.add(one.unwrap());
    }
    assert!(!sent.refused.is_empty() && !sent.approved.is_empty());
    // By what causes what, however fast or slow the machine is: a whole sync lies in between.
    let fastest = sent.approved.iter().map(|(_, took)| *took).min().unwrap();
    assert!(fastest >= DELAY, "answered after {fastest:?}");

    let mut times: Vec<_> = sent.refused.iter().map(|(_, took)| *took).collect();
    let (p50, p99) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
    eprintln!(
        "F7: syncs of 200 ms: {} approved, none in less; {} refused, at the median after {p50:?}, p99 {p99:?}",
        sent.approved.len(),
        sent.refused.len()
    );
    // What was refused was not applied, and its key is as good as new.
    let mut again = JoinSet::new();
    for (sent, replayed) in [(&sent.refused, false), (&sent.approved, true)] {
        for (key, _) in sent.iter().take(50) {
            let (mut callers, payment) = (callers.clone(), pay("a", &card, key, 1));
            again.spawn(async move { (replayed, callers.authorise(payment).await.unwrap()) });
        }
    }
    while let Some(one) = again.join_next().await {
        let (replayed, answer) = one.unwrap();
        assert_eq!(answer.replayed, replayed, "{answer:?}");
    }
    let refused = server.figure("waika_admission_refused_total{class=\"payment\",bound=\"count\"}");
    assert!(refused.await.unwrap() >= 1.0);
}

/// Who is refused first: reads, then what changes something, then payments; what gives back is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_gives_back_goes_before_payments_and_reads_behind() {
    let server = Server::start_with(&["--max-pending", MOST]);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let paid = callers
        .authorise(pay("a", &card, "paid", 500))
        .await
        .unwrap();
    let id = paid.authorisation.unwrap().authorisation_id;
    let strace = slow_syncs(&server);
    let until = Instant::now() + Duration::from_secs(3);
    let mut crowd = JoinSet::new();
    for who in 0..512 {
        if who % 64 == 0 {
            callers.authorisations = server.authorisations().await;
        }
        crowd.spawn(pay_on(callers.clone(), (card.clone(), who), until));
    }
    let mut reads_refused = 0;
    for number in 0.. {
        if Instant::now() > until {
            break;
        }
        let account_id = "a".to_owned();
        if let Err(status) = callers
            .cards
            .get_account(v1::GetAccountRequest { account_id })
            .await
        {
            assert_overloaded(&status);
            reads_refused += 1;
        }
        let part = part(reverse("a", &format!("back {number}"), &id), 1);
        callers.authorisations.reverse(part).await.unwrap();
        let mut health =
            waika::health::health_client::HealthClient::new(server.rpc_channel().await);
        let asked = waika::health::HealthCheckRequest::default();
        health.check(asked).await.unwrap();
    }
    while let Some(one) = crowd.join_next().await {
        one.unwrap();
    }
    drop(strace);
    assert!(reads_refused > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_before_the_next_sync_s_end_is_refused_and_nothing_written() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let strace = slow_syncs(&server);
    // So that the server has seen how long they take.
    for warm in ["1", "2", "3"] {
        let answer = callers.authorise(pay("a", &card, warm, 1)).await.unwrap();
        assert_eq!(decision(&answer), "APPROVED");
    }
    let mut request = Request::new(pay("a", &card, "late", 1));
    // The client itself waits longer, so that it hears the server.
    request
        .metadata_mut()
        .insert("grpc-timeout", "90m".parse().unwrap());
    let refused = callers.authorisations.authorise(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::DeadlineExceeded, "{refused}");
    assert_eq!(reason_of(&refused), "DEADLINE_BUDGET");
    drop(strace);
    let answer = callers.authorise(pay("a", &card, "late", 1)).await.unwrap();
    assert!(!answer.replayed, "nothing was written");
}
