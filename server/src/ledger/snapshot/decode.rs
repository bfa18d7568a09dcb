//! From the records of a snapshot to the state. What is not understood is an error: a server
//! that skipped it would have forgotten it.

use prost::Message as _;
use waika_domain::account::{
    Account, AccountParts, PaymentCode, PaymentToken, PendingBind, PhoneCode, Rare, ReviewTicket,
};
use waika_domain::card::{Bin, BoundCard, CardExpiry, IssuerCardReference};
use waika_domain::event::{CardStatus, Closure, Erasure, Owed, OwedKind, Review};
use waika_domain::fingerprints::AlsoKnown;
use waika_domain::identifiers::{AccountId, CardToken, CodeDigest, TicketId};
use waika_domain::identity::Identity;
use waika_domain::merchant::Merchant;
use waika_domain::money::Fen;
use waika_domain::period::{Day, Month, Timestamp, Year};
use waika_domain::risk::Clearance;
use waika_domain::rules::reverse::{GivenBack, SoFar};
use waika_domain::sandbox_clock::ClockSetting;
use waika_domain::usage::Usage;

use super::schema;
use crate::adjusted::Adjustment;
use crate::idempotency::MovedOut;
use crate::ledger::decode::{
    Decoded, NotUnderstood, credentials, fingerprint, issuer, keys, known, merchant, operators,
    reversal, small,
};
use crate::owed::OwedAdvice;

/// One part of the state.
#[derive(Debug)]
pub(super) enum Part {
    /// The key, and about how many accounts follow.
    KeyCheck(Box<[u8]>, u64),
    Account(AccountId, Box<Account>),
    Merchant(Merchant),
    CardStatus(IssuerCardReference, CardStatus),
    Adjustment(u64, Adjustment),
    Clock(ClockSetting),
    Keys(Vec<(u64, u64)>),
    Policies(Policies),
    Owed(u64, OwedAdvice),
    KeysMovedOut(MovedOut),
    LastOperated(u64),
}

/// The policies that a snapshot kept: their files, the names of those that were activated, and
/// the name of the shadow.
#[derive(Debug)]
pub(super) struct Policies {
    pub(super) stored: Vec<Box<str>>,
    pub(super) activated: Vec<Box<str>>,
    pub(super) shadow: Option<Box<str>>,
}

/// Reads a record.
pub(super) fn record(bytes: &[u8]) -> Decoded<Part> {
    let record = schema::Record::decode(bytes).map_err(|_| NotUnderstood("a snapshot's record"))?;
    let part = record.part.ok_or(NotUnderstood("a part of a snapshot"))?;
    Ok(match part {
        schema::Part::KeyCheck(check) => Part::KeyCheck(check.into(), record.accounts_ahead),
        schema::Part::Account(stored) => {
            let id = AccountId::parse(&stored.id).map_err(|_| NotUnderstood("an account's id"))?;
            Part::Account(id, Box::new(account(*stored)?))
        }
        schema::Part::Merchant(stored) => Part::Merchant(merchant(stored)?),
        schema::Part::CardStatus(stored) => Part::CardStatus(
            IssuerCardReference(stored.reference.into()),
            known(stored.status, "a card's status")?,
        ),
        schema::Part::Adjustment(stored) => {
            Part::Adjustment(stored.authorisation, adjustment(&stored))
        }
        schema::Part::Clock(stored) => Part::Clock(operators::clock_setting(stored)),
        schema::Part::Owed(stored) => Part::Owed(stored.sequence, owed(stored)?),
        schema::Part::KeysMovedOut(stored) => Part::KeysMovedOut(MovedOut {
            after: stored.after,
            through: stored.through,
            oldest_ms: stored.oldest_ms,
        }),
        schema::Part::LastOperated(sequence) => Part::LastOperated(sequence),
        schema::Part::Keys(bytes) => Part::Keys(used_keys(&bytes)?),
        schema::Part::Policies(stored) => Part::Policies(Policies {
            stored: stored
                .stored
                .into_iter()
                .map(|put| put.text.into())
                .collect(),
            activated: stored.activated.into_iter().map(Into::into).collect(),
            shadow: Some(stored.shadow)
                .filter(|name| !name.is_empty())
                .map(Into::into),
        }),
    })
}

