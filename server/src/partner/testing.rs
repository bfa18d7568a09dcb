//! Partners of the tests' own, over real sockets.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use waika::v1;
use waika::v1::issuer_service_server::{IssuerService, IssuerServiceServer};

use crate::config::client_config;

/// A partner that answers, on a runtime of its own: dropping it cuts every connection.
pub(crate) struct Partner {
    runtime: Option<Runtime>,
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Partner {
    /// An issuer in plain text on a free port, to which one can come back: not one that the system
    /// gives to whoever connects somewhere meanwhile.
    pub(crate) fn issuer(issuer: &Issuer) -> Self {
        let listener = std::iter::repeat_with(|| {
            let port =
                10_000 + u16::try_from(crate::vault::random_bits().unwrap() % 20_000).unwrap();
            TcpListener::bind(("127.0.0.1", port))
        });
        let listener = listener.flatten().next().unwrap();
        Self::serve(listener, IssuerServiceServer::new(issuer.clone()))
    }

    /// The same on the port that another one had.
    pub(crate) fn issuer_at(address: SocketAddr, issuer: &Issuer) -> Self {
        // What the other one leaves behind is closed in the background.
        let listener = std::iter::repeat_with(|| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            TcpListener::bind(address)
        });
        let listener = listener.take(1_000).flatten().next().unwrap();
        Self::serve(listener, IssuerServiceServer::new(issuer.clone()))
    }

    fn serve<S>(listener: TcpListener, service: S) -> Self
    where
        S: tower::Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
            + tonic::server::NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let incoming = TcpListenerStream::new(listener).map(move |stream| {
                counted.fetch_add(1, Ordering::SeqCst);
                stream
            });
            Server::builder()
                .add_service(service)
                .serve_with_incoming(incoming)
                .await
        });
        Self {
            runtime: Some(runtime),
            address,
            connections,
        }
    }

    /// Connections that it has accepted.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// An issuer that does what the card's reference says: `never` never answers, `error` answers with
/// an error of gRPC, and all others approve.
#[derive(Clone, Default)]
pub(crate) struct Issuer {
    held: Arc<AtomicUsize>,
}

impl Issuer {
    /// Payments that it is not going to answer and whose callers still wait.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }

    async fn hold(&self) {
        struct Held(Arc<AtomicUsize>);
        impl Drop for Held {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        self.held.fetch_add(1, Ordering::SeqCst);
        let _held = Held(Arc::clone(&self.held));
        std::future::pending::<()>().await;
    }
}

type Answer<A> = Result<Response<A>, Status>;

#[tonic::async_trait]
impl IssuerService for Issuer {
    async fn authorise_payment(
        &self,
        request: Request<v1::AuthorisePaymentRequest>,
    ) -> Answer<v1::AuthorisePaymentResponse> {
        let asked = request.into_inner();
        match &*asked.card_reference {
            "never" => self.hold().await,
            "error" => return Err(Status::unavailable("4111111111111111 is not looked for")),
            _ => {}
        }
        Ok(Response::new(v1::AuthorisePaymentResponse {
            transaction_id: asked.transaction_id,
            response_code: "00".to_owned(),
            approval_code: "ABC123".to_owned(),
            amount_fen: asked.amount_fen,
        }))
    }

    async fn reverse_payment(
        &self,
        request: Request<v1::ReversePaymentRequest>,
    ) -> Answer<v1::ReversePaymentResponse> {
        let asked = request.into_inner();
        Ok(Response::new(v1::ReversePaymentResponse {
            reversal_id: asked.reversal_id,
            amount_fen: asked.amount_fen,
        }))
    }

    async fn verify_card(
        &self,
        request: Request<v1::VerifyCardRequest>,
    ) -> Answer<v1::VerifyCardResponse> {
        let asked = request.into_inner();
        Ok(Response::new(v1::VerifyCardResponse {
            transaction_id: asked.transaction_id,
            response_code: "00".to_owned(),
            card_reference: format!("of {} and {}", asked.pan, asked.cvv),
            amount_fen: asked.amount_fen,
        }))
    }

    async fn get_payment_status(
        &self,
        request: Request<v1::GetPaymentStatusRequest>,
    ) -> Answer<v1::GetPaymentStatusResponse> {
        Ok(Response::new(v1::GetPaymentStatusResponse {
            transaction_id: request.into_inner().transaction_id,
            state: v1::TransactionState::Unknown.into(),
            ..Default::default()
        }))
    }
}

/// A payment with a card of that reference.
pub(crate) fn payment(card_reference: &str) -> v1::AuthorisePaymentRequest {
    v1::AuthorisePaymentRequest {
        transaction_id: "0123456789abcdef0123456789abcdef".to_owned(),
        card_reference: card_reference.to_owned(),
        amount_fen: 20_618,
        ..Default::default()
    }
}

/// Waits until something is so, which it must be soon.
pub(crate) async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..3_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

/// Who vouches for certificates of `localhost`.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate and its key, both as PEM.
    pub(crate) fn vouch(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server that shows a certificate of this authority and, if told so, wants one of it.
    pub(crate) fn server(&self, wants_ours: bool) -> ServerConfig {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if wants_ours {
            let roots = Arc::new(self.roots());
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let (chain, key) = self.identity();
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }

    /// A caller that trusts this authority and shows what another one vouches for.
    pub(crate) fn caller(&self, shows: Option<&Self>) -> ClientConfig {
        client_config(self.roots(), shows.map(Self::identity)).unwrap()
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(self.pem().as_bytes()).unwrap();
        roots.add(root).unwrap();
        roots
    }

    fn identity(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let (certificate, key) = self.vouch();
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        (vec![certificate], key)
    }
}

/// A partner that answers every request of HTTP/2 with what the function makes of it.
pub(crate) async fn raw_http2(
    tls: Option<ServerConfig>,
    answer: impl Fn(SendResponse<Bytes>) + Clone + Send + 'static,
) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (answer, tls) = (answer.clone(), tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => answer_all(stream, answer).await,
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => answer_all(stream, answer).await,
                        Err(_refused) => {}
                    },
                }
            });
        }
    });
    address
}

async fn answer_all<S>(stream: S, answer: impl Fn(SendResponse<Bytes>))
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // Who does not like our certificate says so here.
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    while let Some(Ok((_, respond))) = connection.accept().await {
        answer(respond);
    }
}
