//! The certificates by which partners are known, and by which we are known to them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::listening::HTTP2;
use super::pem;
use super::reader::Reader;

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
    pem::roots(file)
        .map_err(|what| reader.mistake("partner-ca", what))
        .ok()
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
    let chain = pem::certificates(chain).map_err(|what| reader.mistake("partner-cert", what));
    let key = pem::private_key(key).map_err(|what| reader.mistake("partner-key", what));
    let (Ok(chain), Ok(key)) = (chain, key) else {
        return None;
    };
    Some(Some((chain, key)))
}

#[expect(clippy::option_option, reason = "it ends what has this result")]
fn one_alone(reader: &mut Reader<'_>, given: &str, missing: &str) -> Option<Option<Identity>> {
    let what = format_args!("is of no use without --{missing}: give both or neither");
    reader.mistake(given, what);
    None
}
