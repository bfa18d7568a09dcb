//! The rungs of `Authorise` (RULES C1), one function each or a few that belong together. Each
//! tests one thing and names one reason; what passes is told to the witness.

use super::password::{Try, spend_try};
use crate::account::Account;
use crate::decline::{AmountOverLimit, Decline, DeclineReason as Reason, Evidence};
use crate::event::{Funding, PasswordEffect, Review, Scene, Spent, WalletRegion};
use crate::identity::DocumentType;
use crate::merchant::{Merchant, MerchantRegion};
use crate::money::{Amount, Fen};
use crate::period::Timestamp;
use crate::policy::{PassportReview, Policy};
use crate::receipt::{Rung, Witness};
use crate::risk::RiskReason;
use crate::rules::authorise::{Credential, Quote};
use crate::usage::Usage;
use crate::version::Client;

/// One climb: what all rungs look at, and who is told.
pub(super) struct Climb<'a, W> {
    pub(super) account: &'a Account,
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
    /// The account's windows at that instant: the calendar is asked once.
    pub(super) usage: Usage,
    witness: &'a mut W,
}

/// What the credential's rung did, whatever a later rung says (D7).
#[derive(Debug, Clone, Copy)]
pub(super) struct Effects {
    pub(super) password: PasswordEffect,
    pub(super) spent: Option<Spent>,
}

impl Effects {
    pub(super) const NONE: Self = Self {
        password: PasswordEffect::Untouched,
        spent: None,
    };
}

impl<'a, W: Witness> Climb<'a, W> {
    pub(super) fn new(
        account: &'a Account,
        policy: &'a Policy,
        now: Timestamp,
        witness: &'a mut W,
    ) -> Self {
        Self {
            account,
            policy,
            now,
            usage: account.usage().at(now),
            witness,
        }
    }

    /// One rung: it objects, or the witness is told what it saw.
    fn rung(
        &mut self,
        rung: Rung,
        objects: bool,
        reason: Reason,
        seen: impl Fn() -> Evidence,
    ) -> Result<(), Decline> {
        if objects {
            let evidence = seen();
            return Err(Decline { reason, evidence });
        }
        self.witness.passed(rung, seen);
        Ok(())
    }

    /// Rungs 3 and 4.
    pub(super) fn begin(&mut self, reversed_ahead: bool, rolled_out: bool) -> Result<(), Decline> {
        let none = || Evidence::None;
        let ahead = Reason::ReversedBeforeArrival;
        self.rung(Rung::ReversedAhead, reversed_ahead, ahead, none)?; // D31
        self.rung(Rung::RollOut, !rolled_out, Reason::NotRolledOut, none) // R3
    }

    /// Rungs 5 to 8.
    pub(super) fn wallet(&mut self, client: Option<Client>) -> Result<(), Decline> {
        let elsewhere = self.account.region() != WalletRegion::Mainland;
        let reason = Reason::WalletRegion;
        self.rung(Rung::WalletRegion, elsewhere, reason, || Evidence::None)?; // R30
        self.client(client)?; // R7
        let Some(identity) = self.account.identity() else {
            return Err(Decline::because(Reason::WalletNotVerified)); // R29
        };
        self.witness.passed(Rung::RealName, || Evidence::None);
        let (expired, now) = (identity.is_out_of_date(self.now), self.now);
        self.rung(
            Rung::IdentityDocument,
            expired,
            Reason::IdentityExpired,
            || Evidence::Date {
                observed: identity.expires_on,
                required: now.day(),
            },
        ) // R5
    }

    fn client(&mut self, client: Option<Client>) -> Result<(), Decline> {
        let Some(client) = client else { return Ok(()) }; // D20
        let required = self.policy.client.oldest_accepted(client.channel);
        let old = client.version < required;
        self.rung(Rung::ClientVersion, old, Reason::ClientTooOld, || {
            Evidence::Version {
                observed: client.version,
                required,
            }
        })
    }

    /// Rung 9, with what it did to the password's counter or to the token.
    pub(super) fn credential(&mut self, given: Credential) -> (Result<(), Decline>, Effects) {
        let (outcome, effects) = match given {
            Credential::Password { matches } => self.password(matches),
            Credential::Token(nonce) => self.token(nonce),
            // Asked for when the code was made (D10).
            Credential::Code(_) => return (Ok(()), Effects::NONE),
        };
        if outcome.is_ok() {
            self.witness.passed(Rung::Password, || Evidence::None);
        }
        (outcome, effects)
    }

