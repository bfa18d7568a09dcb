//! Taking an operation from the wire to the disk, exactly once for its key.

use std::sync::Arc;

use futures_util::future::Either;
use waika_domain::identifiers::{AccountId, CodeDigest};

use super::call::Call;
use super::operation::{AuthoriseOperation, Operation};
use super::replay::code_scope;
use super::reversal::OriginalFound;
use super::saga::Begun;
use super::search::Search;
use super::{Answered, Awaited, Ledger, LedgerError};
use crate::authoriser::{Passage, Taken};

impl Ledger {
    /// Decides an operation, exactly once for its key, and answers when that is durable. The
    /// operation goes on if the caller stops waiting.
    pub fn submit(
        self: &Arc<Self>,
        core: usize,
        account: AccountId,
        call: Call,
        operation: Operation,
    ) -> impl Future<Output = Result<Answered, LedgerError>> + Send + use<'_> {
        self.answer_either(core, self.begin(core, account, call, operation))
    }

    /// The same without the wait for the disk: whoever has many of them waits for the last.
    ///
    /// What can be decided at once is decided here and now, before any future is polled: so that of the
    /// many calls that wait for a disk or an issuer each holds little more than its answer. On the left
    /// are those that wait for the disk only, and on the right all others.
    pub fn begin(
        self: &Arc<Self>,
        core: usize,
        account: AccountId,
        call: Call,
        operation: Operation,
    ) -> Either<Awaited, impl Future<Output = Result<Answered, LedgerError>> + Send + use<>> {
        if let Some(node) = self.node().cloned() {
            let decided = self.begin_on(node, core, (account, call), operation);
            return Either::Right(Either::Right(Either::Left(decided)));
        }
        let mut first = None;
        if operation.original().is_none() {
            let slot = self.slot(&Search::of(account.as_str(), &call));
            let passage = Passage {
                queue: &self.queue,
                account: &account,
                call: &call,
                slot,
            };
            match self.take(passage, &operation, &OriginalFound::KeyKnown) {
                Ok(Taken::Applied(applied)) => {
                    let bind = operation.goes_on_with();
                    let begun = Begun {
                        account,
                        call,
                        slot,
                        bind,
                    };
                    return match self.follow(core, begun, applied) {
                        Either::Left(decided) => Either::Left(decided),
                        Either::Right(asks) => Either::Right(Either::Left(asks)),
                    };
                }
                taken => first = Some(taken),
            }
        }
        let slowly = Arc::clone(self).submit_slowly(core, (account, call), operation, first);
        Either::Right(Either::Right(Either::Right(Box::pin(slowly))))
    }

    /// The same where something has to be read first, or the key was used before. `first` is what
    /// became of the operation already.
    async fn submit_slowly(
        self: Arc<Self>,
        core: usize,
        (account, call): (AccountId, Call),
        operation: Operation,
        mut first: Option<Result<Taken, LedgerError>>,
    ) -> Result<Answered, LedgerError> {
        let mut search = Search::of(account.as_str(), &call);
        loop {
            let slot = self.slot(&search);
            let passage = Passage {
                queue: &self.queue,
                account: &account,
                call: &call,
                slot,
            };
            let taken = match (first.take(), operation.original()) {
                (Some(taken), _) => taken,
                (None, None) => self.take(passage, &operation, &OriginalFound::KeyKnown),
                (None, Some(named)) => {
                    let found = self.find_original(core, passage, named).await?;
                    self.take(passage, &operation, &found)
                }
            };
            match self.durably(core, taken).await? {
                Taken::LookAgain => {}
                Taken::Applied(applied) => {
                    let bind = operation.goes_on_with();
                    let begun = Begun {
                        account,
                        call,
                        slot,
                        bind,
                    };
                    let followed = self.follow(core, begun, applied);
                    return self.answer_either(core, followed).await;
                }
                Taken::Known(place) => {
                    let known = self.stored_answer(core, &mut search, place).await?;
                    if let Some(known) = known {
                        return self.replay(known, &call, operation.payment());
                    }
                }
            }
        }
    }

    /// Decides a payment with a payment code, which gives the account, exactly once for its key.
    /// Says whose the code is; None for one that is none of ours.
    pub async fn submit_code(
        self: &Arc<Self>,
        core: usize,
        digest: CodeDigest,
        call: Call,
        asked: AuthoriseOperation,
    ) -> Result<(Option<AccountId>, Answered), LedgerError> {
        if let Some(node) = self.node().cloned() {
            let ledger = Arc::clone(self);
            return ledger
                .submit_code_on(node, core, (digest, call), asked)
                .await;
        }
        let scope = code_scope(digest);
        let mut search = Search::of(&scope, &call);
        loop {
            let slot = self.slot(&search);
            let owner = self.authoriser.payment_codes.find(digest);
            let (owner, taken) =
                self.authoriser
                    .authorise_by_code(&self.queue, &call, slot, (owner, &asked))?;
            match taken {
                Taken::LookAgain => {}
                Taken::Applied(applied) => {
                    let Some(account) = owner.clone() else {
                        let awaited = Awaited::new(applied, call.stopwatch.as_ref());
                        return Ok((owner, self.answer(core, awaited).await?));
                    };
                    let begun = Begun {
                        account,
                        call,
                        slot,
                        bind: None,
                    };
                    let followed = self.follow(core, begun, applied);
                    return Ok((owner, self.answer_either(core, followed).await?));
                }
                Taken::Known(place) => {
                    let known = self.stored_answer(core, &mut search, place).await?;
                    if let Some(known) = known {
                        let owner = AccountId::parse(&known.1.account).ok();
                        let answered = self.replay(known, &call, Some(&asked.payment))?;
                        return Ok((owner, answered));
                    }
                }
            }
        }
    }
}
