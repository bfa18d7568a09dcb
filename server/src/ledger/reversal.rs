//! Finding the payment that a reversal, a refund or a settlement names, before any lock is taken.

use std::borrow::Cow;

use waika_domain::event::{DecidedPayment, Event};
use waika_domain::identifiers::{AccountId, CallName, CodeDigest, IdempotencyKey};
use waika_domain::rules::reverse::Original;

use super::call::{Business, Call, Rpc};
use super::decode::Stored;
use super::operation::OriginalNamed;
use super::replay::code_scope;
use super::search::Search;
use super::{Ledger, LedgerError};
use crate::adjusted::Adjustment;
use crate::authoriser::Passage;
use crate::idempotency::Slot;

/// The payment that a reversal names, as it was found before the account was locked.
#[derive(Debug)]
pub(crate) enum OriginalFound {
    /// Not looked for: the operation names none, or its own key was used before.
    KeyKnown,
    /// It was decided, and what was decided never changes.
    Decided {
        /// The sequence of its deciding event.
        sequence: u64,
        /// Its numbers; None if it was declined.
        original: Option<Original>,
        /// What happened to it since, if a database says that.
        read: Option<ReadAt>,
    },
    /// No payment with that key has come: this slot was empty.
    NotYet {
        /// Where its key would be found.
        slot: Slot,
        /// Its name.
        name: CallName,
        /// At which version of the account a database said so.
        read: Option<ReadAt>,
    },
}

/// What a database said of a payment, and at which version of its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReadAt {
    pub(crate) version: u64,
    pub(crate) adjustment: Adjustment,
}

impl Ledger {
    /// Finds the payment that an operation names.
    pub(super) async fn find_original(
        &self,
        core: usize,
        passage: Passage<'_>,
        named: OriginalNamed,
    ) -> Result<OriginalFound, LedgerError> {
        if self.authoriser.idempotency.find(passage.slot).is_some() {
            return Ok(OriginalFound::KeyKnown);
        }
        match named {
            OriginalNamed::Id(id) => {
                let stored = self.decision(core, passage.account, id).await?;
                decided(id.sequence(), &stored)
            }
            OriginalNamed::Key(key) => {
                let caller = (&*passage.call.caller).into();
                let name = CallName { caller, key };
                let payment = payment_call(&passage.call.caller, &name.key);
                let search = Search::of(passage.account.as_str(), &payment);
                self.find_by_key(core, search, name).await
            }
            OriginalNamed::KeyOfCode { code, key } => {
                let caller = ahead_caller(Some(code), &passage.call.caller).into();
                let name = CallName { caller, key };
                let payment = payment_call(&passage.call.caller, &name.key);
                let scope = code_scope(code);
                self.find_by_key(core, Search::of(&scope, &payment), name)
                    .await
            }
        }
    }

    /// `name` is what the payment is recorded under if it has not come yet.
    async fn find_by_key(
        &self,
        core: usize,
        mut search: Search<'_>,
        name: CallName,
    ) -> Result<OriginalFound, LedgerError> {
        loop {
            let slot = self.slot(&search);
            let Some(place) = self.authoriser.idempotency.find(slot) else {
                let read = None;
                return Ok(OriginalFound::NotYet { slot, name, read }); // D31
            };
            let known = self.stored_answer(core, &mut search, place).await?;
            if let Some((sequence, stored)) = known {
                return decided(sequence, &stored);
            }
        }
    }

    /// Whose a payment with a code is: the code leads to its account or, when it is forgotten, the
    /// payment itself does.
    pub(crate) async fn account_of_code(
        &self,
        core: usize,
        digest: CodeDigest,
        (caller, key): (&str, &IdempotencyKey),
    ) -> Result<AccountId, LedgerError> {
        if let Some(node) = self.node() {
            // Codes are never forgotten there.
            let account = node.account_of(digest).await?;
            return account.ok_or(LedgerError::UnknownCode);
        }
        if let Some(account) = self.authoriser.payment_codes.find(digest) {
            return Ok(account);
        }
        let (scope, payment) = (code_scope(digest), payment_call(caller, key));
        let mut search = Search::of(&scope, &payment);
        loop {
            let place = self.authoriser.idempotency.find(self.slot(&search));
            let place = place.ok_or(LedgerError::UnknownCode)?;
            let known = self.stored_answer(core, &mut search, place).await?;
            if let Some((_, stored)) = known {
                // A code that was none of ours was decided without an account.
                return AccountId::parse(&stored.account).map_err(|_| LedgerError::UnknownCode);
            }
        }
    }
}

pub(super) fn payment_call(caller: &str, key: &IdempotencyKey) -> Call {
    Call::new(
        Rpc::Authorise,
        caller.into(),
        key.clone(),
        Business::Payment,
    )
}

/// Under which caller's name a payment is recorded that was reversed before it came: keys of
/// payments with a code belong to the code, so that the same key elsewhere is another one (D10).
pub(crate) fn ahead_caller(code: Option<CodeDigest>, caller: &str) -> Cow<'_, str> {
    match code {
        None => caller.into(),
        Some(code) => [&code_scope(code), "/", caller].concat().into(),
    }
}

pub(super) fn decided(sequence: u64, stored: &Stored) -> Result<OriginalFound, LedgerError> {
    let original = match stored.event().and_then(Event::decision) {
        Some(DecidedPayment::Approved(posted)) => Some(Original::of(&posted.reservation)),
        Some(DecidedPayment::Declined(_) | DecidedPayment::Voided(_)) => None,
        None => return Err(LedgerError::UnknownAuthorisation),
    };
    Ok(OriginalFound::Decided {
        sequence,
        original,
        read: None,
    })
}
