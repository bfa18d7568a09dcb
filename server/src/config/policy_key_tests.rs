//! Every key of a policy file: what it is when left out, what it may be, and what it may not be.

use std::collections::BTreeSet;

use super::super::policy_keys::SECTIONS;
use super::super::policy_render::{render, word};
use super::*;

/// A key with a whole number: where it ends up, what it is when left out, least and most, and
/// what must stand beside it lest these contradict another key.
type Number = (&'static str, fn(&Policy) -> i64, [i64; 3], &'static str);

const MOST_FEN: i64 = Amount::MAX_FEN;
const NO_FEE: &str = "fee.rate = \"0\"\n";

const NUMBERS: &[Number] = &[
    (
        "limits.single_fen",
        |policy| policy.limits.single.value(),
        [600_000, 1, MOST_FEN],
        "fee.rate = \"0\"\nlimits.month_fen = 999_999_999_999\nlimits.year_fen = 999_999_999_999\n",
    ),
    (
        "limits.month_fen",
        |policy| policy.limits.month.value(),
        [5_000_000, 1, MOST_FEN],
        "fee.rate = \"0\"\nlimits.single_fen = 1\nlimits.year_fen = 999_999_999_999\n",
    ),
    (
        "limits.year_fen",
        |policy| policy.limits.year.value(),
        [6_000_000, 1, MOST_FEN],
        "fee.rate = \"0\"\nlimits.single_fen = 1\nlimits.month_fen = 1\n",
    ),
    (
        "fee.waived_up_to_fen",
        |policy| policy.fee.waived_up_to.value(),
        [20_000, 0, MOST_FEN],
        NO_FEE,
    ),
    (
        "cards.cap",
        |policy| policy.card_cap.into(),
        [3, 1, 255],
        "",
    ),
    (
        "password.tries",
        |policy| policy.password.tries.into(),
        [5, 1, 255],
        "",
    ),
    (
        "password.lock_seconds",
        |policy| policy.password.lock_seconds.into(),
        [1_800, 1, 31_536_000],
        "",
    ),
    (
        "password.caller_wrong_per_minute",
        |policy| policy.password.caller_wrong_per_minute.into(),
        [600, 1, 1_000_000],
        "",
    ),
    (
        "password.token_valid_seconds",
        |policy| policy.password.token_seconds.into(),
        [300, 1, 86_400],
        "",
    ),
    (
        "phone_code.valid_seconds",
        |policy| policy.phone_code.valid_seconds.into(),
        [300, 1, 86_400],
        "",
    ),
    (
        "phone_code.resend_seconds",
        |policy| policy.phone_code.resend_seconds.into(),
        [60, 0, 86_400],
        "",
    ),
    (
        "phone_code.tries",
        |policy| policy.phone_code.tries.into(),
        [5, 1, 255],
        "",
    ),
    (
        "rollout.percent",
        |policy| policy.rollout_percent.into(),
        [100, 0, 100],
        "",
    ),
    (
        "settlement.after_days",
        |policy| policy.settle_after_days.into(),
        [1, 0, 90],
        "",
    ),
    (
        "quote.valid_seconds",
        |policy| policy.quote_seconds.into(),
        [300, 1, 86_400],
        "",
    ),
    (
        "payment_code.valid_seconds",
        |policy| policy.payment_code_seconds.into(),
        [60, 1, 86_400],
        "",
    ),
    (
        "issuer.timeout_ms",
        |policy| policy.issuer.timeout_ms.into(),
        [800, 1, 60_000],
        "",
    ),
    (
        "issuer.deadline_reserve_ms",
        |policy| policy.issuer.reserve_ms.into(),
        [20, 0, 10_000],
        "",
    ),
    (
        "issuer.stand_in_single_fen",
        |policy| policy.issuer.stand_in_single.value(),
        [20_000, 1, MOST_FEN],
        "issuer.stand_in_outstanding_fen = 999_999_999_999\n",
    ),
    (
        "issuer.stand_in_outstanding_fen",
        |policy| policy.issuer.stand_in_outstanding.value(),
        [50_000, 1, MOST_FEN],
        "issuer.stand_in_single_fen = 1\n",
    ),
    (
        "idempotency.most_keys",
        |policy| i64::try_from(policy.most_keys).unwrap(),
        [67_108_864, 1_000, 67_108_864],
        "",
    ),
];

