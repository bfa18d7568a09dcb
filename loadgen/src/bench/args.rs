//! `bench` on the command line, and what of it is impossible.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::arms::{Arm, Asking};
use crate::args::{EngineArgs, PeopleArgs, Place};
use crate::capacity::AMOUNT_FEN;
use crate::exit::Failure;
use crate::figures::{count_as_real, real_as_count};
use crate::job::{Demand, Job, KnownServer, Manner, Pace};
use crate::outlook::{MOST_AT_LIMIT, MOST_KEYS};
use crate::pacer::Pacing;
use crate::plan::Transport;
use crate::report::outputs::OutputArgs;
use crate::report::text::grouped;
use crate::values::{positive_time, time};
use crate::workload::{Amounts, Spread};

/// No server of a few cores comes to so many payments a second over streams, nor to a fifth of it in
/// calls: what an arm uses up at most is reckoned with it.
const MOST_PER_SECOND: f64 = 2_000_000.0;

/// Calls that `waika-server`, and the per-core echo, take at once on a connection.
const MOST_CALLS: usize = 1_024;

/// Payments that the contract takes in a message.
const MOST_IN_A_MESSAGE: usize = 1_024;

/// How long an answer may take: a closed loop waits for it.
const DEADLINE: Duration = Duration::from_secs(10);

/// `bench`.
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchArgs {
    /// How often all arms take their turn; every second time backwards
    #[arg(long, default_value = "3", value_name = "N")]
    pub(crate) rounds: NonZeroU32,
    /// How long each arm is measured in a round
    #[arg(long, default_value = "5s", value_name = "TIME", value_parser = positive_time)]
    pub(crate) duration: Duration,
    /// How long it is sent to before
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = time)]
    pub(crate) warm_up: Duration,
    /// Cores of the server, the first ones; the generator has the others
    #[arg(long, default_value = "1", value_name = "N")]
    pub(crate) cores: NonZeroUsize,
    /// Threads that send and receive
    #[arg(long, default_value = "1", value_name = "N")]
    pub(crate) workers: NonZeroUsize,
    /// HTTP/2 connections; with streams, each has one
    #[arg(long, default_value = "4", value_name = "N")]
    pub(crate) connections: NonZeroUsize,
    /// Calls open at once, over all connections
    #[arg(long, default_value = "256", value_name = "N")]
    pub(crate) in_flight: NonZeroUsize,
    /// Payments open at once on all streams
    #[arg(long, default_value = "2048", value_name = "N")]
    pub(crate) stream_in_flight: NonZeroUsize,
    /// The most payments in a message of the arm with batches
    #[arg(long, default_value = "100", value_name = "N")]
    pub(crate) batch: NonZeroUsize,
    /// Measure what mutual TLS costs the server beside clear text, instead of what its work costs
    #[arg(long)]
    pub(crate) mtls: bool,
    #[command(flatten)]
    pub(crate) people: PeopleArgs,
    /// The server to start, instead of the one beside this program
    #[arg(long, value_name = "FILE")]
    pub(crate) server: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

