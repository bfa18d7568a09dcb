//! Finding out who answers where a waika-server was expected, so that the user is told.

use std::fmt;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::transport::Channel;

use crate::connect::{self, ConnectError};
use crate::target::{Address, Target};
use crate::tls;
use crate::tls::trouble::TlsTrouble;

/// The longest that a stranger may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where Waika's callers are served.
const FOR_CALLERS: &str = "waika.v1.AuthorisationService";

/// Where its operators are.
const FOR_OPERATORS: &str = "waika.v1.AdminService";

/// Somebody who is not the public listener of a waika-server. Shown as what follows its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// The other listener of a waika-server.
    Operators,
    /// Serves gRPC, and tells what.
    Serves(Vec<String>),
    /// Serves gRPC, and does not tell.
    Silent,
    /// Serves the older HTTP.
    Http1,
    /// Speaks TLS, and was called in clear text.
    Tls {
        /// As it is to be called.
        address: Address,
    },
    /// Speaks in clear text, and was called over TLS.
    ClearText {
        /// As it is to be called.
        address: Address,
    },
}

impl fmt::Display for Stranger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operators => formatter.write_str(
                "is the administrative listener of a waika-server (AdminService): use it as --admin, \
                 and the server's public listener as --target",
            ),
            Self::Serves(names) if names.is_empty() => {
                formatter.write_str("is no Waika: by reflection it serves nothing")
            }
            Self::Serves(names) => {
                write!(formatter, "is no Waika: by reflection it serves {}", listed(names))
            }
            Self::Silent => formatter.write_str(
                "is no Waika: it does not know Authorise, and has no reflection either",
            ),
            Self::Http1 => formatter.write_str("speaks HTTP/1.1, not gRPC"),
            Self::Tls { address } => write!(
                formatter,
                "speaks TLS, and was called in clear text: write {address}, and --tls-ca if its authority is not one of \
                 this machine's"
            ),
            Self::ClearText { address } => {
                write!(formatter, "speaks in clear text, and was called over TLS: write {address}")
            }
        }
    }
}

/// The first few of them.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN).map(|name| presentable(name));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What a stranger calls itself, without what could confuse a terminal.
fn presentable(name: &str) -> String {
    const LONGEST: usize = 100;
    name.chars()
        .filter(char::is_ascii_graphic)
        .take(LONGEST)
        .collect()
}

/// Who it is that answers gRPC on `channel`, by its own account. `None` if it says that it serves
/// callers of Waika, or if it says nothing and `knows` what it was asked for.
pub(crate) async fn by_reflection(channel: Channel, knows: bool) -> Option<Stranger> {
    let services = tokio::time::timeout(PATIENCE, services(channel)).await;
    let Some(mut services) = services.ok().flatten() else {
        return (!knows).then_some(Stranger::Silent);
    };
    if services.iter().any(|name| name == FOR_CALLERS) {
        return None;
    }
    if services.iter().any(|name| name == FOR_OPERATORS) {
        return Some(Stranger::Operators);
    }
    services.retain(|name| !name.starts_with("grpc.reflection."));
    services.sort_unstable();
    Some(Stranger::Serves(services))
}

/// The names that the server's reflection lists; `None` if it has none.
async fn services(channel: Channel) -> Option<Vec<String>> {
    match services_v1(channel.clone()).await {
        Some(names) => Some(names),
        None => services_v1alpha(channel).await,
    }
}

/// Asks one version of reflection. Both have the same form and share no types.
macro_rules! list_services {
    ($version:ident, $channel:expr) => {{
        use tonic_reflection::pb::$version::ServerReflectionRequest;
        use tonic_reflection::pb::$version::server_reflection_client::ServerReflectionClient;
        use tonic_reflection::pb::$version::server_reflection_request::MessageRequest;
        use tonic_reflection::pb::$version::server_reflection_response::MessageResponse;

        let request = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let mut client = ServerReflectionClient::new($channel);
        let answers = client.server_reflection_info(tokio_stream::once(request));
        let answer = answers.await.ok()?.into_inner().message().await.ok()??;
        match answer.message_response? {
            MessageResponse::ListServicesResponse(list) => Some(
                list.service
                    .into_iter()
                    .map(|service| service.name)
                    .collect(),
            ),
            _ => None,
        }
    }};
}

async fn services_v1(channel: Channel) -> Option<Vec<String>> {
    list_services!(v1, channel)
}

