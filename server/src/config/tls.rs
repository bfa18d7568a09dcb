//! What a listener is known by, and whose certificates it takes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, ServerConfig};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::partners::shown;
use super::pem;
use crate::clock;

/// The files of one listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate that callers are shown, with its chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The roots of callers' certificates; None where callers need none.
    pub client_ca: Option<PathBuf>,
}

impl TlsFiles {
    /// All that are given.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Path> {
        let files = [
            Some(&self.certificate),
            Some(&self.key),
            self.client_ca.as_ref(),
        ];
        files.into_iter().flatten().map(PathBuf::as_path)
    }
}

/// What was read from them.
#[derive(Debug, Clone)]
pub struct LoadedTls {
    /// How connections begin.
    pub config: Arc<ServerConfig>,
    /// When the certificate ends, in seconds since 1970.
    pub expires_at: i64,
}

/// Which file is wrong, and what mends it.
#[derive(Debug)]
pub(crate) struct TlsMistake {
    pub(crate) at: TlsFile,
    pub(crate) what: String,
}

/// One of a listener's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsFile {
    Certificate,
    Key,
    ClientCa,
}

impl TlsMistake {
    fn at(at: TlsFile) -> impl Fn(String) -> Self {
        move |what| Self { at, what }
    }
}

/// Reads a listener's files. `protocol` is its name in TLS (ALPN).
pub(crate) fn load(files: &TlsFiles, protocol: &[u8]) -> Result<LoadedTls, TlsMistake> {
    let chain =
        pem::certificates(&files.certificate).map_err(TlsMistake::at(TlsFile::Certificate))?;
    let expires_at =
        expiry(&chain, &files.certificate).map_err(TlsMistake::at(TlsFile::Certificate))?;
    let key = pem::private_key(&files.key).map_err(TlsMistake::at(TlsFile::Key))?;
    let provider = Arc::new(ring::default_provider());
    let not_made = |error: rustls::Error| TlsMistake {
        at: TlsFile::Certificate,
        what: format!("{} cannot be used: {error}", shown(&files.certificate)),
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(not_made)?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let at = TlsMistake::at(TlsFile::ClientCa);
            let roots = Arc::new(pem::roots(file).map_err(&at)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            let refused = |error| at(format!("{} cannot be used: {error}", shown(file)));
            builder.with_client_cert_verifier(verifier.map_err(refused)?)
        }
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| TlsMistake {
            at: TlsFile::Key,
            what: format!(
                "{} is not the key of the certificate: {error}",
                shown(&files.key)
            ),
        })?;
    config.alpn_protocols = vec![protocol.to_vec()];
    // A session that is taken up again is not checked against the roots of today.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(LoadedTls {
        config: Arc::new(config),
        expires_at,
    })
}

/// When the first of a chain ends; one that has ended already is a mistake.
fn expiry(chain: &[CertificateDer<'_>], file: &Path) -> Result<i64, String> {
    let first = chain
        .first()
        .and_then(|first| X509Certificate::from_der(first).ok());
    let Some((_, certificate)) = first else {
        return Err(format!(
            "{} holds a certificate that cannot be read",
            shown(file)
        ));
    };
    let until = certificate.validity().not_after;
    if until.timestamp() <= clock::machine().unix_ms() / 1_000 {
        return Err(format!(
            "{} has expired ({until}): name one that holds",
            shown(file)
        ));
    }
    Ok(until.timestamp())
}
