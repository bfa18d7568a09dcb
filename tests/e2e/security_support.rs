//! Certificates of the tests' own, and servers that ask for them.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    SanType,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::support::{Home, Server};

/// Whoever vouches for others.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, as text.
#[derive(Clone)]
pub(crate) struct Papers {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Vouches for a server on this machine.
    pub(crate) fn server(&self) -> Papers {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        self.sign(&CertificateParams::new(names).unwrap())
    }

    /// Vouches for a caller with this URI, or with none.
    pub(crate) fn caller(&self, uri: Option<&str>) -> Papers {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let uri = uri.map(|uri| SanType::URI(Ia5String::try_from(uri).unwrap()));
        params.subject_alt_names.extend(uri);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Papers {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Papers {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

/// The files of a server that knows its callers.
pub(crate) struct Files {
    folder: PathBuf,
}

impl Files {
    /// Writes them below a home: a certificate, the callers' authority, and who may call what.
    pub(crate) fn write(home: &Home, authority: &Authority, callers: &str) -> Self {
        let folder = home.data().parent().unwrap().join("certificates");
        std::fs::create_dir_all(&folder).unwrap();
        let files = Self { folder };
        files.show(&authority.server());
        files.put("ca.pem", &authority.pem());
        files.put("callers.toml", callers);
        files
    }

    /// Puts another certificate in the place of the server's, each file whole.
    pub(crate) fn show(&self, papers: &Papers) {
        self.put("server.pem", &papers.certificate);
        self.put("server.key", &papers.key);
    }

    /// Puts a file in the place of another.
    pub(crate) fn put(&self, name: &str, text: &str) {
        let new = self.folder.join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path(name)).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// The arguments of a server that asks for certificates on all its listeners.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--callers".to_owned(), self.text("callers.toml")];
        for listener in ["", "admin-", "metrics-"] {
            for (flag, file) in [
                ("tls-cert", "server.pem"),
                ("tls-key", "server.key"),
                ("client-ca", "ca.pem"),
            ] {
                arguments.extend([format!("--{listener}{flag}"), self.text(file)]);
            }
        }
        arguments
    }
}

/// Starts a server that knows its callers.
pub(crate) fn start(authority: &Authority, callers: &str) -> (Server, Files) {
    let home = Home::new();
    let files = Files::write(&home, authority, callers);
    let arguments = files.arguments();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    (Server::start_in(home, &arguments), files)
}

/// One who trusts that authority, and shows these papers.
pub(crate) async fn connect(
    address: &str,
    authority: &Authority,
    papers: Option<&Papers>,
) -> Result<Channel, tonic::transport::Error> {
    let mut tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority.pem()))
        .domain_name("localhost");
    if let Some(Papers { certificate, key }) = papers {
        tls = tls.identity(Identity::from_pem(certificate, key));
    }
    let address = address.replace("http://", "https://");
    let endpoint = Endpoint::from_shared(address)?.tls_config(tls)?;
    endpoint.connect().await
}

/// What one who shows these papers is told when it scrapes, head included.
pub(crate) async fn scrape(address: &str, authority: &Authority, papers: &Papers) -> String {
    let config = {
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap();
        roots.add(root).unwrap();
        let chain = CertificateDer::from_pem_slice(papers.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(papers.key.as_bytes()).unwrap();
        ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![chain], key)
            .unwrap()
    };
    let stream = TcpStream::connect(address.trim_start_matches("http://"))
        .await
        .unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let mut page = String::new();
    // One who is not taken, or does not trust the server, reads nothing.
    if let Ok(mut stream) = connector.connect(name, stream).await {
        let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let _ = stream.read_to_string(&mut page).await;
    }
    page
}
