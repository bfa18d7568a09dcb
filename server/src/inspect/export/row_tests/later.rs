//! Payments and what became of them, wallets, and policies.

use waika_domain::decline::{Decline, DeclineReason};
use waika_domain::event::{
    AccountClosed, Declined, ErasureBegun, Event, Funding, FundsKind, FundsReceived, GiveBack,
    Material, PasswordEffect, Payment, PaymentMode, PolicyActivated, PolicyPut, PolicyShadowed,
    RegionSwitched, Reversal, ReversalDecided, Review, Scene, SettleDecided, Settled, Spent,
    VerificationSubmitted, WalletRegion,
};
use waika_domain::identifiers::CodeDigest;
use waika_domain::money::Fen;
use waika_domain::period::{Month, Year};
use waika_domain::refusal::{
    ErasureRefusal, ReceiveRefusal, Refused, ReversalRefusal, VerificationRefusal,
};

use super::{Cells, SECRET, SECRET_DIGEST, SECRET_NONCE, amount};

fn declined(code: Option<CodeDigest>, spent: Option<Spent>, password: PasswordEffect) -> Event {
    Event::Declined(Box::new(Declined {
        payment: Payment {
            funding: if code.is_some() {
                Funding::Unknown
            } else {
                Funding::Balance
            },
            merchant: None,
            amount: amount(),
            scene: Scene::Transfer,
            mode: PaymentMode::PaymentCode,
            code,
        },
        decline: Decline::because(DeclineReason::BalanceInsufficient),
        password,
        spent,
        policy: "p".into(),
        receipt: None,
    }))
}

macro_rules! declined_cells {
    ($($more:expr),*) => {
        &[
            ("kind", "declined"),
            ("amount_fen", "10000"),
            ("scene", "transfer"),
            ("mode", "payment_code"),
            ("decision", "declined"),
            ("reason", "BALANCE_INSUFFICIENT"),
            ("layer", "wallet"),
            ("response_code", "51"),
            ("policy", "p"),
            ("authorisation_id", "of 9"),
            $($more,)*
        ]
    };
}

/// D10: that a payment was made with a code is shown, and nothing of the code.
pub(super) fn payments() -> Vec<(Event, Cells)> {
    let untouched = PasswordEffect::Untouched;
    let (token, code) = (Spent::Token(SECRET_NONCE), Spent::Code(SECRET_NONCE));
    vec![
        (
            declined(Some(SECRET_DIGEST), None, untouched),
            declined_cells![("funding", "unknown"), ("credential", "code")],
        ),
        (
            declined(Some(SECRET_DIGEST), Some(code), untouched),
            declined_cells![("funding", "unknown"), ("credential", "code")],
        ),
        (
            declined(None, Some(token), untouched),
            declined_cells![("funding", "balance"), ("credential", "token")],
        ),
        (
            declined(None, None, PasswordEffect::Matched),
            declined_cells![
                ("funding", "balance"),
                ("credential", "password"),
                ("password_check", "matched")
            ],
        ),
        (
            declined(None, None, untouched),
            declined_cells![("funding", "balance")],
        ),
    ]
}

pub(super) fn reversals() -> Vec<(Event, Cells)> {
    let give_back = |kind, previous, outcome| {
        Event::ReversalDecided(Box::new(ReversalDecided {
            kind,
            original: 4,
            previous,
            outcome,
        }))
    };
    let given = Reversal {
        principal: Fen::new(1_000),
        fee: Fen::new(30),
        remaining: Fen::new(24_000),
        month: Month::from_civil(2024, 2),
        year: Year::from_number(2024),
        month_restored: false,
        year_restored: true,
        balance_left: Some(Fen::new(77)),
        transaction: None,
    };
    let refused = || Err(Refused::because(ReversalRefusal::NotSettled));
    vec![
        (
            give_back(GiveBack::Refund, 6, Ok(given)),
            &[
                ("kind", "refund_decided"),
                ("amount_fen", "1000"),
                ("fee_fen", "30"),
                ("total_fen", "1030"),
                ("month", "2024-02"),
                ("year", "2024"),
                ("decision", "refunded"),
                ("remaining_fen", "24000"),
                ("authorisation_id", "of 4"),
                ("month_restored", "false"),
                ("year_restored", "true"),
                ("balance_left_fen", "77"),
                ("previous_step", "6"),
            ],
        ),
        (
            give_back(GiveBack::Reversal, 0, refused()),
            &[
                ("kind", "reversal_decided"),
                ("decision", "refused"),
                ("reason", "NOT_SETTLED"),
                ("layer", "wallet"),
                ("response_code", "57"),
                ("authorisation_id", "of 4"),
            ],
        ),
    ]
}

