//! The issuer as a process: what it refuses, how it ends, and how it is reached.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustix::process::Signal;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use waika::health::HealthCheckRequest;
use waika::health::health_check_response::ServingStatus;
use waika::health::health_client::HealthClient;
use waika::v1;
use waika::v1::issuer_service_client::IssuerServiceClient;

use crate::issuer_calls::{heard, pay, payment, told, verification};
use crate::issuer_support::{IssuerHome, IssuerSandbox};
use crate::requests::VISA;
use crate::support::finish;

/// The command line must end with this code and say all of this.
fn check(home: &IssuerHome, arguments: &[&str], code: i32, parts: &[&str]) {
    let child = home.command(0, arguments).spawn().unwrap();
    let (status, text) = finish(child);
    assert_eq!(status.code(), Some(code), "{arguments:?}: {text}");
    for part in parts {
        assert!(text.contains(part), "{arguments:?}: no {part:?} in {text}");
    }
}

/// Bad arguments, and what is said of them.
const BAD_FLAGS: &[(&[&str], &[&str])] = &[
    (
        &["--listen", "nowhere"],
        &["--listen: \"nowhere\" is not an address and port"],
    ),
    (
        &["--listen", "0.0.0.0:0"],
        &[
            "is reached from other machines",
            "--tls-cert",
            "--insecure-listen",
        ],
    ),
    (
        &["--insecure-listen=perhaps"],
        &["--insecure-listen: \"perhaps\" is neither true nor false"],
    ),
    (
        &["--books", "postgres://db"],
        &[
            "--books: \"postgres://db\" is no place for books",
            "journal:DIR",
        ],
    ),
    (
        &["--books", "journal:"],
        &["--books: \"journal:\" names no folder"],
    ),
    (
        &["--seed", "-1"],
        &["--seed: \"-1\" is not a number from 0"],
    ),
    (
        &["--cores", "0"],
        &["--cores: \"0\" is not a number from 1 to 256"],
    ),
    (&["--log", "xml"], &["--log: \"xml\""]),
    (&["--log-level", "loud"], &["--log-level: \"loud\""]),
    (
        &["--latency", "20"],
        &["--latency: \"20\" is not a duration"],
    ),
    (&["--latency", ""], &["--latency: \"\" is not a duration"]),
    (
        &["--latency", "amex:20ms"],
        &[
            "--latency: \"amex:20ms\" names no scheme",
            "visa, mastercard",
        ],
    ),
    (
        &["--latency", "p50=2s,p99=1s"],
        &["has a p99 below its p50"],
    ),
    (
        &["--latency", "1ms", "--latency", "2ms"],
        &["--latency: gives every scheme more than one"],
    ),
    (
        &["--errors", "5=51"],
        &["--errors: \"5=51\" has a rate", "such as 1%"],
    ),
    (&["--errors", "5%=00"], &["00, which is an approval"]),
    (
        &["--errors", "5%=loud"],
        &["has a kind that is not known", "wrong-amount"],
    ),
    (
        &["--errors", "visa:60%=05 visa:41%=51"],
        &["--errors: gives visa rates that add up to more than 100%"],
    ),
    (&["--outage", "5s"], &["--outage: \"5s\" is not an outage"]),
    (&["--outage", "5s..1s"], &["must end after it begins"]),
    (&["--outage", "every=1s,for=1s"], &["less than its every"]),
    (&["--outage", "1s..2s=05"], &["unavailable, silent or mute"]),
    (&["--outage"], &["--outage"]),
    (&["--colour"], &["--colour"]),
    (
        &["--cores", "0", "--errors", "x", "--seed", "y"],
        &["3 mistakes", "--cores", "--errors", "--seed"],
    ),
];

#[test]
fn every_bad_flag_is_named_with_its_mend() {
    let home = IssuerHome::new();
    for (arguments, parts) in BAD_FLAGS {
        check(&home, arguments, 64, parts);
    }
}

