//! `AuthorisationService`.

use std::sync::Arc;

use tonic::{Request, Response, Status, Streaming};
use waika::v1;
use waika::v1::authorisation_service_server::AuthorisationService;
use waika_domain::identifiers::{AccountId, AuthorisationId};

use super::parse::{self, Fields};
use super::{Desk, outcome, payment, reversal, status, stream};
use crate::ledger::{Business, Decided, History, LedgerError, Operation, Rpc, Standing};
use crate::page_token;

#[tonic::async_trait]
impl AuthorisationService for Desk {
    type AuthoriseStreamStream = stream::Answers;

    async fn authorise(
        &self,
        request: Request<v1::AuthoriseRequest>,
    ) -> Result<Response<v1::AuthoriseResponse>, Status> {
        self.decide(request.into_inner()).await.map(Response::new)
    }

    async fn authorise_stream(
        &self,
        request: Request<Streaming<v1::AuthoriseStreamRequest>>,
    ) -> Result<Response<stream::Answers>, Status> {
        self.ledger()?;
        let place = Arc::clone(&self.doorway.streams).try_acquire_owned();
        let place = place.map_err(|_| status::too_many_streams())?;
        Ok(Response::new(stream::answers(
            self.clone(),
            place,
            request.into_inner(),
        )))
    }

    async fn quote(
        &self,
        request: Request<v1::QuoteRequest>,
    ) -> Result<Response<v1::QuoteResponse>, Status> {
        let ledger = self.ledger()?;
        let (account, asked) = payment::parse_quote(request.into_inner())?;
        let quoted = ledger.quote(self.core, &account, &asked).await?;
        Ok(Response::new(payment::quote_response(asked.amount, quoted)))
    }

    async fn reverse(
        &self,
        request: Request<v1::ReverseRequest>,
    ) -> Result<Response<v1::ReverseResponse>, Status> {
        let ledger = self.ledger()?;
        let parsed = reversal::parse(request.get_ref(), ledger.vault())?;
        let operation = Operation::Reverse(parsed.operation);
        let answered = ledger
            .submit(self.core, parsed.account, parsed.call, operation)
            .await?;
        reversal::response(&answered).map(Response::new)
    }

    async fn get_authorisation(
        &self,
        request: Request<v1::GetAuthorisationRequest>,
    ) -> Result<Response<v1::GetAuthorisationResponse>, Status> {
        let ledger = self.ledger()?;
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
        Ok(Response::new(v1::GetAuthorisationResponse {
            authorisation,
            status,
        }))
    }

    async fn list_authorisations(
        &self,
        request: Request<v1::ListAuthorisationsRequest>,
    ) -> Result<Response<v1::ListAuthorisationsResponse>, Status> {
        const LARGEST_PAGE: usize = 100;
        let ledger = self.ledger()?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let account = fields.account(&request.account_id);
        let size = fields.page_size(request.page_size, LARGEST_PAGE);
        let account = fields.finish(account)?;
        let mut fields = Fields::default();
        let begin = fields.optional("page_token", &request.page_token, |token| {
            page_token::parse(ledger.vault(), &account, token)
        });
        let whole = (|| Some((size?, begin?)))();
        let (size, begin) = fields.finish(whole)?;
        let history = ledger.history(self.core, &account, begin, size).await?;
        let History { decisions, next } = history;
        let records = decisions.iter().map(|decided| record(&account, decided));
        let next = next.map(|next| page_token::seal(ledger.vault(), &account, next));
        Ok(Response::new(v1::ListAuthorisationsResponse {
            authorisations: records.collect::<Result<_, _>>()?,
            next_page_token: next.unwrap_or_default(),
        }))
    }
}

impl Desk {
    /// Decides one payment, for a call of its own or in a stream.
    pub(super) async fn decide(
        &self,
        request: v1::AuthoriseRequest,
    ) -> Result<v1::AuthoriseResponse, Status> {
        let ledger = self.ledger()?;
        let (account, key, asked) = payment::parse(request, ledger.vault())?;
        let call = parse::call(Rpc::Authorise, key, Business::Payment);
        let operation = Operation::Authorise(asked);
        let answered = ledger
            .submit(self.core, account.clone(), call, operation)
            .await?;
        let authorisation = outcome::authorisation(&account, &answered)?;
        Ok(v1::AuthoriseResponse {
            authorisation: Some(authorisation),
            replayed: answered.replayed,
        })
    }
}

fn record(account: &AccountId, decided: &Decided) -> Result<v1::AuthorisationRecord, Status> {
    let Standing {
        given_back,
        fee_given_back,
        remaining,
        settles_at,
        settled,
    } = decided.standing;
    Ok(v1::AuthorisationRecord {
        authorisation: Some(outcome::authorisation(account, &decided.answered)?),
        status: Some(v1::AuthorisationStatus {
            reversed_fen: given_back.value(),
            reversed_fee_fen: fee_given_back.value(),
            remaining_fen: remaining.value(),
            settles_at: settles_at.map(outcome::timestamp),
            settled,
        }),
    })
}

/// An entry that is no authorisation was answered for one: a defect, told as such.
pub(super) fn not_an_authorisation() -> Status {
    status::internal("the stored decision is not an authorisation")
}
