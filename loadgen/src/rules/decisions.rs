//! Pure: what Waika decided where the guide is silent (D1 to D32).

use waika::v1::{
    BindRefusalReason as B, DeclineReason as D, PhoneCodeRefusalReason as P,
    ReversalRefusalReason as V, UnbindRefusalReason as U,
};

use super::binding::ISSUER_AT_BIND;
use super::paying::{of_code, risks, wrong_or_locked};
use super::tally::Tally;
use super::{Kind, Rule};
use crate::errand::Rpc;

/// D1 to D32, in order.
pub(super) const RULES: [Rule; 32] = [
    rule(
        "D1",
        "months in +08:00",
        "decisions after a month's end within the run",
        |t| t.in_later_months,
    ),
    rule(
        "D2",
        "limits per account",
        "cards unbound, after which what is used stays",
        |t| t.done(Rpc::Unbind),
    ),
    rule(
        "D3",
        "principal counts",
        "approvals with a fee, which is not in what is used",
        |t| t.approved().with_fee,
    ),
    rule(
        "D4",
        "fee to the fen",
        "approvals above 200.00 yuan, and at just that",
        |t| t.approved().with_fee + t.approved().largest_free,
    ),
    rule(
        "D5",
        "review before paying",
        "reviews approved, and payments declined for want of that",
        |t| t.provisioned.reviews + t.declined(&[D::ReviewRequired, D::ReviewRejected]),
    ),
    rule(
        "D6",
        "bind all or nothing",
        "first binds, which set the password too, and binds that the issuer refused",
        |t| t.provisioned.opened + t.refused(&ISSUER_AT_BIND),
    ),
    rule(
        "D7",
        "tries, then a lock",
        "calls refused for a wrong password, or for a locked one",
        |t| {
            let unbinds = t.refused(&[U::PasswordWrong, U::PasswordLocked]);
            let binds = t.refused(&[B::PasswordWrong, B::PasswordLocked]);
            wrong_or_locked(t) + unbinds + binds
        },
    ),
    rule(
        "D8",
        "phone codes",
        "phone codes sent, too soon to be sent again, or refused at bind",
        |t| {
            let refused = t.refused(&[
                B::PhoneCodeNone,
                B::PhoneCodeSpent,
                B::PhoneCodeWrong,
                B::PhoneCodeExpired,
            ]);
            t.done(Rpc::SendPhoneCode) + t.refused(&[P::ResendTooSoon]) + refused
        },
    ),
    rule(
        "D9",
        "shared, others' cards",
        "declines of shared and of others' cards",
        risks,
    ),
    rule(
        "D10",
        "payment codes",
        "payment codes made, approvals by one, and declines for one",
        |t| t.done(Rpc::CreatePaymentCode) + t.approved().by_code + of_code(t),
    ),
    rule(
        "D11",
        "known merchants",
        "merchants put, and payments declined at an unknown one",
        |t| t.provisioned.merchants + t.declined(&[D::MerchantUnknown]),
    ),
    rule(
        "D12",
        "balance",
        "payments declined for the balance; none is paid from one",
        |t| t.declined(&[D::BalanceNotPermitted, D::BalanceInsufficient]),
    ),
    rule(
        "D13",
        "limits given back",
        "reversals and refunds, and those that exceed what remains",
        |t| t.done(Rpc::Reverse) + t.done(Rpc::Refund) + t.not_given_back(&[V::ExceedsRemaining]),
    ),
    rule(
        "D14",
        "fee given back",
        "reversals and refunds that gave some of a fee back",
        |t| t.fees_given_back,
    ),
    rule("D15", "one fen", "approvals of one fen", |t| {
        t.approved().least
    }),
    rule(
        "D16",
        "silent issuer",
        "payments and binds refused because the issuer did not answer",
        |t| t.declined(&[D::IssuerUnavailable]) + t.refused(&[B::IssuerUnavailable]),
    ),
    untold("D17", "stand-in", "an approval does not tell who gave it"),
    rule(
        "D18",
        "keys used again",
        "answers given again, and keys refused that were used for something else",
        Tally::under_used_keys,
    ),
    rule(
        "D19",
        "region at first call",
        "wallets opened with their region",
        |t| t.provisioned.opened,
    ),
    rule(
        "D20",
        "versions compared",
        "requests carry no client information, so no version is compared",
        |t| t.declined(&[D::ClientTooOld]) + t.refused(&[B::ClientTooOld]),
    ),
    rule(
        "D21",
        "share rolled out to",
        "payments and binds of wallets that the feature is not rolled out to",
        |t| t.declined(&[D::NotRolledOut]) + t.refused(&[B::NotRolledOut]),
    ),
    untold(
        "D22",
        "unbind after paying",
        "no card is unbound that has paid",
    ),
    rule(
        "D23",
        "bound already",
        "binds of a card that is bound already; no password is reset",
        |t| t.refused(&[B::CardAlreadyBound]),
    ),
    untold("D24", "lowered limits", "no limit changes"),
    rule(
        "D25",
        "settlement",
        "payments settled early, and calls refused for what is settled or is not",
        |t| t.done(Rpc::Settle) + t.not_given_back(&[V::AlreadySettled, V::NotSettled]),
    ),
    rule(
        "D26",
        "test card numbers",
        "binds of a card of the test BINs",
        |t| t.done(Rpc::Bind),
    ),
    rule(
        "D27",
        "who opens accounts",
        "accounts opened, and calls that found none",
        |t| t.provisioned.opened + t.not_found(),
    ),
    untold("D28", "number not kept", "no answer shows what is not kept"),
    rule(
        "D29",
        "last day of validity",
        "calls refused for a document or a card that is out of date",
        |t| t.declined(&[D::IdentityExpired]) + t.refused(&[B::IdentityExpired, B::CardExpired]),
    ),
    rule(
        "D30",
        "lengths and Luhn",
        "binds of a card of 14 or 16 digits with the right last one",
        |t| t.done(Rpc::Bind),
    ),
    rule(
        "D31",
        "reversed ahead",
        "payments declined because they were reversed before they came",
        |t| t.declined(&[D::ReversedBeforeArrival]),
    ),
    rule(
        "D32",
        "quote tokens",
        "payments declined for a quote; none is quoted before",
        |t| t.declined(&[D::QuoteExpired, D::QuoteMismatch]),
    ),
];

const fn rule(
    id: &'static str,
    name: &'static str,
    how: &'static str,
    count: fn(&Tally) -> u64,
) -> Rule {
    super::rule(id, name, Kind::Decision, how, count)
}

const fn untold(id: &'static str, name: &'static str, why: &'static str) -> Rule {
    super::untold(id, name, Kind::Decision, why)
}
