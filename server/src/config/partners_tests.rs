//! Whom the server calls, as flags say it.

use std::path::PathBuf;

use tempfile::TempDir;

use super::tests::{check, config};
use crate::partner::testing::Authority;

#[test]
fn each_port_may_be_outside() {
    let partners = config(
        "--issuer http://127.0.0.1:7001/ --issuer-in-flight 3 --issuer-connections 2 \
         --identity-verifier http://[::1]:7003 --sandbox",
    )
    .partners;
    let issuer = partners.issuer.unwrap();
    assert_eq!(issuer.target.to_string(), "http://127.0.0.1:7001");
    assert_eq!((issuer.in_flight, issuer.connections), (3, 2));
    assert!(partners.sms_gateway.is_none());
    let verifier = partners.identity_verifier.unwrap();
    assert_eq!((verifier.host(), verifier.port()), ("::1", 7_003));
    assert_eq!(verifier.to_string(), "http://[::1]:7003");
    let issuer = config("--issuer http://h:1").partners.issuer.unwrap();
    assert_eq!((issuer.in_flight, issuer.connections), (8_192, 8));
}

#[test]
fn plain_text_that_leaves_the_machine_is_known() {
    for (url, exposed) in [
        ("http://localhost:1", false),
        ("http://127.8.9.1:1", false),
        ("http://[::1]:1", false),
        ("http://[::ffff:127.0.0.1]:1", false),
        ("http://issuer.example:1", true),
        ("http://10.0.0.1:1", true),
        ("http://[2001:db8::1]:1", true),
    ] {
        let issuer = config(&format!("--issuer {url}")).partners.issuer;
        assert_eq!(issuer.unwrap().target.is_exposed(), exposed, "{url}");
    }
}

#[test]
fn a_url_is_a_scheme_a_host_and_a_port() {
    for url in [
        "127.0.0.1:7001",
        "localhost",
        "ftp://h:1",
        "http://h",
        "http://h:0",
        "http://h:65536",
        "http://:1",
        "http://h:1/path",
        "http://h:1?query",
        "http://h:1#part",
        "http://h:1//",
        "http://a_b!:1",
        "http://",
        "://h:1",
        "",
    ] {
        let expected = "is not http:// or https:// with a host and a port and nothing else";
        check(&format!("--issuer={url}"), &[expected]);
    }
    check(
        "--sms-gateway http://me:secret@h:1",
        &["--sms-gateway: holds a user name"],
    );
    let failure = super::parse(
        ["waika-server", "--sms-gateway=http://me:secret@h:1"].map(std::ffi::OsString::from),
    );
    assert!(!failure.unwrap_err().text.contains("secret"));
}

#[test]
fn every_mistake_about_partners_is_named() {
    check(
        "--issuer h:1 --identity-verifier x --issuer-in-flight 0 --issuer-connections 257 \
         --partner-ca /absent/ca.pem --partner-key /absent/key.pem",
        &[
            "--issuer: \"h:1\" is not http://",
            "--identity-verifier: \"x\" is not http://",
            "--partner-ca: \"/absent/ca.pem\" cannot be read (No such file",
            "--partner-key: is of no use without --partner-cert: give both or neither",
            "--issuer-in-flight: \"0\" is not a number from 1",
            "--issuer-connections: \"257\" is not a number from 1 to 256",
        ],
    );
}

#[test]
fn the_sandbox_answers_what_is_left_for_it() {
    let all = "--issuer http://h:1 --sms-gateway http://h:2 --identity-verifier http://h:3";
    config(all);
    config(&format!("{all} --sandbox=false"));
    check(
        &format!("{all} --sandbox"),
        &["--sandbox: nothing is left for the sandbox"],
    );
    check(
        "--sandbox=false --issuer http://h:1",
        &["--sandbox: false leaves nobody to answer: give --sms-gateway and --identity-verifier"],
    );
}

struct Files(TempDir);

impl Files {
    fn write(&self, name: &str, text: &str) -> String {
        let file: PathBuf = self.0.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }
}

#[test]
fn certificates_are_read_at_the_start() {
    let files = Files(tempfile::tempdir().unwrap());
    let (authority, other) = (Authority::new(), Authority::new());
    let ca = files.write("ca.pem", &(authority.pem() + &other.pem()));
    let (certificate, key) = authority.vouch();
    let certificate = files.write("certificate.pem", &certificate);
    let key = files.write("key.pem", &key);
    let other_key = files.write("other.pem", &other.vouch().1);
    let empty = files.write("empty.pem", "");
    let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let damaged = files.write("damaged.pem", damaged);

    let line = format!(
        "--issuer https://localhost:1 --sms-gateway http://localhost:2 --partner-ca {ca} \
         --partner-cert {certificate} --partner-key {key}"
    );
    let partners = config(&line).partners;
    let issuer = partners.issuer.unwrap().target;
    assert!(issuer.tls().is_some() && !issuer.is_exposed());
    assert_eq!(format!("{issuer:?}"), "https://localhost:1");
    assert!(partners.sms_gateway.unwrap().tls().is_none());

    check(
        &format!("--partner-ca {ca} --partner-cert {certificate} --partner-key {other_key}"),
        &["--partner-key: is not the key of the certificate in --partner-cert"],
    );
    check(
        &format!("--partner-ca {empty} --partner-cert {empty} --partner-key {empty}"),
        &["--partner-ca: ", "--partner-cert: ", "--partner-key: "],
    );
    check(
        &format!("--partner-ca {damaged}"),
        &["holds a certificate that cannot be a root"],
    );
    check(
        &format!("--partner-ca {key}"),
        &["holds no certificate, or a damaged one"],
    );
    check(
        &format!("--partner-cert {certificate}"),
        &["--partner-cert: is of no use without --partner-key"],
    );
}
