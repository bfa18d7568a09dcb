//! What an account must look like, from its own calls and answers, against what the server shows.

mod passwords;
mod payments;
#[cfg(test)]
mod tests;
mod windows;

use std::collections::{BTreeMap, BTreeSet};

use waika::v1::{self, authorisation, reverse_request, reverse_response, unbind_response};

use crate::call::{Answer, Request};
use crate::finding::{Finding, Kind};
use crate::oracle::{Record, card_bound};

/// The most for one payment, for a month and for a year, in fen (R63, R64, R65).
pub(crate) const SINGLE_LIMIT: i64 = 600_000;
pub(crate) const MONTH_LIMIT: i64 = 5_000_000;
pub(crate) const YEAR_LIMIT: i64 = 6_000_000;
/// Cards that may be bound at once (R39).
const CARD_CAP: usize = 3;

/// What the server shows of an account.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    pub account: v1::GetAccountResponse,
    /// Newest first.
    pub history: Vec<v1::AuthorisationRecord>,
    pub cards: Vec<v1::BoundCard>,
}

/// A payment that was answered.
pub(crate) struct Paid<'a> {
    pub asked: &'a v1::AuthoriseRequest,
    pub request: &'a Request,
    pub answer: &'a Answer,
    pub decided: &'a v1::Authorisation,
}

/// A reversal that gave something back.
pub(crate) struct GivenBack<'a> {
    pub request: &'a Request,
    pub answer: &'a Answer,
    pub reversal: &'a v1::Reversal,
    pub decided_at: &'a prost_types::Timestamp,
}

/// An account as its calls and answers say that it is.
#[derive(Default)]
pub(crate) struct Book<'a> {
    /// By authorisation id.
    pub paid: BTreeMap<&'a str, Paid<'a>>,
    pub given_back: Vec<GivenBack<'a>>,
    /// Keys of payments that a reversal came before.
    pub ahead: BTreeMap<&'a str, (&'a Request, &'a Answer)>,
    bound: BTreeMap<String, (&'a Request, &'a Answer)>,
    unbound: BTreeSet<&'a str>,
    unbinds: usize,
    pub findings: Vec<Finding>,
}

/// Compares an account with what the server shows of it. Every call must have its answer.
pub(crate) fn check(records: &[&Record], view: &View) -> Vec<Finding> {
    let mut book = Book::default();
    for record in records {
        match &record.answer {
            Some(answer) => book.enter(&record.request, answer),
            None => book.findings.push(
                Finding::new(Kind::Other, "a call that was sent again has no answer")
                    .about(&record.request, None),
            ),
        }
    }
    payments::check(&mut book, &view.history);
    windows::check(&mut book, &view.account);
    if book.unbinds == 0 && book.bound.len() < 2 {
        passwords::check(&mut book, &view.history);
    }
    book.check_cards(&view.cards);
    book.findings
}

impl<'a> Book<'a> {
    fn enter(&mut self, request: &'a Request, answer: &'a Answer) {
        match (request, answer) {
            (Request::Authorise(asked), Answer::Authorise(response)) => {
                self.enter_payment(asked, request, (answer, response));
            }
            (Request::Reverse(asked), Answer::Reverse(response)) => {
                self.enter_reversal(asked, request, (answer, response));
            }
            (Request::Bind(_), Answer::Bind(response)) => {
                let card = card_bound(response);
                self.bound
                    .extend(card.map(|card| (card, (request, answer))));
            }
            (Request::Unbind(_), Answer::Unbind(response)) => {
                self.unbinds += 1;
                if let Some(unbind_response::Outcome::Unbound(unbound)) = &response.outcome {
                    self.unbound.insert(&unbound.card_token);
                }
            }
            _ => {}
        }
    }

    fn enter_payment(
        &mut self,
        asked: &'a v1::AuthoriseRequest,
        request: &'a Request,
        (answer, response): (&'a Answer, &'a v1::AuthoriseResponse),
    ) {
        let decided = response.authorisation.as_ref().unwrap();
        let paid = Paid {
            asked,
            request,
            answer,
            decided,
        };
        if decided.amount_fen != asked.amount_fen || decided.card_token != asked.card_token {
            let what = "the answer is about another payment";
            self.finds(Kind::Other, what, request, answer);
        }
        if self.paid.insert(&decided.authorisation_id, paid).is_some() {
            let what = "two keys have one authorisation";
            self.finds(Kind::Other, what, request, answer);
        }
    }

    fn enter_reversal(
        &mut self,
        asked: &'a v1::ReverseRequest,
        request: &'a Request,
        (answer, response): (&'a Answer, &'a v1::ReverseResponse),
    ) {
        match response.outcome.as_ref().unwrap() {
            reverse_response::Outcome::Reversal(reversal) => self.given_back.push(GivenBack {
                request,
                answer,
                reversal,
                decided_at: response.decided_at.as_ref().unwrap(),
            }),
            reverse_response::Outcome::RecordedAhead(_) => {
                if let Some(reverse_request::Original::OriginalIdempotencyKey(key)) =
                    &asked.original
                {
                    self.ahead.insert(key, (request, answer));
                }
            }
            reverse_response::Outcome::Refusal(_) => {}
        }
    }

    pub(crate) fn finds(&mut self, kind: Kind, what: &str, request: &Request, answer: &Answer) {
        self.findings
            .push(Finding::new(kind, what).about(request, Some(answer)));
    }

    fn check_cards(&mut self, cards: &[v1::BoundCard]) {
        if cards.len() > CARD_CAP {
            let what = format!("{} cards are bound (R39)", cards.len());
            self.findings.push(Finding::new(Kind::Exceeded, what));
        }
        let shown: BTreeSet<&str> = cards.iter().map(|card| &*card.card_token).collect();
        let bound = std::mem::take(&mut self.bound);
        for (card, (request, answer)) in &bound {
            match (shown.contains(&**card), self.unbound.contains(&**card)) {
                (false, false) => self.finds(Kind::Lost, "a bound card is gone", request, answer),
                (true, true) => {
                    self.finds(Kind::Lost, "an unbound card is back", request, answer);
                }
                _ => {}
            }
        }
        for card in shown.iter().filter(|&&card| !bound.contains_key(card)) {
            let what = format!("{card} is bound, and no call of ours bound it");
            self.findings.push(Finding::new(Kind::Duplicated, what));
        }
        self.bound = bound;
    }
}

/// The name of the reason for a decline; None if it was approved.
pub(crate) fn declined(decided: &v1::Authorisation) -> Option<v1::DeclineReason> {
    match decided.outcome.as_ref().unwrap() {
        authorisation::Outcome::Approval(_) => None,
        authorisation::Outcome::Decline(decline) => Some(decline.reason()),
    }
}
