//! Certificates and keys in PEM files. Each mistake names the file and what mends it.

use std::path::Path;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::partners::shown;

/// The certificates of those who may vouch for others.
pub(crate) fn roots(file: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| {
            format!(
                "{} holds a certificate that cannot be a root ({error}): name a PEM file of CA \
                 certificates",
                shown(file)
            )
        })?;
    }
    Ok(roots)
}

/// A certificate with its chain, or several certificates.
pub(crate) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read(file)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(format!(
            "{} holds no certificate, or a damaged one: name a file with PEM blocks that begin \
             with BEGIN CERTIFICATE",
            shown(file)
        )),
    }
}

/// A private key.
pub(crate) fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let text = read(file)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
        format!(
            "{} holds no private key without a passphrase: name a file with a PEM block that \
             begins with BEGIN PRIVATE KEY",
            shown(file)
        )
    })
}

fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let text = std::fs::read(file);
    text.map(Zeroizing::new).map_err(|error| {
        format!(
            "{} cannot be read ({error}): name a PEM file that this user may read",
            shown(file)
        )
    })
}
