//! Where a server is, on the command line.

use clap::Args;

use crate::exit::Failure;
use crate::target::{Address, Target};
use crate::tls::TlsArgs;

/// Where the server is.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlaceArgs {
    /// The server's public listener
    #[arg(long, default_value = "http://127.0.0.1:50051", value_name = "URL")]
    pub(crate) target: Address,
    /// The server's administrative listener, for merchants and reviews
    #[arg(long, default_value = "http://127.0.0.1:50052", value_name = "URL")]
    pub(crate) admin: Address,
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
}

impl PlaceArgs {
    /// The same with all that is needed to connect.
    pub(crate) fn place(&self) -> Result<Place, Failure> {
        self.tls.place(&self.target, &self.admin)
    }
}

/// Where a server is, and how one gets in there.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Its public listener.
    pub(crate) target: Target,
    /// Its administrative listener.
    pub(crate) admin: Target,
}
