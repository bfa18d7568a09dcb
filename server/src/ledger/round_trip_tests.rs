//! Every kind of event reads back as it was written; what is not understood is an error.

use prost::Message as _;
use waika_domain::card::{Bin, BoundCard, CardExpiry, IssuerCardReference, Scheme};
use waika_domain::decline::{AmountOverLimit, Decline, DeclineReason, Evidence};
use waika_domain::event::{
    ApprovalCode, BindDecided, BindReserved, Binding, CardStatus, CardStatusSet, Declined, Event,
    Funding, GiveBack, IssuerKind, PasswordEffect, PasswordVerifier, Payment, PaymentMode,
    PhoneCodeDecided, PhoneCodeEffect, PhoneCodeSent, Posted, Reservation, Reversal,
    ReversalDecided, Review, ReviewResolved, Scene, Spent, UnbindDecided, Unbound, Voided,
    WalletRegion, Windows,
};
use waika_domain::identifiers::{
    CallName, CardToken, Fingerprint, IdempotencyKey, MerchantId, TicketId,
};
use waika_domain::identity::{DocumentType, Identity};
use waika_domain::merchant::{CategoryCode, Merchant, MerchantRegion};
use waika_domain::money::{Amount, Fen};
use waika_domain::period::{Day, Month, Timestamp, Year};
use waika_domain::refusal::{
    BindRefusal, PhoneCodeRefusal, Refused, ReversalRefusal, UnbindRefusal,
};
use waika_domain::risk::{RiskReason, RiskResolved, RiskTicket};
use waika_domain::sandbox_clock::ClockSetting;
use waika_domain::version::Version;

use super::call::{Business, Call, Rpc};
use super::decode::{self, StoredBody};
use super::encode::Entry;
use super::schema;

mod bytes;
mod issuer;
mod keys;
mod operators;
mod wallet;

pub(crate) const NOW: Timestamp = Timestamp::from_unix_ms(1_700_000_000_123);
const PHONE: Fingerprint = Fingerprint([7; 16]);

pub(crate) fn payment() -> Payment {
    Payment {
        funding: Funding::Card(CardToken::from_bits(u64::MAX)),
        merchant: MerchantId::parse("m").ok(),
        amount: Amount::from_fen(20_017).unwrap(),
        scene: Scene::Purchase,
        mode: PaymentMode::MerchantQr,
        code: None,
    }
}

pub(crate) fn reservation() -> Reservation {
    Reservation {
        payment: payment(),
        fee: Fen::new(601),
        month: Month::from_civil(2024, 2),
        year: Year::from_number(2024),
        windows: Windows {
            month_limit: Fen::new(5_000_000),
            month_used: Fen::new(20_017),
            year_limit: Fen::new(6_000_000),
            year_used: Fen::new(40_034),
        },
        balance_left: None,
        settles_at: NOW,
        password: PasswordEffect::Matched,
        spent: None,
        policy: "weixin-2023".into(),
        receipt: None,
        transaction: None,
    }
}

fn binding(password_set: Option<PasswordVerifier>) -> Binding {
    Binding {
        card: BoundCard {
            token: CardToken::from_bits(1),
            fingerprint: Fingerprint([1; 16]),
            issuer_reference: IssuerCardReference("0-ff".into()),
            issuer: IssuerKind::Remote,
            bin: Bin::new(411_111),
            phone: u32::MAX,
            last_four: 7,
            scheme: Scheme::Jcb,
            expiry: CardExpiry {
                year: 2030,
                month: 12,
            },
            holder_matches: false,
            bound_at: NOW,
            bound_by: 0,
        },
        identity: Identity {
            document: DocumentType::Passport,
            fingerprint: Fingerprint([2; 16]),
            expires_on: Day::from_civil(1969, 1, 1).unwrap(),
        },
        password_set,
        older: keys::older(),
    }
}

fn bind(outcome: Result<Binding, Refused<BindRefusal>>, reserved_by: Option<u64>) -> Event {
    Event::BindDecided(Box::new(BindDecided {
        region: WalletRegion::Mainland,
        reserved_by,
        phone_code: PhoneCodeEffect::Wrong {
            phone: PHONE,
            tries: 4,
        },
        password: PasswordEffect::Wrong {
            tries: 5,
            locked_until: Some(NOW),
        },
        outcome,
        review: Review::Required,
        debit: Some(issuer::TRANSACTION),
    }))
}

