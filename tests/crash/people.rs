//! Who calls: a few hundred wallets, each with habits of its own, and the requests they make.

use waika::v1;

pub(crate) const ACCOUNTS: usize = 240;
/// Tasks that call at the same time, besides the streams.
pub(crate) const WORKERS: usize = 24;
pub(crate) const PASSWORD: &str = "135790";
pub(crate) const WRONG_PASSWORD: &str = "246802";
/// The merchant that is never changed.
pub(crate) const STEADY: &str = "noodle-bar";

/// What a wallet's owner does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Only ever gives wrong passwords.
    Guesses,
    /// Unbinds cards and binds others.
    Swaps,
    /// Has a card that an operator changes the status of.
    Watched,
    /// Pays as much as may be, and more.
    Spends,
    /// Pays small amounts, and mistypes now and then.
    Pays,
}

pub(crate) fn habit(account: usize) -> Habit {
    match account % 16 {
        0 => Habit::Guesses,
        1 | 2 => Habit::Swaps,
        3 => Habit::Watched,
        4 | 5 => Habit::Spends,
        _ => Habit::Pays,
    }
}

pub(crate) fn account_id(account: usize) -> String {
    format!("acct-{account:03}")
}

/// The accounts whose card's status one worker sets, and no other.
pub(crate) fn watched_by(worker: usize) -> Option<usize> {
    let account = worker * 16 + 3;
    (account < ACCOUNTS).then_some(account)
}

/// The merchant that one worker changes, and no other.
pub(crate) fn merchant_of(worker: usize) -> String {
    format!("fickle-{worker:02}")
}

/// A merchant that takes international cards, with a name that tells one put from another.
pub(crate) fn put_merchant(key: &str, id: &str) -> v1::PutMerchantRequest {
    v1::PutMerchantRequest {
        idempotency_key: key.to_owned(),
        merchant: Some(v1::Merchant {
            merchant_id: id.to_owned(),
            name: format!("{id} by {key}"),
            region: v1::MerchantRegion::Mainland.into(),
            category_code: "5812".to_owned(),
            international_cards: true,
        }),
    }
}

pub(crate) fn send_phone_code(account: usize, key: &str, number: u32) -> v1::SendPhoneCodeRequest {
    v1::SendPhoneCodeRequest {
        idempotency_key: key.to_owned(),
        account_id: account_id(account),
        // Does not end in five zeros, which the sandbox does not deliver to.
        phone_number: format!("+4477{number:07}1"),
        wallet_region: v1::WalletRegion::Mainland.into(),
    }
}

/// A bind of a card of this account's own.
pub(crate) fn bind(account: usize, key: &str, card: u32) -> v1::BindRequest {
    v1::BindRequest {
        idempotency_key: key.to_owned(),
        account_id: account_id(account),
        wallet_region: v1::WalletRegion::Mainland.into(),
        client: None,
        service_agreement_accepted: true,
        privacy_policy_accepted: true,
        identity: Some(v1::IdentityDocument {
            r#type: v1::IdentityDocumentType::ForeignPermanentResidentCard.into(),
            number: format!("FPR-{account:06}"),
            issuing_country: "CN".to_owned(),
            holder_name: "Marie Curie".to_owned(),
            expires_on: Some(v1::Date {
                year: 2049,
                month: 12,
                day: 31,
            }),
        }),
        card: Some(v1::CardEntry {
            pan: pan(u32::try_from(account).unwrap(), card),
            scheme: v1::Scheme::Visa.into(),
            expiry_month: 12,
            expiry_year: 2049,
            cvv: "123".to_owned(),
            holder_name: "CURIE MARIE".to_owned(),
        }),
        phone_number: String::new(),
        phone_code: String::new(),
        payment_password: PASSWORD.to_owned(),
    }
}

/// A Visa test number that no other account has and that the sandbox approves.
fn pan(account: u32, card: u32) -> String {
    let prefix = format!("411111{:06}{:03}", account + 1, card % 1_000);
    let digits = prefix.bytes().rev().map(|byte| u32::from(byte - b'0'));
    let doubled = digits.enumerate().map(|(place, digit)| match place % 2 {
        0 => digit * 2 / 10 + digit * 2 % 10,
        _ => digit,
    });
    format!("{prefix}{}", (10 - doubled.sum::<u32>() % 10) % 10)
}

/// A payment of one yuan that passes.
pub(crate) fn pay(account: usize, key: &str, card: &str) -> v1::AuthoriseRequest {
    v1::AuthoriseRequest {
        idempotency_key: key.to_owned(),
        account_id: account_id(account),
        card_token: card.to_owned(),
        merchant_id: STEADY.to_owned(),
        amount_fen: 100,
        currency: "CNY".to_owned(),
        scene: v1::Scene::Purchase.into(),
        mode: v1::PaymentMode::MerchantQr.into(),
        payment_password: PASSWORD.to_owned(),
        client: None,
        quote_token: String::new(),
        ..v1::AuthoriseRequest::default()
    }
}