    fn password(&self, matches: bool) -> (Result<(), Decline>, Effects) {
        let (account, rule) = (self.account, self.policy.password);
        let (attempt, password) = spend_try(account, matches, rule, self.now);
        let outcome = match attempt {
            Try::Matched => Ok(()),
            Try::Wrong(evidence) => Err(Decline {
                reason: Reason::PasswordWrong, // R69
                evidence,
            }),
            Try::Locked(until) => Err(locked(until)),
        };
        let spent = None;
        (outcome, Effects { password, spent })
    }

    /// A token is spent once it was right, as a phone code is, and nothing pays while the
    /// password is locked.
    fn token(&self, nonce: Option<u64>) -> (Result<(), Decline>, Effects) {
        if let Some(until) = self.account.password_locked_until(self.now) {
            return (Err(locked(until)), Effects::NONE);
        }
        let objection = match nonce.map(|nonce| self.account.payment_token(nonce)) {
            None => Reason::PaymentTokenInvalid,
            // One of ours, and forgotten since: so it is long over.
            Some(None) => Reason::PaymentTokenExpired,
            Some(Some(token)) if self.now >= token.expires_at => Reason::PaymentTokenExpired,
            Some(Some(token)) if token.used => Reason::PaymentTokenUsed,
            Some(Some(token)) => {
                let spent = Some(Spent::Token(token.nonce));
                let password = PasswordEffect::Untouched;
                return (Ok(()), Effects { password, spent });
            }
        };
        (Err(Decline::because(objection)), Effects::NONE)
    }

    /// What `Quote` can say of rung 9: it knows no password.
    pub(super) fn unlocked(&mut self) -> Result<(), Decline> {
        match self.account.password_locked_until(self.now) {
            Some(until) => Err(locked(until)),
            None => Ok(()),
        }
    }

    /// Rung 10: a passport holder pays once the review is approved, or until it is rejected
    /// (R49, D5).
    pub(super) fn review(&mut self) -> Result<(), Decline> {
        let deferred = self.policy.passport_review == PassportReview::Deferred
            && !self.account.review_was_rejected();
        let objection = match self.account.review() {
            Review::NotRequired | Review::Approved => None,
            Review::Rejected => Some(Reason::ReviewRejected),
            Review::Required | Review::PageReceived | Review::FaceFailed | Review::UnderReview => {
                (!deferred).then_some(Reason::ReviewRequired)
            }
        };
        if let Some(reason) = objection {
            return Err(Decline::because(reason));
        }
        self.witness.passed(Rung::PassportReview, || Evidence::None);
        Ok(())
    }

    /// Rung 11, which the balance does not know.
    pub(super) fn card(&mut self, funding: Funding) -> Result<(), Decline> {
        let missing = match funding {
            Funding::Balance => return Ok(()), // D12
            Funding::Card(card) => self.account.card(card).is_none(),
            Funding::Unknown => true,
        };
        self.rung(Rung::Card, missing, Reason::CardNotBound, || Evidence::None)
    }

    /// Rung 12: what each funding can be used for (R72). Neither can top up the balance or buy
    /// wealth products: that takes a debit card of a mainland bank.
    pub(super) fn scene(&mut self, funding: Funding, scene: Scene) -> Result<(), Decline> {
        let closed = match (funding, scene) {
            (Funding::Unknown, _)
            | (_, Scene::Purchase)
            | (Funding::Balance, Scene::RedPacket | Scene::Transfer) => false,
            (Funding::Card(_), Scene::RedPacket | Scene::Transfer)
            | (Funding::Card(_) | Funding::Balance, Scene::TopUp | Scene::WealthProduct) => true,
        };
        let reason = Reason::SceneNotPermitted;
        self.rung(Rung::Scene, closed, reason, || Evidence::None)
    }

    /// Rung 13, in scenes that have a merchant.
    pub(super) fn merchant(
        &mut self,
        merchant: Option<&Merchant>,
        funding: Funding,
        scene: Scene,
    ) -> Result<(), Decline> {
        if !scene.has_merchant() {
            return Ok(());
        }
        let Some(merchant) = merchant else {
            return Err(Decline::because(Reason::MerchantUnknown)); // D11
        };
        if merchant.region == MerchantRegion::Overseas {
            return Err(Decline::because(Reason::MerchantOverseas)); // R61
        }
        let by_card = funding != Funding::Balance; // D12
        let closed = by_card && !merchant.international_cards; // R60
        let reason = Reason::MerchantNotEnabled;
        self.rung(Rung::Merchant, closed, reason, || Evidence::None)
    }

