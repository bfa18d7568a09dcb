//! What was sent and what was answered, kept outside the server.
//!
//! A model of its own: it knows calls, answers and sums, and shares no code with the server.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio::time::Instant;
use tonic::{Code, Status};
use waika::v1::{self, bind_response, send_phone_code_response, unbind_response};

use crate::call::{Answer, Answered, Name, Request};
use crate::finding::{Finding, Kind};
use crate::outcome::outcome;

/// One call: what was sent under a key, and what was answered, once that is known.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub request: Request,
    pub answer: Option<Answer>,
    /// In which of the server's lives it was answered first.
    life: u32,
    /// It was answered as decided just now, not as given before.
    seen_decided: bool,
    /// When it was answered last.
    answered_at: Option<Instant>,
}

/// What people know of their own wallet, to go on from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wallet {
    /// The account's records, in the order in which they were sent first.
    pub records: Vec<usize>,
    /// Cards that were bound and not unbound.
    pub cards: BTreeSet<String>,
    /// Codes that were sent and not used.
    pub codes: Vec<SentCode>,
}

/// A code that came to a phone.
#[derive(Clone, Debug)]
pub(crate) struct SentCode {
    pub phone: String,
    pub code: String,
}

/// How many calls there were.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub sent: u64,
    pub acknowledged: u64,
    pub unknown: u64,
    pub resent: u64,
}

/// All that is known.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    records: Vec<Record>,
    names: HashMap<Name, usize>,
    wallets: HashMap<String, Wallet>,
    pub life: u32,
    /// The server is being killed: any call may fail now.
    pub dying: bool,
    pub counts: Counts,
    pub findings: Vec<Finding>,
}

impl Oracle {
    /// Notes a request before it leaves.
    pub(crate) fn sends(&mut self, request: &Request) {
        self.counts.sent += 1;
        let name = request.name();
        if self.names.contains_key(&name) {
            self.counts.resent += 1;
            return;
        }
        let place = self.records.len();
        self.wallet(&name.scope).records.push(place);
        self.names.insert(name, place);
        self.records.push(Record {
            request: request.clone(),
            answer: None,
            life: 0,
            seen_decided: false,
            answered_at: None,
        });
    }

    /// Compares an answer with what is known, or learns it.
    pub(crate) fn learns(&mut self, request: &Request, answered: &Answered) {
        self.counts.acknowledged += 1;
        let Some(&place) = self.names.get(&request.name()) else {
            let what = "an answer to what was never sent";
            let finding = Finding::new(Kind::Other, what).about(request, None);
            self.findings.push(finding.with_answer(&answered.answer));
            return;
        };
        let life = self.life;
        let record = &mut self.records[place];
        record.answered_at = Some(Instant::now());
        let Some(before) = &record.answer else {
            record.answer = Some(answered.answer.clone());
            record.life = life;
            record.seen_decided = !answered.replayed;
            self.note(request, &answered.answer);
            return;
        };
        let found = if !answered.replayed && record.life < life {
            Some((Kind::Lost, "an acknowledged call was decided again"))
        } else if !answered.replayed && record.seen_decided {
            Some((Kind::Duplicated, "a key was decided twice"))
        } else if *before != answered.answer {
            Some((Kind::Other, "an answer is not the one given before"))
        } else {
            None
        };
        if let Some((kind, what)) = found {
            let finding = Finding::new(kind, what).about(request, Some(before));
            self.findings.push(finding.with_answer(&answered.answer));
        }
        record.seen_decided |= !answered.replayed;
    }

    /// Notes a call that has no answer. Only a server that is being killed may leave one so.
    pub(crate) fn misses(&mut self, request: &Request, status: &Status) {
        self.counts.unknown += 1;
        if !self.dying {
            let what = format!("no answer: {:?}: {}", status.code(), status.message());
            let record = self.names.get(&request.name());
            let before = record.and_then(|&place| self.records[place].answer.as_ref());
            let finding = Finding::new(Kind::Other, what).about(request, before);
            self.findings.push(finding);
        }
    }

    /// Checks the answer to a used key with other fields.
    pub(crate) fn learns_of_conflict(
        &mut self,
        request: &Request,
        outcome: Result<&Answered, &Status>,
    ) {
        let (kind, what) = match outcome {
            Err(status) if status.code() == Code::AlreadyExists || self.dying => return,
            Err(status) => (Kind::Other, format!("not a conflict: {:?}", status.code())),
            Ok(answered) if answered.replayed => (Kind::Other, "not a conflict: OK".to_owned()),
            Ok(_) => (Kind::Duplicated, "a used key was decided again".to_owned()),
        };
        self.findings
            .push(Finding::new(kind, what).about(request, None));
    }

    pub(crate) fn unknown(&self) -> Vec<Request> {
        let unknown = self.records.iter().filter(|record| record.answer.is_none());
        unknown.map(|record| record.request.clone()).collect()
    }

    /// What was answered since an instant, and one in so many of the rest.
    pub(crate) fn answered_since(&self, since: Instant, one_in: usize) -> Vec<Request> {
        let places = self.records.iter().enumerate();
        let chosen = places.filter(|(place, record)| {
            let is_late = record.answered_at.is_some_and(|at| at >= since);
            let is_drawn = (place + self.life as usize).is_multiple_of(one_in);
            record.answer.is_some() && (is_late || is_drawn)
        });
        chosen.map(|(_, record)| record.request.clone()).collect()
    }

    /// How many calls ended in which way.
    pub(crate) fn outcomes(&self) -> BTreeMap<String, u64> {
        let mut outcomes = BTreeMap::new();
        for answer in self
            .records
            .iter()
            .filter_map(|record| record.answer.as_ref())
        {
            *outcomes.entry(outcome(answer)).or_default() += 1;
        }
        outcomes
    }

    pub(crate) fn record(&self, place: usize) -> &Record {
        &self.records[place]
    }

    /// All records under one scope, in the order in which they were sent first.
    pub(crate) fn records_of(&self, scope: &str) -> Vec<&Record> {
        let places = self.wallets.get(scope).map(|wallet| &*wallet.records);
        let places = places.unwrap_or_default().iter();
        places.map(|&place| &self.records[place]).collect()
    }

    pub(crate) fn wallet(&mut self, scope: &str) -> &mut Wallet {
        self.wallets.entry(scope.to_owned()).or_default()
    }

    /// Learns what the next calls of this wallet need.
    fn note(&mut self, request: &Request, answer: &Answer) {
        let wallet = self.wallet(&request.name().scope);
        match (request, answer) {
            (Request::SendPhoneCode(asked), Answer::SendPhoneCode(response)) => {
                if let Some(send_phone_code_response::Outcome::Sent(sent)) = &response.outcome {
                    wallet.codes.push(SentCode {
                        phone: asked.phone_number.clone(),
                        code: sent.sandbox_code.clone(),
                    });
                }
            }
            (_, Answer::Bind(response)) => wallet.cards.extend(card_bound(response)),
            (_, Answer::Unbind(response)) => {
                if let Some(unbind_response::Outcome::Unbound(unbound)) = &response.outcome {
                    wallet.cards.remove(&unbound.card_token);
                }
            }
            _ => {}
        }
    }
}

/// The card that a bind gave.
pub(crate) fn card_bound(response: &v1::BindResponse) -> Option<String> {
    match response.outcome.as_ref()? {
        bind_response::Outcome::Card(card) => Some(card.card_token.clone()),
        bind_response::Outcome::Refusal(_) => None,
    }
}