pub(super) fn settlements() -> Vec<(Event, Cells)> {
    let settle = |previous, outcome| {
        Event::SettleDecided(SettleDecided {
            original: 4,
            previous,
            outcome,
        })
    };
    let settled = Settled {
        principal: Fen::new(1_000),
        fee: Fen::new(30),
    };
    vec![
        (
            settle(0, Ok(settled)),
            &[
                ("kind", "settle_decided"),
                ("amount_fen", "1000"),
                ("fee_fen", "30"),
                ("total_fen", "1030"),
                ("decision", "settled"),
                ("authorisation_id", "of 4"),
            ],
        ),
        (
            settle(6, Err(Refused::because(ReversalRefusal::DeclinedOriginal))),
            &[
                ("kind", "settle_decided"),
                ("decision", "refused"),
                ("reason", "DECLINED_ORIGINAL"),
                ("layer", "wallet"),
                ("response_code", "12"),
                ("authorisation_id", "of 4"),
                ("previous_step", "6"),
            ],
        ),
    ]
}

pub(super) fn photos() -> Vec<(Event, Cells)> {
    let photo = |material, outcome, review| {
        Event::VerificationSubmitted(VerificationSubmitted {
            material,
            digest: SECRET,
            bytes: 4_096,
            outcome,
            review,
        })
    };
    vec![
        (
            photo(Material::PassportPage, Ok(()), Review::PageReceived),
            &[
                ("kind", "verification_submitted"),
                ("decision", "taken"),
                ("review", "page_received"),
                ("material", "passport_page"),
                ("photo_bytes", "4096"),
            ],
        ),
        (
            photo(
                Material::HandHeldPage,
                Err(Refused::because(VerificationRefusal::UnderReview)),
                Review::UnderReview,
            ),
            &[
                ("kind", "verification_submitted"),
                ("decision", "refused"),
                ("reason", "UNDER_REVIEW"),
                ("layer", "wallet"),
                ("response_code", "57"),
                ("review", "under_review"),
                ("material", "hand_held_page"),
                ("photo_bytes", "4096"),
            ],
        ),
    ]
}

pub(super) fn wallets() -> Vec<(Event, Cells)> {
    let funds = |kind, outcome| {
        Event::FundsReceived(FundsReceived {
            kind,
            amount: amount(),
            outcome,
        })
    };
    vec![
        (
            Event::RegionSwitched(RegionSwitched {
                region: WalletRegion::Malaysia,
            }),
            &[("kind", "region_switched"), ("wallet_region", "malaysia")],
        ),
        (
            Event::AccountClosed(Box::new(AccountClosed {
                outcome: Ok([].into()),
            })),
            &[("kind", "account_closed"), ("decision", "closed")],
        ),
        (
            Event::ErasureBegun(ErasureBegun {
                outcome: Err(Refused::because(ErasureRefusal::NotClosed)),
            }),
            &[
                ("kind", "erasure_begun"),
                ("decision", "refused"),
                ("reason", "NOT_CLOSED"),
                ("layer", "wallet"),
                ("response_code", "57"),
            ],
        ),
        (
            funds(FundsKind::RedPacket, Ok(Fen::new(12_000))),
            &[
                ("kind", "funds_received"),
                ("amount_fen", "10000"),
                ("decision", "received"),
                ("balance_left_fen", "12000"),
                ("funds_kind", "red_packet"),
            ],
        ),
        (
            funds(
                FundsKind::Transfer,
                Err(Refused::because(ReceiveRefusal::NoBoundCard)),
            ),
            &[
                ("kind", "funds_received"),
                ("amount_fen", "10000"),
                ("decision", "refused"),
                ("reason", "NO_BOUND_CARD"),
                ("layer", "wallet"),
                ("response_code", "57"),
                ("funds_kind", "transfer"),
            ],
        ),
    ]
}

pub(super) fn policies() -> Vec<(Event, Cells)> {
    let shadowed = |name: Option<&str>| {
        Event::PolicyShadowed(PolicyShadowed {
            name: name.map(Into::into),
        })
    };
    vec![
        (
            Event::PolicyPut(PolicyPut {
                name: "spring".into(),
                text: "name = \"spring\"".into(),
            }),
            &[
                ("kind", "policy_put"),
                ("policy", "spring"),
                ("policy_text", "name = \"spring\""),
            ],
        ),
        (
            Event::PolicyActivated(PolicyActivated {
                name: "spring".into(),
            }),
            &[("kind", "policy_activated"), ("policy", "spring")],
        ),
        (
            shadowed(Some("spring")),
            &[("kind", "policy_shadowed"), ("policy", "spring")],
        ),
        (shadowed(None), &[("kind", "policy_shadowed")]),
    ]
}
