//! Payments and quotes: from messages and back.

use tonic::Status;
use waika::v1;
use waika_domain::event::{Payment, Scene};
use waika_domain::identifiers::{AccountId, CardToken, IdempotencyKey, MerchantId};
use waika_domain::money::Amount;
use waika_domain::rules;

use super::parse::Fields;
use super::{enums, outcome};
use crate::ledger::{AuthoriseOperation, QuoteAsked, Quoted, QuotedCard, Secret};
use crate::quote_token::QuoteToken;
use crate::vault::Vault;

pub(super) type ParsedAuthorise = (AccountId, IdempotencyKey, AuthoriseOperation);

pub(super) fn parse(
    request: v1::AuthoriseRequest,
    vault: &Vault,
) -> Result<ParsedAuthorise, Status> {
    let mut fields = Fields::default();
    let password = Secret::new(request.payment_password);
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    let card = fields.take("card_token", CardToken::parse(&request.card_token));
    let scene = parse_scene(&mut fields, request.scene);
    let merchant = parse_merchant(&mut fields, scene, &request.merchant_id);
    let amount = parse_amount(&mut fields, request.amount_fen, &request.currency);
    let mode = v1::PaymentMode::try_from(request.mode)
        .ok()
        .and_then(enums::mode);
    let mode = fields.require("mode", mode, "must be a payment mode that is known");
    fields.take("payment_password", rules::password::check_shape(&password)); // R43
    let client = fields.client(request.client);
    // D32
    let quote = fields.optional("quote_token", &request.quote_token, |token| {
        QuoteToken::parse(vault, token)
    });
    let whole = (|| {
        let payment = Payment {
            card: card?,
            merchant: merchant?,
            amount: amount?,
            scene: scene?,
            mode: mode?,
        };
        Some((
            account?,
            key?,
            AuthoriseOperation {
                payment,
                client: client?,
                password,
                quote: quote?,
            },
        ))
    })();
    fields.finish(whole)
}

/// Only a purchase has a merchant, and it must have one. The outer None means malformed.
#[expect(
    clippy::option_option,
    reason = "absent and malformed are different things"
)]
fn parse_merchant(
    fields: &mut Fields,
    scene: Option<Scene>,
    text: &str,
) -> Option<Option<MerchantId>> {
    let has_merchant = scene.is_none_or(Scene::has_merchant);
    if text.is_empty() && !has_merchant {
        return Some(None);
    }
    if !has_merchant {
        fields.refuse("merchant_id", "must be empty in a scene without a merchant");
        return None;
    }
    fields
        .take("merchant_id", MerchantId::parse(text))
        .map(Some)
}

fn parse_scene(fields: &mut Fields, scene: i32) -> Option<Scene> {
    let scene = v1::Scene::try_from(scene).ok().and_then(enums::scene);
    fields.require("scene", scene, "must be a scene that is known")
}

fn parse_amount(fields: &mut Fields, amount_fen: i64, currency: &str) -> Option<Amount> {
    let amount = fields.take("amount_fen", Amount::from_fen(amount_fen)); // D15
    if !matches!(currency, "" | "CNY") {
        fields.refuse("currency", "must be CNY, or empty for the same"); // R58
    }
    amount
}

pub(super) fn parse_quote(request: v1::QuoteRequest) -> Result<(AccountId, QuoteAsked), Status> {
    let mut fields = Fields::default();
    let account = fields.account(&request.account_id);
    let scene = parse_scene(&mut fields, request.scene);
    let merchant = parse_merchant(&mut fields, scene, &request.merchant_id);
    let amount = parse_amount(&mut fields, request.amount_fen, &request.currency);
    let client = fields.client(request.client);
    let whole = (|| {
        let asked = QuoteAsked {
            merchant: merchant?,
            amount: amount?,
            scene: scene?,
            client: client?,
        };
        Some((account?, asked))
    })();
    fields.finish(whole)
}

pub(super) fn quote_response(amount: Amount, quoted: Quoted) -> v1::QuoteResponse {
    let Quoted {
        fee,
        cards,
        policy,
        at,
        expires_at,
    } = quoted;
    v1::QuoteResponse {
        amount_fen: amount.fen().value(),
        fee_fen: fee.value(),
        total_fen: amount.fen().plus(fee).value(), // D3
        cards: cards.into_iter().map(quoted_card).collect(),
        policy: policy.into(),
        quoted_at: Some(outcome::timestamp(at)),
        expires_at: Some(outcome::timestamp(expires_at)),
    }
}

fn quoted_card(quoted: QuotedCard) -> v1::QuotedCard {
    let card = Some(outcome::card(&quoted.card));
    match quoted.token {
        Ok(quote_token) => v1::QuotedCard {
            card,
            usable: true,
            decline: None,
            quote_token,
        },
        Err(decline) => v1::QuotedCard {
            card,
            usable: false,
            decline: Some(outcome::decline(&decline)),
            quote_token: String::new(),
        },
    }
}
