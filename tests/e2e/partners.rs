//! An SMS gateway and an identity verifier inside the test, which do as they are told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server as GrpcServer;
use tonic::transport::server::Router;
use tonic::{Request, Response, Status, Streaming};
use waika::v1::identity_verifier_service_server::{
    IdentityVerifierService, IdentityVerifierServiceServer,
};
use waika::v1::sms_gateway_service_server::{SmsGatewayService, SmsGatewayServiceServer};
use waika::v1::verify_photo_request::Part;
use waika::v1::{self, VerifyPhotoRequest};

use crate::support::Server;

/// What a partner does with what it is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Yes,
    No,
    /// An error of gRPC.
    Error,
    /// It never answers.
    Silent,
    /// It answers once it does something else.
    Waiting,
}

/// A photo as it came to the verifier.
#[derive(Clone)]
pub(crate) struct PhotoSeen {
    pub subject: String,
    pub material: i32,
    pub bytes: Vec<u8>,
}

#[derive(Default)]
struct Seen {
    codes: Vec<v1::SendCodeRequest>,
    documents: Vec<v1::IdentityDocument>,
    photos: Vec<PhotoSeen>,
    begun: usize,
    broken_off: usize,
}

/// Both partners in one.
#[derive(Clone)]
pub(crate) struct Partner {
    manner: watch::Sender<Manner>,
    seen: Arc<Mutex<Seen>>,
    address: SocketAddr,
}

impl Partner {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let partner = Self {
            manner: watch::Sender::new(manner),
            seen: Arc::default(),
            address: listener.local_addr().unwrap(),
        };
        let serving = partner.router();
        tokio::spawn(serving.serve_with_incoming(TcpListenerStream::new(listener)));
        partner
    }

    fn router(&self) -> Router {
        GrpcServer::builder()
            .add_service(SmsGatewayServiceServer::new(self.clone()))
            .add_service(IdentityVerifierServiceServer::new(self.clone()))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where nobody listens.
    pub(crate) fn nowhere() -> String {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", free.local_addr().unwrap())
    }

    /// From now on it does so.
    pub(crate) fn does(&self, manner: Manner) {
        self.manner.send_replace(manner);
    }

    /// The codes that it was given to send.
    pub(crate) fn codes(&self) -> Vec<v1::SendCodeRequest> {
        self.seen().codes.clone()
    }

    /// The documents that it was asked about.
    pub(crate) fn documents(&self) -> Vec<v1::IdentityDocument> {
        self.seen().documents.clone()
    }

    /// The photos that came whole.
    pub(crate) fn photos(&self) -> Vec<PhotoSeen> {
        self.seen().photos.clone()
    }

    /// Photos that began to come, and those of them that were broken off.
    pub(crate) fn photos_begun_and_broken_off(&self) -> (usize, usize) {
        let seen = self.seen();
        (seen.begun, seen.broken_off)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn says(&self) -> Result<bool, Status> {
        let mut manner = self.manner.subscribe();
        let manner = manner.wait_for(|manner| *manner != Manner::Waiting).await;
        let manner = *manner.unwrap();
        match manner {
            Manner::Yes => Ok(true),
            Manner::No => Ok(false),
            Manner::Error => Err(Status::internal("out of order")),
            Manner::Silent | Manner::Waiting => std::future::pending().await,
        }
    }
}

#[tonic::async_trait]
impl SmsGatewayService for Partner {
    async fn send_code(
        &self,
        request: Request<v1::SendCodeRequest>,
    ) -> Result<Response<v1::SendCodeResponse>, Status> {
        self.seen().codes.push(request.into_inner());
        let accepted = self.says().await?;
        Ok(Response::new(v1::SendCodeResponse { accepted }))
    }
}

/// Counts a photo as broken off unless it came whole.
struct Coming<'a>(&'a Partner, bool);

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.seen().broken_off += 1;
        }
    }
}

#[tonic::async_trait]
impl IdentityVerifierService for Partner {
    async fn verify_identity(
        &self,
        request: Request<v1::VerifyIdentityRequest>,
    ) -> Result<Response<v1::VerifyIdentityResponse>, Status> {
        let identity = request.into_inner().identity.unwrap();
        self.seen().documents.push(identity);
        let confirmed = self.says().await?;
        Ok(Response::new(v1::VerifyIdentityResponse { confirmed }))
    }

    async fn verify_photo(
        &self,
        request: Request<Streaming<VerifyPhotoRequest>>,
    ) -> Result<Response<v1::VerifyPhotoResponse>, Status> {
        let mut coming = Coming(self, false);
        self.seen().begun += 1;
        let mut stream = request.into_inner();
        if *self.manner.borrow() == Manner::Silent {
            // It does not even read.
            std::future::pending::<()>().await;
        }
        let Some(Part::Photo(photo)) = stream.message().await?.unwrap().part else {
            panic!("the first message says what it is");
        };
        let mut bytes = Vec::new();
        while let Some(message) = stream.message().await? {
            let Some(Part::Chunk(piece)) = message.part else {
                panic!("what it is comes once");
            };
            assert!((1..=61_440).contains(&piece.len()));
            bytes.extend(piece);
        }
        coming.1 = true;
        self.seen().photos.push(PhotoSeen {
            subject: photo.subject,
            material: photo.material,
            bytes,
        });
        let recognised = self.says().await?;
        Ok(Response::new(v1::VerifyPhotoResponse { recognised }))
    }
}

impl Server {
    /// How often a partner's answer was of that kind.
    pub(crate) async fn partner_outcome(&self, partner: &str, outcome: &str) -> u64 {
        let name =
            format!("waika_partner_requests_total{{partner=\"{partner}\",outcome=\"{outcome}\"}} ");
        let metrics = self.metrics().await;
        let count = metrics.lines().find_map(|line| line.strip_prefix(&name));
        count
            .unwrap_or_else(|| panic!("{name} is missing"))
            .parse()
            .unwrap()
    }
}
