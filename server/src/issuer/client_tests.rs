//! The issuer's client against an issuer that is slow with one scheme, or with all.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use waika::v1;
use waika_domain::card::Scheme;

use super::client::{IssuerClient, Turned};
use crate::config::{IssuerConfig, Target};
use crate::partner::testing::{Issuer, Partner, eventually, payment};

const CORE: usize = 1;

struct Asked {
    client: Arc<IssuerClient>,
    issuer: Issuer,
    partner: Partner,
    waiting: JoinSet<()>,
}

impl Asked {
    fn new(in_flight: usize, connections: usize) -> Self {
        let issuer = Issuer::default();
        let partner = Partner::issuer(&issuer);
        let config = IssuerConfig {
            target: Target::plain(partner.address),
            in_flight,
            connections,
        };
        Self {
            client: Arc::new(IssuerClient::new(&config, 2)),
            issuer,
            partner,
            waiting: JoinSet::new(),
        }
    }

    async fn pay(&self, scheme: Scheme) {
        let asked = self.client.authorise(CORE, scheme, &payment("any"));
        assert_eq!(asked.await.unwrap().response_code, "00");
    }

    /// So many more calls whose answers never come.
    async fn hold(&mut self, scheme: Scheme, calls: usize) {
        let already = self.waiting.len();
        for _ in 0..calls {
            let client = Arc::clone(&self.client);
            self.waiting.spawn(async move {
                let asked = client.authorise(CORE, scheme, &payment("never"));
                panic!("{:?}", asked.await);
            });
        }
        eventually("they are there", async || {
            self.issuer.held() == already + calls
        })
        .await;
    }
}

#[tokio::test]
async fn a_scheme_that_never_answers_takes_nothing_from_another() {
    let mut asked = Asked::new(8_192, 2);
    asked.hold(Scheme::Visa, 3_000).await;
    asked.pay(Scheme::Jcb).await;
    let connections = asked.partner.connections();
    assert!((2..=3).contains(&connections), "{connections}");
    asked.waiting.shutdown().await;
    eventually("nobody waits", async || asked.issuer.held() == 0).await;
    asked.pay(Scheme::Visa).await;
    assert_eq!(asked.partner.connections(), connections, "none was lost");
}

#[tokio::test]
async fn connections_grow_with_calls_in_flight_up_to_a_bound() {
    let mut asked = Asked::new(8_192, 3);
    asked.hold(Scheme::Visa, 200).await;
    assert_eq!(asked.partner.connections(), 1);
    for (calls, connections) in [(100, 2), (300, 3), (1_000, 3)] {
        asked.hold(Scheme::Visa, calls).await;
        eventually("there are more", async || {
            asked.partner.connections() == connections
        })
        .await;
    }
    asked.pay(Scheme::Visa).await;
    assert_eq!(asked.partner.connections(), 3);
}

#[tokio::test]
async fn every_operation_goes_to_its_own_method() {
    let asked = Asked::new(1, 1);
    let (client, scheme) = (&asked.client, Scheme::Discover);
    let card = v1::VerifyCardRequest {
        pan: "6011110000000004".to_owned(),
        cvv: "123".to_owned(),
        ..Default::default()
    };
    let verified = client.verify_card(CORE, scheme, card).await.unwrap();
    assert_eq!(verified.card_reference, "of 6011110000000004 and 123");
    let advice = v1::ReversePaymentRequest {
        reversal_id: "r".to_owned(),
        amount_fen: 7,
        ..Default::default()
    };
    let reversed = client.reverse(CORE, scheme, advice).await.unwrap();
    assert_eq!((&*reversed.reversal_id, reversed.amount_fen), ("r", 7));
    let which = v1::GetPaymentStatusRequest {
        transaction_id: "t".to_owned(),
        ..Default::default()
    };
    let status = client.status(CORE, scheme, which).await.unwrap();
    assert_eq!(status.state(), v1::TransactionState::Unknown);
}

#[tokio::test]
async fn no_more_are_let_through_than_may_be_in_flight() {
    let client = Asked::new(2, 1).client;
    let visa = || client.admit(Scheme::Visa);
    let (mut first, second) = (visa().unwrap(), visa().unwrap());
    assert_eq!(visa().err(), Some(Turned::TooManyInFlight));
    assert!(client.admit(Scheme::Jcb).is_ok(), "each scheme has its own");
    first.heard();
    drop(first);
    let mut third = visa().unwrap();
    assert_eq!(visa().err(), Some(Turned::TooManyInFlight));
    drop(second);
    third.not_heard();
    drop(third);
    assert!(visa().is_ok());
}

#[tokio::test]
async fn an_issuer_that_is_not_heard_is_left_alone_and_tried_again() {
    let client = Asked::new(100, 1).client;
    let visa = || client.admit(Scheme::Visa);
    let permits: Vec<_> = (0..20).map(|_| visa().unwrap()).collect();
    for mut permit in permits {
        permit.not_heard();
    }
    assert_eq!(visa().err(), Some(Turned::BreakerOpen));
    assert!(client.admit(Scheme::Mastercard).is_ok());
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    let probes: Vec<_> = (0..5).map(|_| visa().unwrap()).collect();
    assert_eq!(visa().err(), Some(Turned::BreakerOpen));
    for mut probe in probes {
        probe.heard();
    }
    assert!((0..50).all(|_| visa().is_ok()));
}