fn adjustment(stored: &schema::Adjustment) -> Adjustment {
    let given_back = |principal, fee| GivenBack {
        principal: Fen::new(principal),
        fee: Fen::new(fee),
    };
    Adjustment {
        so_far: SoFar {
            reversed: given_back(stored.principal_fen, stored.fee_fen),
            refunded: given_back(stored.refunded_fen, stored.refunded_fee_fen),
            settled_at: stored.settled_at_ms.map(Timestamp::from_unix_ms),
        },
        last: stored.last,
    }
}

fn used_keys(bytes: &[u8]) -> Decoded<Vec<(u64, u64)>> {
    let (pairs, []) = bytes.as_chunks::<16>() else {
        return Err(NotUnderstood("a snapshot's used keys"));
    };
    let number = |bytes: &[u8]| bytes.first_chunk().copied().map_or(0, u64::from_le_bytes);
    let pair = |pair: &[u8; 16]| {
        let (hash, place) = pair.split_at(8);
        (number(hash), number(place))
    };
    Ok(pairs.iter().map(pair).collect())
}

fn account(stored: schema::Account) -> Decoded<Account> {
    let identity = match stored.document {
        0 => None,
        document => Some(Identity {
            document: known(document, "a document type")?,
            fingerprint: keys::fingerprint(&stored.document_fingerprint)?,
            expires_on: Day::from_number(stored.document_expires_on),
        }),
    };
    // With room for exactly what is in it: room that is given back leaves a hole behind each of a million
    // accounts.
    let mut cards = Vec::with_capacity(stored.cards.len());
    for stored in stored.cards {
        cards.push(card(stored)?);
    }
    let phone_codes = stored.phone_codes.iter().map(phone_code);
    Ok(Account::from_parts(AccountParts {
        region: known(stored.region, "a wallet region")?,
        review: match stored.review {
            schema::CLOSED => Review::NotRequired,
            review => known(review, "a review's state")?,
        },
        identity,
        password: keys::verifier(&stored.password)?,
        cards: cards.into_boxed_slice(),
        phone_codes: phone_codes.collect::<Decoded<_>>()?,
        usage: Usage {
            month: Month::from_number(stored.month),
            in_month: Fen::new(stored.in_month_fen),
            year: Year::from_number(stored.year),
            in_year: Fen::new(stored.in_year_fen),
        },
        last_sequence: stored.last_sequence,
        rare: stored.rare.map(rare).transpose()?.unwrap_or_default(),
    }))
}

fn card(stored: schema::Card) -> Decoded<BoundCard> {
    Ok(BoundCard {
        token: CardToken::from_bits(stored.token),
        fingerprint: keys::fingerprint(&stored.fingerprint)?,
        issuer_reference: IssuerCardReference(stored.issuer_reference.into()),
        issuer: issuer::kind(stored.issuer)?,
        bin: Bin::new(stored.bin),
        phone: stored.phone,
        last_four: small(stored.last_four, "a card's last digits")?,
        scheme: known(stored.scheme, "a scheme")?,
        expiry: CardExpiry {
            year: small(stored.expiry_year, "a card's expiry")?,
            month: small(stored.expiry_month, "a card's expiry")?,
        },
        holder_matches: stored.holder_matches,
        bound_at: Timestamp::from_unix_ms(stored.bound_at_ms),
        bound_by: stored.bound_by,
    })
}

fn phone_code(stored: &schema::PhoneCode) -> Decoded<PhoneCode> {
    Ok(PhoneCode {
        phone: fingerprint(&stored.phone)?,
        nonce: stored.nonce,
        expires_at: Timestamp::from_unix_ms(stored.expires_at_ms),
        resend_before: stored.resend_before,
        wrong_tries: small(stored.wrong_tries, "a count of wrong tries")?,
        used: stored.used,
    })
}

