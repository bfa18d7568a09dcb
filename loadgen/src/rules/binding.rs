//! Pure: the guide's rules on who may take part, with what, and how a card is bound (R1 to R41).

use waika::v1::{
    BindRefusalReason as B, DeclineReason as D, IdentityDocumentType as Document,
    PhoneCodeRefusalReason as P, UnbindRefusalReason as U,
};

use super::Kind::{Number, Privacy, State, Validation, ValidationOfNumber};
use super::tally::Tally;
use super::{Rule, rule, text, untold};
use crate::errand::Rpc;

/// What no call of this generator says anything of.
const NO_CLIENT: &str = "requests carry no client information, so no version is compared";

/// What an issuer can say against a card that is bound (R38).
pub(super) const ISSUER_AT_BIND: [B; 8] = [
    B::IssuerExpiredCard,
    B::IssuerLockedCard,
    B::IssuerLostCard,
    B::IssuerStolenCard,
    B::IssuerPickupCard,
    B::IssuerInsufficientFunds,
    B::IssuerDoNotHonour,
    B::IssuerUnavailable,
];

/// R1 to R41, in order.
pub(super) const RULES: [Rule; 41] = [
    rule(
        "R1",
        "foreign identity",
        Validation,
        "binds with a document of somebody from outside the mainland",
        |t| binds(t) + t.refused(&[B::IdentityTypeUnsupported]),
    ),
    rule(
        "R2",
        "paid in the mainland",
        Validation,
        "approvals at merchants of the mainland, and payments declined at others",
        |t| t.approved().all + t.declined(&[D::MerchantOverseas]),
    ),
    rule(
        "R3",
        "gradual roll-out",
        State,
        "payments and binds of wallets that the feature is not rolled out to",
        not_rolled_out,
    ),
    untold(
        "R4",
        "secrets kept quiet",
        Privacy,
        "no answer shows what is not told",
    ),
    rule(
        "R5",
        "document in date",
        Validation,
        "binds and approvals with a document in date, or refused for one that is not",
        |t| binds(t) + t.approved().all + document_expired(t),
    ),
    rule(
        "R6",
        "own, usable card",
        Validation,
        "cards whose issuer was asked when they were bound",
        asked_issuer,
    ),
    rule("R7", "current app version", Validation, NO_CLIENT, too_old),
    rule(
        "R8",
        "reachable phone",
        Validation,
        "phone codes sent",
        |t| t.done(Rpc::SendPhoneCode),
    ),
    text("R9", "done in person"),
    rule(
        "R10",
        "listed documents only",
        Validation,
        "binds with a document that is on the list, or refused for one that is not",
        |t| binds(t) + t.refused(&[B::IdentityTypeUnsupported]),
    ),
    rule(
        "R11",
        "passport",
        Validation,
        "accounts opened with a passport",
        |t| t.provisioned.with(Document::Passport),
    ),
    rule(
        "R12",
        "HK/Macao travel",
        Validation,
        "accounts opened with that permit",
        |t| t.provisioned.with(Document::HongKongMacaoTravelPermit),
    ),
    rule(
        "R13",
        "Taiwan travel permit",
        Validation,
        "accounts opened with that permit",
        |t| t.provisioned.with(Document::TaiwanTravelPermit),
    ),
    rule(
        "R14",
        "HK/Macao residence",
        Validation,
        "accounts opened with that permit",
        |t| t.provisioned.with(Document::HongKongMacaoResidencePermit),
    ),
    rule(
        "R15",
        "Taiwan residence",
        Validation,
        "accounts opened with that permit",
        |t| t.provisioned.with(Document::TaiwanResidencePermit),
    ),
    rule(
        "R16",
        "foreign resident card",
        Validation,
        "accounts opened with that card, and binds refused for where a document was issued",
        |t| {
            let opened = t.provisioned.with(Document::ForeignPermanentResidentCard);
            opened + t.refused(&[B::IdentityIssuerInvalid])
        },
    ),
    rule(
        "R17",
        "listed schemes only",
        Validation,
        "binds of a card whose scheme is on the list, or refused for one that is not",
        |t| binds(t) + t.refused(&[B::SchemeUnsupported]),
    ),
    rule(
        "R18",
        "the five schemes",
        Validation,
        "accounts opened with a card of one of the five, and binds refused for another's digits",
        |t| t.provisioned.of_listed_schemes() + t.refused(&[B::SchemeMismatch]),
    ),
    rule(
        "R19",
        "code sent, wait runs",
        State,
        "phone codes sent, and refused because the last one was sent just now",
        |t| t.done(Rpc::SendPhoneCode) + t.refused(&[P::ResendTooSoon]),
    ),
    text("R20", "roaming"),
    untold(
        "R21",
        "+86 by default",
        ValidationOfNumber,
        "every phone number comes with its country code",
    ),
    text("R22", "blocked messages"),
    untold(
        "R23",
        "another number",
        State,
        "every person keeps to one phone number",
    ),
    rule(
        "R24",
        "code not sent",
        State,
        "phone codes that could not be sent, and binds without one",
        |t| t.refused(&[P::SendFailed]) + t.refused(&[B::PhoneCodeNone]),
    ),
    rule("R25", "Android version", Number, NO_CLIENT, too_old),
    rule("R26", "iOS version", Number, NO_CLIENT, too_old),
    rule("R27", "Google Play version", Number, NO_CLIENT, too_old),
    text("R28", "versions by store"),
    rule(
        "R29",
        "verified before use",
        Validation,
        "approvals of verified wallets, and calls refused to others",
        |t| {
            let refused = t.declined(&[D::WalletNotVerified]);
            t.approved().all + refused + t.refused(&[U::WalletNotVerified])
        },
    ),
    rule(
        "R30",
        "mainland wallet",
        Validation,
        "binds and approvals of mainland wallets, and refused to others",
        |t| {
            let refused = t.declined(&[D::WalletRegion]) + t.refused(&[B::WalletRegion]);
            binds(t) + t.approved().all + refused
        },
    ),
    rule(
        "R31",
        "mainland by its mark",
        Validation,
        "mainland wallets that bound a card while they were not verified yet",
        opened,
    ),
    untold(
        "R32",
        "switch of region",
        State,
        "no wallet switches its region",
    ),
    rule(
        "R33",
        "new mainland wallet",
        State,
        "wallets opened in the mainland",
        opened,
    ),
    rule(
        "R34",
        "agreements accepted",
        State,
        "binds with both agreements accepted, or refused for want of them",
        |t| binds(t) + t.refused(&[B::AgreementNotAccepted]),
    ),
    rule(
        "R35",
        "steps of binding",
        State,
        "binds with all six steps",
        binds,
    ),
    rule(
        "R36",
        "details as printed",
        Validation,
        "binds whose details were confirmed, or refused for them",
        |t| binds(t) + t.refused(&[B::IdentityRejected, B::IdentityDiffers]),
    ),
    rule(
        "R37",
        "verification debit",
        Validation,
        "binds for which the issuer was asked",
        asked_issuer,
    ),
    rule(
        "R38",
        "issuer refuses bind",
        Validation,
        "binds that the issuer refused",
        |t| t.refused(&ISSUER_AT_BIND),
    ),
    rule(
        "R39",
        "three cards at most",
        ValidationOfNumber,
        "binds refused for three cards that are bound",
        |t| t.refused(&[B::CardCapReached]),
    ),
    rule("R40", "unbind makes room", State, "cards unbound", |t| {
        t.done(Rpc::Unbind)
    }),
    rule(
        "R41",
        "pays once bound",
        State,
        "approvals by a card that was bound in these steps",
        |t| t.approved().all,
    ),
];

fn binds(tally: &Tally) -> u64 {
    tally.done(Rpc::Bind)
}

fn opened(tally: &Tally) -> u64 {
    tally.provisioned.opened
}

fn asked_issuer(tally: &Tally) -> u64 {
    binds(tally) + tally.refused(&ISSUER_AT_BIND)
}

fn too_old(tally: &Tally) -> u64 {
    tally.declined(&[D::ClientTooOld]) + tally.refused(&[B::ClientTooOld])
}

fn not_rolled_out(tally: &Tally) -> u64 {
    tally.declined(&[D::NotRolledOut]) + tally.refused(&[B::NotRolledOut])
}

fn document_expired(tally: &Tally) -> u64 {
    tally.declined(&[D::IdentityExpired]) + tally.refused(&[B::IdentityExpired])
}
