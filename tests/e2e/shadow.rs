//! A policy is evaluated beside the one that holds, and the report of what it would have turned
//! is what the journal says (D24).

use std::collections::BTreeMap;

use serde_json::Value;
use tonic::Status;
use waika::v1;

use crate::shadow_load::{Load, show};
use crate::support::Server;
use crate::wallet::{Callers, instant, pay};

impl Callers {
    pub(crate) async fn set_shadow(
        &mut self,
        name: &str,
    ) -> Result<v1::SetShadowPolicyResponse, Status> {
        let request = v1::SetShadowPolicyRequest {
            idempotency_key: format!("shadow {name}"),
            name: name.to_owned(),
        };
        let set = self.admin.set_shadow_policy(request).await;
        set.map(tonic::Response::into_inner)
    }

    pub(crate) async fn shadow_report(&mut self) -> v1::GetShadowReportResponse {
        let request = v1::GetShadowReportRequest {};
        let report = self.admin.get_shadow_report(request).await;
        report.unwrap().into_inner()
    }
}

pub(crate) const SINGLE_5000: &str = "name = \"single-5000\"\n[limits]\nsingle_fen = 500000\n";

/// What was decided, and what would have been, in words; and how often.
pub(crate) type Flips = BTreeMap<(String, String), i64>;

/// A reason without its enum's name; none is `APPROVED`.
fn word(reason: v1::DeclineReason) -> String {
    match reason {
        v1::DeclineReason::Unspecified => "APPROVED".to_owned(),
        reason => {
            let name = reason.as_str_name();
            name.strip_prefix("DECLINE_REASON_").unwrap().to_owned()
        }
    }
}

pub(crate) fn flips_of(report: &v1::GetShadowReportResponse) -> Flips {
    let flips = report.flips.iter();
    flips
        .map(|flip| ((word(flip.active()), word(flip.shadow())), flip.count))
        .collect()
}

/// From the exported rows alone: how many payments were decided, and which decisions a single
/// limit of 5,000.00 would have turned.
fn recount(exported: &str) -> (i64, Flips) {
    let (mut decisions, mut flips) = (0, Flips::new());
    for line in exported.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        if row["rpc"] != "authorise" {
            continue;
        }
        decisions += 1;
        let active = match row["reason"].as_str() {
            None => "APPROVED",
            Some(reason) => reason,
        };
        // Whatever the rungs from the single limit on have said comes after it.
        let later = active == "APPROVED"
            || ["LIMIT_MONTH", "LIMIT_YEAR"].contains(&active)
            || active.starts_with("ISSUER_");
        let by_card = row["funding"] == "card";
        if later && by_card && row["amount_fen"].as_i64().unwrap() > 500_000 {
            let flip = (active.to_owned(), "LIMIT_SINGLE".to_owned());
            *flips.entry(flip).or_default() += 1;
        }
    }
    (decisions, flips)
}

#[tokio::test(flavor = "multi_thread")]
async fn d24_a_shadow_report_is_what_the_journal_says() {
    let load = Load::from_environment();
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-15T12:00:00+08:00").await;
    callers.put_policy(SINGLE_5000).await.unwrap();
    let wallets = load.wallets(&mut callers).await;
    callers.set_shadow("single-5000").await.unwrap();
    let decided = load.authorise(&mut callers, &wallets).await;
    let report = callers.shadow_report().await;
    assert_eq!(report.shadow, "single-5000");
    assert_eq!(report.decisions, load.payments());

    let (status, home) = server.stop(rustix::process::Signal::TERM);
    assert!(status.success());
    let (decisions, flips) = recount(&home.exported());
    show(&report, &decided, &flips);
    assert_eq!(decisions, load.payments());
    assert_eq!(flips_of(&report), flips, "as the journal says");
    assert!(report.flips.is_sorted_by_key(|flip| -flip.count));
    let rungs = report.flips.iter().map(v1::ShadowFlip::rung);
    assert!(rungs.into_iter().all(|rung| rung == v1::Rung::LimitSingle));
    for active in ["APPROVED", "LIMIT_MONTH", "LIMIT_YEAR", "ISSUER_LOST_CARD"] {
        let flip = (active.to_owned(), "LIMIT_SINGLE".to_owned());
        assert!(flips.contains_key(&flip), "{active} came up: {flips:?}");
    }
    for reason in [
        "PASSWORD_WRONG",
        "PASSWORD_LOCKED",
        "MERCHANT_UNKNOWN",
        "RISK_CARD_SHARED",
    ] {
        assert!(decided.contains_key(reason), "{reason}: {decided:?}");
    }
}

