//! Certificates for one measurement: whoever starts a server for it vouches for both sides.
//!
//! They lie in the folder of that server and go with it. Nothing else trusts them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    SanType,
};

use crate::args::Place;
use crate::exit::Failure;
use crate::target::Address;
use crate::tls::TlsArgs;

/// Who the generator is, by its certificate.
const CALLER: &str = "spiffe://waika.test/loadgen";

/// What it may call: everything.
const CALLERS: &str = r#"[[caller]]
id = "spiffe://waika.test/loadgen"
may = ["waika.v1.AuthorisationService/*", "waika.v1.CardService/*", "waika.v1.AdminService/*"]
"#;

/// The files of an authority, a server and its only caller.
#[derive(Debug)]
pub(crate) struct Certificates {
    folder: PathBuf,
}

/// Certificates that could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    /// There is none of this form.
    #[error("cannot make certificates: {0}")]
    Make(#[from] rcgen::Error),
    /// They cannot be kept.
    #[error("cannot write certificates: {0}")]
    Write(#[from] std::io::Error),
}

impl Certificates {
    /// Makes them in a folder of their own below this one.
    pub(crate) fn make(below: &Path) -> Result<Self, CertificateError> {
        let made = Self {
            folder: below.join("certificates"),
        };
        std::fs::create_dir(&made.folder)?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        std::fs::write(made.file("ca.pem"), authority.pem())?;
        std::fs::write(made.file("callers.toml"), CALLERS)?;
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        made.sign("server", &CertificateParams::new(names)?, &authority)?;
        let mut params = CertificateParams::new(Vec::new())?;
        let id = SanType::URI(Ia5String::try_from(CALLER)?);
        params.subject_alt_names.push(id);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        made.sign("client", &params, &authority)?;
        Ok(made)
    }

    fn sign(
        &self,
        name: &str,
        params: &CertificateParams,
        authority: &CertifiedIssuer<'_, KeyPair>,
    ) -> Result<(), CertificateError> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, authority)?;
        std::fs::write(self.file(&format!("{name}.pem")), certificate.pem())?;
        std::fs::write(self.file(&format!("{name}.key")), key.serialize_pem())?;
        Ok(())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The arguments of a server that asks its callers and its operators for certificates.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let flags = [
            ("--callers", "callers.toml"),
            ("--tls-cert", "server.pem"),
            ("--tls-key", "server.key"),
            ("--client-ca", "ca.pem"),
            ("--admin-tls-cert", "server.pem"),
            ("--admin-tls-key", "server.key"),
            ("--admin-client-ca", "ca.pem"),
        ];
        flags
            .into_iter()
            .flat_map(|(flag, name)| [flag.into(), self.file(name).into_os_string()])
            .collect()
    }

    /// How that server is reached at these addresses.
    pub(crate) fn place(&self, target: &Address, admin: &Address) -> Result<Place, Failure> {
        let papers = TlsArgs {
            tls_ca: Some(self.file("ca.pem")),
            tls_cert: Some(self.file("client.pem")),
            tls_key: Some(self.file("client.key")),
            ..TlsArgs::default()
        };
        papers.place(&target.over_tls(), &admin.over_tls())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Protection;

    #[test]
    fn both_sides_have_what_they_need() {
        let folder = tempfile::tempdir().unwrap();
        let made = Certificates::make(folder.path()).unwrap();
        for argument in made.arguments().iter().skip(1).step_by(2) {
            assert!(Path::new(argument).is_file(), "{argument:?}");
        }
        let address = |text: &str| text.parse().unwrap();
        let there = address("http://127.0.0.1:1");
        let place = made.place(&there, &there).unwrap();
        assert_eq!(place.target.to_string(), "https://127.0.0.1:1");
        assert_eq!(place.target.protection(), Protection::MutualTls);
        assert_eq!(place.admin.protection(), Protection::MutualTls);
        assert!(CALLERS.contains(CALLER));
    }
}
