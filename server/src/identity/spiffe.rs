//! SPIFFE ids, as the standard of that name has them: `spiffe://trust-domain/path`.

use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

const SCHEME: &str = "spiffe://";
/// What every implementation has to take, and none has to take more.
const MOST_BYTES: usize = 2_048;
const MOST_DOMAIN_BYTES: usize = 255;

/// True if this is an id of a workload. One without a path is a trust domain's own, which no caller has.
pub(super) fn is_id(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(SCHEME) else {
        return false;
    };
    let Some((domain, path)) = rest.split_once('/') else {
        return false;
    };
    text.len() <= MOST_BYTES && is_domain(domain) && path.split('/').all(is_segment)
}

/// True if this is what ids below it begin with: an id, or a trust domain, without the slash behind it.
pub(super) fn is_above(text: &str) -> bool {
    match text.strip_prefix(SCHEME) {
        Some(domain) if !domain.contains('/') => is_domain(domain),
        Some(_) => is_id(text),
        None => false,
    }
}

fn is_domain(domain: &str) -> bool {
    let known =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    !domain.is_empty() && domain.len() <= MOST_DOMAIN_BYTES && domain.bytes().all(known)
}

fn is_segment(segment: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    !matches!(segment, "" | "." | "..") && segment.bytes().all(known)
}

/// The SPIFFE id in a certificate: its one URI. Whatever has several, or another one, has none.
pub(crate) fn id_of_certificate(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok()??;
    let mut uris = names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some(*uri),
            _ => None,
        });
    let first = uris.next().filter(|uri| is_id(uri))?;
    uris.next().is_none().then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, SanType, string::Ia5String};

    #[test]
    fn an_id_is_a_trust_domain_and_a_path() {
        let long = format!("spiffe://a/{}", "b".repeat(MOST_BYTES));
        for (text, expected) in [
            ("spiffe://shop.example/acquirer", true),
            ("spiffe://shop-1.example_2/ns/pay/sa/Acquirer.2_x-y", true),
            ("spiffe://shop.example", false),
            ("spiffe://shop.example/", false),
            ("spiffe://shop.example/a/", false),
            ("spiffe://shop.example//a", false),
            ("spiffe://shop.example/a/../b", false),
            ("spiffe://shop.example/./b", false),
            ("spiffe://Shop.example/a", false),
            ("spiffe://shop.example:8443/a", false),
            ("spiffe://user@shop.example/a", false),
            ("spiffe://shop.example/a?b", false),
            ("spiffe://shop.example/a#b", false),
            ("spiffe://shop.example/a%20b", false),
            ("spiffe://shop.example/*", false),
            ("spiffe:///a", false),
            ("SPIFFE://shop.example/a", false),
            ("https://shop.example/a", false),
            (&long, false),
            ("", false),
        ] {
            assert_eq!(is_id(text), expected, "{text}");
        }
    }

    #[test]
    fn ids_lie_below_a_trust_domain_or_a_path() {
        for (text, expected) in [
            ("spiffe://shop.example", true),
            ("spiffe://shop.example/ns", true),
            ("spiffe://shop.example/", false),
            ("spiffe://", false),
            ("shop.example", false),
        ] {
            assert_eq!(is_above(text), expected, "{text}");
        }
    }

    fn certificate(uris: &[&str]) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec!["shop.example".to_owned()]).unwrap();
        for uri in uris {
            let uri = Ia5String::try_from(*uri).unwrap();
            params.subject_alt_names.push(SanType::URI(uri));
        }
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    #[test]
    fn a_certificate_has_one_id_or_none() {
        for (uris, expected) in [
            (&["spiffe://a/b"][..], Some("spiffe://a/b")),
            (&[], None),
            (&["https://a/b"], None),
            (&["spiffe://a/b", "spiffe://a/c"], None),
            (&["spiffe://a/b", "https://a/b"], None),
            (&["spiffe://a"], None),
        ] {
            let id = id_of_certificate(&certificate(uris));
            assert_eq!(id.as_deref(), expected, "{uris:?}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_id() {
        assert_eq!(
            id_of_certificate(&CertificateDer::from(vec![0x30, 3, 1])),
            None
        );
    }
}
