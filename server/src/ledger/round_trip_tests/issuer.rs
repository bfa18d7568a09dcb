//! Events of what passes between Waika and a card's issuer.

use waika_domain::card::{IssuerCardReference, Scheme};
use waika_domain::decline::{Decline, DeclineReason};
use waika_domain::event::{
    AdviceTaken, ApprovalCode, BindReserved, Event, IssuerKind, IssuerLate, PasswordEffect,
    PhoneCodeEffect, Posted, Reservation, StandIn, StandInReconciled, Transaction, TransactionId,
    Voided, WalletRegion,
};
use waika_domain::identifiers::{Fingerprint, IdempotencyKey, MerchantId};
use waika_domain::money::Fen;

use super::reservation;

pub(super) const TRANSACTION: Transaction = Transaction {
    id: TransactionId::from_number(0xa1b2_c3d4_e5f6_0718_2938_4756_6574_8392),
    issuer: IssuerKind::Remote,
    scheme: Scheme::Jcb,
};

fn asked(issuer: IssuerKind) -> Reservation {
    Reservation {
        transaction: Some(Transaction {
            issuer,
            ..TRANSACTION
        }),
        ..reservation()
    }
}

pub(super) fn events() -> Vec<Event> {
    let reconciled = |diverged| {
        Event::StandInReconciled(StandInReconciled {
            original: 41,
            previous: 40,
            principal: Fen::new(20_000),
            diverged,
        })
    };
    let voided = |reversal_owed| {
        Event::Voided(Box::new(Voided {
            reserved_by: 40,
            reservation: asked(IssuerKind::Sandbox),
            decline: Decline::because(DeclineReason::IssuerUnavailable),
            reversal_owed,
        }))
    };
    vec![
        Event::BindReserved(Box::new(BindReserved {
            region: WalletRegion::Other,
            card: Fingerprint([9; 16]).into(),
            phone_code: PhoneCodeEffect::Untouched,
            password: PasswordEffect::Untouched,
            debit: Some(TRANSACTION),
        })),
        Event::Reserved(Box::new(asked(IssuerKind::Remote))),
        voided(true),
        voided(false),
        Event::Posted(Box::new(Posted {
            reserved_by: Some(40),
            reservation: asked(IssuerKind::Remote),
            approval_code: ApprovalCode(*b"A1B2C3"),
            stand_in: Some(StandIn {
                reference: IssuerCardReference("0-7".into()),
                key: IdempotencyKey::parse("k").unwrap(),
                merchant: MerchantId::parse("m").ok(),
                code: ApprovalCode(*b"A1B2C3"),
            }),
        })),
        Event::AdviceTaken(AdviceTaken {
            owed_by: 41,
            amount: Fen::new(20_618),
        }),
        reconciled(None),
        reconciled(Some(DeclineReason::IssuerLostCard)),
        Event::IssuerLate(IssuerLate {
            original: 41,
            previous: 0,
            amount: Fen::new(20_618),
        }),
    ]
}