fn every_evidence() -> Vec<Evidence> {
    let amount = AmountOverLimit {
        observed: Fen::new(600_001),
        limit: Fen::new(600_000),
        remaining: Fen::ZERO,
        largest_approvable: Fen::new(3),
        resets_at: Some(NOW),
    };
    let day = |number| Day::from_number(number);
    vec![
        Evidence::None,
        Evidence::Amount(amount),
        Evidence::Amount(AmountOverLimit {
            resets_at: None,
            ..amount
        }),
        Evidence::Version {
            observed: Version::new(8, 0, 9),
            required: Version::new(8, 0, 40),
        },
        Evidence::Date {
            observed: day(-5),
            required: day(19_000),
        },
        Evidence::Expiry {
            observed: CardExpiry {
                year: 2020,
                month: 1,
            },
        },
        Evidence::Count {
            observed: 3,
            required: 3,
        },
        Evidence::Until(NOW),
    ]
}

pub(crate) fn every_kind_of_event() -> Vec<Event> {
    let verifier = PasswordVerifier {
        salt: [3; 8],
        digest: [4; 16],
    };
    let sent = PhoneCodeSent {
        nonce: u64::MAX,
        resend_at: NOW,
        expires_at: NOW,
    };
    let phone_code = |outcome| {
        let region = WalletRegion::Malaysia;
        Event::PhoneCode(PhoneCodeDecided {
            region,
            phone: PHONE,
            outcome,
        })
    };
    let evidence = Evidence::Until(NOW);
    let mut events = vec![
        phone_code(Ok(sent)),
        phone_code(Err(Refused {
            reason: PhoneCodeRefusal::ResendTooSoon,
            evidence,
        })),
        bind_reserved(),
        bind(Ok(binding(Some(verifier))), Some(41)),
        bind(Ok(binding(None)), Some(41)),
        bind(Err(Refused::because(BindRefusal::CardExpired)), None),
        Event::Reserved(Box::new(reservation())),
        Event::Posted(Box::new(Posted {
            reserved_by: None,
            reservation: reservation(),
            approval_code: ApprovalCode(*b"A1B2C3"),
            stand_in: None,
        })),
        Event::Voided(Box::new(Voided {
            reserved_by: 40,
            reservation: reservation(),
            decline: Decline::because(DeclineReason::IssuerUnavailable),
            reversal_owed: false,
        })),
        Event::ReviewResolved(ReviewResolved {
            approve: true,
            resolved: false,
            review: Review::Rejected,
            ticket: Some(TicketId::from_sequence(71)),
        }),
        Event::MerchantPut(Merchant {
            id: MerchantId::parse("m").unwrap(),
            name: "面馆".into(),
            region: MerchantRegion::Overseas,
            category: CategoryCode(5_812),
            international_cards: true,
        }),
        Event::CardStatusSet(CardStatusSet {
            card: CardToken::from_bits(1),
            reference: IssuerCardReference("0-ff".into()),
            status: CardStatus::NoFunds,
        }),
    ];
    events.extend(a_decline_with_each_evidence());
    events.extend(later_events());
    events.extend(wallet::events());
    events.extend(issuer::events());
    events
}

fn bind_reserved() -> Event {
    Event::BindReserved(Box::new(BindReserved {
        region: WalletRegion::Other,
        card: keys::of_a_card(),
        phone_code: PhoneCodeEffect::Used { phone: PHONE },
        password: PasswordEffect::Untouched,
        debit: None,
    }))
}