#[tokio::test]
async fn a_shadow_decides_nothing_and_its_counters_begin_anew_when_it_is_set() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    callers.put_policy(SINGLE_5000).await.unwrap();
    callers.put_policy("name = \"same\"\n").await.unwrap();
    let none = callers.shadow_report().await;
    assert_eq!((&*none.shadow, none.decisions), ("", 0));
    callers.paid("a", &card, "before", 500_001).await;
    assert_eq!(callers.shadow_report().await.decisions, 0, "there was none");
    callers.set_shadow("single-5000").await.unwrap();
    assert_eq!(callers.policies().await.shadow, "single-5000");
    let paid = callers.paid("a", &card, "1", 500_001).await;
    assert_eq!(paid.policy, "weixin-2023");
    callers.paid("a", &card, "2", 500_000).await;
    callers
        .authorise(pay("a", &card, "2", 500_000))
        .await
        .unwrap();
    let report = callers.shadow_report().await;
    assert_eq!(report.decisions, 2, "a replay is no decision");
    let expected = v1::ShadowFlip {
        active: v1::DeclineReason::Unspecified.into(),
        shadow: v1::DeclineReason::LimitSingle.into(),
        rung: v1::Rung::LimitSingle.into(),
        count: 1,
    };
    assert_eq!(report.flips, [expected]);
    assert_eq!(callers.used("a").await, (1_500_002, 1_500_002));
    let metrics = server.metrics().await;
    assert!(
        metrics.contains("waika_shadow_decisions_total{outcome=\"FLIPPED\"} 1"),
        "{metrics}"
    );

    callers.set_shadow("same").await.unwrap();
    let report = callers.shadow_report().await;
    assert_eq!((&*report.shadow, report.decisions), ("same", 0));
    callers.paid("a", &card, "3", 500_001).await;
    let report = callers.shadow_report().await;
    assert_eq!((report.decisions, report.flips.len()), (1, 0));
    callers.set_shadow("").await.unwrap();
    callers.paid("a", &card, "4", 1).await;
    let report = callers.shadow_report().await;
    assert_eq!((&*report.shadow, report.decisions), ("", 0));
}

#[tokio::test]
async fn a_looser_shadow_is_told_by_what_it_would_have_let_through() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let loose = "name = \"loose\"\n[limits]\nsingle_fen = 700000\n[client]\nandroid = \"8.0.0\"\n";
    callers.put_policy(loose).await.unwrap();
    callers.set_shadow("loose").await.unwrap();
    let mut old = pay("a", &card, "1", 700_001);
    old.client = Some(crate::wallet::client("8.0.9"));
    for (payment, expected) in [
        (old, "CLIENT_TOO_OLD"),
        (pay("a", &card, "2", 600_001), "LIMIT_SINGLE"),
        (pay("a", &card, "3", 700_001), "LIMIT_SINGLE"),
    ] {
        assert_eq!(callers.decision(payment).await, expected);
    }
    let report = callers.shadow_report().await;
    let flip = |active: &str, shadow: &str| (active.to_owned(), shadow.to_owned());
    let expected: Flips = [
        (flip("CLIENT_TOO_OLD", "LIMIT_SINGLE"), 1),
        (flip("LIMIT_SINGLE", "APPROVED"), 1),
    ]
    .into();
    assert_eq!(flips_of(&report), expected);
    let of_client = report
        .flips
        .iter()
        .find(|flip| flip.active() == v1::DeclineReason::ClientTooOld);
    let rung = of_client.unwrap().rung();
    assert_eq!(rung, v1::Rung::ClientVersion, "the earlier of the two");
}

#[tokio::test]
async fn a_shadow_stands_through_a_restart_and_a_snapshot_and_counts_anew() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let card = callers.wallet("a").await;
    callers.put_policy(SINGLE_5000).await.unwrap();
    callers.set_shadow("single-5000").await.unwrap();
    let set_at = callers.shadow_report().await.since;
    assert_eq!(set_at, Some(instant("2024-01-10T12:00:00+08:00")));
    callers.paid("a", &card, "0", 500_001).await;
    callers.freeze("2024-01-11T12:00:00+08:00").await;
    let mut server = server.restarted();
    for round in 1..=2 {
        let mut callers = Callers::of(&server).await;
        let report = callers.shadow_report().await;
        let started_at = Some(instant("2024-01-11T12:00:00+08:00"));
        assert_eq!(report.since, started_at, "{round}");
        assert_eq!((&*report.shadow, report.decisions), ("single-5000", 0));
        callers.paid("a", &card, &format!("{round}"), 500_001).await;
        let report = callers.shadow_report().await;
        assert_eq!((report.decisions, report.flips[0].count), (1, 1));
        server = server.restarted_from_snapshot().await;
    }
}
