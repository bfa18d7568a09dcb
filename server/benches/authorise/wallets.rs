//! The wallets that pay: made over the wire like anybody's, before anything is counted.

use futures_util::StreamExt as _;
use tonic::transport::Channel;
use waika::v1;
use waika::v1::admin_service_client::AdminServiceClient;
use waika::v1::card_service_client::CardServiceClient;

use crate::requests::{MERCHANT, PHONE, bind, bound, card, merchant, send_phone_code, visa};

/// Where cards begin that the sandbox has no special answer to.
const FIRST_CARD: u32 = 100_000_000;

/// Wallets that are made at once: so few that a server does not refuse any, however long a slow disk keeps
/// it under valgrind.
const AT_ONCE: usize = 32;

/// A wallet with a card.
pub(crate) struct Wallet {
    pub(crate) account: String,
    pub(crate) card_token: String,
}

/// Makes a merchant, and so many wallets with a card each of which no other knows.
pub(crate) async fn open(count: u32, rpc: Channel, admin: Channel) -> Vec<Wallet> {
    let request = v1::PutMerchantRequest {
        idempotency_key: "put".to_owned(),
        merchant: Some(merchant(MERCHANT)),
    };
    let mut admin = AdminServiceClient::new(admin);
    admin.put_merchant(request).await.unwrap();
    let cards = CardServiceClient::new(rpc);
    let opened = (0..count).map(|number| open_one(cards.clone(), number));
    let opened = futures_util::stream::iter(opened).buffered(AT_ONCE);
    opened.collect().await
}

async fn open_one(mut cards: CardServiceClient<Channel>, number: u32) -> Wallet {
    let account = format!("wallet-{number:08}");
    let sent = cards.send_phone_code(send_phone_code(&account, PHONE));
    let phone_code = match sent.await.unwrap().into_inner().outcome.unwrap() {
        v1::send_phone_code_response::Outcome::Sent(sent) => sent.sandbox_code,
        v1::send_phone_code_response::Outcome::Refusal(refusal) => panic!("{refusal:?}"),
    };
    let request = v1::BindRequest {
        phone_code,
        card: Some(card(&visa(FIRST_CARD + number), v1::Scheme::Visa)),
        ..bind(&account)
    };
    let answer = cards.bind(request).await.unwrap().into_inner();
    Wallet {
        card_token: bound(&answer),
        account,
    }
}