/// A key with anything else: where it ends up, what it is when left out, each accepted text with
/// what it means, and what is refused.
type Other = (
    &'static str,
    fn(&Policy) -> String,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

const VERSIONS: &[(&str, &str)] = &[("\"8\"", "8.0.0"), ("\"8.0.9\"", "8.0.9")];
const NO_VERSIONS: &[&str] = &["\"eight\"", "\"\"", "\"8.\"", "8.0", "8", "true"];
const DATES: &[(&str, &str)] = &[
    ("2026-12-01", "2026-12-01T00:00:00+08:00"),
    ("2026-11-30T16:00:00Z", "2026-12-01T00:00:00+08:00"),
    ("\"2026-12-01T09:30:00+08:00\"", "2026-12-01T09:30:00+08:00"),
];
const NO_DATES: &[&str] = &[
    "\"\"",
    "\"tomorrow\"",
    "2026-12-01T00:00:00",
    "00:00:00",
    "1899-12-31",
    "1796054400",
    "true",
];

const OTHERS: &[Other] = &[
    (
        "effective_from",
        |policy| shown(policy.effective_from),
        "",
        DATES,
        NO_DATES,
    ),
    (
        "effective_until",
        |policy| shown(policy.effective_until),
        "",
        DATES,
        NO_DATES,
    ),
    (
        "fee.rate",
        |policy| policy.fee.rate.to_string(),
        "0.03",
        &[
            ("\"0.000\"", "0"),
            ("\"0.0300\"", "0.03"),
            ("\"0.9999\"", "0.9999"),
        ],
        &["\"1\"", "\"-0.01\"", "\"3 %\"", "\"\"", "0.03", "0", "true"],
    ),
    (
        "client.android",
        |policy| policy.client.android.to_string(),
        "8.0.40",
        VERSIONS,
        NO_VERSIONS,
    ),
    (
        "client.ios",
        |policy| policy.client.ios.to_string(),
        "8.0.39",
        VERSIONS,
        NO_VERSIONS,
    ),
    (
        "client.google_play",
        |policy| policy.client.google_play.to_string(),
        "8.0.37",
        VERSIONS,
        NO_VERSIONS,
    ),
    (
        "passport.review",
        |policy| word(policy.passport_review).to_owned(),
        "before_payment",
        &[
            ("\"deferred\"", "deferred"),
            ("\"before_payment\"", "before_payment"),
        ],
        &["\"never\"", "\"Deferred\"", "\"\"", "true", "1"],
    ),
    (
        "issuer.stand_in",
        |policy| policy.issuer.stand_in.to_string(),
        "false",
        &[("true", "true"), ("false", "false")],
        &["\"true\"", "1", "0", "\"\""],
    ),
    (
        "settlement.refund_restores_limit",
        |policy| policy.refund_restores_limit.to_string(),
        "false",
        &[("true", "true"), ("false", "false")],
        &["\"true\"", "1", "0", "\"\""],
    ),
];

fn shown(date: Option<Timestamp>) -> String {
    date.map_or_else(String::new, policy_date::render)
}

/// The text is a policy, which is still the same when it was written and read again.
fn read(text: &str) -> Policy {
    let policy =
        parse_text("p.toml", text).unwrap_or_else(|mistakes| panic!("{text}: {mistakes:?}"));
    assert_eq!(parse_text("p.toml", &render(&policy)).as_ref(), Ok(&policy));
    policy
}

/// The text has one mistake, on its last line, which names the key.
fn refuse(text: &str, key: &str) {
    let mistakes = parse_text("p.toml", text).expect_err(text);
    let expected = format!("p.toml:{}: {key} must ", text.lines().count());
    assert_eq!(mistakes.len(), 1, "{text}: {mistakes:#?}");
    assert!(mistakes[0].starts_with(&expected), "{text}: {mistakes:#?}");
}

#[test]
fn every_number_has_its_default_its_least_and_its_most() {
    for &(key, field, [default, least, most], beside) in NUMBERS {
        assert_eq!(field(&Policy::weixin_2023()), default, "{key}");
        let text = |value: &str| format!("name = \"mine\"\n{beside}{key} = {value}\n");
        for value in [least, most] {
            assert_eq!(field(&read(&text(&value.to_string()))), value, "{key}");
        }
        for wrong in [
            &(least - 1).to_string(),
            &(most + 1).to_string(),
            "-9223372036854775808",
            "99999999999999999999",
            &format!("\"{least}\""),
            "2.5",
            "true",
            "[1]",
            "2026-12-01",
        ] {
            refuse(&text(wrong), key);
        }
    }
}

#[test]
fn every_other_key_takes_its_texts_and_no_others() {
    for &(key, field, default, accepted, refused) in OTHERS {
        assert_eq!(field(&Policy::weixin_2023()), default, "{key}");
        let text = |value: &str| format!("name = \"mine\"\n{key} = {value}\n");
        for (value, meaning) in accepted {
            assert_eq!(field(&read(&text(value))), *meaning, "{key} = {value}");
        }
        for wrong in refused.iter().chain(&["[]", "{}"]) {
            refuse(&text(wrong), key);
        }
    }
}

#[test]
fn a_name_is_plain_and_short() {
    assert_eq!(&*Policy::weixin_2023().name, "weixin-2023");
    for name in ["a", "Strict_2.0-b", &"x".repeat(64)] {
        assert_eq!(&*read(&format!("name = \"{name}\"")).name, name);
    }
    for name in [
        "",
        "with space",
        "a/b",
        "\\u0000",
        "\\n",
        "策略",
        &"x".repeat(65),
    ] {
        refuse(&format!("name = \"{name}\""), "name");
    }
    for wrong in ["5", "true", "2026-12-01"] {
        refuse(&format!("name = {wrong}"), "name");
    }
}

#[test]
fn no_key_is_missing_from_these_tables_or_from_what_is_shown() {
    let of_tables: BTreeSet<_> = NUMBERS
        .iter()
        .map(|row| row.0)
        .chain(OTHERS.iter().map(|row| row.0))
        .chain(["name"])
        .map(str::to_owned)
        .collect();
    let known: BTreeSet<_> = SECTIONS
        .iter()
        .flat_map(|(section, keys)| keys.iter().map(move |key| (section, key)))
        .map(|(section, key)| {
            format!("{section}.{key}")
                .trim_start_matches('.')
                .to_owned()
        })
        .collect();
    assert_eq!(of_tables, known);
    let shown = render(&read(
        "name = \"a\"\neffective_from = 2026-12-01\neffective_until = 2027-01-01",
    ));
    let mut section = "";
    let mut of_text = BTreeSet::new();
    for line in shown.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            of_text.insert(
                format!("{section}.{key}")
                    .trim_start_matches('.')
                    .to_owned(),
            );
        }
    }
    assert_eq!(of_text, known);
}
