//! Roots, certificates and keys in PEM files. Each mistake names the file and what mends it, and
//! nothing of what is in it.

use std::path::Path;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate with its chain, and its private key.
pub(super) struct Papers {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// Those who vouch for servers on this machine's behalf.
pub(super) fn roots_of_this_machine() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (taken, _) = roots.add_parsable_certificates(found.certs);
    if taken == 0 {
        return Err(
            "this machine has no roots that vouch for servers: give a PEM file with --tls-ca"
                .to_owned(),
        );
    }
    Ok(roots)
}

/// Those in a file.
pub(super) fn roots(file: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| {
            format!(
                "{} holds a certificate that can be no root ({error}): name the authority's, not the server's",
                file.display()
            )
        })?;
    }
    Ok(roots)
}

/// A certificate with its chain, or several certificates.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read(file)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(format!(
            "{} has no whole certificate in it: a PEM file is wanted, with BEGIN CERTIFICATE",
            file.display()
        )),
    }
}

/// A private key.
pub(super) fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let text = read(file)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
        format!(
            "{} has no whole private key in it: a PEM file without a passphrase is wanted, with BEGIN PRIVATE KEY",
            file.display()
        )
    })
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))
}
