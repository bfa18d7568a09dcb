//! A receipt tells every rung of a decision, once and in order, from the evaluation that decided.

use waika::v1::{self, Rung, RungVerdict as Verdict};

use crate::balance::spend;
use crate::code::scan;
use crate::stream::{by_id, decided, gather, message, open};
use crate::support::Server;
use crate::wallet::{Callers, decision, instant, pay, quote};

fn with_receipt(request: v1::AuthoriseRequest) -> v1::AuthoriseRequest {
    v1::AuthoriseRequest {
        want_receipt: true,
        ..request
    }
}

/// The rungs 3 to 21, each with what it said: p, r or s.
fn verdicts(receipt: &v1::Receipt) -> String {
    let numbers: Vec<_> = receipt.rungs.iter().map(|seen| seen.rung).collect();
    assert_eq!(numbers, (3..=21).collect::<Vec<_>>(), "once, in order");
    let letter = |seen: &v1::RungResult| match seen.verdict() {
        Verdict::Passed => 'p',
        Verdict::Rejected => 'r',
        Verdict::Skipped => 's',
        Verdict::Unspecified => '?',
    };
    receipt.rungs.iter().map(letter).collect()
}

fn rung(receipt: &v1::Receipt, rung: Rung) -> &v1::RungResult {
    let mut rungs = receipt.rungs.iter();
    rungs.find(|seen| seen.rung() == rung).unwrap()
}

fn amounts(seen: &v1::RungResult) -> (i64, i64, i64, i64) {
    let limit = seen.amount_limit.unwrap();
    (
        limit.observed_fen,
        limit.limit_fen,
        limit.remaining_fen,
        limit.max_approvable_now_fen,
    )
}

#[tokio::test]
async fn c1_an_approval_shows_what_each_rung_saw() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let card = callers.wallet("a").await;
    callers.paid("a", &card, "before", 600_000).await;
    let request = with_receipt(pay("a", &card, "k", 25_000));
    let paid = callers.authorise(request).await.unwrap();
    assert_eq!(decision(&paid), "APPROVED");
    let receipt = paid.receipt.unwrap();
    // No code, no quote, no balance; a server would skip the version, and a person does not.
    assert_eq!(verdicts(&receipt), "pppppppppppspspppsp");
    let version = rung(&receipt, Rung::ClientVersion);
    let values = (&*version.observed, &*version.required);
    assert_eq!(values, ("8.0.40", "8.0.40"));
    let document = rung(&receipt, Rung::IdentityDocument);
    let values = (&*document.observed, &*document.required);
    assert_eq!(values, ("2039-12-31", "2024-01-10"));
    let single = rung(&receipt, Rung::LimitSingle);
    assert_eq!(amounts(single), (25_000, 600_000, 600_000, 600_000));
    let month = rung(&receipt, Rung::LimitMonth);
    assert_eq!(amounts(month), (625_000, 5_000_000, 4_400_000, 600_000));
    let ends = Some(instant("2024-02-01T00:00:00+08:00"));
    assert_eq!((month.resets_at, single.resets_at), (ends, None));
    let year = rung(&receipt, Rung::LimitYear);
    assert_eq!(amounts(year), (625_000, 6_000_000, 5_400_000, 600_000));
    let ends = Some(instant("2025-01-01T00:00:00+08:00"));
    assert_eq!(year.resets_at, ends);
    let password = rung(&receipt, Rung::Password);
    assert_eq!((&*password.observed, &*password.required), ("", ""), "R4");
}

/// Asks for a payment's receipt and compares the rung that objected with the decline itself.
async fn declined(callers: &mut Callers, request: v1::AuthoriseRequest) -> (String, String) {
    let response = callers.authorise(with_receipt(request)).await.unwrap();
    let word = decision(&response);
    let receipt = response.receipt.unwrap();
    let Some(v1::authorisation::Outcome::Decline(decline)) =
        response.authorisation.unwrap().outcome
    else {
        panic!("approved: {}", verdicts(&receipt))
    };
    let mut rejected = receipt
        .rungs
        .iter()
        .filter(|seen| seen.verdict() == Verdict::Rejected);
    let by = rejected.next().unwrap();
    assert!(rejected.next().is_none(), "one objects");
    assert_eq!(by.observed, decline.observed, "{word}");
    assert_eq!(by.required, decline.required, "{word}");
    assert_eq!(by.amount_limit, decline.amount_limit, "{word}");
    assert_eq!(by.resets_at, decline.resets_at, "{word}");
    (word, verdicts(&receipt))
}

