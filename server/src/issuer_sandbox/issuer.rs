//! What the issuer makes of a call before it waits for anything: how long it takes, what goes
//! wrong, and what it decides. Pure functions of the seed and of what is asked.

use std::time::Duration;

use waika_domain::card::{IssuerCardReference, Scheme};
use waika_domain::decline::{DeclineReason, IssuerRefusal};
use waika_domain::event::ApprovalCode;
use waika_domain::identifiers::{Fingerprint, IdempotencyKey};

use super::books::{Asked, ResponseCode, TransactionId, Verdict};
use super::chance::{Chance, Draw};
use super::latency::Latencies;
use super::trouble::Errors;
use crate::config::{ErrorKind, IssuerSandboxConfig};
use crate::issuer::{Punctuality, SandboxIssuer};
use crate::pan::Pan;
use crate::vault::Vault;

/// The issuer of every card.
#[derive(Debug)]
pub(crate) struct Issuer {
    cards: SandboxIssuer,
    /// Its key follows from the seed, so that a card has one reference in every run.
    vault: Vault,
    latencies: Latencies,
    errors: Errors,
}

/// A payment that was read.
#[derive(Debug)]
pub(crate) struct Payment {
    pub(crate) id: TransactionId,
    pub(crate) card: IssuerCardReference,
    pub(crate) scheme: Scheme,
    pub(crate) amount_fen: i64,
    pub(crate) key: IdempotencyKey,
    /// It was sent before, and no answer was heard.
    pub(crate) repeat: bool,
}

/// A card to verify.
#[derive(Debug)]
pub(crate) struct Verification {
    pub(crate) id: TransactionId,
    pub(crate) card: Pan,
    pub(crate) scheme: Scheme,
    pub(crate) amount_fen: i64,
    pub(crate) key: IdempotencyKey,
}

/// What the issuer will do about a call.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) takes: Duration,
    pub(crate) course: Course,
    /// What is wrong with the first answer.
    pub(crate) flaw: Option<Flaw>,
}

/// Where a call leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// Nobody is there to take it.
    Unavailable,
    /// It is lost on the way.
    Silent,
    /// It is decided.
    Decide(Verdict),
}

/// What is wrong with an answer to what was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It is lost on the way.
    Mute,
    /// One fen more is approved, and told.
    WrongAmount,
    /// It names another transaction.
    WrongId,
    /// Its response code means nothing.
    WrongCode,
}

/// Digests in the books do not follow the seed, for the books outlive it.
const BOOKS: Chance = Chance::new(0);

/// The response code that means nothing.
pub(crate) const NONSENSE_CODE: ResponseCode = *b"ZZ";

impl Issuer {
    /// Lays out what the configuration asks for.
    pub(crate) fn new(config: &IssuerSandboxConfig) -> Self {
        let chance = Chance::new(config.seed);
        Self {
            cards: SandboxIssuer::new(config.seed),
            vault: Vault::from_key(&key_of(config.seed)),
            latencies: Latencies::new(chance, &config.latencies),
            errors: Errors::new(chance, &config.errors),
        }
    }

    /// A payment as the books ask for it.
    pub(crate) fn payment(payment: &Payment) -> Asked {
        Asked {
            id: payment.id,
            card: card_number(payment.card.0.as_bytes()),
            amount_fen: payment.amount_fen,
            scheme: payment.scheme,
            verification: false,
        }
    }

    /// What happens to a payment.
    pub(crate) fn plan_payment(&self, payment: &Payment) -> Plan {
        let Payment {
            card, scheme, key, ..
        } = payment;
        let key = key.as_str();
        let (of, by) = (card.0.as_bytes(), key.as_bytes());
        let plan = Plan {
            takes: self.latencies.draw(*scheme, of, by),
            course: Course::Silent,
            flaw: None,
        };
        let error = self.errors.draw(*scheme, of, by);
        let punctuality = self.cards.punctuality(card);
        let decide = || self.cards.authorise(card, key);
        plan.end(punctuality, error, payment.repeat, decide)
    }

    /// The reference that stands for a card from its verification on, whatever comes of that.
    pub(crate) fn fingerprint(&self, card: &Pan) -> Fingerprint {
        self.vault.lasting_card(card.expose())
    }

