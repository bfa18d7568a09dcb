//! Where a server listens, and who may come in there.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use super::reader::Reader;
use super::tls::{self, LoadedTls, TlsFile, TlsFiles};
use super::values::{self, Expected};
use super::{Addresses, Listening};
use crate::identity::{AllowList, IdentityHeader, read_callers};

/// The protocols of the listeners, by their names in TLS.
pub(crate) const HTTP2: &[u8] = b"h2";
pub(crate) const HTTP1: &[u8] = b"http/1.1";

/// Who may come in.
#[derive(Debug, Clone, Default)]
pub struct Security {
    /// TLS for merchants and wallets.
    pub rpc: Option<ListenerTls>,
    /// TLS for operators.
    pub admin: Option<ListenerTls>,
    /// TLS for Prometheus.
    pub metrics: Option<ListenerTls>,
    /// Which caller may call what; None where callers are not told apart.
    pub callers: Option<CallersFile>,
    /// What the mesh's proxy says is believed.
    pub proxy: Option<IdentityProxy>,
}

/// TLS of one listener.
#[derive(Debug, Clone)]
pub struct ListenerTls {
    /// The files, which are read again when they change.
    pub files: TlsFiles,
    /// What was in them.
    pub loaded: LoadedTls,
}

/// The file of callers.
#[derive(Debug, Clone)]
pub struct CallersFile {
    /// Where it is.
    pub file: PathBuf,
    /// What was in it.
    pub(crate) list: Arc<AllowList>,
}

/// Whose word is taken for who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityProxy {
    /// Where it says so.
    pub header: IdentityHeader,
    /// Where it calls from.
    pub addresses: Arc<[IpAddr]>,
}

/// The flags of one listener.
struct Flags {
    listen: &'static str,
    certificate: &'static str,
    key: &'static str,
    client_ca: &'static str,
}

const FLAGS: [Flags; 3] = [
    Flags {
        listen: "listen",
        certificate: "tls-cert",
        key: "tls-key",
        client_ca: "client-ca",
    },
    Flags {
        listen: "admin-listen",
        certificate: "admin-tls-cert",
        key: "admin-tls-key",
        client_ca: "admin-client-ca",
    },
    Flags {
        listen: "metrics-listen",
        certificate: "metrics-tls-cert",
        key: "metrics-tls-key",
        client_ca: "metrics-client-ca",
    },
];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Listening> {
    let insecure = reader.read_or("insecure-listen", false, values::switch);
    let addresses = FLAGS.map(|flags| reader.read(flags.listen, values::address));
    let files = FLAGS.map(|flags| read_files(reader, &flags));
    if insecure == Some(false) {
        for ((flags, address), files) in FLAGS.iter().zip(addresses).zip(&files) {
            if let (Some(address), Ok(files)) = (address, files) {
                check_exposed(reader, flags, address, files.as_ref());
            }
        }
    }
    check_ports(reader, addresses);
    let protocols = [HTTP2, HTTP2, HTTP1];
    let mut loaded = Vec::new();
    for ((flags, files), protocol) in FLAGS.iter().zip(files).zip(protocols) {
        loaded.push(files.and_then(|files| load(reader, flags, files, protocol)));
    }
    let has_client_ca = FLAGS
        .iter()
        .find(|flags| reader.text(flags.client_ca).is_some());
    let proxy = read_proxy(reader);
    let callers = read_callers_file(reader, has_client_ca);
    let [rpc_address, admin_address, metrics_address] = addresses;
    let mut loaded = loaded.into_iter();
    let mut next = || loaded.next()?.ok();
    let (rpc, admin, metrics) = (next(), next(), next());
    Some(Listening {
        addresses: Addresses {
            rpc: rpc_address?,
            admin: admin_address?,
            metrics: metrics_address?,
        },
        security: Security {
            rpc: rpc?,
            admin: admin?,
            metrics: metrics?,
            callers: callers.ok()?,
            proxy: proxy.ok()?,
        },
    })
}

/// A mistake that was noted.
struct Noted;

fn read_files(reader: &mut Reader<'_>, flags: &Flags) -> Result<Option<TlsFiles>, Noted> {
    let path = |flag| reader.text(flag).map(PathBuf::from);
    let (certificate, key) = (path(flags.certificate), path(flags.key));
    let client_ca = path(flags.client_ca);
    let (given, missing) = match (certificate, key) {
        (Some(certificate), Some(key)) => {
            return Ok(Some(TlsFiles {
                certificate,
                key,
                client_ca,
            }));
        }
        (Some(_), None) => (flags.certificate, flags.key),
        (None, Some(_)) => (flags.key, flags.certificate),
        (None, None) if client_ca.is_some() => (flags.client_ca, flags.certificate),
        (None, None) => return Ok(None),
    };
    let what = format_args!("is of no use without --{missing}: give it too, or neither");
    reader.mistake(given, what);
    Err(Noted)
}

