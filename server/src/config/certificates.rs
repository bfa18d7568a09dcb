//! The certificates by which partners are known, and by which we are known to them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use super::partners::shown;
use super::reader::Reader;

/// The protocol that partners speak, by its name in TLS (ALPN).
const HTTP2: &[u8] = b"h2";

/// The files that were named.
pub(super) struct Given {
    pub(super) roots: Option<PathBuf>,
    pub(super) chain: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
}

/// Who we are to partners.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Reads every file that was named, whether it is needed or not, so that a bad one is found now.
/// The outer None is a mistake, the inner one that nobody is called over TLS.
#[expect(
    clippy::option_option,
    reason = "wrong and not needed are different things"
)]
pub(super) fn read(
    reader: &mut Reader<'_>,
    given: &Given,
    needed: bool,
) -> Option<Option<Arc<ClientConfig>>> {
    let roots = match &given.roots {
        Some(file) => read_roots(reader, file).map(Some),
        None if needed => machine_roots(reader).map(Some),
        None => Some(None),
    };
    let identity = read_identity(reader, given);
    let (roots, identity) = (roots?, identity?);
    let Some(roots) = roots else {
        return Some(None);
    };
    match client_config(roots, identity) {
        Ok(config) => Some(Some(Arc::new(config))),
        Err(error) => {
            let what = format_args!("is not the key of the certificate in --partner-cert: {error}");
            reader.mistake("partner-key", what);
            None
        }
    }
}

/// Fails if a key is not its certificate's.
pub(crate) fn client_config(
    roots: RootCertStore,
    identity: Option<Identity>,
) -> Result<ClientConfig, tokio_rustls::rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![HTTP2.to_vec()];
    Ok(config)
}

fn read_roots(reader: &mut Reader<'_>, file: &Path) -> Option<RootCertStore> {
    let flag = "partner-ca";
    let certificates = read_certificates(reader, flag, file)?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        if let Err(error) = roots.add(certificate) {
            let what = format_args!(
                "{} holds a certificate that cannot be a root ({error}): name a PEM file of CA \
                 certificates",
                shown(file)
            );
            reader.mistake(flag, what);
            return None;
        }
    }
    Some(roots)
}

/// The roots that the machine trusts, as its own programs do.
fn machine_roots(reader: &mut Reader<'_>) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let what = "is missing, and this machine has no roots of its own that could vouch for an \
                    https:// partner: name a PEM file of CA certificates";
        reader.mistake("partner-ca", what);
        return None;
    }
    Some(roots)
}

/// The outer None is a mistake, the inner one that we show nothing.
#[expect(
    clippy::option_option,
    reason = "wrong and not given are different things"
)]
fn read_identity(reader: &mut Reader<'_>, given: &Given) -> Option<Option<Identity>> {
    let (chain, key) = match (&given.chain, &given.key) {
        (None, None) => return Some(None),
        (Some(chain), Some(key)) => (chain, key),
        (Some(_), None) => return one_alone(reader, "partner-cert", "partner-key"),
        (None, Some(_)) => return one_alone(reader, "partner-key", "partner-cert"),
    };
    let chain = read_certificates(reader, "partner-cert", chain);
    let key = read_key(reader, key);
    Some(Some((chain?, key?)))
}

#[expect(clippy::option_option, reason = "it ends what has this result")]
fn one_alone(reader: &mut Reader<'_>, given: &str, missing: &str) -> Option<Option<Identity>> {
    let what = format_args!("is of no use without --{missing}: give both or neither");
    reader.mistake(given, what);
    None
}

fn read_certificates(
    reader: &mut Reader<'_>,
    flag: &str,
    file: &Path,
) -> Option<Vec<CertificateDer<'static>>> {
    let text = read_file(reader, flag, file)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let certificates = certificates.unwrap_or_default();
    if certificates.is_empty() {
        let what = format_args!(
            "{} holds no certificate, or a damaged one: name a file with PEM blocks that begin \
             with BEGIN CERTIFICATE",
            shown(file)
        );
        reader.mistake(flag, what);
        return None;
    }
    Some(certificates)
}

fn read_key(reader: &mut Reader<'_>, file: &Path) -> Option<PrivateKeyDer<'static>> {
    let flag = "partner-key";
    let text = read_file(reader, flag, file)?;
    let key = PrivateKeyDer::from_pem_slice(&text).ok();
    if key.is_none() {
        let what = format_args!(
            "{} holds no private key without a passphrase: name a file with a PEM block that \
             begins with BEGIN PRIVATE KEY",
            shown(file)
        );
        reader.mistake(flag, what);
    }
    key
}

fn read_file(reader: &mut Reader<'_>, flag: &str, file: &Path) -> Option<Zeroizing<Vec<u8>>> {
    match std::fs::read(file) {
        Ok(text) => Some(Zeroizing::new(text)),
        Err(error) => {
            let what = format_args!(
                "{} cannot be read ({error}): name a PEM file that this user may read",
                shown(file)
            );
            reader.mistake(flag, what);
            None
        }
    }
}
