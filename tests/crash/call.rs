//! One call with a key: what is sent, what comes back, and how it is named.

use std::fmt;

use tonic::transport::{Channel, Endpoint};
use tonic::{Response, Status};
use waika::v1;
use waika::v1::admin_service_client::AdminServiceClient;
use waika::v1::authorisation_service_client::AuthorisationServiceClient;
use waika::v1::card_service_client::CardServiceClient;

/// A call that changes something, so that it has a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Request {
    Authorise(v1::AuthoriseRequest),
    Reverse(v1::ReverseRequest),
    Bind(v1::BindRequest),
    Unbind(v1::UnbindRequest),
    SendPhoneCode(v1::SendPhoneCodeRequest),
    PutMerchant(v1::PutMerchantRequest),
    SetCardStatus(v1::SetCardStatusRequest),
    SetClock(v1::SetClockRequest),
}

/// What was answered. Its `replayed` is false always: that stands beside it.
#[expect(
    clippy::large_enum_variant,
    reason = "the largest is the most frequent by far"
)]
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Authorise(v1::AuthoriseResponse),
    Reverse(v1::ReverseResponse),
    Bind(v1::BindResponse),
    Unbind(v1::UnbindResponse),
    SendPhoneCode(v1::SendPhoneCodeResponse),
    PutMerchant(v1::PutMerchantResponse),
    SetCardStatus(v1::SetCardStatusResponse),
    SetClock(v1::SetClockResponse),
}

/// An answer as it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answered {
    pub answer: Answer,
    pub replayed: bool,
}

/// What a key is scoped to, and the key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name {
    pub rpc: &'static str,
    pub scope: String,
    pub key: String,
}

impl Request {
    pub(crate) fn name(&self) -> Name {
        let name = |rpc, scope: &str, key: &str| Name {
            rpc,
            scope: scope.to_owned(),
            key: key.to_owned(),
        };
        match self {
            Self::Authorise(asked) => name("Authorise", &asked.account_id, &asked.idempotency_key),
            Self::Reverse(asked) => name("Reverse", &asked.account_id, &asked.idempotency_key),
            Self::Bind(asked) => name("Bind", &asked.account_id, &asked.idempotency_key),
            Self::Unbind(asked) => name("Unbind", &asked.account_id, &asked.idempotency_key),
            Self::SendPhoneCode(asked) => {
                name("SendPhoneCode", &asked.account_id, &asked.idempotency_key)
            }
            Self::PutMerchant(asked) => {
                let merchant = asked.merchant.clone().unwrap_or_default();
                name("PutMerchant", &merchant.merchant_id, &asked.idempotency_key)
            }
            Self::SetCardStatus(asked) => {
                name("SetCardStatus", &asked.account_id, &asked.idempotency_key)
            }
            Self::SetClock(asked) => name("SetClock", "", &asked.idempotency_key),
        }
    }
}

/// What may be shown of a request: no password, number, code or phone.
impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Name { rpc, scope, key } = self.name();
        write!(formatter, "{rpc} of {scope} with key {key}")?;
        match self {
            Self::Authorise(asked) => write!(
                formatter,
                ": {} fen with {} at {}",
                asked.amount_fen, asked.card_token, asked.merchant_id
            ),
            Self::Reverse(asked) => write!(
                formatter,
                ": {:?} of {:?}",
                asked.amount_fen, asked.original
            ),
            Self::Unbind(asked) => write!(formatter, ": {}", asked.card_token),
            Self::PutMerchant(asked) => write!(formatter, ": {:?}", asked.merchant),
            Self::SetCardStatus(asked) => {
                write!(formatter, ": {} {:?}", asked.card_token, asked.status())
            }
            Self::SetClock(asked) => write!(formatter, ": {:?}", asked.setting),
            Self::Bind(_) | Self::SendPhoneCode(_) => Ok(()),
        }
    }
}

impl Answered {
    pub(crate) fn authorise(mut response: v1::AuthoriseResponse) -> Self {
        let replayed = std::mem::take(&mut response.replayed);
        let answer = Answer::Authorise(response);
        Self { answer, replayed }
    }
}

/// One connection to each listener.
#[derive(Clone)]
pub(crate) struct Callers {
    pub cards: CardServiceClient<Channel>,
    pub authorisations: AuthorisationServiceClient<Channel>,
    pub admin: AdminServiceClient<Channel>,
}

/// Gives the answer without its `replayed`, and that beside it.
macro_rules! answered {
    ($kind:ident, $call:expr) => {{
        let mut response = $call.await.map(Response::into_inner)?;
        let replayed = std::mem::take(&mut response.replayed);
        Answered {
            answer: Answer::$kind(response),
            replayed,
        }
    }};
}

impl Callers {
    pub(crate) async fn connect(rpc: &str, admin: &str) -> Self {
        let channel = connect(rpc).await;
        Self {
            cards: CardServiceClient::new(channel.clone()),
            authorisations: AuthorisationServiceClient::new(channel),
            admin: AdminServiceClient::new(connect(admin).await),
        }
    }

    pub(crate) async fn call(&mut self, request: Request) -> Result<Answered, Status> {
        Ok(match request {
            Request::Authorise(asked) => {
                answered!(Authorise, self.authorisations.authorise(asked))
            }
            Request::Reverse(asked) => answered!(Reverse, self.authorisations.reverse(asked)),
            Request::Bind(asked) => answered!(Bind, self.cards.bind(asked)),
            Request::Unbind(asked) => answered!(Unbind, self.cards.unbind(asked)),
            Request::SendPhoneCode(asked) => {
                answered!(SendPhoneCode, self.cards.send_phone_code(asked))
            }
            Request::PutMerchant(asked) => answered!(PutMerchant, self.admin.put_merchant(asked)),
            Request::SetCardStatus(asked) => {
                answered!(SetCardStatus, self.admin.set_card_status(asked))
            }
            Request::SetClock(asked) => answered!(SetClock, self.admin.set_clock(asked)),
        })
    }
}

async fn connect(address: &str) -> Channel {
    let endpoint = Endpoint::from_shared(address.to_owned()).unwrap();
    endpoint.connect().await.unwrap()
}
