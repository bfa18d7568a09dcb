//! What operators can do, on a listener of their own.

use waika::v1;

use crate::support::Server;
use crate::wallet::{Callers, MERCHANT, merchant, pay};

#[tokio::test]
async fn d11_merchants_are_written_read_and_listed_in_pages() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    for number in 0..25 {
        callers
            .put_merchant(merchant(&format!("m{number:02}")))
            .await;
    }
    let read = v1::GetMerchantRequest {
        merchant_id: "m07".to_owned(),
    };
    let read = callers
        .admin
        .get_merchant(read)
        .await
        .unwrap()
        .into_inner()
        .merchant
        .unwrap();
    assert_eq!(read, merchant("m07"));

    let mut seen = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListMerchantsRequest {
            page_size: 10,
            page_token,
        };
        let page = callers
            .admin
            .list_merchants(request)
            .await
            .unwrap()
            .into_inner();
        seen.extend(
            page.merchants
                .into_iter()
                .map(|merchant| merchant.merchant_id),
        );
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let expected: Vec<_> = (0..25).map(|number| format!("m{number:02}")).collect();
    assert_eq!(seen, expected);

    let nobody = v1::GetMerchantRequest {
        merchant_id: "nobody".to_owned(),
    };
    let error = callers.admin.get_merchant(nobody).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn r60_a_merchant_that_is_switched_off_declines_at_once() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    assert_eq!(
        callers.decision(pay("a", &card, "1", 100)).await,
        "APPROVED"
    );
    let off = v1::Merchant {
        international_cards: false,
        ..merchant(MERCHANT)
    };
    let request = v1::PutMerchantRequest {
        idempotency_key: "off".to_owned(),
        merchant: Some(off.clone()),
    };
    let put = callers
        .admin
        .put_merchant(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert!(!put.replayed);
    assert_eq!(
        callers.decision(pay("a", &card, "2", 100)).await,
        "MERCHANT_NOT_ENABLED"
    );
    let again = callers
        .admin
        .put_merchant(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!((again.replayed, again.merchant), (true, Some(off)));
}

#[tokio::test]
async fn a_card_status_acts_on_the_sandbox_issuer() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let set = |key: &str, status: v1::CardStatus| v1::SetCardStatusRequest {
        idempotency_key: key.to_owned(),
        account_id: "a".to_owned(),
        card_token: card.clone(),
        status: status.into(),
    };
    callers
        .admin
        .set_card_status(set("1", v1::CardStatus::Lost))
        .await
        .unwrap();
    assert_eq!(
        callers.decision(pay("a", &card, "1", 100)).await,
        "ISSUER_LOST_CARD",
        "R70"
    );
    callers
        .admin
        .set_card_status(set("2", v1::CardStatus::Normal))
        .await
        .unwrap();
    assert_eq!(
        callers.decision(pay("a", &card, "2", 100)).await,
        "APPROVED"
    );
    let mut unknown = set("3", v1::CardStatus::Lost);
    unknown.card_token = "card_0000000000001".to_owned();
    let error = callers.admin.set_card_status(unknown).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn operators_calls_are_not_served_to_callers() {
    let server = Server::start();
    let channel = server.rpc_channel().await;
    let mut admin = v1::admin_service_client::AdminServiceClient::new(channel);
    let request = v1::ListMerchantsRequest::default();
    let error = admin.list_merchants(request).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::Unimplemented);
}
