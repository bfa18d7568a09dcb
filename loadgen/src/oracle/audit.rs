//! The audit after a run: every call that had no answer is asked again under its key, and then every
//! account that was asked anything is compared with its book.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use parking_lot::Mutex;
use waika::v1::{AuthoriseRequest, ListAuthorisationsRequest, ReverseRequest};

use super::arithmetic::id_hash;
use super::ask::{Asker, Place};
use super::asked::{Asked, Decision};
use super::compare::{Listed, Shown, compare};
use super::keys::Compared;
use super::unknown::Unknown;
use super::{Oracle, read};
use crate::provision::ProvisionError;
use crate::watch::{self, View};

/// The most decisions that a page holds.
const PAGE: i32 = 100;

/// A call that is asked again, exactly as it was.
#[derive(Clone, Debug)]
pub(crate) enum Again {
    /// A payment.
    Authorise(Box<AuthoriseRequest>),
    /// A reversal.
    Reverse(Box<ReverseRequest>),
}

/// What the audit came to. The lies that it found are among the oracle's violations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Audited {
    /// Accounts that were asked anything.
    pub(crate) accounts: u64,
    /// Accounts of which everything is known.
    pub(crate) proven: u64,
    /// Accounts of which it is not, by why.
    pub(crate) not_proven: BTreeMap<&'static str, u64>,
    /// Keys without an answer, at the end of the run.
    pub(crate) unknown: u64,
    /// Keys of them that have one now.
    pub(crate) resolved: u64,
    /// Decisions that were read from lists.
    pub(crate) listed: u64,
}

/// An answer is missing for good.
const MISSING: &str = "an answer is missing that could not be asked for again";

/// The server did not show it.
const NOT_SHOWN: &str = "the server did not show the account";

/// Audits every account of a run in which nothing is open any more, and shows how far it is.
/// `again` makes the request of a call that had no answer; none if that cannot be made again.
pub(crate) async fn audit(
    oracle: &Oracle,
    place: Place<'_>,
    again: impl Fn(&Asked) -> Option<Again>,
) -> Result<Audited, ProvisionError> {
    let asker = Asker::connect(place).await?;
    let candidates = Mutex::new(BTreeMap::new());
    let (unknown, resolved) = resolve_all(oracle, &asker, &again, &candidates).await;
    let candidates = candidates.into_inner();
    let touched = oracle.touched();
    let (done, listed) = (AtomicU64::new(0), AtomicU64::new(0));
    let view = View {
        title: "accounts audited",
        total: Some(touched.len() as u64),
        every: Duration::from_secs(2),
    };
    let look = || {
        let remark = format!("{} decisions read", listed.load(Ordering::Relaxed));
        (done.load(Ordering::Relaxed), remark)
    };
    let mut audited = Audited {
        accounts: touched.len() as u64,
        unknown,
        resolved,
        ..Audited::default()
    };
    let work = stream::iter(touched)
        .map(|account| {
            let open = candidates.get(&account).map_or(&[][..], Vec::as_slice);
            let (asker, done, listed) = (&asker, &done, &listed);
            async move {
                let proof = audit_one(oracle, asker, account, open, listed).await;
                done.fetch_add(1, Ordering::Relaxed);
                proof
            }
        })
        .buffer_unordered(place.in_flight.get())
        .for_each(|proof| {
            match proof {
                Ok(()) => audited.proven += 1,
                Err(why) => *audited.not_proven.entry(why).or_default() += 1,
            }
            std::future::ready(())
        });
    watch::while_working(view, look, work).await;
    audited.listed = listed.load(Ordering::Relaxed);
    Ok(audited)
}

/// Decisions that may have been heard under another call of their key, by account.
type Candidates = Mutex<BTreeMap<u64, Vec<Decision>>>;

/// Asks again for everything without an answer. How many keys there were, and how many have one now.
async fn resolve_all(
    oracle: &Oracle,
    asker: &Asker<'_>,
    again: &impl Fn(&Asked) -> Option<Again>,
    candidates: &Candidates,
) -> (u64, u64) {
    let unknowns = oracle.take_unknowns();
    let count = unknowns.len() as u64;
    let (tried, resolved) = (AtomicU64::new(0), AtomicU64::new(0));
    let view = View {
        title: "calls without an answer asked again",
        total: Some(count),
        every: Duration::from_secs(2),
    };
    let look = || (tried.load(Ordering::Relaxed), String::new());
    let work = stream::iter(unknowns).for_each_concurrent(asker.place.in_flight.get(), |unknown| {
        let (tried, resolved) = (&tried, &resolved);
        async move {
            if resolve(oracle, asker, &unknown, again, candidates).await {
                resolved.fetch_add(1, Ordering::Relaxed);
            } else {
                oracle.give_up_proof(unknown.asked.account);
            }
            tried.fetch_add(1, Ordering::Relaxed);
        }
    });
    if count > 0 {
        watch::while_working(view, look, work).await;
    }
    (count, resolved.load(Ordering::Relaxed))
}

