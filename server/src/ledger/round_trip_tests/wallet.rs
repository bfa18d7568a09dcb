//! Events of the password, of payment codes, of the balance, of reviews and of policies.

use waika_domain::decline::{Decline, DeclineReason, Evidence};
use waika_domain::event::{
    AccountClosed, ApprovalCode, CodeIssued, Declined, ErasureBegun, Event, Funding, FundsKind,
    FundsReceived, GiveBack, Material, PasswordChanged, PasswordEffect, PasswordResetDecided,
    PasswordTicket, PasswordTicketResolved, PasswordTicketState, PasswordUnlocked,
    PasswordVerified, PasswordVerifier, Payment, PaymentCodeDecided, PaymentMode, PhoneCodeEffect,
    PolicyActivated, PolicyPut, PolicyShadowed, Posted, RegionSwitched, Reservation, ResetStep,
    Reversal, ReversalDecided, Review, SettleDecided, Settled, Spent, TokenMinted, Unbound,
    VerificationSubmitted, WalletRegion,
};
use waika_domain::fingerprints::KeyNumber;
use waika_domain::identifiers::{CardToken, CodeDigest, Fingerprint, TicketId};
use waika_domain::money::{Amount, Fen};
use waika_domain::period::{Month, Year};
use waika_domain::receipt::{Receipt, Rung, Witness as _};
use waika_domain::refusal::{
    ClosingRefusal, ErasureRefusal, PasswordRefusal, ReceiveRefusal, Refused, ResetRefusal,
    ReversalRefusal, VerificationRefusal,
};

use super::{NOW, PHONE, every_evidence, payment, reservation};

const PASSWORD: PasswordVerifier = PasswordVerifier {
    salt: [5; 8],
    digest: [6; 16],
};

pub(super) fn events() -> Vec<Event> {
    let mut events = payments();
    events.extend(passwords());
    events.extend(resets());
    events.extend(wallets());
    events.extend(policies());
    events.extend(closings());
    events
}

fn amount() -> Amount {
    Amount::from_fen(20_017).unwrap()
}

fn receipt() -> Receipt {
    let mut receipt = Receipt::default();
    for (evidence, &rung) in every_evidence().into_iter().zip(Rung::ALL) {
        receipt.passed(rung, || evidence);
    }
    let decline = Decline::because(DeclineReason::IssuerUnavailable);
    receipt.ended(Some(&decline))
}

fn payments() -> Vec<Event> {
    let by_code = Payment {
        funding: Funding::Balance,
        mode: PaymentMode::PaymentCode,
        code: Some(CodeDigest(u64::MAX)),
        ..payment()
    };
    let unknown = Payment {
        funding: Funding::Unknown,
        ..by_code.clone()
    };
    let reservation = Reservation {
        payment: by_code,
        balance_left: Some(Fen::ZERO),
        spent: Some(Spent::Code(7)),
        receipt: Some(Box::new(receipt())),
        ..reservation()
    };
    let settle = |outcome| {
        Event::SettleDecided(SettleDecided {
            original: 41,
            previous: 44,
            outcome,
        })
    };
    vec![
        Event::Posted(Box::new(Posted {
            reserved_by: Some(40),
            reservation,
            approval_code: ApprovalCode(*b"ZZZZZZ"),
            stand_in: None,
        })),
        Event::Declined(Box::new(Declined {
            payment: unknown,
            decline: Decline::because(DeclineReason::PaymentCodeInvalid),
            password: PasswordEffect::Untouched,
            spent: None,
            policy: "p".into(),
            receipt: Some(Box::new(receipt())),
        })),
        Event::ReversalDecided(Box::new(ReversalDecided {
            kind: GiveBack::Refund,
            original: 41,
            previous: 43,
            outcome: Ok(Reversal {
                principal: Fen::new(1),
                fee: Fen::ZERO,
                remaining: Fen::ZERO,
                month: Month::from_civil(2024, 12),
                year: Year::from_number(2024),
                month_restored: false,
                year_restored: false,
                balance_left: Some(Fen::new(1)),
                transaction: None,
            }),
        })),
        settle(Ok(Settled {
            principal: Fen::new(19_000),
            fee: Fen::new(570),
        })),
        settle(Err(Refused::because(ReversalRefusal::AlreadySettled))),
    ]
}

