//! HTTP/2 as a load generator needs it: calls of a few hundred bytes, very many of them.
//!
//! A general client keeps a state machine, a queue, a window and a waker for each stream behind a lock.
//! Here a call is some bytes put behind each other in one buffer, and an answer is some bytes read
//! out of another; what is kept of a call is its number. Frames are read and written here; header
//! compression is a library's. Decision 0021 has the figures that this rests on.

pub(crate) mod connection;
mod flow;
mod frame;
mod head;
mod incoming;
mod socket;
mod status;

pub(crate) use connection::{Broken, Connection, Told};
pub(crate) use head::Heads;
pub(crate) use socket::Socket;
pub(crate) use status::HeadMeaning;