/// Asks again for one call. False if that did not help.
async fn resolve(
    oracle: &Oracle,
    asker: &Asker<'_>,
    unknown: &Unknown,
    again: &impl Fn(&Asked) -> Option<Again>,
    candidates: &Candidates,
) -> bool {
    if oracle.is_answered_elsewhere(unknown) {
        return true;
    }
    let account = unknown.asked.account;
    match again(&unknown.asked) {
        None => false,
        Some(Again::Authorise(request)) => {
            let answer = asker.authorise(account, *request).await;
            let account_id = asker.account_id(account).unwrap_or_default();
            let decision = answer
                .ok()
                .and_then(|answer| read::decision(&answer, account_id));
            let Some(decision) = decision else {
                return false;
            };
            if let Some(candidate) = oracle.resolve_payment(unknown, &decision) {
                candidates
                    .lock()
                    .entry(account)
                    .or_default()
                    .push(candidate);
            }
            true
        }
        Some(Again::Reverse(request)) => {
            let answer = asker.reverse(account, *request).await;
            let told = answer.ok().and_then(|answer| read::reversal(&answer));
            told.is_some_and(|told| oracle.resolve_reversal(unknown, &told))
        }
    }
}

/// Compares one account with its book. The error is why it is not proven; lies are no errors.
async fn audit_one(
    oracle: &Oracle,
    asker: &Asker<'_>,
    account: u64,
    candidates: &[Decision],
    listed: &AtomicU64,
) -> Result<(), &'static str> {
    let shown = show(oracle, asker, account, candidates.len() as u64, listed).await;
    let shown = shown.ok_or(NOT_SHOWN)?;
    oracle.settle(account, candidates, &shown).ok_or(MISSING)
}

/// An account as the server shows it; none if it does not.
async fn show(
    oracle: &Oracle,
    asker: &Asker<'_>,
    account: u64,
    candidates: u64,
    listed: &AtomicU64,
) -> Option<Shown> {
    let wanted = oracle.acknowledged(account);
    let mut pages = Listed::of(wanted);
    let mut token = String::new();
    while pages.count() < wanted + candidates {
        let missing = wanted + candidates - pages.count();
        let request = ListAuthorisationsRequest {
            account_id: asker.account_id(account)?.to_owned(),
            page_size: i32::try_from(missing).unwrap_or(PAGE).min(PAGE),
            page_token: token,
        };
        let page = asker.page(account, request).await.ok()?;
        for record in &page.authorisations {
            let id = record.authorisation.as_ref()?.authorisation_id.as_bytes();
            pages.read(id_hash(id));
        }
        listed.fetch_add(page.authorisations.len() as u64, Ordering::Relaxed);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let answer = asker.account(account).await.ok()?;
    let (month, in_month, in_year) = read::windows(&answer)?;
    Some(Shown {
        month,
        month_used_fen: in_month.used_fen,
        year_used_fen: in_year.used_fen,
        cards: answer.cards_bound.into(),
        listed: pages,
    })
}

/// What the audit asks of the oracle.
impl Oracle {
    fn touched(&self) -> Vec<u64> {
        (0_u64..)
            .zip(&self.books)
            .filter(|(_, book)| book.lock().is_touched())
            .map(|(account, _)| account)
            .collect()
    }

    fn take_unknowns(&self) -> Vec<Unknown> {
        self.unknowns.lock().take()
    }

    fn give_up_proof(&self, account: u64) {
        if let Some(book) = self.book(account) {
            book.lock().give_up_proof();
        }
    }

    fn acknowledged(&self, account: u64) -> u64 {
        self.book(account)
            .map_or(0, |book| book.lock().acknowledged().0.into())
    }

    /// Compares an account as it is shown with its book. None if it cannot be proven.
    pub(super) fn settle(
        &self,
        account: u64,
        candidates: &[Decision],
        shown: &Shown,
    ) -> Option<()> {
        let mut book = self.book(account)?.lock();
        let missing = compare(
            &mut book,
            candidates,
            shown,
            self.terms.cards,
            &mut |broken| {
                self.findings.blame_account(account, broken);
            },
        );
        let proven = !book.is_unproven();
        drop(book);
        for decision in missing {
            let heard = Decision {
                replayed: false,
                ..decision
            };
            self.count_of(account, |tally| tally.decide(&heard, Compared::First));
        }
        proven.then_some(())
    }
}
