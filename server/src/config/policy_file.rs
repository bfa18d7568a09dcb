//! The policy file: TOML in, [`Policy`] out, and back. Every key may be left out; what is left
//! out is as in `weixin-2023`.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use rust_decimal::Decimal;
use toml::de::DeValue;
use waika_domain::money::{Amount, Fen};
use waika_domain::policy::{
    ClientRule, FeeRule, Limits, PassportReview, PasswordRule, PhoneCodeRule, Policy,
};
use waika_domain::version::Version;

use super::policy_keys::Keys;
use super::values::Expected;

const MOST_BYTES: u64 = 65_536;
const DAY_SECONDS: i64 = 86_400;

/// Reads a file. Each mistake names the file, the line and the key, and what mends it.
pub(super) fn read(path: &Path) -> Result<Policy, Vec<String>> {
    let file = path.display().to_string();
    let text = read_text(path).map_err(|what| vec![format!("{file}: {what}")])?;
    parse(&file, &text)
}

fn read_text(path: &Path) -> Result<String, String> {
    let unreadable = |error| format!("the policy file cannot be read: {error}");
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("a policy file has at most {MOST_BYTES} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "a policy file is text in UTF-8".to_owned())
}

fn parse(file: &str, text: &str) -> Result<Policy, Vec<String>> {
    let mut keys = Keys::parse(file, text)?;
    let known = Policy::weixin_2023();
    let policy = Policy {
        name: keys.value("name", known.name.clone(), name),
        limits: limits(&mut keys, known.limits),
        fee: FeeRule {
            rate: keys.value("fee.rate", known.fee.rate, rate),
            waived_up_to: fen(&mut keys, "fee.waived_up_to_fen", 0, known.fee.waived_up_to),
        },
        card_cap: keys.number("cards.cap", 1..=255, known.card_cap),
        password: password(&mut keys, known.password),
        phone_code: phone_code(&mut keys, known.phone_code),
        client: client(&mut keys, known.client),
        passport_review: keys.value("passport.review", known.passport_review, review),
        rollout_percent: keys.number("rollout.percent", 0..=100, known.rollout_percent),
        settle_after_days: keys.number("settlement.after_days", 0..=90, known.settle_after_days),
        quote_seconds: keys.number("quote.valid_seconds", 1..=DAY_SECONDS, known.quote_seconds),
    };
    keys.own_name(&policy.name, &known.name);
    let mistakes = keys.into_mistakes();
    if mistakes.is_empty() {
        Ok(policy)
    } else {
        Err(mistakes)
    }
}

fn limits(keys: &mut Keys<'_>, known: Limits) -> Limits {
    let limits = Limits {
        single: fen(keys, "limits.single_fen", 1, known.single),
        month: fen(keys, "limits.month_fen", 1, known.month),
        year: fen(keys, "limits.year_fen", 1, known.year),
    };
    let month = ("limits.month_fen", limits.month.value());
    keys.in_order(("limits.single_fen", limits.single.value()), month);
    keys.in_order(month, ("limits.year_fen", limits.year.value()));
    limits
}

fn password(keys: &mut Keys<'_>, known: PasswordRule) -> PasswordRule {
    let lock = 1..=365 * DAY_SECONDS;
    PasswordRule {
        tries: keys.number("password.tries", 1..=255, known.tries),
        lock_seconds: keys.number("password.lock_seconds", lock, known.lock_seconds),
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

fn name(value: &DeValue<'_>) -> Result<Box<str>, Expected> {
    let fits = |name: &&str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        (1..=64).contains(&name.len()) && name.bytes().all(plain)
    };
    let name = value.as_str().filter(fits);
    name.map(Box::from)
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
        .ok_or_else(|| "must be at least 0 and below 1, such as \"0.03\" for 3 %".to_owned())
}

fn version(value: &DeValue<'_>) -> Result<Version, Expected> {
    let Some(text) = value.as_str() else {
        return Err("must stand in quotes, such as \"8.0.40\"".to_owned());
    };
    Version::parse(text).map_err(|malformed| malformed.to_string())
}

fn review(value: &DeValue<'_>) -> Result<PassportReview, Expected> {
    match value.as_str() {
        Some("before_payment") => Ok(PassportReview::BeforePayment),
        Some("deferred") => Ok(PassportReview::Deferred),
        _ => Err("must be \"before_payment\" or \"deferred\"".to_owned()),
    }
}

fn review_word(review: PassportReview) -> &'static str {
    match review {
        PassportReview::BeforePayment => "before_payment",
        PassportReview::Deferred => "deferred",
    }
}

/// The policy as a file that [`read`] takes back.
pub(super) fn render(policy: &Policy) -> String {
    let Policy {
        name,
        limits,
        fee,
        card_cap,
        password,
        phone_code,
        client,
        passport_review,
        rollout_percent,
        settle_after_days,
        quote_seconds,
    } = policy;
    let review = review_word(*passport_review);
    format!(
        r#"# Every decision carries this name.
name = "{name}"

# The most that may be approved, in principal.
[limits]
single_fen = {single} # R63
month_fen = {month} # R64
year_fen = {year} # R65

# A share of the whole principal above the waived amount (R71).
[fee]
rate = "{rate}"
waived_up_to_fen = {waived_up_to}

# Cards that may be bound at once (R39).
[cards]
cap = {card_cap}

# Wrong tries that lock the payment password, and for how long (D7).
[password]
tries = {password_tries}
lock_seconds = {lock_seconds}

# Codes sent to phones (R19, D8).
[phone_code]
valid_seconds = {valid_seconds}
resend_seconds = {resend_seconds}
tries = {phone_code_tries}

# The oldest accepted app in each channel (R25 to R27).
[client]
android = "{android}"
ios = "{ios}"
google_play = "{google_play}"

# When a passport holder may pay: "before_payment" or "deferred" (D5).
[passport]
review = "{review}"

# Share of wallets that have the feature (R3, D21).
[rollout]
percent = {rollout_percent}

# Whole days between the day of an authorisation and the midnight at which it settles (D25).
[settlement]
after_days = {settle_after_days}

# How long a quote holds (D32).
[quote]
valid_seconds = {quote_seconds}
"#,
        single = limits.single.value(),
        month = limits.month.value(),
        year = limits.year.value(),
        rate = fee.rate,
        waived_up_to = fee.waived_up_to.value(),
        password_tries = password.tries,
        lock_seconds = password.lock_seconds,
        valid_seconds = phone_code.valid_seconds,
        resend_seconds = phone_code.resend_seconds,
        phone_code_tries = phone_code.tries,
        android = client.android,
        ios = client.ios,
        google_play = client.google_play,
    )
}

#[cfg(test)]
#[path = "policy_file_tests.rs"]
mod tests;