impl BenchArgs {
    /// What is measured, where all of it can be.
    pub(super) fn arms(&self) -> &'static [Arm] {
        if self.mtls {
            &Arm::OF_MTLS
        } else {
            &Arm::OF_WORK
        }
    }

    /// Refuses what cannot be measured, or would not be what it seems.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let usage = |what: String| Err(Failure::Usage(what));
        let (batch, connections) = (self.batch.get(), self.connections.get());
        if batch > MOST_IN_A_MESSAGE {
            return usage(format!(
                "--batch {batch}: a message holds {MOST_IN_A_MESSAGE} payments at most"
            ));
        }
        if self.in_flight.get() > connections.saturating_mul(MOST_CALLS) {
            return usage(format!(
                "--in-flight {}: a server takes {MOST_CALLS} calls at once on a connection, and there are {connections}: \
                 use more --connections",
                self.in_flight
            ));
        }
        let open = self.in_flight.max(self.stream_in_flight);
        if u64::from(self.people.accounts.get()) < open.get() as u64 {
            return usage(format!(
                "--accounts {}: {open} payments are open at once, each of another account: use at least so many",
                self.people.accounts
            ));
        }
        for arm in self.arms() {
            let job = self.job(*arm, Place::nowhere()?, KnownServer::default());
            job.check()?;
            self.check_spending(*arm, &job)?;
        }
        Ok(())
    }

    /// Refuses an arm that would come to an account's limit, or use up more keys than a server keeps,
    /// if it were as fast as none is.
    fn check_spending(&self, arm: Arm, job: &Job) -> Result<(), Failure> {
        let most = match arm.asking() {
            Asking::Calls | Asking::H2load => MOST_PER_SECOND / 5.0,
            Asking::Stream | Asking::Batches => MOST_PER_SECOND,
        };
        if !arm.does_work() {
            return Ok(());
        }
        let requests = real_as_count(most * (self.warm_up + self.duration).as_secs_f64());
        let expected = job.workload()?.expected(requests);
        let told = |what: String| {
            Failure::Usage(format!(
                "at {}/s, which is more than any server does, the arm \"{}\" would {what}",
                grouped(real_as_count(most)),
                arm.label()
            ))
        };
        if expected.limit_share > MOST_AT_LIMIT {
            return Err(told(format!(
                "come to the limits of its {} accounts, although each payment costs {AMOUNT_FEN} fen: use more --accounts, \
                 or a shorter --duration",
                self.people.accounts
            )));
        }
        if expected.keys > MOST_KEYS {
            return Err(told(format!(
                "use up {:.0} million idempotency keys, and a server keeps {:.0} million: use a shorter --duration",
                expected.keys / 1e6,
                MOST_KEYS / 1e6
            )));
        }
        Ok(())
    }

    /// What is asked of an arm's server.
    pub(super) fn job(&self, arm: Arm, place: Place, server: KnownServer) -> Job {
        let (transport, in_flight) = match arm.asking() {
            Asking::Calls | Asking::H2load => (Transport::UNARY, self.in_flight),
            Asking::Stream => (Transport::Stream { batch: 1 }, self.stream_in_flight),
            Asking::Batches => {
                let batch = self.batch.get();
                (Transport::Stream { batch }, self.stream_in_flight)
            }
        };
        let engine = EngineArgs {
            in_flight,
            connections: self.connections,
            workers: self.workers,
            deadline: DEADLINE,
            pacing: Pacing::Sleep,
        };
        let closed = Pace::Closed(in_flight, None);
        let bare = Job::bare(place, self.people.clone(), closed, engine);
        Job {
            synthetic: !arm.does_work(),
            duration: self.duration,
            warm_up: self.warm_up,
            demand: Demand {
                spread: Spread::InTurn,
                amounts: Amounts::Fixed(AMOUNT_FEN),
                ..bare.demand
            },
            manner: Manner {
                transport,
                ..bare.manner
            },
            server,
            ..bare
        }
    }

    /// How long all arms take at least, so many in each round.
    pub(super) fn least(&self, arms: usize) -> Duration {
        let each = self.warm_up + self.duration;
        let arms = count_as_real(arms as u64) * f64::from(self.rounds.get());
        each.mul_f64(arms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Command, CommandLine};

    fn args(flags: &[&str]) -> BenchArgs {
        let words = ["waika-loadgen", "bench"].iter().chain(flags);
        match CommandLine::read_from(words).map(|line| line.command) {
            Ok(Command::Bench(args)) => *args,
            other => panic!("{flags:?} is no bench: {other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_measured_is_refused_with_the_mend() {
        let check = |flags: &[&str], words: &[&str]| match args(flags).check() {
            Ok(()) => assert!(words.is_empty(), "{flags:?} was not refused"),
            Err(failure) => {
                let told = failure.to_string();
                assert!(!words.is_empty(), "{flags:?}: {told}");
                for word in words {
                    assert!(told.contains(word), "{flags:?}: no {word:?} in {told}");
                }
            }
        };
        check(&[], &[]);
        check(&["--batch", "1024"], &[]);
        check(&["--batch", "1025"], &["--batch 1025", "1024"]);
        check(&["--in-flight", "4096", "--stream-in-flight", "4096"], &[]);
        check(&["--in-flight", "4097"], &["--in-flight", "--connections"]);
        check(&["--in-flight", "1", "--workers", "2"], &["--workers 2"]);
        check(&["--workers", "5"], &["--connections 4", "--workers 5"]);
        check(&["--accounts", "2047"], &["--accounts 2047", "2048"]);
        check(&["--accounts", "2048"], &[]);
        check(&["--duration", "25s"], &[]);
        check(&["--mtls", "--duration", "25s"], &[]);
        check(&["--mtls", "--duration", "10m"], &["keys", "--duration"]);
        check(&["--duration", "10m"], &["keys", "--duration", "stream"]);
        let few = [
            "--accounts",
            "1",
            "--in-flight",
            "1",
            "--stream-in-flight",
            "1",
        ];
        check(&few, &["limits", "--accounts", "1 fen"]);
    }

    #[test]
    fn every_arm_of_a_kind_is_asked_alike() {
        let args = args(&["--batch", "7"]);
        for arm in Arm::OF_WORK.into_iter().chain(Arm::OF_MTLS) {
            let job = args.job(arm, Place::nowhere().unwrap(), KnownServer::default());
            let (batch, open) = match arm.asking() {
                Asking::Calls | Asking::H2load => (1, 256),
                Asking::Stream => (1, 2_048),
                Asking::Batches => (7, 2_048),
            };
            assert_eq!(job.manner.transport.batch(), batch, "{arm:?}");
            assert!(matches!(job.pace, Pace::Closed(found, None) if found.get() == open));
            assert_eq!(job.synthetic, !arm.does_work(), "{arm:?}");
            assert!(!job.manner.oracle && job.traffic.duplicates == 0);
        }
    }
}
