//! Reasons have one order: in the code, in the contract, and in the README's tables.

use waika_domain::decline::{DeclineReason, Layer, Retry};
use waika_domain::notice::Notice;
use waika_domain::receipt::Rung;
use waika_domain::refusal::{
    BindRefusal, PasswordRefusal, PhoneCodeRefusal, ReceiveRefusal, ResetRefusal, ReversalRefusal,
    UnbindRefusal, VerificationRefusal,
};

use crate::read;
use crate::scan::{marked_block, proto_enum};

/// One row of a README table.
struct Row {
    number: i32,
    name: &'static str,
    response_code: &'static str,
    layer: Layer,
    retry: Retry,
    meaning: &'static str,
}

macro_rules! rows {
    ($reasons:ty) => {
        <$reasons>::ALL.iter().map(|reason| Row {
            number: reason.number(),
            name: reason.name(),
            response_code: reason.response_code(),
            layer: reason.layer(),
            retry: reason.usual_retry(),
            meaning: reason.text().en,
        })
    };
}

/// A Markdown table of reasons.
fn table(rows: impl Iterator<Item = Row>) -> String {
    let mut lines = vec![
        "| # | reason | DE39 | layer | retry | meaning |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    lines.extend(rows.map(|row| {
        let layer = match row.layer {
            Layer::Wallet => "WALLET",
            Layer::Merchant => "MERCHANT",
            Layer::Risk => "RISK",
            Layer::Issuer => "ISSUER",
        };
        let retry = match row.retry {
            Retry::FixData => "FIX_DATA",
            Retry::ReduceAmount => "REDUCE_AMOUNT",
            Retry::Later => "LATER",
            Retry::OtherMethod => "OTHER_METHOD",
            Retry::Never => "NEVER",
        };
        let Row {
            number,
            name,
            response_code,
            meaning,
            ..
        } = row;
        format!("| {number} | `{name}` | {response_code} | {layer} | {retry} | {meaning} |")
    }));
    lines.join("\n") + "\n"
}

fn check_readme(name: &str, expected: &str) {
    let readme = read("README.md");
    let found = marked_block(&readme, name).unwrap_or_default();
    assert!(
        found == expected,
        "README.md, between the marks of {name}, should be:\n\n{expected}"
    );
}

fn check_proto(file: &str, name: &str, prefix: &str, rows: impl Iterator<Item = Row>) {
    let found = proto_enum(&read(file), name, prefix);
    let expected: Vec<_> = rows.map(|row| (row.name.to_owned(), row.number)).collect();
    assert_eq!(found, expected, "{name} in {file} is not the code's order");
}

#[test]
fn decline_reasons_have_one_order_everywhere() {
    check_proto(
        "proto/waika/v1/authorisation.proto",
        "DeclineReason",
        "DECLINE_REASON_",
        rows!(DeclineReason),
    );
    check_readme("decline-reasons", &table(rows!(DeclineReason)));
}

#[test]
fn bind_refusals_have_one_order_everywhere() {
    check_proto(
        "proto/waika/v1/card.proto",
        "BindRefusalReason",
        "BIND_REFUSAL_REASON_",
        rows!(BindRefusal),
    );
    check_readme("bind-refusals", &table(rows!(BindRefusal)));
}

#[test]
fn unbind_refusals_have_one_order_everywhere() {
    check_proto(
        "proto/waika/v1/card.proto",
        "UnbindRefusalReason",
        "UNBIND_REFUSAL_REASON_",
        rows!(UnbindRefusal),
    );
    check_readme("unbind-refusals", &table(rows!(UnbindRefusal)));
}

#[test]
fn reversal_refusals_have_one_order_everywhere() {
    check_proto(
        "proto/waika/v1/authorisation.proto",
        "ReversalRefusalReason",
        "REVERSAL_REFUSAL_REASON_",
        rows!(ReversalRefusal),
    );
    check_readme("reversal-refusals", &table(rows!(ReversalRefusal)));
}

