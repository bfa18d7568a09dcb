//! `Bind`: its long message, and its answer.

use tonic::Status;
use waika::v1;
use waika_domain::Malformed;
use waika_domain::card::{CardExpiry, Scheme};
use waika_domain::event::{BindDecided, Event};
use waika_domain::identifiers::{AccountId, CardToken};
use waika_domain::identity::{CountryCode, DocumentType, same_name};
use waika_domain::period::Day;
use waika_domain::rules;
use waika_domain::rules::bind::Application;
use waika_domain::rules::phone_code::normalise_phone;

use super::asked::Client;
use super::card::no_randomness;
use super::parse::{Digests, Fields};
use super::party::Party;
use super::{enums, outcome, status};
use crate::ledger::{Answered, BindOperation, Call, Ledger, Rpc, Secret};
use crate::pan::Pan;
use crate::partner::{IdentityAsked, IdentityVerifier};
use crate::sandbox;
use crate::vault::{self, Vault};

/// A bind that cannot be malformed.
pub(super) struct Parsed {
    pub(super) account: AccountId,
    pub(super) call: Call,
    pub(super) operation: BindOperation,
}

impl Parsed {
    /// The verifier's word on the document (R36). It is not asked where it makes no difference: for a
    /// used key, and where an earlier rung refuses, above all a privacy policy that was not accepted.
    pub(super) async fn is_confirmed_by(
        &self,
        verifier: &IdentityVerifier,
        asked: IdentityAsked,
        (ledger, core): (&Ledger, usize),
    ) -> Result<bool, Status> {
        let Application {
            agreements_accepted,
            document,
            ..
        } = &self.operation.application;
        let refused = !agreements_accepted || document.is_none();
        if refused || ledger.is_used(core, &self.account, &self.call).await? {
            return Ok(false);
        }
        let confirmed = verifier.confirms(core, asked).await;
        confirmed.map_err(status::verifier_unavailable)
    }
}

const NAME: &str = "must be 1 to 128 characters";

pub(super) fn parse(
    request: v1::BindRequest,
    party: &Party<'_>,
    allow_live_pan: bool,
) -> Result<Parsed, Status> {
    let mut fields = Fields::default();
    let phone_code = Secret::new(request.phone_code);
    let password = Secret::new(request.payment_password);
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    let region = fields.region(request.wallet_region);
    let client = fields.client(request.client.as_ref().map(Client::from));
    let identity = parse_identity(&mut fields, request.identity);
    let card = parse_card(&mut fields, request.card, allow_live_pan);
    let phone = fields.take("phone_number", normalise_phone(&request.phone_number));
    fields.take("phone_code", rules::phone_code::check_shape(&phone_code)); // D8
    fields.take("payment_password", rules::password::check_shape(&password)); // R43
    let whole = (|| Some((key?, account?, region?, client?, identity?, card?, phone?)))();
    let (key, account, region, client, identity, card, phone) = fields.finish(whole)?;

    let live = party.vault.live();
    let (kind, country) = (identity.document, identity.issuing_country);
    let phones = live.phone(&phone);
    let application = Application {
        region,
        client,
        agreements_accepted: request.service_agreement_accepted && request.privacy_policy_accepted,
        document: kind,
        issuing_country: country,
        document_fingerprints: live.document(kind, country, &identity.number),
        document_expires_on: identity.expires_on,
        card_fingerprints: live.card(card.pan.expose()),
        card_scheme: card.pan.scheme(),
        chosen_scheme: card.chosen_scheme,
        card_expiry: card.expiry,
        phone: phones.active(),
    };
    let call = Digests::new(party)
        .with_number("wallet_region", enums::to_wallet_region(region).into())
        .with("agreements", [u8::from(application.agreements_accepted)])
        .with("identity", identity.as_one(party.vault))
        .with("card", card.as_one(party.vault))
        .with("phone_number", &phone)
        .call(Rpc::Bind, key);
    let operation = BindOperation {
        application,
        phones,
        phone_code,
        password,
        password_salt: vault::random_salt().map_err(|_| no_randomness())?,
        identity_confirmed: sandbox::identity_is_confirmed(&identity.number),
        holder_matches: same_name(&identity.holder_name, &card.holder_name), // D9
        token: CardToken::from_bits(vault::random_bits().map_err(|_| no_randomness())?),
        pan: card.pan,
        cvv: card.cvv,
        deadline: None,
    };
    Ok(Parsed {
        account,
        call,
        operation,
    })
}

pub(super) struct ParsedIdentity {
    pub(super) document: Option<DocumentType>,
    pub(super) issuing_country: CountryCode,
    pub(super) number: Secret,
    holder_name: Secret,
    expires_on: Day,
}

// Each as one: whoever knew a key that was used could find their parts out one by one, and they
// reset a password (R46, R47). What has a length of its own comes last.