fn passwords() -> Vec<Event> {
    let verified = |funding, outcome| {
        Event::PasswordVerified(PasswordVerified {
            funding,
            amount: amount(),
            password: PasswordEffect::Moved(PASSWORD.into()),
            outcome,
        })
    };
    let changed = |outcome| {
        Event::PasswordChanged(PasswordChanged {
            password: PasswordEffect::Matched,
            outcome,
        })
    };
    let code = |outcome| {
        Event::PaymentCodeDecided(Box::new(PaymentCodeDecided {
            funding: Funding::Card(CardToken::from_bits(3)),
            password: PasswordEffect::Matched,
            outcome,
        }))
    };
    let minted = TokenMinted {
        nonce: u64::MAX,
        expires_at: NOW,
    };
    let issued = CodeIssued {
        nonce: 0,
        digest: CodeDigest(0),
        expires_at: NOW,
    };
    let evidence = Evidence::Until(NOW);
    vec![
        verified(Funding::Balance, Ok(minted)),
        verified(
            Funding::Card(CardToken::from_bits(9)),
            Err(Refused {
                reason: PasswordRefusal::PasswordLocked,
                evidence,
            }),
        ),
        changed(Ok(PASSWORD)),
        changed(Err(Refused::because(PasswordRefusal::PasswordsDiffer))),
        code(Ok(issued)),
        code(Err(Decline::because(DeclineReason::WalletRegion))),
        Event::PasswordUnlocked(PasswordUnlocked { was_locked: true }),
        Event::PasswordUnlocked(PasswordUnlocked { was_locked: false }),
    ]
}

fn resets() -> Vec<Event> {
    let reset = |wrong_proofs, outcome| {
        Event::PasswordResetDecided(Box::new(PasswordResetDecided {
            wrong_proofs,
            phone_code: PhoneCodeEffect::Used { phone: PHONE },
            outcome,
        }))
    };
    let wrong = PasswordEffect::Wrong {
        tries: 5,
        locked_until: Some(NOW),
    };
    let resolved = |state| {
        Event::PasswordTicketResolved(Box::new(PasswordTicketResolved {
            approve: true,
            resolved: false,
            ticket: PasswordTicket {
                id: TicketId::from_sequence(7),
                document: Fingerprint([8; 16]),
                matches: true,
                opened_at: NOW,
                state,
            },
        }))
    };
    let opened = ResetStep::TicketOpened {
        document: Fingerprint([8; 16]),
        matches: true,
    };
    vec![
        reset(PasswordEffect::Untouched, Ok(opened)),
        reset(PasswordEffect::Matched, Ok(ResetStep::Reset(PASSWORD))),
        reset(wrong, Err(Refused::because(ResetRefusal::CardDataWrong))),
        resolved(PasswordTicketState::Open),
        resolved(PasswordTicketState::Approved),
        resolved(PasswordTicketState::Rejected),
    ]
}

fn wallets() -> Vec<Event> {
    let photo = |material, outcome, review| {
        Event::VerificationSubmitted(VerificationSubmitted {
            material,
            digest: Fingerprint([4; 16]),
            bytes: 4 << 20,
            outcome,
            review,
        })
    };
    let received = |kind, outcome| {
        Event::FundsReceived(FundsReceived {
            kind,
            amount: amount(),
            outcome,
        })
    };
    let early = Err(Refused::because(VerificationRefusal::OutOfOrder));
    let passport = Err(Refused::because(ReceiveRefusal::IdentityNotPermitted));
    vec![
        photo(Material::PassportPage, Ok(()), Review::PageReceived),
        photo(Material::Face, Ok(()), Review::FaceFailed),
        photo(Material::HandHeldPage, Ok(()), Review::UnderReview),
        photo(Material::Face, early, Review::Required),
        Event::RegionSwitched(RegionSwitched {
            region: WalletRegion::Malaysia,
        }),
        received(FundsKind::RedPacket, Ok(Fen::new(20_017))),
        received(FundsKind::Transfer, passport),
    ]
}

fn closings() -> Vec<Event> {
    let closed = |outcome| Event::AccountClosed(Box::new(AccountClosed { outcome }));
    let unbound = |number, bound_by| Unbound {
        card: Fingerprint([number; 16]).under(KeyNumber::FIRST).into(),
        bound_by,
    };
    let begun = |outcome| Event::ErasureBegun(ErasureBegun { outcome });
    let early = Refused {
        reason: ErasureRefusal::RetentionNotOver,
        evidence: Evidence::Until(NOW),
    };
    vec![
        closed(Ok([].into())),
        closed(Ok([unbound(9, 40), unbound(10, 400)].into())),
        closed(Err(Refused::because(ClosingRefusal::BalanceLeft))),
        begun(Ok(())),
        begun(Err(early)),
        Event::ErasureEnded,
    ]
}

fn policies() -> Vec<Event> {
    let shadowed = |name: Option<&str>| {
        let name = name.map(Into::into);
        Event::PolicyShadowed(PolicyShadowed { name })
    };
    vec![
        Event::PolicyPut(PolicyPut {
            name: "lower".into(),
            text: "name = \"lower\"\n".into(),
        }),
        Event::PolicyActivated(PolicyActivated {
            name: "lower".into(),
        }),
        shadowed(Some("lower")),
        shadowed(None),
    ]
}
