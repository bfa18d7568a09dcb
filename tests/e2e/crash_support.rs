//! Payments until a server ends, and what must be true of them once it has started again.

use std::error::Error as _;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::support::{number, reason_of};
use crate::wallet::{Callers, decision, pay};

/// Callers at once.
const PAYERS: usize = 32;
/// No server that is to end serves for so long.
const LONGEST: Duration = Duration::from_secs(30);

/// Where something is made to go wrong: at the one place that the variable names, at the first of them to as
/// many as its plural does, or at a few.
pub(crate) fn positions(variable: &str, few: &[u64]) -> Vec<u64> {
    match (number(variable), number(&format!("{variable}S"))) {
        (Some(one), _) => vec![one],
        (None, Some(most)) => (1..=most).collect(),
        (None, None) => few.to_vec(),
    }
}

/// Payments of one fen each, by one account, until its server ended.
#[derive(Debug)]
pub(crate) struct Paid {
    account: String,
    card: String,
    /// The key of each, and the id that it was told; none for those that were in flight at the end.
    told: Vec<(String, Option<String>)>,
}

impl Paid {
    /// Pays until nobody answers any more.
    pub(crate) async fn until_it_ends(callers: &Callers, account: &str, card: &str) -> Self {
        let mut payers = JoinSet::new();
        for payer in 0..PAYERS {
            let (callers, account, card) = (callers.clone(), account.to_owned(), card.to_owned());
            payers.spawn(pay_until_it_ends(callers, account, card, payer));
        }
        let told: Vec<_> = payers.join_all().await.into_iter().flatten().collect();
        let paid = Self {
            account: account.to_owned(),
            card: card.to_owned(),
            told,
        };
        eprintln!(
            "{} payments sent, {} answered",
            paid.told.len(),
            paid.answered()
        );
        paid
    }

    pub(crate) fn answered(&self) -> usize {
        self.told.iter().filter(|(_, id)| id.is_some()).count()
    }

    /// Sends each again: those that were answered have their answer, and each has its effect once.
    pub(crate) async fn check(&self, callers: &mut Callers) {
        for (key, id) in &self.told {
            let again = pay(&self.account, &self.card, key, 1);
            let again = callers.authorise(again).await.unwrap();
            assert_eq!(decision(&again), "APPROVED", "{key}");
            if let Some(id) = id {
                assert!(again.replayed, "{key} was answered, and is lost");
                let authorisation = again.authorisation.unwrap();
                assert_eq!(authorisation.authorisation_id, *id, "{key}");
            }
        }
        let all = i64::try_from(self.told.len()).unwrap();
        assert_eq!(callers.used(&self.account).await, (all, all), "each once");
    }
}

async fn pay_until_it_ends(
    mut callers: Callers,
    account: String,
    card: String,
    payer: usize,
) -> Vec<(String, Option<String>)> {
    let mut told = Vec::new();
    let begun = Instant::now();
    for number in 0.. {
        assert!(
            begun.elapsed() < LONGEST,
            "the server goes on with deciding, and should have ended"
        );
        let key = format!("{payer} {number}");
        match callers.authorise(pay(&account, &card, &key, 1)).await {
            Ok(answer) => {
                assert_eq!(decision(&answer), "APPROVED", "{key}");
                told.push((key, Some(answer.authorisation.unwrap().authorisation_id)));
            }
            Err(status) => {
                check_last(&status);
                told.push((key, None));
                break;
            }
        }
    }
    told
}

/// What somebody is told at the end: by the server that the outcome is unknown, or that nothing was
/// applied; or by the connection that it is gone.
fn check_last(status: &Status) {
    match reason_of(status).as_str() {
        "OUTCOME_UNKNOWN" | "NOT_SERVING" => {
            assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        }
        _ => assert!(status.source().is_some(), "{status:?}"),
    }
}
