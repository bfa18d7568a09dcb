//! Who calls, and what they may call.
//!
//! A caller is a SPIFFE id that a certificate proves, or a name that the mesh's own proxy tells. What it
//! may call stands in a file, which can change while calls go on.

mod allow_list;
mod callers_file;
mod forwarded;
mod pass;
mod rate;
mod spiffe;

pub(crate) use allow_list::{AllowList, Callers, METRICS, is_open_to_all};
pub(crate) use callers_file::read as read_callers;
pub use forwarded::IdentityHeader;
pub(crate) use pass::{Denied, Granted, Pass};
pub(crate) use spiffe::id_of_certificate;
