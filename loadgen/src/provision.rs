//! Creating those who pay and those who sell, through the same RPCs that a wallet's front end and
//! an operator use.
//!
//! People, cards and idempotency keys are functions of (seed, index), so doing it again does no
//! harm: the server answers what it answered before.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use http::Uri;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use waika::v1::admin_service_client::AdminServiceClient;
use waika::v1::authorisation_service_client::AuthorisationServiceClient;
use waika::v1::card_service_client::CardServiceClient;
use waika::v1::{AuthoriseRequest, Merchant, MerchantRegion, PutMerchantRequest};

use crate::connect::{self, ConnectError};
use crate::enrol::{self, Wallets};
use crate::merchant;
use crate::population::{Payer, Population, members, merchant_ids};
use crate::rules::Provisioned;
use crate::scheme::Shares;
use crate::stranger::{self, Stranger};
use crate::target::Target;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one RPC may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Whom to create, and where.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// The public listener.
    pub(crate) target: Target,
    /// The administrative listener.
    pub(crate) admin: Target,
    /// The seed that everyone is a function of.
    pub(crate) seed: u64,
    /// How many accounts.
    pub(crate) accounts: u64,
    /// How many merchants.
    pub(crate) merchants: u64,
    /// The schemes of the accounts' cards; `None` for every test BIN in turn.
    pub(crate) schemes: Option<Shares>,
    /// The year that expiry dates count from.
    pub(crate) year: i32,
    /// How many are created at once.
    pub(crate) in_flight: NonZeroUsize,
    /// Connections to the public listener.
    pub(crate) connections: NonZeroUsize,
}

/// Why not everyone could be created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProvisionError {
    /// No connection could be made.
    #[error(transparent)]
    Connect(ConnectError),
    /// Somebody serves gRPC there, but not this service.
    #[error(
        "{target} does not know {rpc}: it is no waika-server, an older one, or the other of its \
         two listeners (--target, --admin)"
    )]
    NotWaika {
        /// Who answered.
        target: Target,
        /// What was asked.
        rpc: &'static str,
    },
    /// Somebody is there who is not this service, and we know who.
    #[error("{target} {stranger}")]
    Stranger {
        /// Where.
        target: Target,
        /// Who.
        stranger: Stranger,
    },
    /// The connection broke before an answer came.
    #[error("{target} broke the connection instead of answering {rpc}: is it a gRPC port?")]
    Broken {
        /// Who did.
        target: Target,
        /// What was asked.
        rpc: &'static str,
    },
    /// Whoever we are there, this is not for us to ask.
    #[error(
        "{target} does not let this caller do {rpc}: {message} (the server's --callers says who may call what; \
         --tls-cert and --admin-tls-cert say who we are)"
    )]
    NotAllowed {
        /// Who answered.
        target: Target,
        /// What was asked.
        rpc: &'static str,
        /// What the server said, which names us.
        message: String,
    },
    /// An RPC failed.
    #[error("{rpc} at {target} failed with {code:?}: {message}")]
    Rpc {
        /// Who answered.
        target: Target,
        /// What was asked.
        rpc: &'static str,
        /// The gRPC status.
        code: Code,
        /// What the server said.
        message: String,
    },
    /// The server's rules said no.
    #[error("account {account_id} could not be created: {reason}")]
    Refused {
        /// Which account.
        account_id: String,
        /// Why not, and what may help.
        reason: String,
    },
}

impl ProvisionError {
    /// What a failed RPC means.
    pub(crate) fn of(target: &Target, rpc: &'static str, status: &Status) -> Self {
        let target = target.clone();
        match status.code() {
            Code::Unimplemented => Self::NotWaika { target, rpc },
            _ if is_of_transport(status) => Self::Broken { target, rpc },
            Code::PermissionDenied | Code::Unauthenticated => Self::NotAllowed {
                target,
                rpc,
                message: status.message().to_owned(),
            },
            code => Self::Rpc {
                target,
                rpc,
                code,
                message: status.message().to_owned(),
            },
        }
    }
}

/// Whether tonic made this status of a broken connection, and no server sent it.
fn is_of_transport(status: &Status) -> bool {
    matches!(std::error::Error::source(status), Some(cause) if cause.is::<tonic::transport::Error>())
}

