//! Chapter 2 of the guide, "Where to find [Add a card]": the three ways in, and the right wallet.

use waika::v1::{self, WalletRegion};

use crate::support::Server;
use crate::wallet::{
    Callers, MERCHANT, assert_says, bind, bind_refusal, bound, decline, merchant, pay,
    send_phone_code,
};

impl Callers {
    /// [Select Wallet Region].
    async fn select_region(&mut self, account: &str, region: WalletRegion) -> WalletRegion {
        let request = v1::SwitchWalletRegionRequest {
            idempotency_key: format!("to {}", region.as_str_name()),
            account_id: account.to_owned(),
            wallet_region: region.into(),
        };
        let switched = self.cards.switch_wallet_region(request).await.unwrap();
        switched.into_inner().wallet_region()
    }

    /// Has a code sent from a wallet that was opened in a region. Gives the code.
    async fn code_in(&mut self, account: &str, region: WalletRegion) -> String {
        let mut request = send_phone_code(account, &bind(account).phone_number);
        request.wallet_region = region.into();
        let asked = self.cards.send_phone_code(request).await.unwrap();
        match asked.into_inner().outcome.unwrap() {
            v1::send_phone_code_response::Outcome::Sent(sent) => sent.sandbox_code,
            v1::send_phone_code_response::Outcome::Refusal(refusal) => panic!("{refusal:?}"),
        }
    }
}

/// R34: by [Me]-[Services]-[Wallet], by a QR code, or by [Settings]: each way the agreement and the
/// privacy policy are read and accepted first.
#[tokio::test]
async fn r34_nothing_is_bound_before_agreement_and_policy_are_accepted() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let code = callers.code_in("a", WalletRegion::Mainland).await;
    let accepted = v1::BindRequest {
        phone_code: code,
        ..bind("a")
    };
    let unread = [(false, false), (true, false), (false, true)];
    for (number, (agreement, policy)) in (0..).zip(unread) {
        let request = v1::BindRequest {
            idempotency_key: format!("unread {number}"),
            service_agreement_accepted: agreement,
            privacy_policy_accepted: policy,
            ..accepted.clone()
        };
        let refusal = bind_refusal(callers.bind(request).await);
        let unaccepted = v1::BindRefusalReason::AgreementNotAccepted;
        assert_eq!(refusal.reason(), unaccepted, "{agreement} {policy}");
        let text = refusal.text.as_ref();
        assert_says(text, "用户服务协议及隐私政策", "User Service Agreement");
    }
    // The code of R35's step 4 is not spent by a refusal at step 1.
    bound(&callers.bind(accepted).await);
}

/// R31: "显示待认证或者“¥符号”，表示为大陆钱包": to be verified, or verified, it is the mainland's.
#[tokio::test]
async fn r31_a_mainland_wallet_is_told_by_its_mark() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let code = callers.code_in("a", WalletRegion::Mainland).await;
    let account = callers.account("a").await;
    let mark = (account.wallet_region(), account.verified);
    assert_eq!(mark, (WalletRegion::Mainland, false), "待认证");
    let request = v1::BindRequest {
        phone_code: code,
        ..bind("a")
    };
    bound(&callers.bind(request).await);
    let account = callers.account("a").await;
    let mark = (account.wallet_region(), account.verified);
    assert_eq!(mark, (WalletRegion::Mainland, true), "¥");
    // D19: another region named later changes nothing by itself.
    let mut again = send_phone_code("a", "+44 7700 900124");
    again.wallet_region = WalletRegion::HongKong.into();
    callers.cards.send_phone_code(again).await.unwrap();
    let account = callers.account("a").await;
    assert_eq!(account.wallet_region(), WalletRegion::Mainland);
}

/// Q2, R30, R32: "部分外籍用户会默认进入香港钱包/马来钱包等，需要手动切换至大陆地区钱包。"
#[tokio::test]
async fn q2_r32_a_wallet_that_began_elsewhere_is_switched_to_the_mainland() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.put_merchant(merchant(MERCHANT)).await;
    let regions = [
        WalletRegion::HongKong,
        WalletRegion::Malaysia,
        WalletRegion::Other,
    ];
    for (number, region) in (0..).zip(regions) {
        let account = format!("acct-{number}");
        let code = callers.code_in(&account, region).await;
        assert_eq!(callers.account(&account).await.wallet_region(), region);
        let mut request = v1::BindRequest {
            phone_code: code,
            ..bind(&account)
        };
        request.identity = bind("one person").identity;
        request.identity.as_mut().unwrap().number = "FPR-7".to_owned();
        let refusal = bind_refusal(callers.bind(request.clone()).await);
        assert_eq!(refusal.reason(), v1::BindRefusalReason::WalletRegion, "R30");
        assert_says(
            refusal.text.as_ref(),
            "请切换钱包地区",
            "Switch the wallet region",
        );

        let mainland = callers
            .select_region(&account, WalletRegion::Mainland)
            .await;
        assert_eq!(mainland, WalletRegion::Mainland);
        "after the switch".clone_into(&mut request.idempotency_key);
        let card_token = bound(&callers.bind(request).await);
        callers.paid(&account, &card_token, "1", 100).await;

        // R30: from the other wallet it would not have paid either; and back it does.
        callers.select_region(&account, region).await;
        let elsewhere = callers
            .authorise(pay(&account, &card_token, "2", 100))
            .await;
        let declined = decline(elsewhere.unwrap());
        assert_eq!(declined.reason(), v1::DeclineReason::WalletRegion);
        assert_eq!(declined.retry(), v1::RetryClass::FixData);
        assert_says(
            declined.text.as_ref(),
            "切换钱包地区",
            "Switch the wallet region",
        );
    }
}

/// R33: "如没有切换选项，请通过本指引开通大陆地区钱包": who has none opens one here, by any first step.
#[tokio::test]
async fn r33_who_has_no_wallet_yet_opens_a_mainland_one() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let request = v1::GetAccountRequest {
        account_id: "a".to_owned(),
    };
    let nobody = callers.cards.get_account(request).await.unwrap_err();
    assert_eq!(nobody.code(), tonic::Code::NotFound, "D27");
    callers.select_region("a", WalletRegion::Mainland).await;
    let account = callers.account("a").await;
    assert_eq!(account.wallet_region(), WalletRegion::Mainland);
    assert!(!account.verified);

    // A bind that names no region opens a mainland wallet too.
    let mut request = bind("b");
    request.wallet_region = WalletRegion::Unspecified.into();
    request.phone_code = callers.code_in("b", WalletRegion::Unspecified).await;
    bound(&callers.bind(request).await);
    let account = callers.account("b").await;
    assert_eq!(account.wallet_region(), WalletRegion::Mainland);
}
