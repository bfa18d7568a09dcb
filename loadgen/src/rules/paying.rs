//! Pure: the guide's rules on the password, the review, paying, limits and the fee (R42 to R72).

use waika::v1::{BindRefusalReason as B, DeclineReason as D, UnbindRefusalReason as U};

use super::Kind::{Number, NumberAndInformation, Privacy, State, Validation};
use super::tally::Tally;
use super::{Rule, rule, untold};
use crate::errand::Rpc;

/// What no call of this generator does.
const NO_RESET: &str = "no password is reset";

/// R42 to R72, in order.
pub(super) const RULES: [Rule; 31] = [
    rule(
        "R42",
        "password each time",
        Validation,
        "approvals and payment codes with the password, and declines for it",
        |t| t.approved_by_password() + t.done(Rpc::CreatePaymentCode) + wrong_or_locked(t),
    ),
    rule(
        "R43",
        "six digits",
        Number,
        "accounts whose password of six digits was set, and approvals with one",
        |t| t.provisioned.opened + t.approved_by_password(),
    ),
    rule(
        "R44",
        "password set at bind",
        State,
        "accounts whose first card came with a password",
        |t| t.provisioned.opened,
    ),
    untold("R45", "forgotten password", State, NO_RESET),
    untold("R46", "reset by form", State, NO_RESET),
    untold("R47", "reset by card", State, NO_RESET),
    rule(
        "R48",
        "unbind by password",
        Validation,
        "cards unbound with the password, or not for want of it",
        |t| t.done(Rpc::Unbind) + t.refused(&[U::PasswordWrong, U::PasswordLocked]),
    ),
    rule(
        "R49",
        "review for passports",
        State,
        "accounts opened, of which a passport's holders alone were told of a review",
        |t| t.provisioned.opened + t.declined(&[D::ReviewRequired]),
    ),
    rule(
        "R50",
        "passport page sent",
        State,
        "passport pages sent in",
        |t| t.provisioned.pages,
    ),
    rule("R51", "face check", Validation, "faces sent in", |t| {
        t.provisioned.faces
    }),
    untold(
        "R52",
        "photo new or stored",
        State,
        "no request says where a photo comes from",
    ),
    rule(
        "R53",
        "result comes later",
        State,
        "reviews approved by an operator",
        |t| t.provisioned.reviews,
    ),
    untold(
        "R54",
        "face tried again",
        State,
        "no face check is made to fail",
    ),
    untold(
        "R55",
        "hand-held page",
        State,
        "no face check is made to fail",
    ),
    rule(
        "R56",
        "three ways to pay",
        State,
        "approvals online, by the merchant's code or by the payer's",
        |t| t.approved().in_a_mode,
    ),
    rule(
        "R57",
        "codes used once",
        Privacy,
        "approvals by a payment code, and declines for one",
        |t| t.approved().by_code + of_code(t),
    ),
    rule(
        "R58",
        "yuan only",
        Validation,
        "approvals of an amount in fen",
        |t| t.approved().all,
    ),
    rule(
        "R59",
        "approval provable",
        State,
        "authorisations read again after the run",
        |t| t.proven,
    ),
    rule(
        "R60",
        "enabled merchants",
        Validation,
        "approvals at merchants that take such cards, and declines at others",
        |t| t.approved().all + t.declined(&[D::MerchantNotEnabled]),
    ),
    rule(
        "R61",
        "no overseas merchant",
        Validation,
        "declines at overseas merchants",
        |t| t.declined(&[D::MerchantOverseas]),
    ),
    untold("R62", "greyed cards", State, "no payment is quoted before"),
    rule(
        "R63",
        "limit of one payment",
        Number,
        "approvals of just 6,000.00 yuan, and declines above",
        |t| t.approved().largest + t.declined(&[D::LimitSingle]),
    ),
    rule(
        "R64",
        "limit of a month",
        Number,
        "approvals, which tell what is left, and declines for it",
        |t| t.approved().all + t.declined(&[D::LimitMonth]),
    ),
    rule(
        "R65",
        "limit of a year",
        Number,
        "approvals, which tell what is left, and declines for it",
        |t| t.approved().all + t.declined(&[D::LimitYear]),
    ),
    rule(
        "R66",
        "remedy at a limit",
        State,
        "declines for a limit, which tell what would pass",
        |t| t.declined(&[D::LimitSingle, D::LimitMonth, D::LimitYear]),
    ),
    rule(
        "R67",
        "risk of cards",
        Validation,
        "declines of shared and of others' cards",
        risks,
    ),
    rule(
        "R68",
        "appeals",
        NumberAndInformation,
        "declines for risk, which tell where to appeal",
        risks,
    ),
    rule(
        "R69",
        "wrong password",
        Validation,
        "calls refused for a wrong password, or for a locked one",
        |t| {
            let unbinds = t.refused(&[U::PasswordWrong, U::PasswordLocked]);
            let binds = t.refused(&[B::PasswordWrong, B::PasswordLocked]);
            wrong_or_locked(t) + unbinds + binds
        },
    ),
    rule(
        "R70",
        "issuer declines",
        Validation,
        "payments that the issuer declined",
        |t| {
            t.declined(&[
                D::IssuerExpiredCard,
                D::IssuerLockedCard,
                D::IssuerLostCard,
                D::IssuerStolenCard,
                D::IssuerPickupCard,
                D::IssuerInsufficientFunds,
                D::IssuerDoNotHonour,
            ])
        },
    ),
    rule(
        "R71",
        "fee and its waiver",
        Number,
        "approvals: with a fee above 200.00 yuan, without one up to that",
        |t| t.approved().all,
    ),
    rule(
        "R72",
        "closed scenes",
        Validation,
        "payments declined for what they were for",
        |t| t.declined(&[D::SceneNotPermitted, D::BalanceNotPermitted]),
    ),
];

/// Declines for the password.
pub(super) fn wrong_or_locked(tally: &Tally) -> u64 {
    tally.declined(&[D::PasswordWrong, D::PasswordLocked])
}

/// Declines for a payment code.
pub(super) fn of_code(tally: &Tally) -> u64 {
    tally.declined(&[
        D::PaymentCodeInvalid,
        D::PaymentCodeExpired,
        D::PaymentCodeUsed,
    ])
}

/// Declines for a risk.
pub(super) fn risks(tally: &Tally) -> u64 {
    tally.declined(&[D::RiskCardShared, D::RiskHolderMismatch])
}
