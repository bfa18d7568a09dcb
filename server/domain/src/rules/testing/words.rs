//! The words of a script: how a line is read.

use super::wallet::{amount, token};
use crate::decline::IssuerRefusal;
use crate::event::{Funding, FundsKind, Scene, WalletRegion};
use crate::identity::DocumentType;
use crate::money::Fen;

/// Every name that a line may give a value.
const NAMES: [&str; 26] = [
    "again", "barcode", "by", "card", "code", "document", "expiry", "from", "gateway", "holder",
    "issuer", "key", "kind", "month", "new", "number", "password", "payment", "person", "phone",
    "region", "scene", "scheme", "single", "token", "year",
];

pub(super) struct Line<'a> {
    pub(super) verb: &'a str,
    /// What follows the verb before the pairs: an amount or a time.
    pub(super) object: String,
    pub(super) times: u32,
    pub(super) pairs: Vec<(&'a str, &'a str)>,
    pub(super) expected: Vec<&'a str>,
}

impl<'a> Line<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        let (command, expected) = text.split_once("=>").unwrap_or((text, ""));
        let mut words = command.split_whitespace().peekable();
        let verb = words.next().unwrap();
        let mut object = String::new();
        while let Some(word) = words.next_if(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        {
            object = format!("{object} {word}").trim().to_owned();
        }
        let mut times = 1;
        let mut pairs = Vec::new();
        while let Some(name) = words.next() {
            let value = words.next().unwrap_or_else(|| panic!("{name} in `{text}`"));
            if name == "times" {
                times = value.parse().unwrap();
            } else {
                assert!(NAMES.contains(&name), "{name} in `{text}`");
                pairs.push((name, value));
            }
        }
        let expected = expected.split(',').map(str::trim);
        Self {
            verb,
            object,
            times,
            pairs,
            expected: expected.filter(|phrase| !phrase.is_empty()).collect(),
        }
    }

    pub(super) fn value(&self, name: &str) -> Option<&'a str> {
        let pair = self.pairs.iter().find(|pair| pair.0 == name);
        pair.map(|&(_, value)| value)
    }

    pub(super) fn number(&self, name: &str) -> u8 {
        self.value(name).map_or(1, |value| value.parse().unwrap())
    }

    pub(super) fn sum(&self, name: &str, otherwise: Fen) -> Fen {
        self.value(name)
            .map_or(otherwise, |yuan| amount(yuan).fen())
    }

    pub(super) fn issuer(&self) -> Result<(), IssuerRefusal> {
        match self.value("issuer") {
            None => Ok(()),
            Some("expired_card") => Err(IssuerRefusal::ExpiredCard),
            Some("locked_card") => Err(IssuerRefusal::LockedCard),
            Some("lost_card") => Err(IssuerRefusal::LostCard),
            Some("stolen_card") => Err(IssuerRefusal::StolenCard),
            Some("pickup_card") => Err(IssuerRefusal::PickupCard),
            Some("insufficient_funds") => Err(IssuerRefusal::InsufficientFunds),
            Some("do_not_honour") => Err(IssuerRefusal::DoNotHonour),
            Some("unavailable") => Err(IssuerRefusal::Unavailable),
            Some(other) => panic!("no issuer says {other}"),
        }
    }

    pub(super) fn document(&self) -> DocumentType {
        match self.value("document") {
            None => DocumentType::TaiwanTravelPermit,
            Some("passport") => DocumentType::Passport,
            Some(other) => panic!("no document {other}"),
        }
    }

    /// A card, unless the line says that it is the balance.
    pub(super) fn funding(&self) -> Funding {
        match self.value("from") {
            None => Funding::Card(token(self.number("card"))),
            Some("balance") => Funding::Balance,
            Some(other) => panic!("nothing is paid from {other}"),
        }
    }

    pub(super) fn scene(&self) -> Scene {
        match self.value("scene") {
            None => Scene::Purchase,
            Some("red_packet") => Scene::RedPacket,
            Some("transfer") => Scene::Transfer,
            Some("top_up") => Scene::TopUp,
            Some("wealth_product") => Scene::WealthProduct,
            Some(other) => panic!("no scene {other}"),
        }
    }

    pub(super) fn funds_kind(&self) -> FundsKind {
        match self.value("kind") {
            None | Some("transfer") => FundsKind::Transfer,
            Some("red_packet") => FundsKind::RedPacket,
            Some(other) => panic!("no funds {other}"),
        }
    }

    pub(super) fn region(&self) -> WalletRegion {
        match self.value("region") {
            None | Some("mainland") => WalletRegion::Mainland,
            Some("hong_kong") => WalletRegion::HongKong,
            Some("malaysia") => WalletRegion::Malaysia,
            Some("other") => WalletRegion::Other,
            Some(other) => panic!("no region {other}"),
        }
    }
}
