//! What a job will come to, told before it begins: requests, keys, money, limits.

use crate::clock::duration_ns;
use crate::exit::Failure;
use crate::figures::{count_as_real, share};
use crate::job::{AtLimit, Job, Pace};
use crate::output;
use crate::workload::{Expected, WHOLE};

/// Above this expected share of requests at a limit, a plan or a search is warned of, or refused.
pub(crate) const MOST_AT_LIMIT: f64 = 0.01;

/// How many idempotency keys `waika-server` keeps unless its policy says otherwise; then
/// it takes no more new work (D18).
pub(crate) const MOST_KEYS: f64 = 480_000_000.0;

/// How many wrong passwords it takes from one caller in a minute unless its policy says otherwise
/// (D7); the rest of that minute it takes no payment of the caller at all.
const MOST_WRONG_A_MINUTE: f64 = 600.0;

/// What a job will come to.
#[derive(Debug)]
pub(crate) struct Outlook {
    /// Requests in all, and how many of them are measured; `None` if only the end of a closed loop
    /// tells.
    requests: Option<(u64, u64)>,
    expected: Option<Expected>,
    mean_fen: f64,
    /// Keys that creating the accounts and merchants uses up.
    provisioned: f64,
}

impl Outlook {
    /// What this job will come to.
    pub(crate) fn of(job: &Job) -> Result<Self, Failure> {
        let workload = job.workload()?;
        let requests = requests(job)?;
        // A merchant takes one call; an account a phone code, a card, and sometimes a review.
        let people = &job.people;
        let created = f64::from(people.merchants.get()) + 2.2 * f64::from(people.accounts.get());
        Ok(Self {
            requests,
            expected: requests.map(|(all, _)| workload.expected(all)),
            mean_fen: workload.mean_fen(),
            provisioned: if job.synthetic { 0.0 } else { created },
        })
    }

    /// Warns of what the server will refuse, or refuses the plan for it.
    pub(crate) fn tell(&self, job: &Job) -> Result<(), Failure> {
        let (Some(expected), Some((requests, _))) = (self.expected, self.requests) else {
            return Ok(());
        };
        if job.synthetic {
            return Ok(());
        }
        warn_of_keys(expected.keys + self.provisioned);
        warn_of_passwords(job, requests);
        if expected.limit_share <= MOST_AT_LIMIT {
            return Ok(());
        }
        let what = format!(
            "about {:.1} % of the requests are expected to meet an account's limit of 50,000 yuan a \
             month or 60,000 a year; use more --accounts (there are {}), a lower --rate or a shorter \
             --duration",
            expected.limit_share * 100.0,
            job.people.accounts,
        );
        match job.demand.at_limit {
            AtLimit::Refuse => Err(Failure::Usage(format!(
                "{what}, or --allow-limits to run it all the same"
            ))),
            AtLimit::Warn => {
                output::note(&format!("warning: {what}"));
                Ok(())
            }
        }
    }

    /// The same in short lines, for those who read a plan.
    pub(crate) fn lines(&self) -> Vec<String> {
        let yuan = |fen: f64| fen / 100.0;
        let mut lines = vec![format!(
            "Expected: {:.2} yuan a payment in the mean;",
            yuan(self.mean_fen)
        )];
        let (Some((all, measured)), Some(expected)) = (self.requests, self.expected) else {
            lines.push("how many there will be, the closed loop will tell.".to_owned());
            return lines;
        };
        lines.push(format!("{all} requests, {measured} of them measured;"));
        lines.push(format!(
            "{:.0} payments that take {:.0} yuan from the limits, if none refuses any;",
            expected.payments,
            yuan(expected.payments * expected.net_fen),
        ));
        lines.push(format!(
            "{:.0} idempotency keys, {:.0} more to create everyone;",
            expected.keys, self.provisioned
        ));
        lines.push(format!(
            "{:.2} % of the requests at an account's limit.",
            expected.limit_share * 100.0
        ));
        lines
    }
}

fn warn_of_keys(keys: f64) {
    if keys > MOST_KEYS {
        output::note(&format!(
            "warning: this plan uses up about {:.0} million idempotency keys, and a server keeps \
             {:.0} million of a day and then refuses new work, unless its policy (idempotency.most_keys) says \
             otherwise: use a lower --rate or a shorter --duration, and a fresh server",
            keys / 1e6,
            MOST_KEYS / 1e6,
        ));
    }
}

fn warn_of_passwords(job: &Job, requests: u64) {
    let wrong = count_as_real(requests) * share(job.traffic.wrong_passwords.into(), WHOLE.into());
    let minutes = count_as_real(job.end_ns()) / 60e9;
    // A run of less than a minute has the whole minute's.
    let a_minute = wrong / minutes.max(1.0);
    if a_minute > MOST_WRONG_A_MINUTE {
        output::note(&format!(
            "warning: this plan sends about {a_minute:.0} wrong passwords a minute, and a server takes \
             {MOST_WRONG_A_MINUTE:.0} of one caller, unless its policy \
             (password.caller_wrong_per_minute) says otherwise: use fewer --wrong-passwords or a lower \
             --rate"
        ));
    }
}

fn requests(job: &Job) -> Result<Option<(u64, u64)>, Failure> {
    match job.pace {
        Pace::Closed(_, requests) => Ok(requests.map(|requests| (requests, requests))),
        Pace::Open(..) => {
            let curve = job.curve()?;
            let all = curve.expected_before(job.end_ns());
            let warm_up = curve.expected_before(duration_ns(job.warm_up));
            Ok(Some((all, all - warm_up)))
        }
    }
}
