//! Payments and quotes: from messages and back.

use tonic::Status;
use waika::v1;
use waika_domain::decline::Decline;
use waika_domain::event::{Funding, Payment, PaymentMode, Scene};
use waika_domain::identifiers::{AccountId, CardToken, IdempotencyKey, MerchantId};
use waika_domain::money::Amount;
use waika_domain::rules;

use super::asked::{Asked, Client};
use super::parse::Fields;
use super::{enums, outcome};
use crate::ledger::{AuthoriseOperation, CredentialGiven, QuoteAsked, Quoted, QuotedCard, Secret};
use crate::payment_token::check_code;
use crate::quote_token::QuoteToken;
use crate::vault::Vault;

/// A payment that cannot be malformed.
pub(super) struct ParsedAuthorise {
    /// None with a payment code, which gives it (D10).
    pub(super) account: Option<AccountId>,
    pub(super) key: IdempotencyKey,
    pub(super) asked: AuthoriseOperation,
}

pub(super) fn parse(request: &Asked<'_>, vault: &Vault) -> Result<ParsedAuthorise, Status> {
    let mut fields = Fields::default();
    let secrets = Secrets {
        password: request.payment_password,
        token: request.payment_token,
        code: request.payment_code,
    };
    let key = fields.key(request.idempotency_key);
    let scene = parse_scene(&mut fields, request.scene);
    let merchant = parse_merchant(&mut fields, scene, request.merchant_id);
    let amount = parse_amount(&mut fields, request.amount_fen, request.currency);
    let mode = v1::PaymentMode::try_from(request.mode)
        .ok()
        .and_then(enums::mode);
    let mode = fields.require("mode", mode, "must be a payment mode that is known");
    let client = fields.client(request.client);
    // D32
    let quote = fields.optional("quote_token", request.quote_token, |token| {
        QuoteToken::parse(vault, token)
    });
    let payer = Payer {
        card: request.card_token,
        funding: request.funding,
    };
    check_code_mode(&mut fields, &secrets, scene, mode);
    let by_code = !secrets.code.is_empty();
    let who = if by_code {
        payer.refuse_given(&mut fields, request.account_id);
        Some((None, Funding::Unknown))
    } else {
        let account = fields.account(request.account_id).map(Some);
        account.zip(payer.parse_funding(&mut fields))
    };
    let code = by_code.then(|| vault.payment_code_digest(secrets.code));
    let credential = secrets.parse(&mut fields);
    let whole = (|| {
        let (account, funding) = who?;
        let payment = Payment {
            funding,
            merchant: merchant?,
            amount: amount?,
            scene: scene?,
            mode: mode?,
            code,
        };
        Some(ParsedAuthorise {
            account,
            key: key?,
            asked: AuthoriseOperation {
                payment,
                client: client?,
                credential: credential?,
                quote: quote?,
                want_receipt: request.want_receipt,
                deadline: None,
            },
        })
    })();
    fields.finish(whole)
}

/// A payment code goes with its own mode, and with a purchase: merchants scan it (D10).
fn check_code_mode(
    fields: &mut Fields,
    secrets: &Secrets<'_>,
    scene: Option<Scene>,
    mode: Option<PaymentMode>,
) {
    let by_code = !secrets.code.is_empty();
    let in_mode = mode.is_none_or(|mode| (mode == PaymentMode::PaymentCode) == by_code);
    if !in_mode {
        fields.refuse(
            "mode",
            "must be PAYMENT_CODE with a payment_code, and only then",
        );
    }
    if by_code && scene.is_some_and(|scene| scene != Scene::Purchase) {
        fields.refuse("scene", "must be PURCHASE with a payment_code");
    }
}

/// What may prove that the payer is who pays: one of them.
struct Secrets<'a> {
    password: &'a str,
    token: &'a str,
    code: &'a str,
}

