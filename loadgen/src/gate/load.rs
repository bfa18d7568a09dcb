//! What a block asks of a server.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use crate::args::{EngineArgs, PeopleArgs, Place};
use crate::exit::Failure;
use crate::job::{AtLimit, Demand, Job, KnownServer, Manner, Pace};
use crate::outlook::MOST_AT_LIMIT;
use crate::pacer::Pacing;
use crate::server_process::ServerProcess;

/// For so long at least a server's answers are checked.
const LEAST_ANSWERS: Duration = Duration::from_secs(1);

/// What a block asks of a server, whichever it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// What decides when the next request is sent.
    pub(crate) pace: Pace,
    /// The measured part.
    pub(crate) block: Duration,
    /// What is sent before it.
    pub(crate) warm_up: Duration,
    /// Rounds of four blocks in a pair.
    pub(crate) rounds: NonZeroU32,
    /// Accounts that pay.
    pub(crate) accounts: NonZeroU32,
    /// Merchants that sell.
    pub(crate) merchants: NonZeroU32,
}

impl Load {
    /// The job of one block on this server.
    pub(super) fn job(&self, server: &ServerProcess, seed: u64) -> Job {
        let place = Place {
            target: server.target.clone(),
            admin: server.admin.clone(),
        };
        self.job_at(place, server.pid(), seed)
    }

    /// The same, of a server that listens there.
    pub(crate) fn job_at(&self, place: Place, pid: Option<NonZeroU32>, seed: u64) -> Job {
        let some = |number: usize| NonZeroUsize::MIN.saturating_add(number - 1);
        let people = PeopleArgs {
            accounts: self.accounts,
            merchants: self.merchants,
            seed,
            scheme: None,
        };
        let engine = EngineArgs {
            in_flight: some(1_000),
            connections: some(4),
            workers: some(1),
            deadline: Duration::from_secs(5),
            pacing: Pacing::Hybrid,
        };
        Job {
            duration: self.block,
            warm_up: self.warm_up,
            demand: Demand {
                // Meeting a limit is another path, and which arm meets it must not differ.
                at_limit: AtLimit::Refuse,
                ..Demand::plain(0.0)
            },
            server: KnownServer {
                pid,
                ..KnownServer::default()
            },
            ..Job::bare(place, people, self.pace, engine)
        }
    }

    /// The job that shows whether this server answers right: a block with a model of every account
    /// beside it.
    pub(super) fn answers_job(&self, server: &ServerProcess, seed: u64) -> Job {
        Job {
            manner: Manner::plain(),
            duration: self.block.max(LEAST_ANSWERS),
            ..self.job(server, seed)
        }
    }

    /// Refuses a load of which a pair's blocks together meet the accounts' limits: all blocks of an arm
    /// go to the same accounts of one server. Of a closed loop nobody knows before how much it sends.
    pub(super) fn check_limits(&self, seed: u64) -> Result<(), Failure> {
        let blocks = u64::from(self.rounds.get()) * 2;
        let Some(at_limit) = self.too_many_at_limit(blocks, seed)? else {
            return Ok(());
        };
        Err(Failure::Usage(format!(
            "about {:.1} % of the requests that each server of a pair gets in its {blocks} blocks are expected to meet \
             an account's limit of 50,000 yuan a month or 60,000 a year, and refusals would be compared: use more \
             --accounts (there are {}), a lower --rate, a shorter --block or fewer --rounds",
            at_limit * 100.0,
            self.accounts,
        )))
    }

    /// The share of requests of so many blocks on one server that is expected to meet an account's limit,
    /// if that is too many. Of a closed loop nobody knows.
    pub(crate) fn too_many_at_limit(&self, blocks: u64, seed: u64) -> Result<Option<f64>, Failure> {
        if matches!(self.pace, Pace::Closed(..)) {
            return Ok(None);
        }
        let one = self.job_at(Place::nowhere()?, None, seed);
        let requests = one
            .curve()?
            .expected_before(one.end_ns())
            .saturating_mul(blocks);
        let at_limit = one.workload()?.expected_limit_share(requests);
        Ok((at_limit > MOST_AT_LIMIT).then_some(at_limit))
    }

    /// How long it takes to know whether a server answers right.
    pub(super) fn answers(&self) -> Duration {
        self.block.max(LEAST_ANSWERS) + self.warm_up + Duration::from_secs(1)
    }

    /// How long a pair takes: its blocks, and the servers started and stopped.
    pub(super) fn pair(&self) -> Duration {
        const AROUND_A_BLOCK: Duration = Duration::from_millis(80);
        const AROUND_A_PAIR: Duration = Duration::from_millis(800);
        let round = (self.block + self.warm_up + AROUND_A_BLOCK) * 4;
        round * self.rounds.get() + AROUND_A_PAIR
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Arrivals, Rate};

    #[test]
    fn the_blocks_of_a_pair_together_must_keep_the_limits() {
        let check = |accounts: u32, rounds: u32, pace: Pace, refused: bool| {
            let load = Load {
                pace,
                block: Duration::from_millis(200),
                warm_up: Duration::from_millis(50),
                rounds: rounds.try_into().unwrap(),
                accounts: accounts.try_into().unwrap(),
                merchants: NonZeroU32::MIN,
            };
            match load.check_limits(1) {
                Ok(()) => assert!(!refused, "{accounts} {rounds}"),
                Err(failure) => {
                    let words = failure.to_string();
                    assert!(refused && words.contains("--rounds"), "{words}");
                }
            }
        };
        let rate: Rate = crate::values::rate("2000").unwrap();
        let open = Pace::Open(Arrivals::Poisson, rate);
        check(1_000, 4, open, false);
        check(5, 4, open, true);
        // One block would do.
        check(1_000, 1_000, open, true);
        let closed = Pace::Closed(NonZeroUsize::MIN, None);
        check(5, 4, closed, false);
    }
}
