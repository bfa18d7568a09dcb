//! What the accounts have before a run: the oracle's beginning.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use waika::v1::GetAccountResponse;

use super::ask::{Asker, Place};
use super::asked::{Baseline, Terms, Window};
use super::read;
use crate::provision::ProvisionError;
use crate::watch::{self, View};

/// The policy whose numbers are the guide's.
const GUIDE_POLICY: &str = "weixin-2023";

/// What every account has, by place, and the terms of the policy that holds.
#[derive(Clone, Debug)]
pub(crate) struct Beginning {
    /// What each account has.
    pub(crate) accounts: Vec<Baseline>,
    /// What is allowed.
    pub(crate) terms: Terms,
}

/// Asks for every account, and shows how far it is.
pub(crate) async fn baselines(place: Place<'_>) -> Result<Beginning, ProvisionError> {
    let asker = Asker::connect(place).await?;
    let looked = AtomicU64::new(0);
    let view = View {
        title: "accounts looked at before the run",
        total: Some(place.payers.len() as u64),
        every: Duration::from_secs(2),
    };
    let look = || (looked.load(Ordering::Relaxed), String::new());
    let answers: Vec<(Baseline, Terms)> = watch::while_working(view, look, async {
        stream::iter(0..place.payers.len() as u64)
            .map(|account| one(&asker, account, &looked))
            .buffered(place.in_flight.get())
            .try_collect()
            .await
    })
    .await?;
    let terms = answers.first().map_or(Terms::GUIDE, |(_, terms)| *terms);
    let accounts = answers.into_iter().map(|(baseline, _)| baseline).collect();
    Ok(Beginning { accounts, terms })
}

async fn one(
    asker: &Asker<'_>,
    account: u64,
    looked: &AtomicU64,
) -> Result<(Baseline, Terms), ProvisionError> {
    let target = asker.place.target;
    let answer = asker.account(account).await;
    let answer = answer.map_err(|status| ProvisionError::of(target, "GetAccount", &status))?;
    looked.fetch_add(1, Ordering::Relaxed);
    begin(&answer).ok_or_else(|| ProvisionError::Refused {
        account_id: answer.account_id.clone(),
        reason: "the answer to GetAccount has no limits, so it cannot be proven what is used of \
                 them; run with --no-oracle to measure all the same"
            .to_owned(),
    })
}

/// What an account has, and by which terms; none if the answer does not say.
fn begin(account: &GetAccountResponse) -> Option<(Baseline, Terms)> {
    let (month, in_month, in_year) = read::windows(account)?;
    let baseline = Baseline {
        month,
        month_used_fen: fen(in_month.used_fen),
        year_used_fen: fen(in_year.used_fen),
        cards: u8::try_from(account.cards_bound).unwrap_or(u8::MAX),
        locked: account.password_locked_until.is_some(),
    };
    Some((baseline, terms(account, in_month, in_year)))
}

/// Of the guide's policy the numbers are known; any other one is believed.
fn terms(account: &GetAccountResponse, month: Window, year: Window) -> Terms {
    if account.policy == GUIDE_POLICY {
        return Terms::GUIDE;
    }
    Terms {
        single_fen: fen(account.single_limit_fen),
        month_fen: fen(month.limit_fen),
        year_fen: fen(year.limit_fen),
        guide_fee: false,
        cards: u8::try_from(account.card_cap).unwrap_or(u8::MAX),
    }
}

fn fen(told: i64) -> u64 {
    u64::try_from(told).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use prost_types::Timestamp;
    use waika::v1::LimitWindow;

    use super::super::calendar::Month;
    use super::*;

    fn account(policy: &str) -> GetAccountResponse {
        let window = |limit_fen, used_fen, resets_at: &str| {
            let seconds = resets_at.parse::<jiff::Timestamp>().unwrap().as_second();
            Some(LimitWindow {
                limit_fen,
                used_fen,
                remaining_fen: limit_fen - used_fen,
                resets_at: Some(Timestamp { seconds, nanos: 0 }),
            })
        };
        GetAccountResponse {
            cards_bound: 2,
            card_cap: 4,
            single_limit_fen: 700,
            month: window(5_000, 30, "2024-03-01T00:00:00+08:00"),
            year: window(6_000, 40, "2025-01-01T00:00:00+08:00"),
            policy: policy.to_owned(),
            ..GetAccountResponse::default()
        }
    }

    #[test]
    fn an_account_begins_with_what_it_has_used() {
        let february = Month::at(1_707_000_000);
        let expected = Baseline {
            month: february,
            month_used_fen: 30,
            year_used_fen: 40,
            cards: 2,
            locked: false,
        };
        let (baseline, terms) = begin(&account(GUIDE_POLICY)).unwrap();
        assert_eq!((baseline, terms), (expected, Terms::GUIDE));
    }

    #[test]
    fn another_policy_s_limits_are_believed_and_its_fees_left_alone() {
        let (_, terms) = begin(&account("other")).unwrap();
        let expected = Terms {
            single_fen: 700,
            month_fen: 5_000,
            year_fen: 6_000,
            guide_fee: false,
            cards: 4,
        };
        assert_eq!(terms, expected);
    }

    #[test]
    fn an_account_without_limits_is_no_beginning() {
        let mut account = account(GUIDE_POLICY);
        account.month = None;
        assert_eq!(begin(&account), None);
    }
}