#[test]
fn variables_are_named_as_they_were_given() {
    let home = IssuerHome::new();
    let mut command = home.command(0, &[]);
    command
        .env("WAIKA_LATENCY", "visa:1ms 20")
        .env("WAIKA_ERRORS", "1%=51 x");
    let (status, text) = finish(command.spawn().unwrap());
    assert_eq!(status.code(), Some(64), "{text}");
    assert!(
        text.contains("WAIKA_LATENCY: \"20\" is not a duration"),
        "{text}"
    );
    assert!(
        text.contains("WAIKA_ERRORS: \"x\" is not an error"),
        "{text}"
    );
}

#[test]
fn bad_tls_files_are_named_with_their_mend() {
    let home = IssuerHome::new();
    let (cert, key) = write_certificate(&home, "a");
    let (_, other) = write_certificate(&home, "b");
    let empty = home.file("empty.pem");
    fs::write(&empty, "").unwrap();
    let broken = home.file("broken.pem");
    fs::write(
        &broken,
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    )
    .unwrap();
    let [cert, key, other, empty, broken] =
        [&cert, &key, &other, &empty, &broken].map(|file| file.to_str().unwrap());
    for (arguments, parts) in [
        (
            &["--tls-cert", cert][..],
            &["--tls-cert: is given without --tls-key"][..],
        ),
        (
            &["--tls-key", key],
            &["--tls-key: is given without --tls-cert"],
        ),
        (
            &["--tls-cert", "/absent", "--tls-key", key],
            &["--tls-cert: \"/absent\" cannot be read"],
        ),
        (
            &["--tls-cert", cert, "--tls-key", "/absent"],
            &["--tls-key: \"/absent\" cannot be read"],
        ),
        (
            &["--tls-cert", empty, "--tls-key", empty],
            &[
                "-----BEGIN CERTIFICATE-----",
                "PRIVATE KEY-----",
                "2 mistakes",
            ],
        ),
        (
            &["--tls-cert", key, "--tls-key", key],
            &["--tls-cert", "holds no -----BEGIN CERTIFICATE-----"],
        ),
        (
            &["--tls-cert", cert, "--tls-key", other],
            &["--tls-cert", "cannot be used together", "its own key"],
        ),
        (
            &["--tls-cert", cert, "--tls-key", broken],
            &["cannot be used together"],
        ),
    ] {
        check(&home, arguments, 64, parts);
    }
}

/// A certificate for localhost and its key, in two files.
fn write_certificate(home: &IssuerHome, name: &str) -> (std::path::PathBuf, std::path::PathBuf) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = ["cert", "key"].map(|kind| home.file(&format!("{name}-{kind}.pem")));
    fs::write(&files[0], cert.pem()).unwrap();
    fs::write(&files[1], signing_key.serialize_pem()).unwrap();
    let [cert, key] = files;
    (cert, key)
}

async fn tls_channel(port: u16, trusted: &Path) -> Result<Channel, tonic::transport::Error> {
    let trusted = Certificate::from_pem(fs::read(trusted).unwrap());
    let tls = ClientTlsConfig::new().ca_certificate(trusted);
    let endpoint = Endpoint::from_shared(format!("https://localhost:{port}")).unwrap();
    endpoint.tls_config(tls).unwrap().connect().await
}

#[tokio::test]
async fn an_issuer_can_be_called_over_tls() {
    let home = IssuerHome::new();
    let (cert, key) = write_certificate(&home, "a");
    let (stranger, _) = write_certificate(&home, "b");
    let [cert_file, key_file] = [&cert, &key].map(|file| file.to_str().unwrap());
    let arguments = ["--tls-cert", cert_file, "--tls-key", key_file];
    let sandbox = IssuerSandbox::start_in(home, 0, &arguments);
    let channel = tls_channel(sandbox.port(), &cert).await.unwrap();
    let mut issuer = IssuerServiceClient::new(channel);
    assert_eq!(told(&pay(&mut issuer, payment(1)).await), ("00", 500));
    let mistrusting = tls_channel(sandbox.port(), &stranger).await;
    assert!(mistrusting.is_err(), "another certificate is trusted");
    let plain = async {
        let endpoint = Endpoint::from_shared(sandbox.address()).unwrap();
        let channel = endpoint
            .connect()
            .await
            .map_err(|error| error.to_string())?;
        let mut issuer = IssuerServiceClient::new(channel);
        let answer = issuer.authorise_payment(payment(2)).await;
        answer.map_err(|error| error.to_string())
    };
    let plain = tokio::time::timeout(Duration::from_secs(30), plain).await;
    assert!(plain.unwrap().is_err(), "nothing is said in the clear");
    // Those who failed have not disturbed those who had not.
    assert_eq!(told(&pay(&mut issuer, payment(3)).await), ("00", 500));
}