fn later_events() -> Vec<Event> {
    let unbind = |outcome| {
        Event::UnbindDecided(Box::new(UnbindDecided {
            card: CardToken::from_bits(3),
            password: PasswordEffect::Matched,
            outcome,
        }))
    };
    let reversal = |outcome| {
        Event::ReversalDecided(Box::new(ReversalDecided {
            kind: GiveBack::Reversal,
            original: 41,
            previous: 0,
            outcome,
        }))
    };
    vec![
        unbind(Ok(Unbound {
            card: keys::of_a_card(),
            bound_by: 12,
        })),
        unbind(Err(Refused::because(UnbindRefusal::CardNotBound))),
        reversal(Ok(Reversal {
            principal: Fen::new(6_000),
            fee: Fen::new(180),
            remaining: Fen::new(19_000),
            month: Month::from_civil(2024, 1),
            year: Year::from_number(2024),
            month_restored: false,
            year_restored: true,
            balance_left: None,
            transaction: Some(issuer::TRANSACTION),
        })),
        reversal(Err(Refused::because(ReversalRefusal::AlreadySettled))),
        Event::ReversedAhead(Box::new(CallName {
            caller: "spiffe://shop".into(),
            key: IdempotencyKey::parse("k 1").unwrap(),
        })),
        Event::RiskResolved(RiskResolved {
            ticket: RiskTicket {
                id: TicketId::from_sequence(77),
                card: CardToken::from_bits(3),
                reason: RiskReason::HolderMismatch,
                opened_at: NOW,
            },
            cleared: true,
        }),
        Event::ClockSet(ClockSetting {
            set_at: NOW,
            showed: Timestamp::from_unix_ms(5),
            rate: 3_600,
            follows_machine: false,
        }),
    ]
}

fn a_decline_with_each_evidence() -> Vec<Event> {
    let declines = every_evidence().into_iter().zip(DeclineReason::ALL);
    let payment = Payment {
        merchant: None,
        scene: Scene::RedPacket,
        ..payment()
    };
    let decline_with = |(evidence, &reason)| Declined {
        payment: payment.clone(),
        decline: Decline { reason, evidence },
        password: PasswordEffect::Wrong {
            tries: 1,
            locked_until: None,
        },
        spent: Some(Spent::Token(u64::MAX)),
        policy: "p".into(),
        receipt: None,
    };
    declines
        .map(|decline| Event::Declined(Box::new(decline_with(decline))))
        .collect()
}

fn of_an_account<'a>(call: Option<&'a Call>, event: &'a Event) -> Entry<'a> {
    Entry {
        account: "acct",
        previous: 17,
        ..Entry::of_none(NOW, call, event)
    }
}

/// The bytes of an entry.
pub(crate) fn written(entry: &Entry<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    entry.write(&mut bytes);
    bytes
}

fn call() -> Call {
    Call::new(
        Rpc::Bind,
        "c".into(),
        IdempotencyKey::parse("k").unwrap(),
        Business::Fields(vec![("a", 1), ("b", u64::MAX)]),
    )
}

#[test]
fn every_kind_of_event_reads_back_as_written() {
    for event in every_kind_of_event() {
        let bytes = written(&of_an_account(Some(&call()), &event));
        let stored = decode::entry(&bytes).unwrap();
        assert_eq!(stored.body, StoredBody::Event(event));
        assert_eq!((&*stored.account, stored.at), ("acct", NOW));
        let by = stored.call.unwrap();
        assert_eq!(
            (by.rpc, &*by.caller, by.key.as_str()),
            (Rpc::Bind, "c", "k")
        );
        assert_eq!(by.fields, [1, u64::MAX]);
    }
}

#[test]
fn an_entry_of_a_newer_server_is_refused_and_not_skipped() {
    let newer_kind = schema::Entry {
        account: "a".to_owned(),
        ..schema::Entry::default()
    };
    let mut newer_reason = schema::Declined {
        payment: None,
        decline: Some(schema::Refused {
            reason: 9_999,
            evidence: None,
        }),
        ..schema::Declined::default()
    };
    newer_reason.payment = Some(schema::Payment {
        amount_fen: 1,
        scene: 1,
        mode: 1,
        ..schema::Payment::default()
    });
    let newer_reason = schema::Entry {
        body: Some(schema::Body::Declined(newer_reason)),
        ..newer_kind.clone()
    };
    for (entry, what) in [(newer_kind, "a kind of entry"), (newer_reason, "a reason")] {
        let error = decode::entry(&entry.encode_to_vec())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(what), "{error}");
    }
}

#[test]
fn bytes_that_are_no_entry_are_an_error_and_no_panic() {
    let bytes = written(&of_an_account(Some(&call()), &every_kind_of_event()[4]));
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x55;
        drop(decode::entry(&damaged));
        drop(decode::entry(&bytes[..place]));
    }
}
