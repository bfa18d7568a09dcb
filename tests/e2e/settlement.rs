//! What settled on a day, asked of the running server, by the command line, and counted again
//! from the journal's export: the same to the fen (D25).

use std::collections::BTreeMap;

use serde_json::Value;
use tokio_stream::StreamExt as _;
use waika::v1::{self, export_settlement_response::Part};

use crate::balance::spend;
use crate::refund::{partly, refund};
use crate::settlement_recount::Recount;
use crate::support::{Home, Server};
use crate::wallet::{Callers, merchant, part, pay, reverse};

/// A line of a statement: merchant, authorisation, refund, principal and fee.
pub(crate) type Line = (String, String, bool, i64, i64);
/// A merchant's total: how many settled and were refunded, principal and fee.
pub(crate) type Totals = BTreeMap<String, (i64, i64, i64, i64)>;

/// A day's lines and totals.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) lines: Vec<Line>,
    pub(crate) totals: Totals,
}

const DAYS: [i32; 8] = [10, 11, 12, 13, 14, 15, 16, 17];

impl Callers {
    /// What settled on a day of January 2024.
    pub(crate) async fn statement(&mut self, day: i32, merchant_id: &str) -> Statement {
        let request = v1::ExportSettlementRequest {
            day: Some(v1::Date {
                year: 2024,
                month: 1,
                day,
            }),
            merchant_id: merchant_id.to_owned(),
        };
        let parts = self.admin.export_settlement(request).await.unwrap();
        let mut parts = parts.into_inner();
        let mut statement = Statement::default();
        while let Some(part) = parts.next().await {
            match part.unwrap().part.unwrap() {
                Part::Line(line) => {
                    assert!(statement.totals.is_empty(), "totals come last");
                    assert!(
                        line.authorised_at.unwrap().seconds <= line.settled_at.unwrap().seconds
                    );
                    let v1::SettlementLine {
                        merchant_id,
                        authorisation_id,
                        refund,
                        amount_fen,
                        fee_fen,
                        ..
                    } = line;
                    let line = (merchant_id, authorisation_id, refund, amount_fen, fee_fen);
                    statement.lines.push(line);
                }
                Part::Total(total) => {
                    let sums = (
                        total.settled,
                        total.refunded,
                        total.amount_fen,
                        total.fee_fen,
                    );
                    let before = statement.totals.insert(total.merchant_id, sums);
                    assert!(before.is_none(), "one for each merchant");
                }
            }
        }
        statement
    }

    async fn paid_at(&mut self, merchant_id: &str, card: &str, key: &str, fen: i64) -> String {
        let payment = v1::AuthoriseRequest {
            merchant_id: merchant_id.to_owned(),
            ..pay("a", card, key, fen)
        };
        let paid = self.authorise(payment).await.unwrap();
        assert_eq!(crate::wallet::decision(&paid), "APPROVED", "{key}");
        paid.authorisation.unwrap().authorisation_id
    }
}

/// The same by the command line, of a stopped journal.
pub(crate) fn exported(home: &Home, day: i32) -> Statement {
    let day = format!("2024-01-{day:02}");
    let rows = home.run(&[
        "settlement",
        "export",
        "--format",
        "json-lines",
        "--output",
        "-",
        "--day",
        &day,
    ]);
    let mut statement = Statement::default();
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let fen = |name: &str| row[name].as_i64().unwrap();
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        assert_eq!(
            fen("total_fen"),
            fen("principal_fen") + fen("fee_fen"),
            "D3"
        );
        if row["kind"] == "total" {
            let sums = (
                fen("settlements"),
                fen("refunds"),
                fen("principal_fen"),
                fen("fee_fen"),
            );
            statement.totals.insert(text("merchant"), sums);
        } else {
            let refund = row["kind"] == "refund";
            let id = text("authorisation_id");
            let line = (
                text("merchant"),
                id,
                refund,
                fen("principal_fen"),
                fen("fee_fen"),
            );
            statement.lines.push(line);
        }
    }
    statement
}

/// Days of payments at two merchants: some reversed, some refunded, some settled early, some
/// declined, some from the balance.
async fn trade(callers: &mut Callers) {
    callers.freeze("2024-01-10T09:00:00+08:00").await;
    let card = callers.wallet_with_balance("a", 1_000_000).await;
    for id in ["tea-house", "noodle-bar"] {
        callers.put_merchant(merchant(id)).await;
    }
    let mut ids = Vec::new();
    for day in 10..=14 {
        callers
            .freeze(&format!("2024-01-{day}T23:59:59.999+08:00"))
            .await;
        for number in 0..8_i64 {
            let shop = ["noodle-bar", "tea-house"][usize::from(number % 3 == 0)];
            let key = format!("{day} {number}");
            let amount = 10_000 + number * 4_017 + i64::from(day);
            ids.push(callers.paid_at(shop, &card, &key, amount).await);
        }
        let declined = callers
            .decision(pay("a", &card, &format!("no {day}"), 600_001))
            .await;
        assert_eq!(declined, "LIMIT_SINGLE");
        let balance = spend("a", &format!("balance {day}"), 5_000);
        let balance = callers.authorise(balance).await.unwrap();
        ids.push(balance.authorisation.unwrap().authorisation_id);
        // Of this day's: one reversed in part, one in full, one settled at once and refunded.
        let todays = &ids[ids.len() - 9..];
        let reversal = part(reverse("a", &format!("r {day}"), &todays[1]), 3_333);
        assert_eq!(callers.reversal(reversal).await, "REVERSED");
        let reversal = reverse("a", &format!("all {day}"), &todays[2]);
        assert_eq!(callers.reversal(reversal).await, "REVERSED");
        let settled = callers.settles("a", &format!("s {day}"), &todays[3]).await;
        assert_eq!(settled, "SETTLED");
        let early = partly(refund("a", &format!("e {day}"), &todays[3]), 1_111);
        assert_eq!(callers.refunds(early).await, "REFUNDED");
        // Of three days ago: refunds of what settled by its age.
        if day >= 13 {
            let earlier = &ids[ids.len() - 36..];
            for (key, id) in [("x", &earlier[5]), ("y", &earlier[1]), ("z", &earlier[8])] {
                let some = partly(refund("a", &format!("{key} {day}"), id), 2_222);
                assert_eq!(callers.refunds(some).await, "REFUNDED", "{key}");
            }
        }
    }
    callers.freeze("2024-01-17T12:00:00+08:00").await;
}

