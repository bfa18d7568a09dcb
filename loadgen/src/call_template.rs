//! Pure: what the heads of all calls of a run have in common.

use std::time::Duration;

use crate::errand::Rpc;
use crate::http2::Heads;
use crate::target::Target;

/// What every call of a run has in its head.
#[derive(Debug)]
pub(crate) struct CallTemplate {
    authority: String,
    timeout: String,
    is_tls: bool,
}

impl CallTemplate {
    /// Heads for calls at `target`, which the server shall give up after `deadline`. A stream has
    /// no deadline: it lasts as long as the run.
    pub(crate) fn new(target: &Target, deadline: Duration) -> Self {
        Self {
            authority: target.authority(),
            timeout: timeout_header(deadline),
            is_tls: target.address().is_tls(),
        }
    }

    /// The heads for one connection.
    pub(crate) fn heads(&self) -> Heads {
        let agent = concat!("waika-loadgen/", env!("CARGO_PKG_VERSION"));
        let heads = Heads::new(&self.authority, path(Rpc::Authorise), &self.timeout, agent);
        if self.is_tls { heads.over_tls() } else { heads }
    }
}

/// The path of a call.
pub(crate) fn path(rpc: Rpc) -> &'static str {
    match rpc {
        Rpc::Authorise => "/waika.v1.AuthorisationService/Authorise",
        Rpc::Reverse => "/waika.v1.AuthorisationService/Reverse",
        Rpc::Settle => "/waika.v1.AuthorisationService/Settle",
        Rpc::Refund => "/waika.v1.AuthorisationService/Refund",
        Rpc::CreatePaymentCode => "/waika.v1.CardService/CreatePaymentCode",
        Rpc::SendPhoneCode => "/waika.v1.CardService/SendPhoneCode",
        Rpc::Bind => "/waika.v1.CardService/Bind",
        Rpc::Unbind => "/waika.v1.CardService/Unbind",
    }
}

/// Path of the stream of payments.
pub(crate) const STREAM_PATH: &str = "/waika.v1.AuthorisationService/AuthoriseStream";

/// gRPC allows eight digits and a unit.
fn timeout_header(deadline: Duration) -> String {
    let micros = deadline.as_micros().max(1);
    if micros < 100_000_000 {
        format!("{micros}u")
    } else {
        format!("{}m", (micros / 1_000).min(99_999_999))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_fit_the_header() {
        let check = |deadline: Duration, expected: &str| {
            assert_eq!(timeout_header(deadline), expected);
        };
        check(Duration::from_secs(1), "1000000u");
        check(Duration::from_secs(200), "200000m");
        check(Duration::from_nanos(1), "1u");
        check(Duration::from_secs(10_000_000), "99999999m");
    }
}