    /// Rung 14: the code is consumed once it passes, whatever a later rung says (R57, D10).
    pub(super) fn code(&mut self, given: Credential) -> Result<Option<Spent>, Decline> {
        let Credential::Code(digest) = given else {
            return Ok(None);
        };
        let because = |reason| Err(Decline::because(reason));
        let known = digest.and_then(|digest| self.account.payment_code(digest));
        match known.filter(|code| code.is_remembered(self.now)) {
            None => because(Reason::PaymentCodeInvalid),
            Some(code) if self.now >= code.expires_at => because(Reason::PaymentCodeExpired),
            Some(code) if code.used => because(Reason::PaymentCodeUsed),
            Some(code) => {
                self.witness.passed(Rung::PaymentCode, || Evidence::None);
                Ok(Some(Spent::Code(code.nonce)))
            }
        }
    }

    /// Rungs 15 and 16.
    pub(super) fn risk_and_quote(
        &mut self,
        risk: Option<RiskReason>,
        quote: Quote,
        funding: Funding,
    ) -> Result<(), Decline> {
        if funding.card().is_some() {
            if let Some(risk) = risk {
                return Err(Decline::because(risk.decline_reason())); // R67
            }
            self.witness.passed(Rung::Risk, || Evidence::None);
        }
        match quote {
            Quote::Absent => Ok(()),
            Quote::Holds => {
                self.witness.passed(Rung::Quote, || Evidence::None);
                Ok(())
            }
            Quote::Expired => Err(Decline::because(Reason::QuoteExpired)), // D32
            Quote::Differs => Err(Decline::because(Reason::QuoteMismatch)), // D32
        }
    }

    /// Rungs 17 to 20: the limits for a card, what there is for the balance (D12).
    pub(super) fn money(&mut self, funding: Funding, amount: Amount) -> Result<(), Decline> {
        match funding {
            Funding::Card(_) | Funding::Unknown => self.limits(amount),
            Funding::Balance => self.balance(amount),
        }
    }

    /// Rungs 17 to 19: exactly a limit is allowed, one fen more is not (C2). Limits count the
    /// principal (D3), over all cards of the account (D2).
    fn limits(&mut self, amount: Amount) -> Result<(), Decline> {
        let (usage, policy) = (self.usage, self.policy);
        let (limits, amount) = (&policy.limits, amount.fen());
        let seen = |used: Fen, limit: Fen, resets_at| {
            Evidence::Amount(AmountOverLimit {
                observed: used.plus(amount),
                limit,
                remaining: limit.minus(used),
                largest_approvable: usage.largest_approvable(limits),
                resets_at,
            })
        };
        let single = amount > limits.single;
        self.rung(Rung::LimitSingle, single, Reason::LimitSingle, || {
            seen(Fen::ZERO, limits.single, None)
        })?; // R63
        let month = usage.in_month.plus(amount) > limits.month;
        self.rung(Rung::LimitMonth, month, Reason::LimitMonth, || {
            let after = after_month(usage, amount, limits.year);
            seen(usage.in_month, limits.month, Some(after))
        })?; // R64
        let year = usage.in_year.plus(amount) > limits.year;
        self.rung(Rung::LimitYear, year, Reason::LimitYear, || {
            seen(usage.in_year, limits.year, Some(usage.year.end()))
        }) // R65
    }

    /// Rung 20.
    fn balance(&mut self, amount: Amount) -> Result<(), Decline> {
        let identity = self.account.identity();
        if identity.is_none_or(|identity| identity.document == DocumentType::Passport) {
            return Err(Decline::because(Reason::BalanceNotPermitted)); // R72
        }
        let (balance, amount) = (self.account.balance(), amount.fen());
        let reason = Reason::BalanceInsufficient;
        self.rung(Rung::Balance, amount > balance, reason, || {
            Evidence::Amount(AmountOverLimit {
                observed: amount,
                limit: balance,
                remaining: balance,
                largest_approvable: balance,
                resets_at: None,
            })
        })
    }
}

/// Next month is no help to a payment that the year's limit would stop then.
fn after_month(usage: Usage, amount: Fen, year_limit: Fen) -> Timestamp {
    if usage.in_year.plus(amount) <= year_limit {
        usage.month.end()
    } else {
        usage.year.end()
    }
}

fn locked(until: Timestamp) -> Decline {
    Decline {
        reason: Reason::PasswordLocked, // D7
        evidence: Evidence::Until(until),
    }
}
