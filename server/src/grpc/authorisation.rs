//! `AuthorisationService`.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{Either, ready};
use tonic::{Request, Response, Status, Streaming};
use waika::v1;
use waika::v1::authorisation_service_server::AuthorisationService;
use waika_domain::identifiers::{AccountId, AuthorisationId};

use super::answer::{Telling, Told};
use super::asked::Asked;
use super::parse::{Fields, HistoryPage};
use super::party::Asker;
use super::payment::ParsedAuthorise;
use super::reversal::ParsedReversal;
use super::{Desk, outcome, payment, receipt, reversal, status};
use crate::ledger::{
    Awaited, Business, Call, Decided, History, LedgerError, Operation, OriginalNamed, Rpc, Standing,
};
use crate::page_token;
use crate::stopwatch::Stopwatch;

#[tonic::async_trait]
impl AuthorisationService for Desk {
    type AuthoriseStreamStream =
        futures_util::stream::Empty<Result<v1::AuthoriseStreamResponse, Status>>;

    // Written out, so that the message and its headers are gone while the decision is waited for.
    fn authorise<'a, 'b>(
        &'a self,
        request: Request<v1::AuthoriseRequest>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<v1::AuthoriseResponse>, Status>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let asker = Asker::of(&request);
        // Those that wait for an issuer are far smaller than the others.
        let response = |answer: Answer| answer?.message().map(Response::new);
        match self.begin(&Asked::from(request.get_ref()), asker) {
            Either::Left(decided) => {
                let durable = self.wait_durable(decided.sequence());
                Box::pin(durable.map(move |durable| response(decided.told(durable))))
            }
            Either::Right(others) => Box::pin(others.map(response)),
        }
    }

    // Served as bytes, before a call comes here: see `stream::serve`.
    async fn authorise_stream(
        &self,
        _: Request<Streaming<v1::AuthoriseStreamRequest>>,
    ) -> Result<Response<Self::AuthoriseStreamStream>, Status> {
        Err(status::internal("streams of payments are served elsewhere"))
    }

    async fn quote(
        &self,
        request: Request<v1::QuoteRequest>,
    ) -> Result<Response<v1::QuoteResponse>, Status> {
        let ledger = self.reading()?;
        let (account, asked) = payment::parse_quote(request.get_ref())?;
        let quoted = ledger.quote(self.core, &account, &asked).await?;
        Ok(Response::new(payment::quote_response(asked.amount, quoted)))
    }

    async fn reverse(
        &self,
        request: Request<v1::ReverseRequest>,
    ) -> Result<Response<v1::ReverseResponse>, Status> {
        let (ledger, party) = self.asked_by(&request)?;
        let ParsedReversal {
            account,
            call,
            operation,
        } = reversal::parse(request.into_inner(), &party)?;
        let account = match (account, &operation.original) {
            (Some(account), _) => account,
            (None, OriginalNamed::KeyOfCode { code, key }) => {
                let payment = (&*call.caller, key);
                ledger.account_of_code(self.core, *code, payment).await?
            }
            (None, OriginalNamed::Id(_) | OriginalNamed::Key(_)) => {
                return Err(status::internal("a reversal has no account and no code"));
            }
        };
        let operation = Operation::Reverse(operation);
        let answered = ledger.submit(self.core, account, call, operation).await?;
        reversal::response(&answered).map(Response::new)
    }

    async fn refund(
        &self,
        request: Request<v1::RefundRequest>,
    ) -> Result<Response<v1::RefundResponse>, Status> {
        let (ledger, party) = self.asked_by(&request)?;
        let parsed = reversal::parse_refund(request.get_ref(), &party)?;
        let operation = Operation::Reverse(parsed.operation);
        let answered = ledger
            .submit(self.core, parsed.account, parsed.call, operation)
            .await?;
        reversal::refund_response(&answered).map(Response::new)
    }

    async fn settle(
        &self,
        request: Request<v1::SettleRequest>,
    ) -> Result<Response<v1::SettleResponse>, Status> {
        let (ledger, party) = self.asked_by(&request)?;
        let (account, call, id) = reversal::parse_settle(request.get_ref(), &party)?;
        let answered = ledger
            .submit(self.core, account, call, Operation::Settle(id))
            .await?;
        reversal::settle_response(&answered).map(Response::new)
    }

    async fn get_authorisation(
        &self,
        request: Request<v1::GetAuthorisationRequest>,
    ) -> Result<Response<v1::GetAuthorisationResponse>, Status> {
        let ledger = self.reading()?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let account = fields.account(&request.account_id);
        let account = fields.finish(account)?;
        // What is no id of ours names no authorisation.
        let id = AuthorisationId::parse(&request.authorisation_id)
            .ok_or(LedgerError::UnknownAuthorisation)?;
        let decided = ledger.authorisation(self.core, &account, id).await?;
        let v1::AuthorisationRecord {
            authorisation,
            status,
        } = record(&account, &decided)?;
        let steps = ledger.steps(self.core, &account, &decided).await?;
        Ok(Response::new(v1::GetAuthorisationResponse {
            authorisation,
            status,
            steps: steps.iter().map(receipt::step).collect(),
        }))
    }