#[tokio::test]
async fn what_is_in_use_or_damaged_is_told_by_the_exit_code() {
    let sandbox = IssuerSandbox::start(&[]);
    let home = IssuerHome::new();
    let address = format!("127.0.0.1:{}", sandbox.port());
    let listen = ["--listen", &*address];
    check(
        &home,
        &listen,
        69,
        &["--listen: cannot listen on", "choose another port"],
    );
    let mut issuer = sandbox.issuer().await;
    for number in 0..50 {
        pay(&mut issuer, payment(number)).await;
    }
    let held = IssuerHome::new();
    let books = |of: &IssuerHome| format!("journal:{}", of.books().display());
    let (status, mine) = sandbox.stop(Signal::TERM);
    assert_eq!(status.code(), Some(0));
    let sandbox = IssuerSandbox::start_in(mine, 0, &[]);
    let folder = sandbox.books();
    check(
        &held,
        &["--books", &folder],
        69,
        &["is held by another process"],
    );
    let mine = sandbox.kill();

    // One byte of an entry in the middle.
    let segment = fs::read_dir(mine.books()).unwrap();
    let segment = segment.map(|entry| entry.unwrap().path());
    let mut segments: Vec<_> = segment
        .filter(|path| path.extension().is_some_and(|end| end == "seg"))
        .collect();
    segments.sort();
    let mut bytes = fs::read(&segments[0]).unwrap();
    bytes[1_000] ^= 1;
    fs::write(&segments[0], bytes).unwrap();
    check(&mine, &[], 65, &["damaged"]);

    let other = IssuerHome::new();
    fs::write(other.books(), "a file").unwrap();
    check(
        &other,
        &["--books", &books(&other)],
        73,
        &["cannot be used as a data folder"],
    );
}

#[tokio::test]
async fn it_says_that_it_serves_and_what() {
    let sandbox = IssuerSandbox::start(&[]);
    let mut health = HealthClient::new(sandbox.channel().await);
    let services = [
        "",
        "waika.v1.IssuerService",
        "waika.v1.IssuerSandboxService",
        "waika.v1.SmsGatewayService",
        "waika.v1.IdentityVerifierService",
    ];
    for service in services {
        let service = service.to_owned();
        let answer = heard(health.check(HealthCheckRequest { service })).await;
        assert_eq!(answer.status(), ServingStatus::Serving);
    }
    let mut reflection = ServerReflectionClient::new(sandbox.channel().await);
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let stream = tokio_stream::once(request);
    let mut stream = reflection
        .server_reflection_info(stream)
        .await
        .unwrap()
        .into_inner();
    let answer = stream.message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let names: Vec<_> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    for service in services.into_iter().skip(1) {
        assert!(
            names.iter().any(|name| name == service),
            "{service}: {names:?}"
        );
    }
    assert!(
        !names.iter().any(|name| name == "waika.v1.CardService"),
        "{names:?}"
    );
}

/// Callers hold thousands of calls open on one connection, and books stay small.
#[tokio::test]
async fn thousands_of_calls_are_open_at_once_on_one_connection() {
    const CALLS: u32 = 5_000;
    let sandbox = IssuerSandbox::start(&["--latency", "1s", "--books", "memory:"]);
    let issuer = sandbox.issuer().await;
    let calls = (0..CALLS).map(|number| {
        let mut issuer = issuer.clone();
        tokio::spawn(async move {
            if number % 10 == 0 {
                let verified = issuer.verify_card(verification(number, VISA));
                heard(verified).await.response_code
            } else {
                pay(&mut issuer, payment(number)).await.response_code
            }
        })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), "00");
    }
    let books = sandbox.transactions().await;
    assert_eq!(books.len(), CALLS as usize);
    assert!(
        books
            .iter()
            .all(|of| of.state() == v1::TransactionState::Approved)
    );
    assert_eq!(books.iter().filter(|of| of.verification).count(), 500);
    assert!(sandbox.resident_bytes() < 200 << 20);
}