    /// A verification as the books ask for it.
    pub(crate) fn verification(of: &Verification, card: Fingerprint) -> Asked {
        Asked {
            id: of.id,
            card: card_number(&card.0),
            amount_fen: of.amount_fen,
            scheme: of.scheme,
            verification: true,
        }
    }

    /// What happens to a verification.
    pub(crate) fn plan_verification(&self, of: &Verification, card: Fingerprint) -> Plan {
        let key = of.key.as_str();
        let plan = Plan {
            takes: self.latencies.draw(of.scheme, &card.0, key.as_bytes()),
            course: Course::Silent,
            flaw: None,
        };
        let error = self.errors.draw(of.scheme, &card.0, key.as_bytes());
        let punctuality = self.cards.punctuality_at_bind(&of.card);
        let decide = || {
            let reference = self.cards.verification_debit(&of.card, card)?;
            // The reference alone decides about payments; a debit has no such card.
            let code = self.cards.without_issuer(&reference.0, key);
            Ok(code)
        };
        plan.end(punctuality, error, false, decide)
    }

    /// What stands for a card from now on, if it can be used.
    pub(crate) fn reference(&self, card: &Pan, of: Fingerprint) -> Option<IssuerCardReference> {
        self.cards.verification_debit(card, of).ok()
    }

    /// How long it takes to give something back.
    pub(crate) fn reversal_takes(&self, scheme: Scheme, reversal_id: &str) -> Duration {
        self.latencies.draw(scheme, b"", reversal_id.as_bytes())
    }

    /// How long it takes to look a transaction up.
    pub(crate) fn status_takes(&self, scheme: Scheme, id: TransactionId) -> Duration {
        let [high, low] = id.0.map(u64::to_le_bytes);
        self.latencies.draw(scheme, &high, &low)
    }
}

/// The name of an advice as the books know it.
pub(crate) fn advice(reversal_id: &str) -> [u64; 2] {
    BOOKS.draw(Draw::Reversal, b"", reversal_id.as_bytes())
}

/// What stands for a card in the books.
fn card_number(card: &[u8]) -> u64 {
    let [number, _] = BOOKS.draw(Draw::Card, card, b"");
    number
}

impl Plan {
    fn end(
        mut self,
        punctuality: Punctuality,
        error: Option<ErrorKind>,
        repeat: bool,
        decide: impl FnOnce() -> Result<ApprovalCode, IssuerRefusal>,
    ) -> Self {
        match punctuality {
            Punctuality::AtOnce => {}
            Punctuality::After(takes) => self.takes = self.takes.max(takes),
            Punctuality::Never => return self,
        }
        let declined = match error {
            Some(ErrorKind::Unavailable) => {
                self.course = Course::Unavailable;
                return self;
            }
            Some(ErrorKind::Silent) => return self,
            Some(ErrorKind::Declined(code)) => Some(code),
            Some(ErrorKind::Mute) => self.flawed(Flaw::Mute),
            Some(ErrorKind::WrongAmount) => self.flawed(Flaw::WrongAmount),
            Some(ErrorKind::WrongId) => self.flawed(Flaw::WrongId),
            Some(ErrorKind::WrongCode) => self.flawed(Flaw::WrongCode),
            None => None,
        };
        let one_more = self.flaw == Some(Flaw::WrongAmount) && !repeat;
        let verdict = match (declined, decide()) {
            (Some(code), _) => Verdict::Declined(code),
            (None, Err(refusal)) => Verdict::Declined(response_code(refusal)),
            (None, Ok(code)) => Verdict::Approved { code, one_more },
        };
        self.course = Course::Decide(verdict);
        self
    }

    fn flawed(&mut self, flaw: Flaw) -> Option<ResponseCode> {
        self.flaw = Some(flaw);
        None
    }
}

/// As the server tells the same refusal (DE39).
fn response_code(refusal: IssuerRefusal) -> ResponseCode {
    let code = DeclineReason::from(refusal).response_code().as_bytes();
    code.first_chunk().copied().unwrap_or(*b"05")
}

/// Cards have the same references wherever the seed is the same. This hides their numbers from
/// whoever does not know it, and from nobody else.
fn key_of(seed: u64) -> [u8; 32] {
    let mut key = *b"waika issuer sandbox    --seed--";
    if let Some(place) = key.last_chunk_mut() {
        *place = seed.to_le_bytes();
    }
    key
}
