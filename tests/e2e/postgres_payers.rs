//! Who pays while servers and databases come and go, and what there has to be in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tonic::{Request, Status};
use waika::v1;

use crate::postgres_support::{Database, until};
use crate::support::reason_of;
use crate::wallet::{Callers, decision, pay, reversal_outcome, reverse};

pub(crate) const ACCOUNTS: usize = 6;
pub(crate) const PAYERS: usize = 12;
/// ¥50,000.
const MONTH_FEN: i64 = 5_000_000;
/// How long callers wait.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) fn account(place: usize) -> String {
    format!("account-{place}")
}

/// What callers were told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Approved, by account and id.
    pub(crate) approved: BTreeSet<(String, String)>,
    /// Given back whole.
    given_back: BTreeSet<(String, String)>,
    pub(crate) declined: u64,
    /// Answers that were errors, by reason.
    pub(crate) failed: BTreeMap<String, u64>,
    /// What is to be sent again, under the same key.
    open: Vec<v1::AuthoriseRequest>,
}

impl Told {
    pub(crate) fn add(&mut self, other: Self) {
        self.approved.extend(other.approved);
        self.given_back.extend(other.given_back);
        self.declined += other.declined;
        for (reason, count) in other.failed {
            *self.failed.entry(reason).or_default() += count;
        }
        self.open.extend(other.open);
    }

    fn fail(&mut self, error: &Status) {
        let reason = reason_of(error);
        assert_ne!(reason, "NOT_FOUND", "{error:?}");
        let reason = if reason.is_empty() {
            format!("{:?}", error.code())
        } else {
            reason
        };
        *self.failed.entry(reason).or_default() += 1;
    }

    pub(crate) fn errors(&self) -> u64 {
        self.failed.values().sum()
    }

    /// Whoever was not told sends it again: the same key, and one effect.
    pub(crate) async fn ask_again(&mut self, callers: &mut [Callers]) {
        let open = std::mem::take(&mut self.open);
        for (place, request) in open.into_iter().enumerate() {
            let caller = &mut callers[place % callers.len()];
            let mut again = Self::default();
            until("an answer", async || {
                again = Self::default();
                again.pay(caller, request.clone(), false).await;
                again.open.is_empty()
            })
            .await;
            self.add(again);
        }
    }

    /// Sends a payment and, now and then, gives it back.
    async fn pay(&mut self, caller: &mut Callers, request: v1::AuthoriseRequest, gives_back: bool) {
        let (account, key) = (request.account_id.clone(), request.idempotency_key.clone());
        let mut sent = Request::new(request.clone());
        sent.set_timeout(PATIENCE);
        let answer = match caller.authorisations.authorise(sent).await {
            Ok(answer) => answer.into_inner(),
            Err(error) => {
                self.fail(&error);
                self.open.push(request);
                return tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let id = answer
            .authorisation
            .as_ref()
            .unwrap()
            .authorisation_id
            .clone();
        match &*decision(&answer) {
            "APPROVED" => self.approved.insert((account.clone(), id.clone())),
            "LIMIT_MONTH" | "LIMIT_YEAR" => {
                self.declined += 1;
                return;
            }
            other => panic!("{account} {key}: {other}"),
        };
        if gives_back {
            let mut request = Request::new(reverse(&account, &format!("r {key}"), &id));
            request.set_timeout(PATIENCE);
            match caller.authorisations.reverse(request).await {
                Ok(answer) => {
                    assert_eq!(reversal_outcome(answer.get_ref()), "REVERSED");
                    self.given_back.insert((account, id));
                }
                // What became of it is not known: it may be given back or not, once.
                Err(error) => self.fail(&error),
            }
        }
    }
}

/// Pays until it is told to stop. Half of the accounts meet their limits.
pub(crate) async fn load(
    mut caller: Callers,
    cards: Arc<Vec<String>>,
    (payer, round): (usize, u64),
    stop: Arc<AtomicBool>,
) -> Told {
    let mut random = ChaCha8Rng::seed_from_u64(round * 100 + payer as u64);
    let mut told = Told::default();
    for number in 0_u64.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let place = random.random_range(0..ACCOUNTS);
        let is_large = place % 2 == 0;
        let amount = random.random_range(if is_large { 200_000..=600_000 } else { 1..=100 });
        let key = format!("{round} {payer} {number}");
        let request = pay(&account(place), &cards[place], &key, amount);
        let gives_back = random.random_range(0..20) == 0;
        told.pay(&mut caller, request, gives_back).await;
    }
    told
}

/// Everything of an account: what each payment came to, and what was given back of it.
async fn history(caller: &mut Callers, account: &str) -> Vec<v1::AuthorisationRecord> {
    let mut records = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListAuthorisationsRequest {
            account_id: account.to_owned(),
            page_size: 100,
            page_token,
        };
        let page = caller.authorisations.list_authorisations(request).await;
        let page = page.unwrap().into_inner();
        records.extend(page.authorisations);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return records;
        }
    }
}

/// What is there of an account, held against what was told and against the limits. Gives how many approvals there are.
pub(crate) async fn check(
    database: &Database,
    callers: &mut [Callers],
    account: &str,
    told: &Told,
) -> usize {
    let records = history(&mut callers[0], account).await;
    let (mut left, mut ids) = (0, BTreeSet::new());
    let mut given_back = BTreeSet::new();
    for record in &records {
        let (decided, status) = (
            record.authorisation.as_ref().unwrap(),
            record.status.unwrap(),
        );
        assert!(
            ids.insert(decided.authorisation_id.clone()),
            "{decided:?} is there twice"
        );
        left += status.remaining_fen;
        if status.remaining_fen == 0 {
            given_back.insert(decided.authorisation_id.clone());
        }
    }
    let of_account = |all: &BTreeSet<(String, String)>| {
        let all = all.iter().filter(|(of, _)| of == account);
        all.map(|(_, id)| id.clone()).collect::<BTreeSet<_>>()
    };
    let lost: Vec<_> = of_account(&told.approved)
        .difference(&ids)
        .cloned()
        .collect();
    assert!(
        lost.is_empty(),
        "{account}: approved, and not there: {lost:?}"
    );
    let kept: Vec<_> = of_account(&told.given_back)
        .difference(&given_back)
        .cloned()
        .collect();
    assert!(kept.is_empty(), "{account}: given back, and kept: {kept:?}");
    for caller in callers.iter_mut() {
        let (month, year) = caller.used(account).await;
        assert_eq!(
            year, left,
            "{account}: what is used is what was approved and not given back"
        );
        assert!(month <= MONTH_FEN, "{account}: {month}");
        assert!(year - month <= MONTH_FEN, "{account}: {month} of {year}");
    }
    let twice = format!(
        "select count(*) from (select call_hash from entry where account_id = '{account}' and call_hash is not null
         group by 1 having count(*) > 1) twice"
    );
    assert_eq!(database.query(&twice), "0", "a key has two entries");
    ids.len()
}
