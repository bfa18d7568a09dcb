//! The policy file: TOML in, [`Policy`] out. Every key may be left out; what is left out is as
//! in `weixin-2023`.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use rust_decimal::Decimal;
use toml::de::DeValue;
use waika_domain::money::{Amount, Fen};
use waika_domain::period::Timestamp;
use waika_domain::policy::{
    ClientRule, FeeRule, IssuerRule, Limits, PassportReview, PasswordRule, PhoneCodeRule, Policy,
};
use waika_domain::version::Version;

use super::policy_date;
use super::policy_keys::Keys;
use super::values::Expected;

/// Some fifteen times what a policy with every key takes, and half of what an operator's call
/// may carry.
const MOST_BYTES: usize = 32_768;
const DAY_SECONDS: i64 = 86_400;
/// The table of idempotency keys is built for so many in memory (D18).
const MOST_KEYS: i64 = 1 << 26;

/// Reads a file. Each mistake names the file, the line and the key, and what mends it.
pub(crate) fn read_file(path: &Path) -> Result<Policy, Vec<String>> {
    let file = path.display().to_string();
    let text = read_bounded(path).map_err(|what| vec![format!("{file}: {what}")])?;
    parse_text(&file, &text)
}

fn read_bounded(path: &Path) -> Result<String, String> {
    let unreadable = |error| format!("the policy file cannot be read: {error}");
    let mut bytes = Vec::new();
    // A byte more than fits tells a file that is too long.
    let most = MOST_BYTES as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() > MOST_BYTES {
        return Err(too_long());
    }
    let text = String::from_utf8(bytes).map_err(|_| "a policy file is text in UTF-8".to_owned())?;
    // A file that is being saved is empty for a moment, and would be the guide's own policy.
    let says_nothing = |line: &str| line.is_empty() || line.starts_with('#');
    if text.lines().all(|line| says_nothing(line.trim())) {
        let mend = "name the policy in it: name = \"weixin-2023\" alone is the guide's own";
        return Err(format!("the policy file is empty: {mend}"));
    }
    Ok(text)
}

fn too_long() -> String {
    format!("a policy has at most {MOST_BYTES} bytes")
}

/// Reads a text from anywhere. Mistakes are named as with [`read_file`], after a source such as
/// the file's name.
pub(crate) fn parse_text(source: &str, text: &str) -> Result<Policy, Vec<String>> {
    if text.len() > MOST_BYTES {
        return Err(vec![format!("{source}: {}", too_long())]);
    }
    let mut keys = Keys::parse(source, text)?;
    let known = Policy::weixin_2023();
    let (effective_from, effective_until) = dates(&mut keys);
    let limits = limits(&mut keys, known.limits);
    let seconds = 1..=DAY_SECONDS;
    let policy = Policy {
        name: keys.value("name", known.name.clone(), name),
        effective_from,
        effective_until,
        limits,
        fee: fee(&mut keys, known.fee, limits.single),
        card_cap: keys.number("cards.cap", 1..=255, known.card_cap),
        password: password(&mut keys, known.password),
        phone_code: phone_code(&mut keys, known.phone_code),
        client: client(&mut keys, known.client),
        passport_review: keys.value("passport.review", known.passport_review, review),
        rollout_percent: keys.number("rollout.percent", 0..=100, known.rollout_percent),
        settle_after_days: keys.number("settlement.after_days", 0..=90, known.settle_after_days),
        refund_restores_limit: keys.value(
            "settlement.refund_restores_limit",
            known.refund_restores_limit,
            switch,
        ),
        quote_seconds: keys.number("quote.valid_seconds", seconds.clone(), known.quote_seconds),
        payment_code_seconds: keys.number(
            "payment_code.valid_seconds",
            seconds,
            known.payment_code_seconds,
        ),
        issuer: issuer(&mut keys, known.issuer),
        most_keys: keys.number("idempotency.most_keys", 1_000..=MOST_KEYS, known.most_keys),
    };
    keys.own_name(&policy.name, &known.name);
    let mistakes = keys.into_mistakes();
    if mistakes.is_empty() {
        Ok(policy)
    } else {
        Err(mistakes)
    }
}

/// From when until when it holds (D24).
fn dates(keys: &mut Keys<'_>) -> (Option<Timestamp>, Option<Timestamp>) {
    let date = |value: &DeValue<'_>| policy_date::parse(value).map(Some);
    let from = keys.value("effective_from", None, date);
    let until = keys.value("effective_until", None, date);
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        keys.contradiction(
            ("effective_from", &policy_date::render(from)),
            "is not before",
            ("effective_until", &policy_date::render(until)),
            ": dates out of order, so it would never hold: put the one earlier or the other later",
        );
    }
    (from, until)
}

fn limits(keys: &mut Keys<'_>, known: Limits) -> Limits {
    let limits = Limits {
        single: fen(keys, "limits.single_fen", 1, known.single),
        month: fen(keys, "limits.month_fen", 1, known.month),
        year: fen(keys, "limits.year_fen", 1, known.year),
    };
    let month = ("limits.month_fen", limits.month);
    in_order(keys, ("limits.single_fen", limits.single), month);
    in_order(keys, month, ("limits.year_fen", limits.year));
    limits
}

/// A limit that another one makes unreachable is not meant.
fn in_order(keys: &mut Keys<'_>, lower: (&'static str, Fen), upper: (&'static str, Fen)) {
    if lower.1 > upper.1 {
        keys.contradiction(
            (lower.0, &lower.1.value()),
            "is above",
            (upper.0, &upper.1.value()),
            ": lower the one or raise the other",
        );
    }
}

