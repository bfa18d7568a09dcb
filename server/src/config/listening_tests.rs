use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tempfile::TempDir;

use super::tests::{check, config};

/// Files of one who vouches for a server.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        files.put("ca.pem", &authority.pem());
        for (name, ends) in [("server", 2099), ("old", 2020)] {
            let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(ends, 1, 1);
            let key = KeyPair::generate().unwrap();
            let certificate = params.signed_by(&key, &authority).unwrap();
            files.put(&format!("{name}.pem"), &certificate.pem());
            files.put(&format!("{name}.key"), &key.serialize_pem());
        }
        let callers = "[[caller]]\nid = \"spiffe://a/b\"\nmay = [\"waika.v1.CardService/*\"]\n";
        files.put("callers.toml", callers);
        files.put("empty", "");
        files
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A line in which `@` stands before the name of a file.
    fn line(&self, line: &str) -> String {
        line.replace('@', &format!("{}/", self.0.path().display()))
    }

    fn check(&self, line: &str, expected: &[&str]) {
        check(&self.line(line), expected);
    }
}

const TLS: &str = "--tls-cert @server.pem --tls-key @server.key";
const MUTUAL: &str =
    "--tls-cert @server.pem --tls-key @server.key --client-ca @ca.pem --callers @callers.toml";

#[test]
fn what_other_machines_reach_is_encrypted_and_operators_are_known() {
    let files = Files::new();
    let exposed =
        "is reached from other machines, and nothing is encrypted: give --tls-cert and --tls-key";
    files.check("--listen 0.0.0.0:1", &[exposed]);
    files.check(
        "--admin-listen [::]:1 --metrics-listen 10.0.0.1:2",
        &["give --admin-tls-cert", "give --metrics-tls-cert"],
    );
    let taken = [
        "--listen 0.0.0.0:1 --insecure-listen".to_owned(),
        format!("--listen 0.0.0.0:1 {TLS}"),
        format!("--listen 0.0.0.0:1 {MUTUAL}"),
        "--metrics-listen 10.0.0.1:2 --metrics-tls-cert @server.pem --metrics-tls-key @server.key"
            .to_owned(),
    ];
    for line in taken {
        config(&files.line(&line));
    }
    let operators =
        "--admin-listen 10.0.0.1:1 --admin-tls-cert @server.pem --admin-tls-key @server.key";
    files.check(
        operators,
        &["anybody there would be an operator: give --admin-client-ca"],
    );
    config(&files.line(&format!("{operators} --insecure-listen")));
    config(&files.line(&format!(
        "{operators} --admin-client-ca @ca.pem --callers @callers.toml"
    )));
}

#[test]
fn files_come_together() {
    let files = Files::new();
    for (line, expected) in [
        (
            "--tls-cert @server.pem",
            "--tls-cert: is of no use without --tls-key",
        ),
        (
            "--admin-tls-key @server.key",
            "--admin-tls-key: is of no use without --admin-tls-cert",
        ),
        (
            "--client-ca @ca.pem --callers @callers.toml",
            "--client-ca: is of no use without --tls-cert",
        ),
        (
            "--callers @callers.toml",
            "--callers: is of no use where nobody is known",
        ),
        (
            "--identity-header l5d-client-id --callers @callers.toml",
            "without --identity-proxy",
        ),
        (
            "--identity-proxy 127.0.0.1",
            "--identity-proxy: is of no use without --identity-header",
        ),
        (
            "--identity-header l5d-client-id --identity-proxy ::1",
            "--identity-header: needs --callers",
        ),
    ] {
        files.check(line, &[expected]);
    }
    let without_callers = format!("{TLS} --client-ca @ca.pem");
    files.check(
        &without_callers,
        &["--client-ca: says who there is, and nobody says what they may call"],
    );
}

#[test]
fn what_is_in_the_files_is_looked_at() {
    let files = Files::new();
    for (line, expected) in [
        ("--tls-cert @none --tls-key @server.key", "--tls-cert: \""),
        (
            "--tls-cert @empty --tls-key @server.key",
            "holds no certificate",
        ),
        (
            "--tls-cert @server.pem --tls-key @empty",
            "holds no private key",
        ),
        ("--tls-cert @server.pem --tls-key @old.key", "--tls-key: \""),
        (
            "--tls-cert @old.pem --tls-key @old.key",
            "has expired (Jan  1",
        ),
        (
            "--metrics-tls-cert @server.pem --metrics-tls-key @server.key --metrics-client-ca @empty --callers @callers.toml",
            "--metrics-client-ca: \"",
        ),
    ] {
        files.check(line, &[expected]);
    }
    files.put("callers.toml", "[[caller]]\nid = \"b\"\nmay = [\"x\"]\n");
    files.check(
        MUTUAL,
        &[
            "callers.toml:2: id \"b\" is no caller",
            "callers.toml:3: \"x\" names no RPC",
        ],
    );
}

#[test]
fn a_proxy_is_on_this_machine() {
    let files = Files::new();
    let line = "--callers @callers.toml --identity-header x-forwarded-client-cert --identity-proxy";
    let taken = config(&files.line(&format!("{line} 127.0.0.6 --identity-proxy ::1")));
    let proxy = taken.listening.security.proxy.unwrap();
    assert_eq!(proxy.addresses.len(), 2);
    files.check(
        &format!("{line} 10.0.0.1"),
        &["is no address of this machine's loopback"],
    );
    files.check(
        &format!("{line} localhost"),
        &["is no address of this machine's loopback"],
    );
    files.check(
        "--callers @callers.toml --identity-header x-real-ip --identity-proxy 127.0.0.1",
        &["is no header that is known: write l5d-client-id or x-forwarded-client-cert"],
    );
}
