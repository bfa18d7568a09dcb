//! Asking the server about accounts, beside the hot path: before a run and after it.

use std::num::NonZeroUsize;
use std::time::Duration;

use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use waika::v1::authorisation_service_client::AuthorisationServiceClient;
use waika::v1::card_service_client::CardServiceClient;
use waika::v1::{
    AuthoriseRequest, AuthoriseResponse, GetAccountRequest, GetAccountResponse,
    ListAuthorisationsRequest, ListAuthorisationsResponse, ReverseRequest, ReverseResponse,
};

use crate::population::Payer;
use crate::provision::{self, ProvisionError};
use crate::target::Target;

/// How often an RPC is sent again that had no answer or was refused for the time being.
const RESENDS: u32 = 6;

/// The pause before it is sent again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Where the accounts are, and how hard to ask.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The public listener.
    pub(crate) target: &'a Target,
    /// Those who pay, in the order of the oracle's accounts.
    pub(crate) payers: &'a [Payer],
    /// How many are asked about at once.
    pub(crate) in_flight: NonZeroUsize,
    /// Over so many connections.
    pub(crate) connections: NonZeroUsize,
}

/// Connections to ask over.
pub(super) struct Asker<'a> {
    pub(super) place: Place<'a>,
    channels: Vec<Channel>,
}

impl<'a> Asker<'a> {
    pub(super) async fn connect(place: Place<'a>) -> Result<Self, ProvisionError> {
        let mut channels = Vec::new();
        for _ in 0..place.connections.get() {
            channels.push(provision::channel(place.target).await?);
        }
        Ok(Self { place, channels })
    }

    /// The payer at this place, and how it is called on the wire.
    pub(super) fn account_id(&self, account: u64) -> Option<&'a str> {
        let place = usize::try_from(account).ok()?;
        Some(&self.place.payers.get(place)?.account_id)
    }

    pub(super) async fn account(&self, account: u64) -> Result<GetAccountResponse, Status> {
        let account_id = self.account_id(account).unwrap_or_default().to_owned();
        let request = GetAccountRequest { account_id };
        let client = CardServiceClient::new(self.channel(account)?);
        patiently(async || client.clone().get_account(request.clone()).await).await
    }

    pub(super) async fn page(
        &self,
        account: u64,
        request: ListAuthorisationsRequest,
    ) -> Result<ListAuthorisationsResponse, Status> {
        let client = AuthorisationServiceClient::new(self.channel(account)?);
        patiently(async || client.clone().list_authorisations(request.clone()).await).await
    }

    pub(super) async fn authorise(
        &self,
        account: u64,
        request: AuthoriseRequest,
    ) -> Result<AuthoriseResponse, Status> {
        let client = AuthorisationServiceClient::new(self.channel(account)?);
        patiently(async || client.clone().authorise(request.clone()).await).await
    }

    pub(super) async fn reverse(
        &self,
        account: u64,
        request: ReverseRequest,
    ) -> Result<ReverseResponse, Status> {
        let client = AuthorisationServiceClient::new(self.channel(account)?);
        patiently(async || client.clone().reverse(request.clone()).await).await
    }

    fn channel(&self, account: u64) -> Result<Channel, Status> {
        let place = account % (self.channels.len() as u64).max(1);
        usize::try_from(place)
            .ok()
            .and_then(|place| self.channels.get(place))
            .cloned()
            .ok_or_else(|| Status::internal("there is no connection"))
    }
}

/// Sends until there is an answer, or an error that will not pass. All that is sent here either
/// changes nothing or carries a key, so that sending it again does no harm.
async fn patiently<A>(send: impl AsyncFn() -> Result<Response<A>, Status>) -> Result<A, Status> {
    let mut pause = FIRST_PAUSE;
    for _ in 0..RESENDS {
        match send().await {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(status) if is_passing(&status) => {}
            Err(status) => return Err(status),
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    send().await.map(Response::into_inner)
}

fn is_passing(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::ResourceExhausted
            | Code::Unavailable
            | Code::Aborted
            | Code::DeadlineExceeded
            | Code::Cancelled
    )
}
