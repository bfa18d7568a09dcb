//! From the records of a snapshot to the state. What is not understood is an error: a server
//! that skipped it would have forgotten it.

use prost::Message as _;
use waika_domain::account::{Account, AccountParts, PendingBind, PhoneCode, Rare};
use waika_domain::card::{BoundCard, CardExpiry, IssuerCardReference};
use waika_domain::event::CardStatus;
use waika_domain::identifiers::{AccountId, CardToken};
use waika_domain::identity::Identity;
use waika_domain::merchant::Merchant;
use waika_domain::money::Fen;
use waika_domain::period::{Day, Month, Timestamp, Year};
use waika_domain::risk::Clearance;
use waika_domain::rules::reverse::GivenBack;
use waika_domain::sandbox_clock::ClockSetting;
use waika_domain::usage::Usage;

use super::schema;
use crate::adjusted::Adjustment;
use crate::ledger::decode::{
    Decoded, NotUnderstood, binding, fingerprint, known, merchant, operators, reversal, small,
};

/// One part of the state.
#[derive(Debug)]
pub(super) enum Part {
    KeyCheck(Box<[u8]>),
    Account(AccountId, Box<Account>),
    Merchant(Merchant),
    CardStatus(IssuerCardReference, CardStatus),
    Adjustment(u64, Adjustment),
    Clock(ClockSetting),
    Keys(Vec<(u64, u64)>),
}

/// Reads a record.
pub(super) fn record(bytes: &[u8]) -> Decoded<Part> {
    let record = schema::Record::decode(bytes).map_err(|_| NotUnderstood("a snapshot's record"))?;
    let part = record.part.ok_or(NotUnderstood("a part of a snapshot"))?;
    Ok(match part {
        schema::Part::KeyCheck(check) => Part::KeyCheck(check.into()),
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
            let given_back = GivenBack {
                principal: Fen::new(stored.principal_fen),
                fee: Fen::new(stored.fee_fen),
            };
            let last = stored.last;
            Part::Adjustment(stored.authorisation, Adjustment { given_back, last })
        }
        schema::Part::Clock(stored) => Part::Clock(operators::clock_setting(stored)),
        schema::Part::Keys(bytes) => Part::Keys(keys(&bytes)?),
    })
}

fn keys(bytes: &[u8]) -> Decoded<Vec<(u64, u64)>> {
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
            fingerprint: fingerprint(&stored.document_fingerprint)?,
            expires_on: Day::from_number(stored.document_expires_on),
        }),
    };
    let cards = exactly(stored.cards, card)?;
    let phone_codes = exactly(stored.phone_codes, |code| phone_code(&code))?;
    Ok(Account::from_parts(AccountParts {
        region: known(stored.region, "a wallet region")?,
        review: known(stored.review, "a review's state")?,
        identity,
        password: binding::verifier(&stored.password)?,
        cards,
        phone_codes,
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

/// A list with room for exactly what is in it: room that is given back leaves a hole behind each
/// of a million accounts.
fn exactly<T, U>(stored: Vec<T>, read: impl Fn(T) -> Decoded<U>) -> Decoded<Box<[U]>> {
    let mut list = Vec::with_capacity(stored.len());
    for one in stored {
        list.push(read(one)?);
    }
    Ok(list.into_boxed_slice())
}

fn card(stored: schema::Card) -> Decoded<BoundCard> {
    Ok(BoundCard {
        token: CardToken::from_bits(stored.token),
        fingerprint: fingerprint(&stored.fingerprint)?,
        issuer_reference: IssuerCardReference(stored.issuer_reference.into()),
        bin: stored.bin,
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
            card: fingerprint(&bind.card)?,
        })
    });
    let clearances = stored.clearances.iter().map(|clearance| {
        Ok(Clearance {
            card: CardToken::from_bits(clearance.card_token),
            reason: known(clearance.reason, "a risk")?,
            sequence: clearance.sequence,
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
    })
}
