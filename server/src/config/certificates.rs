//! The certificates by which those whom we call are known, and by which we are known to them.

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

/// How the flags of those files are named.
pub(super) struct Names {
    pub(super) roots: &'static str,
    pub(super) chain: &'static str,
    pub(super) key: &'static str,
}

/// Who we are to those whom we call.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Reads every file that was named, whether it is needed or not, so that a bad one is found now.
/// The outer None is a mistake, the inner one that nobody is called over TLS.
#[expect(
    clippy::option_option,
    reason = "wrong and not needed are different things"
)]
pub(super) fn read(
    reader: &mut Reader<'_>,
    names: &Names,
    given: &Given,
    needed: bool,
) -> Option<Option<Arc<ClientConfig>>> {
    let roots = match &given.roots {
        Some(file) => read_roots(reader, names.roots, file).map(Some),
        None if needed => machine_roots(reader, names.roots).map(Some),
        None => Some(None),
    };
    let identity = read_identity(reader, names, given);
    let (roots, identity) = (roots?, identity?);
    let Some(roots) = roots else {
        return Some(None);
    };
    match client_config(roots, identity) {
        Ok(config) => Some(Some(Arc::new(config))),
        Err(error) => {
            let chain = names.chain;
            let what = format_args!("is not the key of the certificate in --{chain}: {error}");
            reader.mistake(names.key, what);
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

fn read_roots(reader: &mut Reader<'_>, flag: &str, file: &Path) -> Option<RootCertStore> {
    pem::roots(file)
        .map_err(|what| reader.mistake(flag, what))
        .ok()
}

/// The roots that the machine trusts, as its own programs do.
fn machine_roots(reader: &mut Reader<'_>, flag: &str) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let what = "is missing, and this machine has no roots of its own that could vouch for \
                    anybody: name a PEM file of CA certificates";
        reader.mistake(flag, what);
        return None;
    }
    Some(roots)
}

/// The outer None is a mistake, the inner one that we show nothing.
#[expect(
    clippy::option_option,
    reason = "wrong and not given are different things"
)]
fn read_identity(
    reader: &mut Reader<'_>,
    names: &Names,
    given: &Given,
) -> Option<Option<Identity>> {
    let (chain, key) = match (&given.chain, &given.key) {
        (None, None) => return Some(None),
        (Some(chain), Some(key)) => (chain, key),
        (Some(_), None) => return one_alone(reader, names.chain, names.key),
        (None, Some(_)) => return one_alone(reader, names.key, names.chain),
    };
    let chain = pem::certificates(chain).map_err(|what| reader.mistake(names.chain, what));
    let key = pem::private_key(key).map_err(|what| reader.mistake(names.key, what));
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
