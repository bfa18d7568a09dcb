//! The small numbers of the operations as the domain's own types.

use waika_domain::card::{BoundCard, CardExpiry, IssuerCardReference, Scheme};
use waika_domain::event::{Funding, IssuerKind, PasswordVerifier};
use waika_domain::identifiers::{CardToken, CodeDigest, Fingerprint, IdempotencyKey, MerchantId};
use waika_domain::identity::CountryCode;
use waika_domain::merchant::{CategoryCode, Merchant, MerchantRegion};
use waika_domain::money::Amount;
use waika_domain::period::{Day, Timestamp};
use waika_domain::version::{Client, Version};

use crate::calendar::Ms;
use crate::operation::{App, Shop};
use crate::reference::{Card, Source, Who};

pub(crate) fn at(now: Ms) -> Timestamp {
    Timestamp::from_unix_ms(now)
}

pub(crate) fn phone(number: u8) -> Fingerprint {
    Fingerprint([number; 16])
}

pub(crate) fn card_number(number: u8) -> Fingerprint {
    Fingerprint([number; 16])
}

/// Type, issuing place and number together make a person (D9).
pub(crate) fn document(who: Who) -> Fingerprint {
    let mut digest = [who.number; 16];
    digest[0] = who.document as u8;
    digest[1] = u8::from(who.abroad);
    Fingerprint(digest)
}

pub(crate) fn country(abroad: bool) -> CountryCode {
    CountryCode::parse(if abroad { "FR" } else { "CN" }).unwrap()
}

pub(crate) fn day(number: i64) -> Day {
    Day::from_number(i32::try_from(number).unwrap())
}

/// Equal passwords have equal verifiers here.
pub(crate) fn verifier(password: u8) -> PasswordVerifier {
    PasswordVerifier {
        salt: [0; 8],
        digest: [password; 16],
    }
}

pub(crate) fn amount(fen: i64) -> Amount {
    Amount::from_fen(fen).unwrap()
}

pub(crate) fn funding(source: Source) -> Funding {
    match source {
        Source::Card(token) => Funding::Card(CardToken::from_bits(token)),
        Source::Balance => Funding::Balance,
        Source::Unknown => Funding::Unknown,
    }
}

pub(crate) fn source(funding: Funding) -> Source {
    match funding {
        Funding::Card(token) => Source::Card(token.bits()),
        Funding::Balance => Source::Balance,
        Funding::Unknown => Source::Unknown,
    }
}

pub(crate) fn digest(nonce: u64) -> CodeDigest {
    CodeDigest(nonce + 1_000_000)
}

pub(crate) fn key(number: u8) -> IdempotencyKey {
    IdempotencyKey::parse(&format!("key-{number}")).unwrap()
}

pub(crate) fn client(app: App) -> Option<Client> {
    app.map(|(channel, version)| Client {
        channel,
        version: Version::parse(version).unwrap(),
    })
}

/// The scheme of a card by its number; the eighth is of none on the list.
pub(crate) fn scheme(card: u8) -> Option<Scheme> {
    (card != 8).then(|| Scheme::ALL[usize::from(card) % Scheme::ALL.len()])
}

/// Another scheme than that one.
pub(crate) fn other_scheme(scheme: Scheme) -> Scheme {
    if scheme == Scheme::Visa {
        Scheme::Jcb
    } else {
        Scheme::Visa
    }
}

pub(crate) fn expiry(last_month: i64) -> CardExpiry {
    let (year, month) = (last_month / 12, last_month % 12 + 1);
    CardExpiry::new(i32::try_from(year).unwrap(), i32::try_from(month).unwrap()).unwrap()
}

pub(crate) fn bound_card(card: &Card, now: Ms) -> BoundCard {
    BoundCard {
        token: CardToken::from_bits(card.token),
        fingerprint: card_number(card.number),
        issuer_reference: IssuerCardReference(format!("reference-{}", card.number).into()),
        issuer: IssuerKind::Sandbox,
        bin: waika_domain::card::Bin::new(411_111),
        phone: phone(card.phone).mark(),
        last_four: u16::from(card.number),
        scheme: card.scheme,
        expiry: expiry(card.last_month),
        holder_matches: card.holder_matches,
        bound_at: at(now),
        bound_by: 0,
    }
}

pub(crate) fn merchant(shop: Shop) -> Option<Merchant> {
    let overseas = matches!(shop, Shop::Overseas | Shop::OverseasNotEnabled);
    let merchant = Merchant {
        id: merchant_id(),
        name: "Noodle Bar".into(),
        region: if overseas {
            MerchantRegion::Overseas
        } else {
            MerchantRegion::Mainland
        },
        category: CategoryCode(5812),
        international_cards: matches!(shop, Shop::Good | Shop::Overseas),
    };
    (shop != Shop::Unknown).then_some(merchant)
}

pub(crate) fn merchant_id() -> MerchantId {
    MerchantId::parse("noodle-bar").unwrap()
}
