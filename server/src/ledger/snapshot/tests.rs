//! A state that was taken and loaded is the same.

use std::collections::BTreeSet;

use waika_domain::account::{
    Account, AccountParts, PaymentCode, PaymentToken, PendingBind, PhoneCode, PhoneCodes, Rare,
    ReviewTicket,
};
use waika_domain::card::{Bin, BoundCard, CardExpiry, IssuerCardReference, Scheme};
use waika_domain::event::{
    Closure, Erasure, Funding, PasswordTicket, PasswordTicketState, PasswordVerifier, Review,
    WalletRegion,
};
use waika_domain::fingerprints::{AlsoKnown, Fingerprints};
use waika_domain::identifiers::{
    AccountId, CallName, CardToken, CodeDigest, Fingerprint, IdempotencyKey, MerchantId, TicketId,
};
use waika_domain::identity::{DocumentType, Identity};
use waika_domain::money::Fen;
use waika_domain::period::{Day, Month, Timestamp, Year};
use waika_domain::risk::{Clearance, RiskReason, RiskTicket};
use waika_domain::usage::Usage;

use super::decode::{self, Part};
use super::{due, encode};
use crate::owed::OwedAdvice;
use waika_domain::event::{
    ApprovalCode, IssuerKind, Owed, OwedKind, StandIn, Transaction, TransactionId,
};

const NOW: Timestamp = Timestamp::from_unix_ms(1_700_000_000_123);

fn full() -> AccountParts {
    AccountParts {
        region: WalletRegion::Mainland,
        review: Review::Rejected,
        identity: Some(Identity {
            document: DocumentType::Passport,
            fingerprint: Fingerprint([1; 16]),
            expires_on: Day::from_number(-3),
        }),
        password: Some(PasswordVerifier {
            salt: [2; 8],
            digest: [3; 16],
        }),
        cards: Box::new([BoundCard {
            token: CardToken::from_bits(u64::MAX),
            fingerprint: Fingerprint([4; 16]),
            issuer_reference: IssuerCardReference("0-ff".into()),
            issuer: IssuerKind::Remote,
            bin: Bin::new(411_111),
            phone: 0xfedc_ba98,
            last_four: 9,
            scheme: Scheme::Jcb,
            expiry: CardExpiry {
                year: 2033,
                month: 12,
            },
            holder_matches: false,
            bound_at: NOW,
            bound_by: 7,
        }]),
        phone_codes: PhoneCodes::from_iter([PhoneCode {
            phone: Fingerprint([5; 16]),
            nonce: 6,
            expires_at: NOW.plus_seconds(300),
            resend_before: 240,
            wrong_tries: 4,
            used: true,
        }]),
        usage: Usage {
            month: Month::from_civil(2024, 2),
            in_month: Fen::new(1),
            year: Year::from_number(2024),
            in_year: Fen::new(2),
        },
        last_sequence: 99,
        rare: full_rare(),
    }
}

/// A record of an account that has everything.
pub(crate) fn an_account() -> Vec<u8> {
    encode::account("acct", full())
}

fn full_rare() -> Rare {
    Rare {
        closure: None,
        wrong_passwords: 5,
        password_locked_until: Some(NOW),
        binds: vec![PendingBind {
            sequence: 98,
            card: Fingerprints::with_older(Fingerprint([8; 16]), [Fingerprint([1; 16])]),
        }],
        risk_tickets: vec![RiskTicket {
            id: TicketId::from_sequence(50),
            card: CardToken::from_bits(1),
            reason: RiskReason::CardShared,
            opened_at: NOW,
        }],
        clearances: vec![Clearance {
            card: CardToken::from_bits(2),
            reason: RiskReason::HolderMismatch,
            sequence: 60,
        }],
        reversed_ahead: BTreeSet::from([CallName {
            caller: "c".into(),
            key: IdempotencyKey::parse("k").unwrap(),
        }]),
        balance: Fen::new(3),
        tokens: vec![PaymentToken {
            nonce: u64::MAX,
            funding: Funding::Card(CardToken::from_bits(1)),
            expires_at: NOW,
            used: true,
        }],
        codes: vec![
            code(1, Funding::Card(CardToken::from_bits(1)), false),
            code(2, Funding::Balance, true),
        ],
        password_ticket: Some(PasswordTicket {
            id: TicketId::from_sequence(70),
            document: Fingerprint([9; 16]),
            matches: true,
            opened_at: NOW,
            state: PasswordTicketState::Approved,
        }),
        wrong_proofs: 4,
        reset_locked_until: Some(NOW),
        face_failures: 2,
        review_rejected: true,
        review_ticket: Some(ReviewTicket {
            id: TicketId::from_sequence(71),
            submitted_at: NOW,
        }),
        stood_in: Fen::new(4),
        also_known: vec![
            AlsoKnown {
                card: None,
                fingerprint: Fingerprint([1; 16]),
            },
            AlsoKnown {
                card: Some(CardToken::from_bits(0)),
                fingerprint: Fingerprint([2; 16]),
            },
        ],
    }
}

