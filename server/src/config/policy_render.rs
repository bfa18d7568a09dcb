//! The policy as a file: [`Policy`] in, TOML out, every key with what it is for.

use std::fmt::{Display, Write as _};

use waika_domain::policy::{
    ClientRule, FeeRule, IssuerRule, Limits, PassportReview, PasswordRule, PhoneCodeRule, Policy,
};

use super::policy_date;

/// The policy as a file that [`parse_text`](super::parse_text) takes back.
pub(crate) fn render(policy: &Policy) -> String {
    // Named one by one, so that a new field cannot be forgotten here.
    let Policy {
        name,
        effective_from,
        effective_until,
        limits,
        fee,
        card_cap,
        password,
        phone_code,
        client,
        passport_review,
        rollout_percent,
        settle_after_days,
        refund_restores_limit,
        quote_seconds,
        payment_code_seconds,
        issuer,
        most_keys,
    } = policy;
    let mut file = Rendered(format!(
        "# Every decision carries this name.\nname = \"{name}\"\n\n\
         # Two keys may say when it holds, and are absent otherwise (D24):\n\
         # effective_from, such as 2026-12-01T00:00:00+08:00, and effective_until, from which on\n\
         # the policy that was activated before holds again.\n"
    ));
    file.optional("effective_from", effective_from.map(policy_date::render));
    file.optional("effective_until", effective_until.map(policy_date::render));
    limits_and_fee(&mut file, limits, fee);
    file.section("Cards that may be bound at once (R39).", "cards");
    file.key("cap", card_cap);
    wallet(&mut file, password, phone_code, client);
    file.section(
        "When a passport holder may pay: \"before_payment\" or \"deferred\" (D5).",
        "passport",
    );
    file.quoted("review", word(*passport_review));
    file.section(
        "Share of wallets that have the feature (R3, D21).",
        "rollout",
    );
    file.key("percent", rollout_percent);
    file.section(
        "Whole days between the day of an authorisation and the midnight at which it settles\n\
         # (D25), and whether a refund after that gives the limits back as a reversal does (D13).",
        "settlement",
    );
    file.key("after_days", settle_after_days);
    file.key("refund_restores_limit", refund_restores_limit);
    file.section("How long a quote holds (D32).", "quote");
    file.key("valid_seconds", quote_seconds);
    file.section("How long a payment code can be used (D10).", "payment_code");
    file.key("valid_seconds", payment_code_seconds);
    hop(&mut file, issuer);
    file.section(
        "Keys that are kept; beyond that new work is refused and nothing forgotten (D18).",
        "idempotency",
    );
    file.key("most_keys", most_keys);
    file.0
}

fn hop(file: &mut Rendered, issuer: &IssuerRule) {
    let IssuerRule {
        timeout_ms,
        reserve_ms,
        stand_in,
        stand_in_single,
        stand_in_outstanding,
    } = issuer;
    file.section(
        "The most that the issuer is waited for, and what is kept of a caller's deadline for the\n\
         # answer itself (D16); whether Waika approves in the place of an issuer that is not reached,\n\
         # up to how much, and up to how much of one account's that is not reconciled yet (D17).",
        "issuer",
    );
    file.key("timeout_ms", timeout_ms);
    file.key("deadline_reserve_ms", reserve_ms);
    file.key("stand_in", stand_in);
    file.key("stand_in_single_fen", stand_in_single.value());
    file.key("stand_in_outstanding_fen", stand_in_outstanding.value());
}

fn limits_and_fee(file: &mut Rendered, limits: &Limits, fee: &FeeRule) {
    let Limits {
        single,
        month,
        year,
    } = limits;
    let FeeRule { rate, waived_up_to } = fee;
    file.section(
        "The most that may be approved, in principal (R63 to R65).",
        "limits",
    );
    file.key("single_fen", single.value());
    file.key("month_fen", month.value());
    file.key("year_fen", year.value());
    file.section(
        "A share of the whole principal above the waived amount (R71).",
        "fee",
    );
    file.quoted("rate", rate);
    file.key("waived_up_to_fen", waived_up_to.value());
}

fn wallet(
    file: &mut Rendered,
    password: &PasswordRule,
    phone_code: &PhoneCodeRule,
    client: &ClientRule,
) {
    let PasswordRule {
        tries,
        lock_seconds,
        caller_wrong_per_minute,
        token_seconds,
    } = password;
    file.section(
        "Wrong tries that lock the payment password, and for how long; wrong passwords that one\n\
         # caller may send over all accounts; how long a payment token can be used (D7).",
        "password",
    );
    file.key("tries", tries);
    file.key("lock_seconds", lock_seconds);
    file.key("caller_wrong_per_minute", caller_wrong_per_minute);
    file.key("token_valid_seconds", token_seconds);
    let PhoneCodeRule {
        valid_seconds,
        resend_seconds,
        tries,
    } = phone_code;
    file.section("Codes sent to phones (R19, D8).", "phone_code");
    file.key("valid_seconds", valid_seconds);
    file.key("resend_seconds", resend_seconds);
    file.key("tries", tries);
    let ClientRule {
        android,
        ios,
        google_play,
    } = client;
    file.section(
        "The oldest accepted app in each channel (R25 to R27).",
        "client",
    );
    file.quoted("android", android);
    file.quoted("ios", ios);
    file.quoted("google_play", google_play);
}

/// The word of a file for when a passport holder may pay.
pub(super) fn word(review: PassportReview) -> &'static str {
    match review {
        PassportReview::BeforePayment => "before_payment",
        PassportReview::Deferred => "deferred",
    }
}

/// What is written so far.
struct Rendered(String);

// Writing to a string cannot fail.
impl Rendered {
    fn section(&mut self, comment: &str, name: &str) {
        let _ = write!(self.0, "\n# {comment}\n[{name}]\n");
    }

    fn key(&mut self, key: &str, value: impl Display) {
        let _ = writeln!(self.0, "{key} = {value}");
    }

    fn quoted(&mut self, key: &str, value: impl Display) {
        let _ = writeln!(self.0, "{key} = \"{value}\"");
    }

    fn optional(&mut self, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.key(key, value);
        }
    }
}