/// Where other machines can come, nothing may be read on the way, and operators have to be known.
fn check_exposed(
    reader: &mut Reader<'_>,
    flags: &Flags,
    address: SocketAddr,
    files: Option<&TlsFiles>,
) {
    if address.ip().to_canonical().is_loopback() {
        return;
    }
    let Some(files) = files else {
        let what = format_args!(
            "\"{address}\" is reached from other machines, and nothing is encrypted: give --{} and --{}, \
             listen on loopback beside a mesh's proxy, or add --insecure-listen",
            flags.certificate, flags.key
        );
        return reader.mistake(flags.listen, what);
    };
    if flags.listen == "admin-listen" && files.client_ca.is_none() {
        let what = format_args!(
            "\"{address}\" is reached from other machines, and anybody there would be an operator: give \
             --{}, listen on loopback, or add --insecure-listen",
            flags.client_ca
        );
        reader.mistake(flags.listen, what);
    }
}

fn check_ports(reader: &mut Reader<'_>, addresses: [Option<SocketAddr>; 3]) {
    let pairs = FLAGS.iter().map(|flags| flags.listen).zip(addresses);
    let known: Vec<_> = pairs
        .filter_map(|(flag, address)| Some((flag, address?)))
        .collect();
    for (at, (second, other)) in known.iter().enumerate() {
        let taken = known.iter().take(at).find(|(_, one)| collide(*one, *other));
        if let Some((first, _)) = taken {
            let first = reader.name(first);
            reader.mistake(
                second,
                format_args!("\"{other}\" is taken by {first} already: choose another port"),
            );
        }
    }
}

/// Two listeners cannot have both addresses.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (everywhere || one.ip() == other.ip())
}

fn load(
    reader: &mut Reader<'_>,
    flags: &Flags,
    files: Option<TlsFiles>,
    protocol: &[u8],
) -> Result<Option<ListenerTls>, Noted> {
    let Some(files) = files else { return Ok(None) };
    match tls::load(&files, protocol) {
        Ok(loaded) => Ok(Some(ListenerTls { files, loaded })),
        Err(mistake) => {
            let flag = match mistake.at {
                TlsFile::Certificate => flags.certificate,
                TlsFile::Key => flags.key,
                TlsFile::ClientCa => flags.client_ca,
            };
            reader.mistake(flag, mistake.what);
            Err(Noted)
        }
    }
}

fn read_proxy(reader: &mut Reader<'_>) -> Result<Option<IdentityProxy>, Noted> {
    let header = reader.read_or("identity-header", None, |text| parse_header(text).map(Some));
    let addresses = reader.read_each("identity-proxy", parse_proxy);
    let (Some(header), Some(addresses)) = (header, addresses) else {
        return Err(Noted);
    };
    let Some(header) = header else {
        if addresses.is_empty() {
            return Ok(None);
        }
        let what = "is of no use without --identity-header: say where the proxy names its callers";
        reader.mistake("identity-proxy", what);
        return Err(Noted);
    };
    if addresses.is_empty() {
        let what = "would be anybody's word without --identity-proxy: say where the proxy calls from, such as 127.0.0.1";
        reader.mistake("identity-header", what);
        return Err(Noted);
    }
    if reader.text("callers").is_none() {
        let what = "needs --callers: a file that says which caller may call what";
        reader.mistake("identity-header", what);
        return Err(Noted);
    }
    Ok(Some(IdentityProxy {
        header,
        addresses: addresses.into(),
    }))
}

fn parse_header(text: &str) -> Result<IdentityHeader, Expected> {
    let known = IdentityHeader::ALL.iter().find(|(name, _)| *name == text);
    let names = IdentityHeader::ALL.map(|(name, _)| name).join(" or ");
    known
        .map(|(_, header)| *header)
        .ok_or_else(|| format!("is no header that is known: write {names}"))
}

fn parse_proxy(text: &str) -> Result<IpAddr, Expected> {
    let address = text.parse().map(|address: IpAddr| address.to_canonical());
    address.ok().filter(IpAddr::is_loopback).ok_or_else(|| {
        "is no address of this machine's loopback, such as 127.0.0.1, and what comes from elsewhere could say anything"
            .to_owned()
    })
}

fn read_callers_file(
    reader: &mut Reader<'_>,
    needed_by: Option<&Flags>,
) -> Result<Option<CallersFile>, Noted> {
    let Some(file) = reader.text("callers").map(PathBuf::from) else {
        if let Some(flags) = needed_by {
            let what =
                "says who there is, and nobody says what they may call: give --callers with a file";
            reader.mistake(flags.client_ca, what);
            return Err(Noted);
        }
        return Ok(None);
    };
    if needed_by.is_none() && reader.text("identity-header").is_none() {
        let what = "is of no use where nobody is known: give --client-ca, or --identity-header beside a mesh's proxy";
        reader.mistake("callers", what);
        return Err(Noted);
    }
    match read_callers(&file) {
        Ok(list) => Ok(Some(CallersFile {
            file,
            list: Arc::new(list),
        })),
        Err(mistakes) => {
            reader.mistakes(mistakes);
            Err(Noted)
        }
    }
}