/// The README tells these two in a sentence.
#[test]
fn phone_code_refusals_have_one_order_in_code_and_contract() {
    check_proto(
        "proto/waika/v1/card.proto",
        "PhoneCodeRefusalReason",
        "PHONE_CODE_REFUSAL_REASON_",
        rows!(PhoneCodeRefusal),
    );
}

#[test]
fn password_refusals_have_one_order_everywhere() {
    check_proto(
        "proto/waika/v1/password.proto",
        "PasswordRefusalReason",
        "PASSWORD_REFUSAL_REASON_",
        rows!(PasswordRefusal),
    );
    check_readme("password-refusals", &table(rows!(PasswordRefusal)));
    check_proto(
        "proto/waika/v1/password.proto",
        "ResetRefusalReason",
        "RESET_REFUSAL_REASON_",
        rows!(ResetRefusal),
    );
    check_readme("reset-refusals", &table(rows!(ResetRefusal)));
}

#[test]
fn refusals_of_a_wallet_have_one_order_everywhere() {
    check_proto(
        "proto/waika/v1/wallet.proto",
        "VerificationRefusalReason",
        "VERIFICATION_REFUSAL_REASON_",
        rows!(VerificationRefusal),
    );
    check_readme("verification-refusals", &table(rows!(VerificationRefusal)));
    check_proto(
        "proto/waika/v1/wallet.proto",
        "ReceiveRefusalReason",
        "RECEIVE_REFUSAL_REASON_",
        rows!(ReceiveRefusal),
    );
    check_readme("receive-refusals", &table(rows!(ReceiveRefusal)));
}

/// The README's cards are those of the sandbox, each with a right check digit.
#[test]
fn test_cards_are_those_of_the_sandbox() {
    let source = read("server/src/issuer/sandbox.rs");
    let selectors = source.lines().filter_map(|line| {
        let selector = line.trim().strip_prefix("selector: ")?;
        selector.trim_end_matches(',').parse::<u32>().ok()
    });
    let expected = selectors.map(|selector| {
        let cards =
            [selector, selector + 100].map(|selector| visa(&format!("411111000000{selector:03}")));
        (selector.to_string(), cards)
    });
    let readme = read("README.md");
    let table = marked_block(&readme, "test-cards").unwrap_or_default();
    let found = table.lines().skip(2).map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let cards = [3, 4].map(|place| cells[place][..19].to_owned());
        (cells[1].to_owned(), cards)
    });
    assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

/// A number with its check digit, as people write it.
fn visa(beginning: &str) -> String {
    let digits = beginning.bytes().rev().enumerate();
    let sum: u32 = digits
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0') * if place % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    let number = format!("{beginning}{}", (10 - sum % 10) % 10);
    let groups = [0, 4, 8, 12].map(|at| &number[at..at + 4]);
    groups.join(" ")
}

#[test]
fn rungs_have_one_order_in_code_and_contract() {
    let found = proto_enum(&read("proto/waika/v1/authorisation.proto"), "Rung", "RUNG_");
    let number = |rung: &Rung| i32::try_from(rung.number()).unwrap();
    let expected = Rung::ALL
        .iter()
        .map(|rung| (rung.name().to_owned(), number(rung)));
    assert_eq!(found, expected.collect::<Vec<_>>());
}

#[test]
fn notices_have_one_order_in_code_and_contract() {
    let proto = read("proto/waika/v1/wallet.proto");
    let found = proto_enum(&proto, "NotificationKind", "NOTIFICATION_KIND_");
    let expected = Notice::ALL
        .iter()
        .map(|notice| (notice.name().to_owned(), notice.number()));
    assert_eq!(found, expected.collect::<Vec<_>>());
}

#[test]
fn a_row_shows_number_name_code_layer_retry_and_meaning() {
    let row = Row {
        number: 3,
        name: "NOT_ROLLED_OUT",
        response_code: "57",
        layer: Layer::Wallet,
        retry: Retry::Later,
        meaning: "Not yet.",
    };
    let table = table([row].into_iter());
    assert!(table.ends_with("| 3 | `NOT_ROLLED_OUT` | 57 | WALLET | LATER | Not yet. |\n"));
}
