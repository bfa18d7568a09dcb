//! How to get in at a server, on the command line.

use std::path::{Path, PathBuf};

use clap::Args;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, RootCertStore};

use super::Tls;
use super::papers::{self, Papers};
use crate::args::Place;
use crate::exit::Failure;
use crate::target::{Address, Target};

/// What https:// servers are known by, and what they are shown.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct TlsArgs {
    /// PEM file of the roots that vouch for https:// servers; this machine's own if not given
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// PEM file of the certificate, with its chain, for servers that ask their callers for one
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// PEM file of that certificate's private key
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Name that servers' certificates must be for; the host in their URL if not given
    #[arg(long, value_name = "NAME", value_parser = server_name)]
    pub(crate) tls_name: Option<ServerName<'static>>,
    /// PEM file of the certificate for the administrative listener; that of --tls-cert if not given
    #[arg(long, value_name = "FILE", requires = "admin_tls_key")]
    pub(crate) admin_tls_cert: Option<PathBuf>,
    /// PEM file of that certificate's private key
    #[arg(long, value_name = "FILE", requires = "admin_tls_cert")]
    pub(crate) admin_tls_key: Option<PathBuf>,
}

fn server_name(text: &str) -> Result<ServerName<'static>, String> {
    let name = ServerName::try_from(text.to_owned());
    name.map_err(|_| "must be a host's name or an IP address".to_owned())
}

/// Two flags, and the files that they name.
type Pair<'a> = [(&'static str, Option<&'a Path>); 2];

impl TlsArgs {
    /// Where a server is, whose public and administrative listener have these addresses.
    pub(crate) fn place(&self, target: &Address, admin: &Address) -> Result<Place, Failure> {
        self.check_use(target, admin)?;
        let callers = [
            ("--tls-cert", self.tls_cert.as_deref()),
            ("--tls-key", self.tls_key.as_deref()),
        ];
        let operators = match &self.admin_tls_cert {
            None => callers,
            Some(certificate) => [
                ("--admin-tls-cert", Some(certificate.as_path())),
                ("--admin-tls-key", self.admin_tls_key.as_deref()),
            ],
        };
        Ok(Place {
            target: self.reach(target, callers)?,
            admin: self.reach(admin, operators)?,
        })
    }

    /// Refuses what would be passed over in silence: someone could take a run in clear text for one
    /// over TLS.
    fn check_use(&self, target: &Address, admin: &Address) -> Result<(), Failure> {
        let anywhere = target.is_tls() || admin.is_tls();
        let given = [
            ("--tls-ca", self.tls_ca.is_some(), anywhere),
            ("--tls-cert", self.tls_cert.is_some(), anywhere),
            ("--tls-name", self.tls_name.is_some(), anywhere),
            (
                "--admin-tls-cert",
                self.admin_tls_cert.is_some(),
                admin.is_tls(),
            ),
        ];
        match given
            .iter()
            .find(|(_, is_given, is_used)| *is_given && !is_used)
        {
            None => Ok(()),
            Some((flag, ..)) => {
                let address = if flag.starts_with("--admin") {
                    admin
                } else {
                    target
                };
                Err(Failure::Usage(format!(
                    "{flag} is of no use with {address}: write {} if TLS is spoken there",
                    address.over_tls()
                )))
            }
        }
    }

    fn reach(&self, address: &Address, pair: Pair<'_>) -> Result<Target, Failure> {
        if let Some(plain) = Target::plain(address.clone()) {
            return Ok(plain);
        }
        let name = match &self.tls_name {
            Some(name) => name.clone(),
            None => server_name(address.host())
                .map_err(|what| Failure::Usage(format!("the host of {address} {what}")))?,
        };
        let papers = papers_of(pair)?;
        let certificate = pair.map(|(_, file)| file);
        Tls::new(self.roots()?, papers, name)
            .map(|tls| Target::secure(address, tls))
            .map_err(|error| Failure::Usage(unusable(&error, certificate)))
    }

    fn roots(&self) -> Result<RootCertStore, Failure> {
        match &self.tls_ca {
            None => papers::roots_of_this_machine().map_err(Failure::Usage),
            Some(file) => {
                papers::roots(file).map_err(|what| Failure::Usage(format!("--tls-ca {what}")))
            }
        }
    }
}

fn papers_of([certificate, key]: Pair<'_>) -> Result<Option<Papers>, Failure> {
    let ((cert_flag, Some(cert_file)), (key_flag, Some(key_file))) = (certificate, key) else {
        return Ok(None);
    };
    let of = |flag: &'static str| move |what: String| Failure::Usage(format!("{flag} {what}"));
    Ok(Some(Papers {
        chain: papers::certificates(cert_file).map_err(of(cert_flag))?,
        key: papers::private_key(key_file).map_err(of(key_flag))?,
    }))
}

/// Files that can be read, and are of no use together.
fn unusable(error: &rustls::Error, files: [Option<&Path>; 2]) -> String {
    match (error, files) {
        (rustls::Error::InconsistentKeys(_), [Some(certificate), Some(key)]) => format!(
            "{} is not the key of the certificate in {}: name the two files that were made together",
            key.display(),
            certificate.display()
        ),
        (_, [Some(certificate), _]) => {
            format!("{} cannot be used: {error}", certificate.display())
        }
        (_, [None, _]) => format!("TLS cannot be begun: {error}"),
    }
}

#[cfg(test)]
mod tests;
