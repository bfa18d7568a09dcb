//! The operator log: each call that changes something leaves its line, with who made it and what was before.

use tonic::Code;
use waika::v1;

use crate::malformed::{bad_fields, named};
use crate::passwords::{NEW_PASSWORD, WRONG_PASSWORD};
use crate::security_audit_story::{EXPECTED, actions, all_actions, check, do_everything, told};
use crate::security_identity::{ACQUIRER, Known, OPERATOR};
use crate::wallet::{MERCHANT, PASSWORD, PHONE, VISA, merchant};

fn check_subjects(log: &[v1::OperatorAction]) {
    for (place, subject) in [
        (0, ""),
        (3, MERCHANT),
        (6, "card_"),
        (9, "ticket_"),
        (10, ""),
        (11, ""),
        (13, "ticket_"),
        (15, "ticket_"),
        (16, "strict"),
        (18, "strict"),
        (19, ""),
        (21, "later"),
    ] {
        let action = &log[place];
        let is_exact = !subject.ends_with('_');
        let is_so = action.subject.starts_with(subject);
        assert!(
            is_so && (!is_exact || action.subject == subject),
            "{action:?}"
        );
    }
    let set = &log[0].changes[0];
    assert_eq!(
        (&*set.field, &*set.after),
        ("clock.now", "2024-03-10T04:00:00.000Z")
    );
}

#[tokio::test]
async fn each_call_that_changes_something_leaves_its_line_with_the_value_before() {
    let known = Known::start();
    let mut callers = known.callers().await;
    do_everything(&mut callers).await;
    let mut log = all_actions(&mut callers.admin).await;
    log.reverse();
    check(&log);
    check_subjects(&log);
    // Ids have as many zeros as the wrong password.
    let changes: Vec<_> = log.iter().flat_map(|action| &action.changes).collect();
    let text = format!("{changes:?}");
    for secret in [
        PASSWORD,
        NEW_PASSWORD,
        WRONG_PASSWORD,
        VISA,
        "411111",
        PHONE,
        "FPR-",
        "PASSPORT-p",
        "Curie",
    ] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[tokio::test]
async fn pages_and_filters_show_what_was_asked_for() {
    let known = Known::start();
    let mut callers = known.callers().await;
    do_everything(&mut callers).await;
    let bert = "spiffe://shop.example/ops/bert";
    let mut other = known.admin(bert).await;
    for number in 0..2 {
        let request = v1::PutMerchantRequest {
            idempotency_key: format!("by bert {number}"),
            merchant: Some(merchant("tea-house")),
        };
        other.put_merchant(request).await.unwrap();
    }
    let all = all_actions(&mut other).await;
    assert_eq!(all.len(), EXPECTED.len() + 2);
    let by = |page_size, account: &str, caller: &str| v1::ListOperatorActionsRequest {
        page_size,
        account_id: account.to_owned(),
        caller: caller.to_owned(),
        ..v1::ListOperatorActionsRequest::default()
    };
    for size in [1, 7, 100] {
        for (account, caller) in [
            ("", ""),
            ("a", ""),
            ("", bert),
            ("a", OPERATOR),
            ("a", bert),
        ] {
            let found = actions(&mut other, by(size, account, caller)).await;
            let expected = all.iter().filter(|action| {
                (account.is_empty() || action.account_id == account)
                    && (caller.is_empty() || action.caller == caller)
            });
            let expected: Vec<_> = expected.cloned().collect();
            assert_eq!(found, expected, "{size} {account} {caller}");
        }
    }

    let first = other.list_operator_actions(by(1, "", "")).await.unwrap();
    let ours = first.into_inner().next_page_token;
    let history = v1::ListNotificationsRequest {
        account_id: "p".to_owned(),
        page_size: 1,
        page_token: String::new(),
    };
    let history = callers.cards.list_notifications(history).await.unwrap();
    let theirs = history.into_inner().next_page_token;
    assert!(!ours.is_empty() && !theirs.is_empty());
    for (request, bad) in [
        (by(101, "", ""), named(["page_size"])),
        (by(-1, "", ""), named(["page_size"])),
        (by(0, "no account", ""), named(["account_id"])),
        (with_token(by(0, "", ""), &theirs), named(["page_token"])),
        (with_token(by(0, "p", ""), &theirs), named(["page_token"])),
        (with_token(by(0, "a", ""), &ours), named(["page_token"])),
        (with_token(by(0, "", bert), &ours), named(["page_token"])),
        (
            with_token(by(-5, "a b", ""), "ticket_0000000000001"),
            named(["page_size", "page_token", "account_id"]),
        ),
    ] {
        let refused = other.list_operator_actions(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(bad_fields(&refused), bad);
    }
}

fn with_token(
    request: v1::ListOperatorActionsRequest,
    page_token: &str,
) -> v1::ListOperatorActionsRequest {
    v1::ListOperatorActionsRequest {
        page_token: page_token.to_owned(),
        ..request
    }
}

#[tokio::test]
async fn who_is_denied_and_who_reads_is_a_line_of_the_log_and_no_action() {
    let known = Known::start();
    let mut callers = known.callers().await;
    callers.put_merchant(merchant(MERCHANT)).await;
    let mut acquirer = known.admin(ACQUIRER).await;
    for number in 0..50 {
        let request = v1::PutMerchantRequest {
            idempotency_key: format!("denied {number}"),
            merchant: Some(merchant("mine")),
        };
        let denied = acquirer.put_merchant(request).await.unwrap_err();
        assert_eq!(denied.code(), Code::PermissionDenied);
    }
    let request = v1::TakeSnapshotRequest {};
    callers.admin.take_snapshot(request).await.unwrap();
    let log = all_actions(&mut callers.admin).await;
    assert_eq!(
        log.iter().map(told).map(|it| it.0).collect::<Vec<_>>(),
        ["PutMerchant"]
    );

    let (log, _) = known.server.stop_and_read_log();
    let lines = |words: &[&str]| {
        let lines = log.lines();
        let all = lines.filter(|line| words.iter().all(|word| line.contains(word)));
        all.count()
    };
    let put = "/waika.v1.AdminService/PutMerchant";
    let denied = lines(&["a call was denied", "CALLER_NOT_ALLOWED", ACQUIRER, put]);
    assert!((1..25).contains(&denied), "{denied}: {log}");
    let about = "waika_server::audit";
    for path in ["TakeSnapshot", "ListOperatorActions"] {
        assert!(
            lines(&[about, "has called", OPERATOR, path]) == 1,
            "{path}: {log}"
        );
    }
    assert_eq!(lines(&["has called", put]), 0, "{log}");
}
