//! From what is written to what happened. Whatever is not understood is an error that names
//! it: an entry that an older server skips would be a decision that it forgets.

mod binding;
mod closing;
pub(super) mod credentials;
pub(super) mod issuer;
pub(super) mod keys;
pub(super) mod operators;
mod payments;
pub(super) mod reversal;
mod wallet;

use prost::Message as _;
use waika_domain::card::CardExpiry;
use waika_domain::decline::{AmountOverLimit, Decline, DeclineReason, Evidence};
use waika_domain::event::{
    BindDecided, Event, PasswordEffect, PasswordUnlocked, PhoneCodeDecided, PhoneCodeEffect,
    PhoneCodeSent,
};
use waika_domain::identifiers::{Fingerprint, IdempotencyKey, MerchantId};
use waika_domain::merchant::{CategoryCode, Merchant, MerchantRegion};
use waika_domain::money::{Amount, Fen};
use waika_domain::period::{Day, Timestamp};
use waika_domain::refusal::{BindRefusal, PhoneCodeRefusal, Refused};
use waika_domain::version::Version;

use super::call::Rpc;
use super::numbers::Numbered;
use super::schema;
use crate::caller::Caller;
use crate::operator_log::Operated;

/// What an entry says.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// The account that it happened to; empty where it concerns none.
    pub(crate) account: Box<str>,
    /// The sequence of the account's entry before it; 0 for its first.
    pub(crate) previous: u64,
    /// When.
    pub(crate) at: Timestamp,
    /// The call that caused it.
    pub(crate) call: Option<StoredCall>,
    /// What it is as a part of the operator log; None for all else.
    pub(crate) operated: Option<Box<Operated>>,
    /// What happened.
    pub(crate) body: StoredBody,
}

impl Stored {
    /// What happened; None where the journal speaks of itself.
    pub(crate) fn event(&self) -> Option<&Event> {
        match &self.body {
            StoredBody::Event(event) => Some(event),
            StoredBody::KeyCheck(_) => None,
        }
    }

    /// The same, without the rest.
    pub(crate) fn into_event(self) -> Option<Event> {
        match self.body {
            StoredBody::Event(event) => Some(event),
            StoredBody::KeyCheck(_) => None,
        }
    }
}

/// The call that caused an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredCall {
    pub(crate) rpc: Rpc,
    pub(crate) caller: Caller,
    pub(crate) key: IdempotencyKey,
    pub(crate) fields: Vec<u64>,
}

/// An event, or what the journal says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoredBody {
    Event(Event),
    KeyCheck(Box<[u8]>),
}