#[tokio::test]
async fn d25_a_day_s_settlement_is_the_same_from_the_server_the_command_and_the_journal() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    trade(&mut callers).await;
    let mut statements = Vec::new();
    for day in DAYS {
        let all = callers.statement(day, "").await;
        // A merchant's own is that part of it.
        for id in ["noodle-bar", "tea-house", "nobody"] {
            let own = callers.statement(day, id).await;
            let lines = all.lines.iter().filter(|line| line.0 == id).cloned();
            assert_eq!(own.lines, lines.collect::<Vec<_>>(), "{day} {id}");
            assert_eq!(own.totals.get(id), all.totals.get(id), "{day} {id}");
        }
        statements.push(all);
    }
    let (status, home) = server.stop(rustix::process::Signal::TERM);
    assert!(status.success());
    let recount = Recount::of(&home.exported());
    let mut lines = 0;
    for (day, statement) in DAYS.into_iter().zip(&statements) {
        assert_eq!(&exported(&home, day), statement, "the command, {day}");
        assert_eq!(recount.statement(day).totals, statement.totals, "{day}");
        let mut sorted = statement.lines.clone();
        sorted.sort();
        assert_eq!(recount.statement(day).lines, sorted, "the journal, {day}");
        lines += statement.lines.len();
    }
    // 5 days × (9 payments − 1 reversed in full), 5 early refunds and 2 × 3 later ones.
    assert_eq!(lines, 5 * 8 + 5 + 6);
    // Everything that was approved is settled, reversed, or both.
    let settled: i64 = statements
        .iter()
        .flat_map(|statement| &statement.lines)
        .filter(|line| !line.2)
        .map(|line| line.3)
        .sum();
    assert_eq!(settled, recount.approved() - recount.reversed());
}

#[tokio::test]
async fn d25_a_day_has_only_what_has_settled_by_now() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let card = callers.wallet("a").await;
    let id = callers.paid("a", &card, "k", 25_000).await.authorisation_id;
    let line = ("noodle-bar".to_owned(), id.clone(), false, 25_000, 750);
    for (at, settled) in [
        ("2024-01-10T12:00:00+08:00", false),
        ("2024-01-11T23:59:59.999+08:00", false),
        ("2024-01-12T00:00:00+08:00", true),
    ] {
        callers.freeze(at).await;
        let statement = callers.statement(12, "").await;
        let expected = if settled { vec![line.clone()] } else { vec![] };
        assert_eq!(statement.lines, expected, "{at}");
    }
    callers.freeze("2024-01-13T00:00:00+08:00").await;
    assert_eq!(callers.refunds(refund("a", "f", &id)).await, "REFUNDED");
    let before = callers.statement(12, "").await;
    assert_eq!(
        before.lines,
        [line],
        "a refund is the day's on which it happened"
    );
    let statement = callers.statement(13, "").await;
    let refunded = ("noodle-bar".to_owned(), id, true, -25_000, -750);
    assert_eq!(statement.lines, [refunded]);
    assert_eq!(statement.totals["noodle-bar"], (0, 1, -25_000, -750));
}

#[tokio::test]
async fn a_settlement_of_no_day_is_malformed() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let date = |month, day| {
        Some(v1::Date {
            year: 2024,
            month,
            day,
        })
    };
    for (day, merchant_id, expected) in [
        (None, "", &["day"][..]),
        (date(2, 30), "", &["day"]),
        (date(13, 1), "a/b", &["day", "merchant_id"]),
    ] {
        let request = v1::ExportSettlementRequest {
            day,
            merchant_id: merchant_id.to_owned(),
        };
        let error = callers.admin.export_settlement(request).await.unwrap_err();
        assert_eq!(error.code(), tonic::Code::InvalidArgument);
        let mut named: Vec<_> = crate::malformed::bad_fields(&error).into_iter().collect();
        // A day's own fields are told under it.
        for field in &mut named {
            field.truncate(field.find('.').unwrap_or(field.len()));
        }
        assert_eq!(named, expected);
    }
    assert_eq!(callers.statement(10, "").await, Statement::default());
}
