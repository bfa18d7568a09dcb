//! Certificates are read again when they change, and what does not begin TLS is not waited for.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::timeout;
use tonic::Code;
use waika::v1;
use waika::v1::card_service_client::CardServiceClient;

use crate::security_identity::{ACQUIRER, CALLERS, Known, OPERATOR, soon};
use crate::security_support::{Authority, Papers, connect};
use crate::support::Server;

#[tokio::test]
async fn connections_begin_with_the_certificate_that_is_there() {
    let known = Known::start();
    let mut old = CardServiceClient::new(known.rpc(ACQUIRER).await);
    let account = || v1::SwitchWalletRegionRequest {
        idempotency_key: "k".to_owned(),
        account_id: "marie".to_owned(),
        wallet_region: v1::WalletRegion::Mainland.into(),
    };
    old.switch_wallet_region(account()).await.unwrap();

    // Another authority's certificate: who trusts that one gets in, with papers of the old one.
    let next = Authority::new();
    known.files.show(&next.server());
    let papers = known.papers(ACQUIRER);
    soon("the new certificate is shown", async || {
        connect(known.server.rpc_address(), &next, Some(&papers))
            .await
            .is_ok()
    })
    .await;
    assert!(
        connect(known.server.rpc_address(), &known.authority, Some(&papers))
            .await
            .is_err()
    );
    old.switch_wallet_region(account()).await.unwrap();

    // A key that is not the certificate's is told, and changes nothing.
    known.files.put("server.key", &next.server().key);
    soon("the mistake is counted", async || {
        let papers = known.papers(OPERATOR);
        let page = crate::security_support::scrape(known.server.metrics_address(), &next, &papers);
        page.await
            .contains("waika_credentials_read_total{of=\"rpc\",outcome=\"refused\"} 1")
    })
    .await;
    connect(known.server.rpc_address(), &next, Some(&papers))
        .await
        .unwrap();
    let (log, _) = known.server.stop_and_read_log();
    assert!(log.contains("is not the key of the certificate"), "{log}");
    assert!(
        log.contains("not taken: what was read before holds"),
        "{log}"
    );
}

#[tokio::test]
async fn callers_certificates_can_come_from_two_authorities() {
    let known = Known::start();
    let next = Authority::new();
    let both = format!("{}{}", known.authority.pem(), next.pem());
    known.files.put("ca.pem", &both);
    let papers = next.caller(Some(ACQUIRER));
    let ask = async |papers: &Papers| {
        let connected = connect(known.server.rpc_address(), &known.authority, Some(papers));
        let mut cards = CardServiceClient::new(connected.await.ok()?);
        let account_id = "nobody".to_owned();
        let asked = cards
            .get_account(v1::GetAccountRequest { account_id })
            .await;
        Some(asked.unwrap_err().code())
    };
    soon("the new authority's callers get in", async || {
        ask(&papers).await == Some(Code::NotFound)
    })
    .await;
    assert_eq!(ask(&known.papers(ACQUIRER)).await, Some(Code::NotFound));
}

#[tokio::test]
async fn a_handshake_that_does_not_come_ends_in_time() {
    let authority = Authority::new();
    let home = crate::support::Home::new();
    let files = crate::security_support::Files::write(&home, &authority, CALLERS);
    let mut arguments = files.arguments();
    arguments.extend(["--preface-timeout".to_owned(), "500ms".to_owned()]);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let server = Server::start_in(home, &arguments);
    let address = server.rpc_address().trim_start_matches("http://");
    for begins in [
        &b""[..],
        &[0x16, 3, 1, 2],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, begins)
            .await
            .unwrap();
        let mut rest = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest);
        let ended = timeout(Duration::from_secs(30), read).await;
        assert!(ended.is_ok(), "{begins:?}: the connection stays open");
    }
    let (status, _) = server.stop(Signal::TERM);
    assert!(status.success());
}
