//! Pure: what a failure of TLS means, and what mends it.

use std::io;

use tokio_rustls::rustls::{AlertDescription, CertificateError, Error};

use super::Tls;

/// Why TLS does not come about. Shown as what follows the server's address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TlsTrouble {
    /// Nobody whom we trust vouches for the server.
    #[error(
        "shows a certificate that nobody trusted here vouches for: give its authority's with --tls-ca"
    )]
    Untrusted,
    /// Its certificate is another server's.
    #[error(
        "shows a certificate that is not for {0}: reach it by a name that it is for, or give one with --tls-name"
    )]
    OtherName(String),
    /// Its certificate does not hold today.
    #[error(
        "shows a certificate that has expired, or does not hold yet: is this machine's clock right?"
    )]
    OtherTime,
    /// Its certificate is refused for another reason.
    #[error("shows a certificate that cannot be taken: {0}")]
    Refused(String),
    /// It wants to know who calls.
    #[error(
        "asks callers for a certificate: give one with --tls-cert and --tls-key (or --admin-tls-cert and --admin-tls-key)"
    )]
    WantsCertificate,
    /// It does not take what it was shown.
    #[error(
        "does not take the certificate that it was shown ({0}): is it of an authority that the server knows, and does it \
         still hold?"
    )]
    NotTaken(String),
    /// It speaks something else within.
    #[error("does not speak HTTP/2 within TLS: is it a gRPC port?")]
    NotHttp2,
    /// It answers in something else.
    #[error("does not speak TLS: is it an http:// server?")]
    NotTls,
    /// It hung up on the way.
    #[error("hangs up before TLS has begun: is it an https:// server?")]
    HungUp,
    /// Something else.
    #[error("cannot be spoken to over TLS: {0}")]
    Other(String),
}

impl TlsTrouble {
    /// What an error of a socket with TLS over it means; `None` if it is not TLS that fails.
    pub(crate) fn of(error: &io::Error, tls: &Tls) -> Option<Self> {
        let error = error.get_ref()?.downcast_ref::<Error>()?;
        Some(Self::told_by(error, tls))
    }

    fn told_by(error: &Error, tls: &Tls) -> Self {
        match error {
            Error::InvalidCertificate(refused) => match refused {
                CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::Untrusted,
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => Self::OtherName(tls.name()),
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => Self::OtherTime,
                other => Self::Refused(other.to_string()),
            },
            Error::AlertReceived(alert) => Self::alerted(*alert, tls),
            Error::NoApplicationProtocol => Self::NotHttp2,
            Error::InvalidMessage(_) => Self::NotTls,
            other => Self::Other(other.to_string()),
        }
    }

    /// What a server says before it hangs up. Those of TLS 1.2 have no alert of their own for a
    /// certificate that is missing.
    fn alerted(alert: AlertDescription, tls: &Tls) -> Self {
        match alert {
            AlertDescription::NoApplicationProtocol => Self::NotHttp2,
            AlertDescription::CertificateRequired => Self::WantsCertificate,
            AlertDescription::HandshakeFailure | AlertDescription::BadCertificate
                if !tls.shows_certificate() =>
            {
                Self::WantsCertificate
            }
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError => Self::NotTaken(format!("{alert:?}")),
            other => Self::Other(format!("it says {other:?}")),
        }
    }
}
