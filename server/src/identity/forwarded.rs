//! What a mesh's proxy says of the caller whose certificate it has checked, in a header of each call.
//!
//! Anybody can write a header: `serve/gate.rs` asks for it only where the proxy itself has connected.

use http::{HeaderMap, HeaderName};

use super::spiffe;

const L5D_CLIENT_ID: HeaderName = HeaderName::from_static("l5d-client-id");
const X_FORWARDED_CLIENT_CERT: HeaderName = HeaderName::from_static("x-forwarded-client-cert");

/// The longest name that a proxy tells: a DNS name.
const MOST_NAME_BYTES: usize = 255;

/// How a proxy tells who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityHeader {
    /// Linkerd's `l5d-client-id`: a name such as `shop.pay.serviceaccount.identity.linkerd.cluster.local`.
    L5dClientId,
    /// Envoy's and Istio's `x-forwarded-client-cert`, whose URI is a SPIFFE id.
    XForwardedClientCert,
}

impl IdentityHeader {
    /// Both, by their names.
    pub(crate) const ALL: [(&'static str, Self); 2] = [
        ("l5d-client-id", Self::L5dClientId),
        ("x-forwarded-client-cert", Self::XForwardedClientCert),
    ];

    fn name(self) -> HeaderName {
        match self {
            Self::L5dClientId => L5D_CLIENT_ID,
            Self::XForwardedClientCert => X_FORWARDED_CLIENT_CERT,
        }
    }

    /// What the header holds, as it came. A proxy writes it once, in place of what its caller wrote.
    pub(crate) fn text(self, headers: &HeaderMap) -> Option<&str> {
        let mut values = headers.get_all(self.name()).iter();
        let only = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(only)
    }

    /// The caller that it names.
    pub(crate) fn caller(self, text: &str) -> Option<String> {
        match self {
            Self::L5dClientId => is_name(text).then(|| text.to_owned()),
            Self::XForwardedClientCert => last_uri(text),
        }
    }
}

/// True for a name as Linkerd gives it: letters of DNS, with dots between them.
pub(super) fn is_name(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.len() <= MOST_NAME_BYTES
        && text.contains('.')
        && text
            .split('.')
            .all(|label| !label.is_empty() && label.bytes().all(known))
}

/// The SPIFFE id in the last element: each proxy on the way adds its own behind those before it, so only
/// the last is the word of the one that has connected here.
fn last_uri(text: &str) -> Option<String> {
    let last = split_unquoted(text, ',')?.pop()?;
    let mut uris = Vec::new();
    for pair in split_unquoted(last, ';')? {
        let (key, value) = pair.trim().split_once('=')?;
        if key.eq_ignore_ascii_case("uri") {
            uris.push(value.trim_matches('"'));
        }
    }
    match *uris {
        [only] if spiffe::is_id(only) => Some(only.to_owned()),
        _ => None,
    }
}

/// Splits where a separator stands outside quotes. None if a quote is not closed.
fn split_unquoted(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut from) = (Vec::new(), 0);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if letter == separator && !is_quoted => {
                parts.push(text.get(from..at)?);
                from = at + letter.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(from..)?);
    (!is_quoted).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envoys_header_names_its_own_caller_only() {
        let hash = "Hash=468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688";
        for (text, expected) in [
            ("URI=spiffe://a/b".to_owned(), Some("spiffe://a/b")),
            (
                format!("By=spiffe://a/me;{hash};Subject=\"\";URI=spiffe://a/b"),
                Some("spiffe://a/b"),
            ),
            ("uri=\"spiffe://a/b\"".to_owned(), Some("spiffe://a/b")),
            (
                format!(
                    "{hash};Subject=\"/C=US;URI=spiffe://a/evil,URI=spiffe://a/evil\";URI=spiffe://a/b"
                ),
                Some("spiffe://a/b"),
            ),
            (
                format!("{hash};Subject=\"CN=\\\";URI=spiffe://a/evil\";URI=spiffe://a/b"),
                Some("spiffe://a/b"),
            ),
            (
                "By=x;URI=spiffe://a/first,By=y;URI=spiffe://a/last".to_owned(),
                Some("spiffe://a/last"),
            ),
            ("By=x;URI=spiffe://a/first,By=y;Hash=z".to_owned(), None),
            ("By=x;URI=spiffe://a/b;URI=spiffe://a/c".to_owned(), None),
            ("By=x;URI=spiffe://a/b,".to_owned(), None),
            ("URI=https://a/b".to_owned(), None),
            ("Subject=\"open;URI=spiffe://a/b".to_owned(), None),
            ("By=x;DNS=a.example".to_owned(), None),
            (String::new(), None),
        ] {
            let caller = IdentityHeader::XForwardedClientCert.caller(&text);
            assert_eq!(caller.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn linkerds_header_is_a_name() {
        for (text, is_known) in [
            (
                "shop.pay.serviceaccount.identity.linkerd.cluster.local",
                true,
            ),
            ("", false),
            ("shop", false),
            ("shop..pay", false),
            ("Shop.pay", false),
            ("shop.pay, evil.pay", false),
        ] {
            let caller = IdentityHeader::L5dClientId.caller(text);
            assert_eq!(caller.is_some(), is_known, "{text}");
        }
    }

    #[test]
    fn a_header_that_stands_there_twice_says_nothing() {
        let mut headers = HeaderMap::new();
        let kind = IdentityHeader::L5dClientId;
        assert_eq!(kind.text(&headers), None);
        headers.append("l5d-client-id", "a.b".parse().unwrap());
        assert_eq!(kind.text(&headers), Some("a.b"));
        headers.append("l5d-client-id", "a.c".parse().unwrap());
        assert_eq!(kind.text(&headers), None);
    }
}
