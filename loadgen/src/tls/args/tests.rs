//! Flags and files of TLS: what goes, and what each mistake is told as.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::args::{Command, CommandLine, Place};
use crate::target::Protection;

/// A folder with an authority, the papers of two callers, and files that are none.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    put("ca.pem", &authority.pem());
    for name in ["one", "other"] {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        put(&format!("{name}.pem"), &certificate.pem());
        put(&format!("{name}.key"), &key.serialize_pem());
    }
    put("text", "SECRET but no PEM\n");
    folder
}

/// What `provision` makes of these flags, in which `DIR` is a folder.
fn place(folder: &tempfile::TempDir, flags: &str) -> Result<Place, String> {
    let line = format!("waika-loadgen provision {flags}");
    let line = line.replace("DIR", folder.path().to_str().unwrap());
    let words = line.split_ascii_whitespace();
    match CommandLine::read_from(words).map(|line| line.command) {
        Ok(Command::Provision(args)) => args.place.place().map_err(|failure| {
            assert!(
                matches!(failure, crate::exit::Failure::Usage(_)),
                "{failure}"
            );
            failure.to_string()
        }),
        Ok(other) => Err(format!("{other:?}")),
        Err(error) => Err(error.to_string()),
    }
}

const BOTH: &str = "--target https://a:1 --admin https://b:2";

#[test]
fn each_listener_is_reached_as_its_address_and_the_flags_say() {
    let folder = folder();
    let check = |flags: &str, expected: [Protection; 2]| {
        let place = place(&folder, flags).unwrap();
        let found = [place.target.protection(), place.admin.protection()];
        assert_eq!(found, expected, "{flags}");
    };
    let (clear, tls, mutual) = (
        Protection::ClearText,
        Protection::Tls,
        Protection::MutualTls,
    );
    check("", [clear, clear]);
    check("--target https://a:1 --tls-ca DIR/ca.pem", [tls, clear]);
    check("--admin https://a:1 --tls-ca DIR/ca.pem", [clear, tls]);
    check(&format!("{BOTH} --tls-ca DIR/ca.pem"), [tls, tls]);
    let shown = "--tls-ca DIR/ca.pem --tls-cert DIR/one.pem --tls-key DIR/one.key";
    check(&format!("{BOTH} {shown}"), [mutual, mutual]);
    check(
        &format!("{BOTH} {shown} --tls-name waika.example"),
        [mutual, mutual],
    );
    let own = "--tls-ca DIR/ca.pem --admin-tls-cert DIR/other.pem --admin-tls-key DIR/other.key";
    check(&format!("{BOTH} {own}"), [tls, mutual]);
}

#[test]
fn every_mistake_names_the_flag_or_file_and_no_secret() {
    let folder = folder();
    let check = |flags: &str, words: &[&str]| {
        let told = place(&folder, flags).unwrap_err();
        for word in words {
            assert!(told.contains(word), "{flags}: no {word:?} in {told}");
        }
        assert!(
            !told.contains("SECRET") && !told.contains("PRIVATE KEY---"),
            "{told}"
        );
    };
    let with = |more: &str| format!("{BOTH} --tls-ca DIR/ca.pem {more}");
    check(&with("--tls-cert DIR/one.pem"), &["--tls-key"]);
    check(&with("--tls-key DIR/one.key"), &["--tls-cert"]);
    check(&with("--admin-tls-cert DIR/one.pem"), &["--admin-tls-key"]);
    check(&with("--tls-name ..."), &["--tls-name", "host's name"]);
    let pair = |cert: &str, key: &str| with(&format!("--tls-cert DIR/{cert} --tls-key DIR/{key}"));
    check(
        &pair("none.pem", "one.key"),
        &["--tls-cert", "none.pem", "cannot be read"],
    );
    check(
        &pair("one.pem", "none.key"),
        &["--tls-key", "none.key", "cannot be read"],
    );
    check(
        &pair("text", "one.key"),
        &["--tls-cert", "text", "BEGIN CERTIFICATE"],
    );
    check(
        &pair("one.pem", "text"),
        &["--tls-key", "text", "BEGIN PRIVATE KEY"],
    );
    check(
        &pair("one.pem", "other.key"),
        &["other.key", "not the key of the certificate", "one.pem"],
    );
    check(
        &format!("{BOTH} --tls-ca DIR/none"),
        &["--tls-ca", "none", "cannot be read"],
    );
    check(
        &format!("{BOTH} --tls-ca DIR/one.key"),
        &["--tls-ca", "BEGIN CERTIFICATE"],
    );
    let plain = "--target http://a:1";
    check(
        &format!("{plain} --tls-ca DIR/ca.pem"),
        &["--tls-ca", "no use", "https://a:1"],
    );
    let admin = "--target https://a:1 --tls-ca DIR/ca.pem --admin-tls-cert DIR/one.pem --admin-tls-key DIR/one.key";
    check(
        admin,
        &["--admin-tls-cert", "no use", "https://127.0.0.1:50052"],
    );
}