/// An entry that is not understood.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not understood by this version of waika-server: start the newer one that wrote it")]
pub(crate) struct NotUnderstood(pub(super) &'static str);

pub(super) type Decoded<T> = Result<T, NotUnderstood>;

/// Reads an entry.
pub(crate) fn entry(bytes: &[u8]) -> Decoded<Stored> {
    let entry = schema::Entry::decode(bytes).map_err(|_| NotUnderstood("an entry"))?;
    let at = Timestamp::from_unix_ms(entry.at_ms);
    let (operated, happened) = match entry.operated {
        None => (None, entry.body),
        Some(operated) => operators::operated(*operated),
    };
    Ok(Stored {
        account: entry.account.into(),
        previous: entry.previous,
        at,
        call: entry.call.map(call).transpose()?,
        operated,
        body: body(happened.ok_or(NotUnderstood("a kind of entry"))?, at)?,
    })
}

fn call(call: schema::Call) -> Decoded<StoredCall> {
    Ok(StoredCall {
        rpc: known(call.rpc, "an RPC")?,
        caller: call.caller.as_str().into(),
        key: IdempotencyKey::parse(&call.key).map_err(|_| NotUnderstood("a key"))?,
        fields: call.fields,
    })
}

fn body(body: schema::Body, at: Timestamp) -> Decoded<StoredBody> {
    use schema::Body;
    let event = match body {
        Body::KeyCheck(check) => return Ok(StoredBody::KeyCheck(check.into())),
        Body::PhoneCode(decided) => Event::PhoneCode(phone_code(decided)?),
        Body::BindReserved(reserved) => {
            Event::BindReserved(Box::new(binding::reserved(&reserved)?))
        }
        Body::BindDecided(decided) => Event::BindDecided(Box::new(bind(*decided, at)?)),
        Body::Reserved(held) => Event::Reserved(Box::new(payments::reservation(Some(held))?)),
        Body::Posted(posted) => Event::Posted(Box::new(payments::posted(posted)?)),
        Body::Voided(voided) => Event::Voided(Box::new(payments::voided(voided)?)),
        Body::Declined(declined) => Event::Declined(Box::new(payments::declined(declined)?)),
        Body::ReviewResolved(done) => Event::ReviewResolved(operators::review_resolved(&done)?),
        Body::MerchantPut(put) => Event::MerchantPut(merchant(put)?),
        Body::CardStatusSet(set) => Event::CardStatusSet(operators::card_status_set(set)?),
        Body::UnbindDecided(decided) => Event::UnbindDecided(Box::new(binding::unbind(decided)?)),
        Body::ReversalDecided(done) => Event::ReversalDecided(Box::new(reversal::reversal(done)?)),
        Body::ReversedAhead(name) => Event::ReversedAhead(Box::new(reversal::call_name(name)?)),
        Body::RiskResolved(resolved) => Event::RiskResolved(operators::risk_resolved(resolved)?),
        Body::ClockSet(setting) => Event::ClockSet(operators::clock_setting(setting)),
        Body::SettleDecided(decided) => Event::SettleDecided(reversal::settle(decided)?),
        Body::PasswordVerified(done) => Event::PasswordVerified(credentials::verified(done)?),
        Body::PasswordChanged(done) => Event::PasswordChanged(credentials::changed(done)?),
        Body::PasswordReset(decided) => credentials::reset(decided)?,
        Body::PasswordTicketResolved(resolved) => credentials::ticket_resolved(resolved)?,
        Body::PasswordUnlocked(was_locked) => {
            Event::PasswordUnlocked(PasswordUnlocked { was_locked })
        }
        Body::VerificationSubmitted(done) => wallet::verification(done)?,
        Body::RegionSwitched(region) => wallet::region_switched(region)?,
        Body::PaymentCode(decided) => credentials::code(decided)?,
        Body::FundsReceived(received) => Event::FundsReceived(wallet::funds(received)?),
        Body::PolicyPut(put) => operators::policy_put(put),
        Body::PolicyActivated(name) => operators::policy_activated(name),
        Body::PolicyShadowed(name) => operators::policy_shadowed(name),
        Body::AdviceTaken(taken) => issuer::taken(taken),
        Body::StandInReconciled(reconciled) => issuer::reconciled(reconciled)?,
        Body::IssuerLate(late) => issuer::late(late),
        Body::AccountClosed(closed) => closing::closed(closed)?,
        Body::ErasureBegun(begun) => closing::begun(begun)?,
        Body::ErasureEnded(schema::ErasureEnded {}) => Event::ErasureEnded,
    };
    Ok(StoredBody::Event(event))
}

fn phone_code(decided: schema::PhoneCode) -> Decoded<PhoneCodeDecided> {
    let outcome = match (decided.sent, decided.refused) {
        (Some(sent), _) => Ok(PhoneCodeSent {
            nonce: sent.nonce,
            resend_at: Timestamp::from_unix_ms(sent.resend_at_ms),
            expires_at: Timestamp::from_unix_ms(sent.expires_at_ms),
        }),
        (None, refused) => Err(refusal(refused, PhoneCodeRefusal::from_number)?),
    };
    let region = known(decided.region, "a wallet region")?;
    Ok(PhoneCodeDecided {
        region,
        phone: fingerprint(&decided.phone)?,
        outcome,
    })
}

fn bind(decided: schema::BindDecided, at: Timestamp) -> Decoded<BindDecided> {
    let outcome = match (decided.binding, decided.refused) {
        (Some(stored), _) => Ok(binding::binding(stored, at)?),
        (None, refused) => Err(refusal(refused, BindRefusal::from_number)?),
    };
    Ok(BindDecided {
        region: known(decided.region, "a wallet region")?,
        reserved_by: sequence(decided.reserved_by),
        phone_code: phone_code_effect(decided.phone_code)?,
        password: password_effect(decided.password),
        outcome,
        review: known(decided.review, "a review's state")?,
        debit: issuer::transaction(decided.debit)?,
    })
}

pub(super) fn merchant(merchant: schema::Merchant) -> Decoded<Merchant> {
    Ok(Merchant {
        id: merchant_id(&merchant.id)?,
        name: merchant.name.into(),
        region: if merchant.overseas {
            MerchantRegion::Overseas
        } else {
            MerchantRegion::Mainland
        },
        category: CategoryCode(small(merchant.category, "a merchant's category")?),
        international_cards: merchant.international_cards,
    })
}

fn merchant_id(text: &str) -> Decoded<MerchantId> {
    MerchantId::parse(text).map_err(|_| NotUnderstood("a merchant's id"))
}

fn amount(fen: i64) -> Decoded<Amount> {
    Amount::from_fen(fen).map_err(|_| NotUnderstood("an amount"))
}

fn decline(stored: Option<schema::Refused>) -> Decoded<Decline> {
    let Refused { reason, evidence } = refusal(stored, DeclineReason::from_number)?;
    Ok(Decline { reason, evidence })
}

fn refusal<R>(
    stored: Option<schema::Refused>,
    reason: impl FnOnce(i32) -> Option<R>,
) -> Decoded<Refused<R>> {
    let stored = stored.ok_or(NotUnderstood("a refusal"))?;
    let reason = reason(stored.reason).ok_or(NotUnderstood("a reason"))?;
    Ok(Refused {
        reason,
        evidence: evidence(stored.evidence)?,
    })
}

fn evidence(stored: Option<schema::Evidence>) -> Decoded<Evidence> {
    const NUMBER: &str = "a refusal's numbers";
    let number = |value: i64| i32::try_from(value).map_err(|_| NotUnderstood(NUMBER));
    let count = |value: i64| u32::try_from(value).map_err(|_| NotUnderstood(NUMBER));
    Ok(match stored {
        None => Evidence::None,
        Some(schema::Evidence::Amount(amount)) => Evidence::Amount(AmountOverLimit {
            observed: Fen::new(amount.observed_fen),
            limit: Fen::new(amount.limit_fen),
            remaining: Fen::new(amount.remaining_fen),
            largest_approvable: Fen::new(amount.largest_approvable_fen),
            resets_at: amount.resets_at_ms.map(Timestamp::from_unix_ms),
        }),
        Some(schema::Evidence::Version(pair)) => Evidence::Version {
            observed: Version::from_packed(pair.observed.cast_unsigned()),
            required: Version::from_packed(pair.required.cast_unsigned()),
        },
        Some(schema::Evidence::Date(pair)) => Evidence::Date {
            observed: Day::from_number(number(pair.observed)?),
            required: Day::from_number(number(pair.required)?),
        },
        Some(schema::Evidence::Expiry(expiry)) => Evidence::Expiry {
            observed: CardExpiry {
                year: small(count(expiry / 100)?, NUMBER)?,
                month: small(count(expiry % 100)?, NUMBER)?,
            },
        },
        Some(schema::Evidence::Count(pair)) => Evidence::Count {
            observed: count(pair.observed)?,
            required: count(pair.required)?,
        },
        Some(schema::Evidence::UntilMs(at)) => Evidence::Until(Timestamp::from_unix_ms(at)),
    })
}

fn password_effect(stored: Option<schema::PasswordEffect>) -> PasswordEffect {
    match stored {
        None => PasswordEffect::Untouched,
        Some(effect) if effect.wrong_tries == 0 => keys::matched(effect),
        Some(effect) => PasswordEffect::Wrong {
            tries: u8::try_from(effect.wrong_tries).unwrap_or(u8::MAX),
            locked_until: effect.locked_until_ms.map(Timestamp::from_unix_ms),
        },
    }
}

fn phone_code_effect(stored: Option<schema::PhoneCodeEffect>) -> Decoded<PhoneCodeEffect> {
    let Some(effect) = stored else {
        return Ok(PhoneCodeEffect::Untouched);
    };
    let phone = fingerprint(&effect.phone)?;
    let tries = u8::try_from(effect.wrong_tries).unwrap_or(u8::MAX);
    Ok(match tries {
        0 => PhoneCodeEffect::Used { phone },
        tries => PhoneCodeEffect::Wrong { phone, tries },
    })
}

fn sequence(number: u64) -> Option<u64> {
    Some(number).filter(|&number| number != 0)
}

pub(super) fn known<T: Numbered>(number: u32, what: &'static str) -> Decoded<T> {
    T::from_number(number).ok_or(NotUnderstood(what))
}

pub(super) fn small<T: TryFrom<u32>>(number: u32, what: &'static str) -> Decoded<T> {
    T::try_from(number).map_err(|_| NotUnderstood(what))
}

pub(super) fn array<const N: usize>(bytes: &[u8], what: &'static str) -> Decoded<[u8; N]> {
    bytes.try_into().map_err(|_| NotUnderstood(what))
}

pub(super) fn fingerprint(bytes: &[u8]) -> Decoded<Fingerprint> {
    array(bytes, "a fingerprint").map(Fingerprint)
}