    async fn list_authorisations(
        &self,
        request: Request<v1::ListAuthorisationsRequest>,
    ) -> Result<Response<v1::ListAuthorisationsResponse>, Status> {
        let ledger = self.reading()?;
        let request = request.into_inner();
        let page = (request.page_size, &*request.page_token);
        let HistoryPage {
            account,
            size,
            begin,
        } = HistoryPage::parse(&request.account_id, page, ledger.vault())?;
        let history = ledger.history(self.core, &account, begin, size).await?;
        let History {
            decisions,
            next,
            pruned,
        } = history;
        let records = decisions.iter().map(|decided| record(&account, decided));
        let next = next.map(|next| page_token::seal(ledger.vault(), &account, next));
        Ok(Response::new(v1::ListAuthorisationsResponse {
            authorisations: records.collect::<Result<_, _>>()?,
            next_page_token: next.unwrap_or_default(),
            pruned_before: pruned.map(|from| outcome::timestamp(from.at)),
        }))
    }
}

impl Desk {
    /// Begins one payment, for a call of its own or in a stream: here and now, as far as that goes, so
    /// that what waits for the rest is small. On the left is what waits for the disk only.
    pub(super) fn begin(
        &self,
        request: &Asked<'_>,
        asker: Asker,
    ) -> Either<Undurable, impl Future<Output = Answer> + Send + use<>> {
        match self.submit_payment(request, asker) {
            Ok(Either::Left(decided)) => Either::Left(decided),
            Ok(Either::Right(others)) => Either::Right(Either::Left(others)),
            Err(refused) => Either::Right(Either::Right(ready(Err(refused)))),
        }
    }

    fn submit_payment(
        &self,
        request: &Asked<'_>,
        asker: Asker,
    ) -> Result<Either<Undurable, impl Future<Output = Answer> + Send + use<>>, Status> {
        let ledger = self.ledger()?;
        let Asker {
            caller,
            deadline,
            mut stopwatch,
        } = asker;
        if request.want_timing && stopwatch.is_none() {
            stopwatch = Some(Arc::new(Stopwatch::begin()));
        }
        let ParsedAuthorise {
            account,
            key,
            mut asked,
        } = payment::parse(request, ledger.vault())?;
        asked.deadline = deadline;
        let telling = Telling {
            want_receipt: asked.want_receipt,
            stopwatch: stopwatch.clone().filter(|_| request.want_timing),
        };
        let call = Call {
            deadline,
            stopwatch,
            ..Call::new(Rpc::Authorise, caller, key, Business::Payment)
        };
        let core = self.core;
        match (account, asked.payment.code) {
            (Some(account), _) => {
                let operation = Operation::Authorise(asked);
                Ok(match ledger.begin(core, account.clone(), call, operation) {
                    Either::Left(awaited) => Either::Left(Undurable {
                        awaited,
                        account,
                        telling,
                    }),
                    Either::Right(others) => Either::Right(Either::Left(
                        others.map(move |answered| telling.tell(Some(account), answered?)),
                    )),
                })
            }
            (None, Some(digest)) => {
                let ledger = Arc::clone(ledger);
                let by_code = async move {
                    let submitted = ledger.submit_code(core, digest, call, asked).await;
                    let (owner, answered) = submitted?;
                    telling.tell(owner, answered)
                };
                Ok(Either::Right(Either::Right(Box::pin(by_code))))
            }
            (None, None) => Err(status::internal("a payment has no account and no code")),
        }
    }

    /// The highest sequence that is durable.
    pub(super) fn durable(&self) -> u64 {
        let ledger = self.doorway.ledger.get();
        ledger.map_or(0, |ledger| ledger.durable())
    }

    /// Waits for what this desk has begun.
    pub(super) fn wait_durable(
        &self,
        sequence: u64,
    ) -> impl Future<Output = Result<(), LedgerError>> + Send + use<'_> {
        match self.doorway.ledger.get() {
            Some(ledger) => Either::Left(ledger.wait_durable(self.core, sequence)),
            // Without a ledger nothing was begun.
            None => Either::Right(ready(Err(LedgerError::OutcomeUnknown))),
        }
    }
}

/// What is told of a payment, or why nothing is.
pub(super) type Answer = Result<Told, Status>;

/// A payment that is decided, and told once that is durable.
pub(super) struct Undurable {
    awaited: Awaited,
    account: AccountId,
    telling: Telling,
}

impl Undurable {
    /// What has to be durable before it is told.
    pub(super) fn sequence(&self) -> u64 {
        self.awaited.sequence()
    }

    /// What is told when the wait for its sequence has ended so.
    pub(super) fn told(self, durable: Result<(), LedgerError>) -> Answer {
        let answered = self.awaited.told(durable)?;
        self.telling.tell(Some(self.account), answered)
    }
}

fn record(account: &AccountId, decided: &Decided) -> Result<v1::AuthorisationRecord, Status> {
    let Standing {
        reversed,
        refunded,
        remaining,
        settles_at,
        settled,
    } = decided.standing;
    let account_id = account.as_str().to_owned();
    Ok(v1::AuthorisationRecord {
        authorisation: Some(outcome::authorisation(account_id, &decided.answered)?),
        status: Some(v1::AuthorisationStatus {
            reversed_fen: reversed.principal.value(),
            reversed_fee_fen: reversed.fee.value(),
            remaining_fen: remaining.value(),
            settles_at: settles_at.map(outcome::timestamp),
            settled,
            refunded_fen: refunded.principal.value(),
            refunded_fee_fen: refunded.fee.value(),
        }),
    })
}

/// An entry that is no authorisation was answered for one: a defect, told as such.
pub(super) fn not_an_authorisation() -> Status {
    status::internal("the stored decision is not an authorisation")
}
