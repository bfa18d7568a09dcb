//! The words of a script: how a line is read, and how an event is told.

use super::wallet::{amount, local_time};
use crate::decline::{Decline, Evidence, IssuerRefusal};
use crate::event::Event;
use crate::identity::DocumentType;
use crate::money::Fen;

/// Every name that a line may give a value.
const NAMES: [&str; 14] = [
    "card", "code", "document", "gateway", "holder", "issuer", "key", "month", "password",
    "payment", "person", "phone", "single", "year",
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
}

/// An event in phrases.
pub(super) fn said(event: &Event) -> Vec<String> {
    match event {
        Event::BindReserved(_) | Event::Reserved(_) => vec!["held".into()],
        Event::BindDecided(decided) => match &decided.outcome {
            Ok(_) => vec!["bound".into(), format!("review {:?}", decided.review)],
            Err(refused) => refusal(refused.reason.name(), &refused.evidence),
        },
        Event::Posted(posted) => vec![
            "approved".into(),
            format!("fee {}", posted.reservation.fee),
            format!("month {}", posted.reservation.windows.month_used),
            format!("year {}", posted.reservation.windows.year_used),
        ],
        Event::Voided(voided) => declined(&voided.decline),
        Event::Declined(decided) => declined(&decided.decline),
        Event::UnbindDecided(decided) => match &decided.outcome {
            Ok(_) => vec!["unbound".into()],
            Err(refused) => refusal(refused.reason.name(), &refused.evidence),
        },
        Event::ReversalDecided(decided) => match &decided.outcome {
            Ok(reversal) => vec![
                "reversed".into(),
                format!("amount {}", reversal.principal),
                format!("fee {}", reversal.fee),
                format!("remaining {}", reversal.remaining),
                format!("month restored {}", reversal.month_restored),
                format!("year restored {}", reversal.year_restored),
            ],
            Err(refused) => refusal(refused.reason.name(), &refused.evidence),
        },
        Event::RiskResolved(resolved) => vec![format!("cleared {}", resolved.cleared)],
        Event::PhoneCode(_)
        | Event::ReversedAhead(_)
        | Event::ReviewResolved(_)
        | Event::MerchantPut(_)
        | Event::CardStatusSet(_)
        | Event::ClockSet(_) => Vec::new(),
    }
}

pub(super) fn declined(decline: &Decline) -> Vec<String> {
    let mut phrases = refusal(decline.reason.name(), &decline.evidence);
    phrases.push(format!("retry {:?}", decline.retry()));
    phrases.push(format!("layer {:?}", decline.reason.layer()));
    phrases
}

pub(super) fn refusal(reason: &str, evidence: &Evidence) -> Vec<String> {
    let mut phrases = vec![reason.to_owned()];
    if let Evidence::Amount(amount) = evidence {
        phrases.push(format!("observed {}", amount.observed));
        phrases.push(format!("limit {}", amount.limit));
        phrases.push(format!("remaining {}", amount.remaining));
        phrases.push(format!("at most {}", amount.largest_approvable));
    }
    if let Evidence::Count { observed, required } = evidence {
        phrases.push(format!("{observed} of {required}"));
    }
    if let Some(resets_at) = evidence.resets_at() {
        phrases.push(format!("until {}", local_time(resets_at)));
    }
    phrases
}
