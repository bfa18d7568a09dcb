//! A wallet's region is set at first contact and switched by its owner; only the mainland wallet
//! binds and pays (R30, R32, D19).

use tonic::Code;
use waika::v1::{self, WalletRegion};

use crate::malformed::{bad_fields, named};
use crate::passwords::{change, change_outcome, verify, verify_outcome};
use crate::support::Server;
use crate::wallet::{
    Callers, PASSWORD, bind, bind_outcome, decision, instant, pay, quote, unbind, unbind_outcome,
};

fn switch(account: &str, key: &str, region: WalletRegion) -> v1::SwitchWalletRegionRequest {
    v1::SwitchWalletRegionRequest {
        idempotency_key: key.to_owned(),
        account_id: account.to_owned(),
        wallet_region: region.into(),
    }
}

impl Callers {
    async fn switch(&mut self, key: &str, region: WalletRegion) -> v1::SwitchWalletRegionResponse {
        let switched = self.cards.switch_wallet_region(switch("a", key, region));
        switched.await.unwrap().into_inner()
    }

    /// Asks for a payment code of a card.
    async fn show_code(
        &mut self,
        card_token: &str,
        key: &str,
    ) -> Result<String, v1::DeclineReason> {
        let request = v1::CreatePaymentCodeRequest {
            idempotency_key: key.to_owned(),
            account_id: "a".to_owned(),
            card_token: card_token.to_owned(),
            payment_password: PASSWORD.to_owned(),
            ..v1::CreatePaymentCodeRequest::default()
        };
        let shown = self.cards.create_payment_code(request).await.unwrap();
        match shown.into_inner().outcome.unwrap() {
            v1::create_payment_code_response::Outcome::Code(code) => Ok(code.payment_code),
            v1::create_payment_code_response::Outcome::Decline(decline) => Err(decline.reason()),
        }
    }

    /// What a merchant is told that has scanned a code.
    async fn scan(&mut self, code: &str, key: &str) -> String {
        let payment = v1::AuthoriseRequest {
            payment_code: code.to_owned(),
            payment_password: String::new(),
            mode: v1::PaymentMode::PaymentCode.into(),
            client: None,
            ..pay("", "", key, 100)
        };
        decision(&self.authorise(payment).await.unwrap())
    }
}

#[tokio::test]
async fn d19_only_the_mainland_wallet_binds_and_pays() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    callers.switch("out", WalletRegion::HongKong).await;
    let paid = callers.decision(pay("a", &card_token, "1", 100)).await;
    assert_eq!(paid, "WALLET_REGION");
    let shown = callers.show_code(&card_token, "code").await;
    assert_eq!(shown, Err(v1::DeclineReason::WalletRegion));
    let quoted = callers.quote(quote("a", 100)).await;
    let grey = quoted.cards[0].decline.as_ref().unwrap();
    assert_eq!(grey.reason(), v1::DeclineReason::WalletRegion, "R62");
    let mut second = bind("a");
    second.idempotency_key = "bind 2".to_owned();
    second.phone_number = "+44 7700 900222".to_owned();
    second.wallet_region = WalletRegion::Mainland.into(); // D19: only at first contact.
    assert_eq!(bind_outcome(&callers.bind(second).await), "WALLET_REGION");
    // Its owner still looks after it.
    let verified = callers.verify(verify("a", &card_token, "v", 100)).await;
    assert_eq!(verify_outcome(&verified), "VERIFIED");
    let changed = callers.change(change("a", "c")).await;
    assert_eq!(change_outcome(&changed), "CHANGED");
    let mut request = unbind("a", &card_token, "u");
    request.payment_password = crate::passwords::NEW_PASSWORD.to_owned();
    assert_eq!(unbind_outcome(&callers.unbind(request).await), "UNBOUND");
}

#[tokio::test]
async fn a_payment_code_ends_when_the_wallet_leaves_the_mainland() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let code = callers.show_code(&card_token, "code").await.unwrap();
    callers.switch("stay", WalletRegion::Mainland).await;
    assert_eq!(callers.scan(&code, "1").await, "APPROVED", "it never left");
    let code = callers.show_code(&card_token, "code 2").await.unwrap();
    callers.switch("out", WalletRegion::Malaysia).await;
    let scanned = callers.scan(&code, "2").await;
    assert!(scanned.starts_with("PAYMENT_CODE_"), "{scanned}");
    callers.switch("back", WalletRegion::Mainland).await;
    let scanned = callers.scan(&code, "3").await;
    assert!(
        scanned.starts_with("PAYMENT_CODE_"),
        "{scanned}: nor back again"
    );
    callers.paid("a", &card_token, "4", 100).await;
}

#[tokio::test]
async fn r32_d18_a_switch_is_answered_once_and_survives() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-05-01T10:00:00+08:00").await;
    let first = callers.switch("1", WalletRegion::Other).await;
    assert_eq!(
        (first.wallet_region(), first.replayed),
        (WalletRegion::Other, false)
    );
    assert_eq!(first.decided_at, Some(instant("2024-05-01T10:00:00+08:00")));
    let opened = callers.account("a").await;
    assert_eq!(opened.wallet_region(), WalletRegion::Other, "D27");
    callers.switch("2", WalletRegion::Malaysia).await;
    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    let kept = callers.account("a").await;
    assert_eq!(kept.wallet_region(), WalletRegion::Malaysia);
    let replay = callers.switch("1", WalletRegion::Other).await;
    assert!(replay.replayed);
    assert_eq!(
        replay.wallet_region(),
        WalletRegion::Other,
        "as it was answered"
    );
    let kept = callers.account("a").await;
    assert_eq!(
        kept.wallet_region(),
        WalletRegion::Malaysia,
        "and without effect"
    );
    let other = switch("a", "1", WalletRegion::Mainland);
    let conflict = callers.cards.switch_wallet_region(other).await.unwrap_err();
    assert_eq!(conflict.code(), Code::AlreadyExists);
    assert!(conflict.message().contains("wallet_region"), "{conflict:?}");
}

#[tokio::test]
async fn a_region_must_be_given_and_known() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let mut unknown = switch("a", "k", WalletRegion::Unspecified);
    for number in [0, 5, -1] {
        unknown.wallet_region = number;
        let refused = callers.cards.switch_wallet_region(unknown.clone()).await;
        let refused = refused.unwrap_err();
        assert_eq!(bad_fields(&refused), named(["wallet_region"]), "{number}");
    }
    let nothing = v1::SwitchWalletRegionRequest::default();
    let refused = callers
        .cards
        .switch_wallet_region(nothing)
        .await
        .unwrap_err();
    let fields = ["account_id", "idempotency_key", "wallet_region"];
    assert_eq!(bad_fields(&refused), named(fields));
    let request = v1::GetAccountRequest {
        account_id: "a".to_owned(),
    };
    let nobody = callers.cards.get_account(request).await.unwrap_err();
    assert_eq!(nobody.code(), Code::NotFound, "nothing was opened");
}