async fn services_v1alpha(channel: Channel) -> Option<Vec<String>> {
    list_services!(v1alpha, channel)
}

/// Who it may be that did not come to HTTP/2 with us, if it can be told.
pub(crate) async fn behind(error: &ConnectError) -> Option<Stranger> {
    let target = match error {
        ConnectError::Unreachable { .. } | ConnectError::Silent { .. } => return None,
        ConnectError::NotHttp2 { target, .. } => target,
        ConnectError::Tls { target, trouble } => match trouble {
            TlsTrouble::NotTls | TlsTrouble::HungUp => target,
            TlsTrouble::Untrusted
            | TlsTrouble::OtherName(_)
            | TlsTrouble::OtherTime
            | TlsTrouble::Refused(_)
            | TlsTrouble::WantsCertificate
            | TlsTrouble::NotTaken(_)
            | TlsTrouble::NotHttp2
            | TlsTrouble::Other(_) => return None,
        },
    };
    if target.address().is_tls() {
        let address = target.address().in_clear_text();
        let plain = Target::plain(address.clone())?;
        if connect::greet(&plain).await.is_ok() {
            return Some(Stranger::ClearText { address });
        }
    } else if answers(target, Hello::Tls).await {
        let address = target.address().over_tls();
        return Some(Stranger::Tls { address });
    }
    answers(target, Hello::Http1)
        .await
        .then_some(Stranger::Http1)
}

/// What a stranger is greeted with, in clear text.
#[derive(Clone, Copy)]
enum Hello {
    Http1,
    Tls,
}

/// Whether it answers a greeting in kind.
async fn answers(target: &Target, hello: Hello) -> bool {
    let asked = tokio::time::timeout(PATIENCE, answers_in_kind(target, hello)).await;
    matches!(asked, Ok(Ok(true)))
}

async fn answers_in_kind(target: &Target, hello: Hello) -> std::io::Result<bool> {
    let authority = target.authority();
    let mut socket = TcpStream::connect(&authority).await?;
    let greeting = match hello {
        Hello::Http1 => {
            format!("OPTIONS * HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n")
                .into_bytes()
        }
        Hello::Tls => tls::hello(target.address().host()).map_err(std::io::Error::other)?,
    };
    socket.write_all(&greeting).await?;
    match hello {
        Hello::Http1 => Ok(read_some(&mut socket).await? == *b"HTTP/1."),
        // A record of TLS, whose first is of the handshake (22), or says what is wrong with ours (21).
        Hello::Tls => Ok(matches!(read_some(&mut socket).await?, [21 | 22, 3])),
    }
}

async fn read_some<const N: usize>(socket: &mut TcpStream) -> std::io::Result<[u8; N]> {
    let mut beginning = [0; N];
    socket.read_exact(&mut beginning).await?;
    Ok(beginning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_told_in_plain_words() {
        let check = |stranger: &Stranger, expected: &str| {
            assert_eq!(format!("http://there:1 {stranger}"), expected);
        };
        let serves = |names: &[&str]| Stranger::Serves(names.iter().map(|&n| n.into()).collect());
        check(
            &serves(&["helloworld.Greeter"]),
            "http://there:1 is no Waika: by reflection it serves helloworld.Greeter",
        );
        check(
            &serves(&["a.A", "b.B", "c.C", "d.D", "e.E", "f.F", "g.G"]),
            "http://there:1 is no Waika: by reflection it serves a.A, b.B, c.C, d.D, e.E and 2 more",
        );
        check(
            &serves(&["evil.\u{1b}[2JName\r\nX"]),
            "http://there:1 is no Waika: by reflection it serves evil.[2JNameX",
        );
        check(
            &serves(&[]),
            "http://there:1 is no Waika: by reflection it serves nothing",
        );
        check(&Stranger::Http1, "http://there:1 speaks HTTP/1.1, not gRPC");
        let address = |text: &str| text.parse().unwrap();
        check(
            &Stranger::Tls {
                address: address("https://there:1"),
            },
            "http://there:1 speaks TLS, and was called in clear text: write https://there:1, and --tls-ca if its authority \
             is not one of this machine's",
        );
        check(
            &Stranger::ClearText {
                address: address("http://there:1"),
            },
            "http://there:1 speaks in clear text, and was called over TLS: write http://there:1",
        );
        assert_eq!(presentable(&"long".repeat(50)).len(), 100);
    }
}