impl Secrets<'_> {
    fn parse(self, fields: &mut Fields) -> Option<CredentialGiven> {
        let Self {
            password,
            token,
            code,
        } = self;
        let secret = |text: &str| Secret::new(text.to_owned());
        let given = [password, token, code];
        if given.iter().filter(|secret| !secret.is_empty()).count() > 1 {
            let expected =
                "must be the only one of payment_password, payment_token and payment_code";
            fields.refuse("payment_password", expected);
            return None;
        }
        if !code.is_empty() {
            fields.take("payment_code", check_code(code))?; // D10
            return Some(CredentialGiven::Code);
        }
        if !token.is_empty() {
            return Some(CredentialGiven::Token(secret(token)));
        }
        fields.take("payment_password", rules::password::check_shape(password))?; // R43
        Some(CredentialGiven::Password(secret(password)))
    }
}

/// What is said of what pays.
pub(super) struct Payer<'a> {
    pub(super) card: &'a str,
    pub(super) funding: i32,
}

impl Payer<'_> {
    /// A card by its token, or the balance, which has none.
    pub(super) fn parse_funding(&self, fields: &mut Fields) -> Option<Funding> {
        match v1::Funding::try_from(self.funding) {
            Ok(v1::Funding::Unspecified | v1::Funding::Card) => {
                let card = fields.take("card_token", CardToken::parse(self.card));
                card.map(Funding::Card)
            }
            Ok(v1::Funding::Balance) if self.card.is_empty() => Some(Funding::Balance),
            Ok(v1::Funding::Balance) => {
                fields.refuse("card_token", "must be empty when the balance pays");
                None
            }
            Err(_) => {
                fields.refuse("funding", "must be CARD or BALANCE");
                None
            }
        }
    }

    /// A payment code stands for all of it (D10).
    fn refuse_given(&self, fields: &mut Fields, account: &str) {
        const EMPTY: &str = "must be empty with a payment_code, which stands for it";
        for (name, given) in [("account_id", account), ("card_token", self.card)] {
            if !given.is_empty() {
                fields.refuse(name, EMPTY);
            }
        }
        if self.funding != 0 {
            fields.refuse("funding", EMPTY);
        }
    }
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

pub(super) fn parse_amount(fields: &mut Fields, amount_fen: i64, currency: &str) -> Option<Amount> {
    let amount = fields.take("amount_fen", Amount::from_fen(amount_fen)); // D15
    if !matches!(currency, "" | "CNY") {
        fields.refuse("currency", "must be CNY, or empty for the same"); // R58
    }
    amount
}

pub(super) fn parse_quote(request: &v1::QuoteRequest) -> Result<(AccountId, QuoteAsked), Status> {
    let mut fields = Fields::default();
    let account = fields.account(&request.account_id);
    let scene = parse_scene(&mut fields, request.scene);
    let merchant = parse_merchant(&mut fields, scene, &request.merchant_id);
    let amount = parse_amount(&mut fields, request.amount_fen, &request.currency);
    let client = fields.client(request.client.as_ref().map(Client::from));
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
        balance,
        balance_token,
        policy,
        at,
        expires_at,
    } = quoted;
    let (usable, decline, quote_token) = usable_or_not(balance_token);
    v1::QuoteResponse {
        amount_fen: amount.fen().value(),
        fee_fen: fee.value(),
        total_fen: amount.fen().plus(fee).value(), // D3
        cards: cards.into_iter().map(quoted_card).collect(),
        balance: Some(v1::QuotedBalance {
            balance_fen: balance.value(),
            usable,
            decline,
            quote_token,
        }),
        policy: policy.to_string(),
        quoted_at: Some(outcome::timestamp(at)),
        expires_at: Some(outcome::timestamp(expires_at)),
    }
}

fn quoted_card(quoted: QuotedCard) -> v1::QuotedCard {
    let card = Some(outcome::card(&quoted.card));
    let (usable, decline, quote_token) = usable_or_not(quoted.token);
    v1::QuotedCard {
        card,
        usable,
        decline,
        quote_token,
    }
}

/// A quote token, or what the payment would be declined with.
fn usable_or_not(token: Result<String, Decline>) -> (bool, Option<v1::Decline>, String) {
    match token {
        Ok(quote_token) => (true, None, quote_token),
        Err(decline) => (false, Some(outcome::decline(&decline)), String::new()),
    }
}