#[tokio::test]
async fn c1_a_decline_s_receipt_ends_with_the_rung_that_objected() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let card = callers.wallet_with_balance("a", 1_000).await;
    let with = |key: &str, change: &dyn Fn(&mut v1::AuthoriseRequest)| {
        let mut request = pay("a", &card, key, 25_000);
        change(&mut request);
        request
    };
    let quoted = callers.quote(quote("a", 20_000)).await;
    let token = quoted.cards[0].quote_token.clone();
    let code = callers.code("a", &card, "c").await;
    let old = with("1", &|request| {
        request.client = Some(crate::wallet::client("8.0.9"));
    });
    let wrong = with("2", &|request| request.payment_password = "000000".into());
    let unbound = with("3", &|request| {
        request.card_token = "card_0000000000001".into();
    });
    let nowhere = with("4", &|request| request.merchant_id = "nobody".into());
    let misquoted = with("5", &|request| request.quote_token.clone_from(&token));
    let top_up = with("6", &|request| {
        request.merchant_id.clear();
        request.scene = v1::Scene::TopUp.into();
    });
    for (request, expected, seen) in [
        (old, "CLIENT_TOO_OLD", "ppprsssssssssssssss"),
        (wrong, "PASSWORD_WRONG", "pppppprssssssssssss"),
        (unbound, "CARD_NOT_BOUND", "pppppppprssssssssss"),
        (top_up, "SCENE_NOT_PERMITTED", "ppppppppprsssssssss"),
        (nowhere, "MERCHANT_UNKNOWN", "pppppppppprssssssss"),
        (misquoted, "QUOTE_MISMATCH", "pppppppppppsprsssss"),
        (
            pay("a", &card, "7", 600_001),
            "LIMIT_SINGLE",
            "pppppppppppspsrssss",
        ),
        (
            spend("a", "8", 1_001),
            "BALANCE_INSUFFICIENT",
            "ppppppppsppssssssrs",
        ),
        // Nobody's code has no wallet to look at; a known one was looked at when it was made.
        (
            scan("123456789012345678", "9", 100),
            "PAYMENT_CODE_INVALID",
            "ssssssssssprsssssss",
        ),
        (
            scan(&code, "10", 600_001),
            "LIMIT_SINGLE",
            "ppsssssssppppsrssss",
        ),
        (
            scan(&code, "11", 1),
            "PAYMENT_CODE_USED",
            "ppssssssspprsssssss",
        ),
    ] {
        let (word, verdicts) = declined(&mut callers, request).await;
        assert_eq!((&*word, &*verdicts), (expected, seen));
    }
}

#[tokio::test]
async fn a_receipt_comes_only_when_it_was_asked_for() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let plain = callers.authorise(pay("a", &card, "1", 100)).await.unwrap();
    assert!(plain.receipt.is_none());
    let asked = with_receipt(pay("a", &card, "2", 100));
    let asked = callers.authorise(asked).await.unwrap();
    let declined = with_receipt(pay("a", &card, "3", 600_001));
    let declined = callers.authorise(declined).await.unwrap();
    assert!(asked.receipt.is_some() && declined.receipt.is_some());
    // Whether it is asked for is not among what a used key is compared by (D18).
    let mut server = server;
    for restart in [false, true] {
        if restart {
            server = server.restarted_from_snapshot().await;
            callers = Callers::of(&server).await;
        }
        let again = with_receipt(pay("a", &card, "1", 100));
        let again = callers.authorise(again).await.unwrap();
        assert!(again.replayed && again.receipt.is_none(), "it has none");
        assert_eq!(again.authorisation, plain.authorisation);
        for (key, amount, first) in [("2", 100, &asked), ("3", 600_001, &declined)] {
            let again = callers.authorise(pay("a", &card, key, amount)).await;
            let again = again.unwrap();
            assert!(again.replayed && again.receipt.is_none(), "not asked for");
            let again = with_receipt(pay("a", &card, key, amount));
            let again = callers.authorise(again).await.unwrap();
            assert_eq!(again.receipt, first.receipt, "{key}");
        }
    }
}

#[tokio::test]
async fn a_stream_gives_receipts_too() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let (asking, answers) = open(&mut callers).await;
    let payments = [
        (1, with_receipt(pay("a", &card, "1", 100))),
        (2, pay("a", &card, "2", 100)),
        (3, with_receipt(pay("a", &card, "3", 600_001))),
    ];
    asking.send(message(payments)).await.unwrap();
    drop(asking);
    let answers = by_id(gather(answers).await.0);
    let receipts = [1, 2, 3].map(|id| decided(&answers[&id]).receipt.clone());
    let [approved, plain, declined] = receipts;
    assert!(plain.is_none());
    assert_eq!(verdicts(&approved.clone().unwrap()), "pppppppppppspspppsp");
    assert_eq!(verdicts(&declined.unwrap()), "pppppppppppspsrssss");
    let again = with_receipt(pay("a", &card, "1", 100));
    let again = callers.authorise(again).await.unwrap();
    assert_eq!((again.replayed, again.receipt), (true, approved));
}