impl ParsedIdentity {
    fn as_one(&self, vault: &Vault) -> Vec<u8> {
        let (document, country) = (self.document, self.issuing_country);
        let document = vault.lasting_document(document, country, &self.number);
        [
            &document.0[..],
            &self.expires_on.number().to_le_bytes(),
            self.holder_name.as_bytes(),
        ]
        .concat()
    }
}

impl ParsedCard {
    fn as_one(&self, vault: &Vault) -> Vec<u8> {
        [
            &vault.lasting_card(self.pan.expose()).0[..],
            &i32::from(enums::to_scheme(self.chosen_scheme)).to_le_bytes(),
            &self.expiry.year.to_le_bytes(),
            &[self.expiry.month],
            self.holder_name.as_bytes(),
        ]
        .concat()
    }
}

pub(super) fn parse_identity(
    fields: &mut Fields,
    identity: Option<v1::IdentityDocument>,
) -> Option<ParsedIdentity> {
    let identity = fields.require("identity", identity, "must be given")?;
    let number = Secret::new(identity.number);
    let holder_name = Secret::new(identity.holder_name);
    let document = v1::IdentityDocumentType::try_from(identity.r#type).ok();
    let document = fields.require(
        "identity.type",
        document.and_then(enums::document),
        "must be a document type that is known; OTHER for any that is not listed",
    );
    let country = CountryCode::parse(&identity.issuing_country);
    let issuing_country = fields.take("identity.issuing_country", country);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !(4..=32).contains(&number.len()) || !number.bytes().all(plain) {
        fields.refuse(
            "identity.number",
            "must be 4 to 32 letters, digits or hyphens",
        );
    }
    fields.text("identity.holder_name", &holder_name, 128, NAME);
    let expires_on = fields.take("identity.expires_on", parse_day(identity.expires_on));
    let (document, issuing_country) = (document?, issuing_country?);
    Some(ParsedIdentity {
        document,
        issuing_country,
        number,
        holder_name,
        expires_on: expires_on?,
    })
}

pub(super) fn parse_day(date: Option<v1::Date>) -> Result<Day, Malformed> {
    let date = date.ok_or(Malformed::new("must be given"))?;
    let small = |number| u8::try_from(number).unwrap_or_default();
    Day::from_civil(date.year, small(date.month), small(date.day))
}

pub(super) struct ParsedCard {
    pub(super) pan: Pan,
    pub(super) chosen_scheme: Scheme,
    pub(super) expiry: CardExpiry,
    holder_name: Secret,
    cvv: Secret,
}

pub(super) fn parse_card(
    fields: &mut Fields,
    card: Option<v1::CardEntry>,
    allow_live_pan: bool,
) -> Option<ParsedCard> {
    let card = fields.require("card", card, "must be given")?;
    let cvv = Secret::new(card.cvv);
    let holder_name = Secret::new(card.holder_name);
    let pan = fields.take("card.pan", Pan::parse(card.pan));
    // A scheme that is not on the list is refused by name, whatever the range (R17).
    let live = |pan: &Pan| pan.scheme().is_some() && !pan.is_test();
    if pan.as_ref().is_some_and(live) && !allow_live_pan {
        fields.refuse(
            "card.pan",
            "is not a test card number, and this server takes no other",
        ); // D26
    }
    let chosen = v1::Scheme::try_from(card.scheme)
        .ok()
        .and_then(enums::scheme);
    let chosen_scheme = fields.require("card.scheme", chosen, "must be a scheme that is known");
    let expiry = CardExpiry::new(card.expiry_year, card.expiry_month);
    let expiry = fields.take("card.expiry", expiry);
    if cvv.len() != 3 || !cvv.bytes().all(|byte| byte.is_ascii_digit()) {
        fields.refuse("card.cvv", "must be three digits");
    }
    fields.text("card.holder_name", &holder_name, 128, NAME);
    Some(ParsedCard {
        pan: pan?,
        chosen_scheme: chosen_scheme?,
        expiry: expiry?,
        holder_name,
        cvv,
    })
}

pub(super) fn response(answered: &Answered) -> Result<v1::BindResponse, Status> {
    let Event::BindDecided(decided) = &answered.event else {
        return Err(status::internal("the stored decision is not about a bind"));
    };
    let BindDecided {
        outcome, review, ..
    } = &**decided;
    let outcome = match outcome {
        Ok(binding) => v1::bind_response::Outcome::Card(outcome::card(&binding.card)),
        Err(refused) => {
            v1::bind_response::Outcome::Refusal(outcome::refusal!(BindRefusal, refused))
        }
    };
    Ok(v1::BindResponse {
        outcome: Some(outcome),
        replayed: answered.replayed,
        decided_at: Some(outcome::timestamp(answered.at)),
        review: enums::to_review(*review).into(),
    })
}