/// A fee that the single limit keeps every payment from is not meant (R63, R71).
fn fee(keys: &mut Keys<'_>, known: FeeRule, single: Fen) -> FeeRule {
    let fee = FeeRule {
        rate: keys.value("fee.rate", known.rate, rate),
        waived_up_to: fen(keys, "fee.waived_up_to_fen", 0, known.waived_up_to),
    };
    let has_fee = !fee.rate.is_zero() && !keys.is_wrong("fee.rate");
    if has_fee && fee.waived_up_to >= single {
        keys.contradiction(
            ("fee.waived_up_to_fen", &fee.waived_up_to.value()),
            "is not below",
            ("limits.single_fen", &single.value()),
            ", so no payment would have a fee: lower the one, raise the other, or write \
             fee.rate = \"0\"",
        );
    }
    fee
}

/// The hop to the issuer, and standing in for it (D16, D17).
fn issuer(keys: &mut Keys<'_>, known: IssuerRule) -> IssuerRule {
    let rule = IssuerRule {
        timeout_ms: keys.number("issuer.timeout_ms", 1..=60_000, known.timeout_ms),
        reserve_ms: keys.number("issuer.deadline_reserve_ms", 0..=10_000, known.reserve_ms),
        stand_in: keys.value("issuer.stand_in", known.stand_in, switch),
        stand_in_single: fen(keys, "issuer.stand_in_single_fen", 1, known.stand_in_single),
        stand_in_outstanding: fen(
            keys,
            "issuer.stand_in_outstanding_fen",
            1,
            known.stand_in_outstanding,
        ),
    };
    if rule.stand_in_single > rule.stand_in_outstanding {
        keys.contradiction(
            ("issuer.stand_in_single_fen", &rule.stand_in_single.value()),
            "is above",
            (
                "issuer.stand_in_outstanding_fen",
                &rule.stand_in_outstanding.value(),
            ),
            ", which nothing could reach: lower the one or raise the other",
        );
    }
    rule
}

fn password(keys: &mut Keys<'_>, known: PasswordRule) -> PasswordRule {
    let lock = 1..=365 * DAY_SECONDS;
    PasswordRule {
        tries: keys.number("password.tries", 1..=255, known.tries),
        lock_seconds: keys.number("password.lock_seconds", lock, known.lock_seconds),
        caller_wrong_per_minute: keys.number(
            "password.caller_wrong_per_minute",
            1..=1_000_000,
            known.caller_wrong_per_minute,
        ),
        token_seconds: keys.number(
            "password.token_valid_seconds",
            1..=DAY_SECONDS,
            known.token_seconds,
        ),
    }
}

fn phone_code(keys: &mut Keys<'_>, known: PhoneCodeRule) -> PhoneCodeRule {
    let (valid, resend) = (1..=DAY_SECONDS, 0..=DAY_SECONDS);
    PhoneCodeRule {
        valid_seconds: keys.number("phone_code.valid_seconds", valid, known.valid_seconds),
        resend_seconds: keys.number("phone_code.resend_seconds", resend, known.resend_seconds),
        tries: keys.number("phone_code.tries", 1..=255, known.tries),
    }
}

fn client(keys: &mut Keys<'_>, known: ClientRule) -> ClientRule {
    ClientRule {
        android: keys.value("client.android", known.android, version),
        ios: keys.value("client.ios", known.ios, version),
        google_play: keys.value("client.google_play", known.google_play, version),
    }
}

fn fen(keys: &mut Keys<'_>, key: &'static str, least: i64, known: Fen) -> Fen {
    Fen::new(keys.number(key, least..=Amount::MAX_FEN, known.value()))
}

fn name(value: &DeValue<'_>) -> Result<Arc<str>, Expected> {
    let fits = |name: &&str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        (1..=64).contains(&name.len()) && name.bytes().all(plain)
    };
    let name = value.as_str().filter(fits);
    name.map(Arc::from)
        .ok_or_else(|| "must be 1 to 64 letters, digits, dots, dashes or underscores".to_owned())
}

fn rate(value: &DeValue<'_>) -> Result<Decimal, Expected> {
    let Some(text) = value.as_str() else {
        let what = "must stand in quotes, such as \"0.03\": a number of TOML is not exact";
        return Err(what.to_owned());
    };
    Decimal::from_str_exact(text)
        .ok()
        .filter(|rate| !rate.is_sign_negative() && *rate < Decimal::ONE)
        // "0.030" is the same policy as "0.03", and is shown as the same text.
        .map(|rate| rate.normalize())
        .ok_or_else(|| "must be at least 0 and below 1, such as \"0.03\" for 3 %".to_owned())
}

fn version(value: &DeValue<'_>) -> Result<Version, Expected> {
    let Some(text) = value.as_str() else {
        return Err("must stand in quotes, such as \"8.0.40\"".to_owned());
    };
    Version::parse(text).map_err(|malformed| malformed.to_string())
}

fn switch(value: &DeValue<'_>) -> Result<bool, Expected> {
    value
        .as_bool()
        .ok_or_else(|| "must be true or false".to_owned())
}

fn review(value: &DeValue<'_>) -> Result<PassportReview, Expected> {
    match value.as_str() {
        Some("before_payment") => Ok(PassportReview::BeforePayment),
        Some("deferred") => Ok(PassportReview::Deferred),
        _ => Err("must be \"before_payment\" or \"deferred\"".to_owned()),
    }
}

#[cfg(test)]
#[path = "policy_file_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "policy_key_tests.rs"]
mod key_tests;

#[cfg(test)]
#[path = "policy_round_trip_tests.rs"]
mod round_trip_tests;
