//! What the server calls: gRPC over connections of its own.
//!
//! It stands on h2 itself and not on tonic's channel, which costs twice as much processor time a
//! call: `docs/decisions/0017-calls-to-the-outside.md` has the figures. Nothing is sent twice here.
//! A connection that is gone is made again by itself, and a call finds out at once that there is none.

mod connection;
mod failed;
mod identity_verifier;
mod line;
#[cfg(test)]
mod line_tests;
mod ports;
mod questions;
mod sms_gateway;
#[cfg(test)]
pub(crate) mod testing;
mod unary;
mod upload;

pub(crate) use self::failed::CallFailed;
pub(crate) use self::identity_verifier::{IdentityAsked, IdentityVerifier, PhotoUpload};
pub(crate) use self::line::{Line, Standing};
pub(crate) use self::ports::Ports;
pub(crate) use self::questions::NoAnswer;
pub(crate) use self::sms_gateway::{CodeMessage, SmsGateway};
pub(crate) use self::unary::{Method, frame, secret_frame};