fn rare(stored: schema::Rare) -> Decoded<Rare> {
    let binds = stored.binds.iter().map(|bind| {
        Ok(PendingBind {
            sequence: bind.sequence,
            card: keys::fingerprints(&bind.card, &bind.older_cards)?,
        })
    });
    let clearances = stored.clearances.iter().map(|clearance| {
        Ok(Clearance {
            card: CardToken::from_bits(clearance.card_token),
            reason: known(clearance.reason, "a risk")?,
            sequence: clearance.sequence,
        })
    });
    let also_known = stored.also_known.iter().map(|known| {
        Ok(AlsoKnown {
            card: known.card_token.map(CardToken::from_bits),
            fingerprint: keys::fingerprint(&known.fingerprint)?,
        })
    });
    let risk_tickets = stored.risk_tickets.into_iter();
    let reversed_ahead = stored.reversed_ahead.into_iter();
    Ok(Rare {
        wrong_passwords: small(stored.wrong_passwords, "a count of wrong tries")?,
        password_locked_until: stored.password_locked_until_ms.map(Timestamp::from_unix_ms),
        binds: binds.collect::<Decoded<_>>()?,
        risk_tickets: risk_tickets
            .map(operators::risk_ticket)
            .collect::<Decoded<_>>()?,
        clearances: clearances.collect::<Decoded<_>>()?,
        reversed_ahead: reversed_ahead
            .map(reversal::call_name)
            .collect::<Decoded<_>>()?,
        balance: Fen::new(stored.balance_fen),
        tokens: stored.tokens.iter().map(token).collect::<Decoded<_>>()?,
        codes: stored.codes.iter().map(code).collect::<Decoded<_>>()?,
        password_ticket: stored
            .password_ticket
            .as_ref()
            .map(credentials::ticket)
            .transpose()?,
        wrong_proofs: small(stored.wrong_proofs, "a count of wrong tries")?,
        reset_locked_until: stored.reset_locked_until_ms.map(Timestamp::from_unix_ms),
        face_failures: stored.face_failures,
        review_rejected: stored.review_rejected,
        review_ticket: Some(stored.review_ticket)
            .filter(|&sequence| sequence != 0)
            .map(|sequence| ReviewTicket {
                id: TicketId::from_sequence(sequence),
                submitted_at: Timestamp::from_unix_ms(stored.review_submitted_at_ms),
            }),
        stood_in: Fen::new(stored.stood_in_fen),
        also_known: also_known.collect::<Decoded<_>>()?,
        closure: stored.closure.map(closure),
    })
}

fn closure(stored: schema::Closure) -> Closure {
    let at = Timestamp::from_unix_ms;
    let begun = stored.erasure_begun.map(at).map(Erasure::Begun);
    let ended = stored.erasure_ended.map(at).map(Erasure::Ended);
    Closure {
        closed_at: at(stored.closed),
        erasure: ended.or(begun).unwrap_or(Erasure::NotAsked),
    }
}

fn owed(stored: schema::Owed) -> Decoded<OwedAdvice> {
    let kind = match stored.kind {
        1 => OwedKind::NoAnswer,
        2 => OwedKind::Reversal,
        3 => OwedKind::Refund,
        4 => OwedKind::Verification,
        5 => {
            let by = stored.stand_in.ok_or(NotUnderstood("a stand-in"))?;
            OwedKind::StandIn(issuer::stand_in(by)?)
        }
        _ => return Err(NotUnderstood("an advice that is owed")),
    };
    let transaction = issuer::transaction(stored.transaction)?;
    Ok(OwedAdvice {
        owed: Owed {
            kind,
            transaction: transaction.ok_or(NotUnderstood("a transaction"))?,
            amount: Fen::new(stored.amount_fen),
            principal: Fen::new(stored.principal_fen),
            original: Some(stored.original).filter(|&original| original != 0),
        },
        account: AccountId::parse(&stored.account).map_err(|_| NotUnderstood("an account's id"))?,
        since: Timestamp::from_unix_ms(stored.since_ms),
    })
}

fn token(stored: &schema::PaymentToken) -> Decoded<PaymentToken> {
    Ok(PaymentToken {
        nonce: stored.nonce,
        funding: credentials::funding(stored.funding, stored.card_token)?,
        expires_at: Timestamp::from_unix_ms(stored.expires_at_ms),
        used: stored.used,
    })
}

fn code(stored: &schema::PaymentCode) -> Decoded<PaymentCode> {
    Ok(PaymentCode {
        nonce: stored.nonce,
        digest: CodeDigest(stored.digest),
        funding: credentials::funding(stored.funding, stored.card_token)?,
        expires_at: Timestamp::from_unix_ms(stored.expires_at_ms),
        used: stored.used,
    })
}