fn code(number: u64, funding: Funding, used: bool) -> PaymentCode {
    PaymentCode {
        nonce: number,
        digest: CodeDigest(number + 10),
        funding,
        expires_at: NOW,
        used,
    }
}

fn read_back(parts: AccountParts) -> Account {
    let bytes = encode::account("acct", parts);
    let Part::Account(id, account) = decode::record(&bytes).unwrap() else {
        panic!("no account");
    };
    assert_eq!(id.as_str(), "acct");
    *account
}

#[test]
fn an_account_reads_back_as_written() {
    for parts in [full(), Account::open(WalletRegion::Malaysia).into_parts()] {
        let account = read_back(parts.clone());
        assert_eq!(account.into_parts(), parts);
    }
}

#[test]
fn a_closed_account_reads_back_and_is_not_taken_for_an_open_one() {
    for erasure in [
        Erasure::NotAsked,
        Erasure::Begun(NOW),
        Erasure::Ended(NOW.plus_seconds(1)),
    ] {
        let mut parts = Account::open(WalletRegion::Malaysia).into_parts();
        parts.usage = full().usage;
        let closed_at = NOW;
        parts.rare.closure = Some(Closure { closed_at, erasure });
        assert_eq!(read_back(parts.clone()).into_parts(), parts);
        let bytes = encode::account("acct", parts);
        let record: super::schema::Record = prost::Message::decode(&*bytes).unwrap();
        let Some(super::schema::Part::Account(stored)) = record.part else {
            panic!("no account");
        };
        // No review's state that an older server knows.
        assert_eq!(stored.review, 100);
    }
}

#[test]
fn used_keys_read_back_as_written_and_half_a_key_is_an_error() {
    let keys = [(1, u64::MAX), (u64::MAX, 0)];
    let bytes = encode::keys(&keys);
    let Part::Keys(read) = decode::record(&bytes).unwrap() else {
        panic!("no keys");
    };
    assert_eq!(read, keys);
    let cut = super::schema::Record {
        part: Some(super::schema::Part::Keys(vec![0; 17])),
        accounts_ahead: 0,
    };
    assert!(decode::record(&prost::Message::encode_to_vec(&cut)).is_err());
}

#[test]
fn where_the_operator_log_ends_reads_back() {
    let read = decode::record(&encode::last_operated(u64::MAX)).unwrap();
    assert!(matches!(read, Part::LastOperated(u64::MAX)), "{read:?}");
}

#[test]
fn the_first_record_tells_the_key_and_how_many_accounts_follow() {
    let check = [1, 2, 3, 4, 5, 6, 7, 8];
    let Part::KeyCheck(read, ahead) = decode::record(&encode::key_check(check, 70)).unwrap() else {
        panic!("no key check");
    };
    assert_eq!((&*read, ahead), (&check[..], 70));
}

#[test]
fn a_part_of_a_newer_server_is_refused_and_not_skipped() {
    let unknown = super::schema::Record::default();
    let error = decode::record(&prost::Message::encode_to_vec(&unknown));
    assert!(
        error
            .unwrap_err()
            .to_string()
            .starts_with("a part of a snapshot")
    );
}

#[test]
fn d16_what_an_issuer_is_owed_reads_back() {
    let transaction = Transaction {
        id: TransactionId::from_number(7),
        issuer: IssuerKind::Remote,
        scheme: Scheme::Visa,
    };
    let stand_in = StandIn {
        reference: IssuerCardReference("0-7".into()),
        key: IdempotencyKey::parse("k").unwrap(),
        merchant: MerchantId::parse("m").ok(),
        code: ApprovalCode(*b"A1B2C3"),
    };
    for kind in [
        OwedKind::NoAnswer,
        OwedKind::Reversal,
        OwedKind::Refund,
        OwedKind::Verification,
        OwedKind::StandIn(stand_in),
    ] {
        let advice = OwedAdvice {
            owed: Owed {
                kind,
                transaction,
                amount: Fen::new(8),
                principal: Fen::new(5),
                original: Some(7),
            },
            account: AccountId::parse("acct").unwrap(),
            since: NOW,
        };
        let bytes = encode::owed(41, &advice);
        let Part::Owed(sequence, read) = decode::record(&bytes).unwrap() else {
            panic!("not what is owed");
        };
        assert_eq!((sequence, read), (41, advice));
    }
}

#[test]
fn entries_are_counted_from_where_the_last_snapshot_began() {
    assert_eq!(due(Some(100), 950, 1_000), 1_100);
    assert_eq!(due(Some(100), 5_000, 1_000), 1_100, "it is late already");
    assert_eq!(due(None, 950, 1_000), 1_950, "it has failed");
    assert_eq!(due(Some(u64::MAX), 0, 1), u64::MAX);
}