/// Creates everyone who is wanted, or recognises those who are there; `created` counts them.
pub(crate) async fn provision(
    wanted: &Wanted,
    created: &AtomicU64,
) -> Result<Population, ProvisionError> {
    probe(&wanted.target).await?;
    greet(&wanted.admin).await?;
    let admin = AdminServiceClient::new(channel(&wanted.admin).await?);
    let mut channels = Vec::new();
    for _ in 0..wanted.connections.get() {
        channels.push(CardServiceClient::new(channel(&wanted.target).await?));
    }
    let merchants = put_merchants(wanted, &admin, created).await?;
    let wallets = Arc::new(Wallets {
        target: wanted.target.clone(),
        admin_target: wanted.admin.clone(),
        seed: wanted.seed,
        year: wanted.year,
        channels,
        admin,
        provisioned: Mutex::new(Provisioned::default()),
    });
    wallets.note(|provisioned| provisioned.merchants = merchants);
    let members = members(wanted.schemes.as_ref(), wanted.accounts);
    let payers: Vec<Payer> = stream::iter(members)
        .map(|index| {
            let wallets = Arc::clone(&wallets);
            async move {
                let payer = enrol::enrol(&wallets, index).await?;
                created.fetch_add(1, Ordering::Relaxed);
                Ok(payer)
            }
        })
        .buffered(wanted.in_flight.get())
        .try_collect()
        .await?;
    Ok(Population {
        payers,
        merchants: merchant_ids(wanted.seed, wanted.merchants),
        provisioned: std::mem::take(&mut *wallets.provisioned.lock()),
    })
}

/// Whether somebody at `target` knows `Authorise`, and who it is if not. An empty request is
/// malformed everywhere, so nothing comes of asking.
pub(crate) async fn probe(target: &Target) -> Result<(), ProvisionError> {
    greet(target).await?;
    let channel = channel(target).await?;
    let mut client = AuthorisationServiceClient::new(channel.clone());
    let status = match client.authorise(AuthoriseRequest::default()).await {
        Ok(_) => return Ok(()),
        Err(status) if status.code() == Code::InvalidArgument => return Ok(()),
        Err(status) => status,
    };
    let stranger = match status.code() {
        // That is said by one who knows what was asked.
        Code::PermissionDenied | Code::Unauthenticated => None,
        code => stranger::by_reflection(channel, code != Code::Unimplemented).await,
    };
    Err(match stranger {
        Some(stranger) => ProvisionError::Stranger {
            target: target.clone(),
            stranger,
        },
        None => ProvisionError::of(target, "Authorise", &status),
    })
}

/// Whether HTTP/2 is spoken at `target` as its address says, and who is there if not.
async fn greet(target: &Target) -> Result<(), ProvisionError> {
    let Err(error) = connect::greet(target).await else {
        return Ok(());
    };
    Err(match stranger::behind(&error).await {
        Some(stranger) => ProvisionError::Stranger {
            target: target.clone(),
            stranger,
        },
        None => ProvisionError::Connect(error),
    })
}

/// A connection for the control path, made now, and made again when it is lost.
pub(crate) async fn channel(target: &Target) -> Result<Channel, ProvisionError> {
    let unusable = || ProvisionError::Broken {
        target: target.clone(),
        rpc: "anything",
    };
    // tonic is given a socket that has TLS over it already, and would refuse to do without its own.
    let (origin, below) = (target.to_string(), target.address().in_clear_text());
    let origin = origin.parse().map_err(|_| unusable())?;
    let made = connect::open(target).await;
    let mut first = Some(made.map_err(ProvisionError::Connect)?);
    let again = target.clone();
    let connector = tower::service_fn(move |_: Uri| {
        let (made, again) = (first.take(), again.clone());
        async move {
            match made {
                Some(socket) => Ok(TokioIo::new(socket)),
                None => connect::open(&again).await.map(TokioIo::new),
            }
        }
    });
    Endpoint::from_shared(below.to_string())
        .map_err(|_| unusable())?
        .origin(origin)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(CALL_TIMEOUT)
        .initial_connection_window_size(4 * 1024 * 1024)
        .connect_with_connector(connector)
        .await
        .map_err(|_| unusable())
}

/// How many were put now, and not already before.
async fn put_merchants(
    wanted: &Wanted,
    admin: &AdminServiceClient<Channel>,
    created: &AtomicU64,
) -> Result<u64, ProvisionError> {
    stream::iter(0..wanted.merchants)
        .map(|index| {
            let mut admin = admin.clone();
            async move {
                let request = merchant_request(wanted.seed, index);
                let answer = admin
                    .put_merchant(request)
                    .await
                    .map_err(|status| ProvisionError::of(&wanted.admin, "PutMerchant", &status))?;
                created.fetch_add(1, Ordering::Relaxed);
                Ok(u64::from(!answer.into_inner().replayed))
            }
        })
        .buffer_unordered(wanted.in_flight.get())
        .try_fold(0, async |put, new| Ok(put + new))
        .await
}

fn merchant_request(seed: u64, index: u64) -> PutMerchantRequest {
    let merchant_id = merchant::merchant_id(seed, index);
    let category = merchant::category_of(seed, index);
    PutMerchantRequest {
        idempotency_key: format!("put-{merchant_id}"),
        merchant: Some(Merchant {
            name: format!("{} {index}", category.name),
            merchant_id,
            region: MerchantRegion::Mainland.into(),
            category_code: category.code.to_owned(),
            international_cards: true,
        }),
    }
}
