//! The issuer port: whoever answers for a card. Here it is the sandbox inside the process.

mod sandbox;

pub(crate) use sandbox::SandboxIssuer;
