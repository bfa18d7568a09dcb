//! `capacity` on the command line, and what of it is impossible.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::bounds;
use super::conduct::Pace;
use super::search::Ladder;
use super::slo::{self, Slo};
use crate::args::{EngineArgs, PeopleArgs, TrafficArgs};
use crate::exit::Failure;
use crate::figures::{count_as_real, real_as_count};
use crate::report::outputs::OutputArgs;
use crate::report::text::{grouped, time as told_time};
use crate::samples;
use crate::schedule::{Arrivals, Rate};
use crate::target::Address;
use crate::threshold::Thresholds;
use crate::tls::TlsArgs;
use crate::values::{positive_time, rate, share, time};

/// Looks of a step.
const LOOKS: u32 = 4;

/// A confirmation has so many parts, each as long as a whole step.
const CONFIRM_STEPS: u32 = 3;

/// What a part of a step takes beyond warming up and measuring: connecting, and the last answers.
const AROUND: Duration = Duration::from_millis(200);

/// `capacity`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CapacityArgs {
    /// What the server must keep, such as 'p99<5ms,p99.9<20ms,errors<0.1%'; several with commas or by
    /// giving it again
    #[arg(long, required = true, value_name = "SLOS", value_parser = slo::read)]
    pub(crate) slo: Vec<Thresholds>,
    /// The server's public listener; one is started beside this program if it is not given
    #[arg(long, value_name = "URL")]
    pub(crate) target: Option<Address>,
    /// Its administrative listener, for merchants and reviews
    #[arg(
        long,
        default_value = "http://127.0.0.1:50052",
        value_name = "URL",
        requires = "target"
    )]
    pub(crate) admin: Address,
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    /// The server to start, instead of the one beside this program
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    pub(crate) server: Option<PathBuf>,
    /// Process of a server on this machine, whose processor time shall be reported
    #[arg(long, value_name = "PID", requires = "target")]
    pub(crate) server_pid: Option<NonZeroU32>,
    /// Use invented accounts and ask nobody to create them: for measuring a floor
    #[arg(long, requires = "target")]
    pub(crate) no_provision: bool,
    /// Do not hold the answers at the capacity against a model of every account
    #[arg(long)]
    pub(crate) no_oracle: bool,
    /// The lowest rate to try, in requests a second
    #[arg(long, default_value = "2000", value_name = "RATE", value_parser = rate)]
    pub(crate) from: Rate,
    /// The highest rate to try
    #[arg(long, default_value = "200000", value_name = "RATE", value_parser = rate)]
    pub(crate) most: Rate,
    /// How near the capacity is to be found, as a share of the rate
    #[arg(long, default_value = "1%", value_name = "SHARE", value_parser = precision)]
    pub(crate) precision: u32,
    /// The longest that a step measures; it ends when it is clear. A confirmation takes three times that
    #[arg(long, default_value = "4s", value_name = "TIME", value_parser = positive_time)]
    pub(crate) step_duration: Duration,
    /// How long to send before measuring, in each of a step's four parts
    #[arg(long, default_value = "500ms", value_name = "TIME", value_parser = time)]
    pub(crate) warm_up: Duration,
    /// The longest that the whole search may take, without creating accounts
    #[arg(long, default_value = "5m", value_name = "TIME", value_parser = positive_time)]
    pub(crate) budget: Duration,
    /// How requests are spread over time
    #[arg(long, value_enum, default_value = "poisson")]
    pub(crate) arrivals: Arrivals,
    #[command(flatten)]
    pub(crate) people: PeopleArgs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    #[command(flatten)]
    pub(crate) traffic: TrafficArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

fn precision(text: &str) -> Result<u32, String> {
    let parts = share(text)?;
    if (1_000..=500_000).contains(&parts) {
        Ok(parts)
    } else {
        Err("must be from 0.1% to 50%".to_owned())
    }
}

impl CapacityArgs {
    /// The precision as a share.
    pub(crate) fn precision(&self) -> f64 {
        f64::from(self.precision) / 1e6
    }

    /// The rates that can be tried.
    pub(crate) fn ladder(&self) -> Ladder {
        Ladder::new(
            self.from.thousandths(),
            self.most.thousandths(),
            self.precision(),
        )
    }

    /// Whether answers are held against a model of every account.
    pub(crate) fn is_proven(&self) -> bool {
        !self.no_oracle && !self.no_provision
    }

    /// How long everything takes.
    pub(crate) fn pace(&self) -> Pace {
        let around = self.warm_up + AROUND;
        Pace {
            looks: LOOKS,
            look: self.step_duration / LOOKS,
            warm_up: self.warm_up,
            confirm_looks: CONFIRM_STEPS,
            confirm_look: self.step_duration,
            longest_step: self.step_duration + around * LOOKS,
            longest_confirm: (self.step_duration + around) * CONFIRM_STEPS,
            budget: self.budget,
        }
    }

    /// The SLOs, if they can be shown at all with these rates and times.
    pub(crate) fn check(&self) -> Result<Vec<Slo>, Failure> {
        let usage = |what: String| Err(Failure::Usage(what));
        let slos = Slo::all_of(&self.slo).map_err(Failure::Usage)?;
        if self.most.thousandths() < self.from.thousandths() {
            return usage(format!(
                "--most {} is below --from {}: the search goes up from one to the other",
                self.most, self.from
            ));
        }
        let errors = [
            (bounds::error_of_look(LOOKS - 1, LOOKS), 1),
            (Pace::error_of_confirmation(CONFIRM_STEPS), CONFIRM_STEPS),
        ];
        for slo in &slos {
            for (error, steps) in errors {
                let needed = samples::to_expect(samples::needed_for(1.0 - slo.allowed, error));
                let from = count_as_real(self.from.thousandths()) / 1e3;
                let length = self.step_duration * steps;
                let there = real_as_count(from * length.as_secs_f64());
                if there < needed {
                    let seconds = count_as_real(needed) / from / f64::from(steps);
                    return usage(format!(
                        "--slo {}: it takes {} requests to show it, and a step at --from {} has {}: use \
                         --step-duration {:.0}s at least, or a higher --from",
                        slo.name,
                        grouped(needed),
                        self.from,
                        grouped(there / u64::from(steps)),
                        seconds.ceil(),
                    ));
                }
            }
        }
        let pace = self.pace();
        let proof = pace.longest_step * u32::from(self.is_proven());
        let least = pace.longest_step * 2 + pace.longest_confirm + proof;
        if self.budget < least {
            let ns = |time: Duration| crate::clock::duration_ns(time);
            return usage(format!(
                "--budget {} is too little for any verdict: two steps, a confirmation and a proof of the answers take up to {}; use more, \
                 or a shorter --step-duration",
                told_time(ns(self.budget)),
                told_time(ns(least)),
            ));
        }
        Ok(slos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Command, CommandLine};

    fn args(words: &str) -> Result<CapacityArgs, String> {
        let line = format!("waika-loadgen capacity {words}");
        let words = line.split_ascii_whitespace();
        match CommandLine::read_from(words).map(|line| line.command) {
            Ok(Command::Capacity(args)) => Ok(*args),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn what_cannot_be_found_is_refused_with_the_mend() {
        let check = |words: &str, said: Option<&str>| {
            let found =
                args(words).and_then(|args| args.check().map_err(|error| error.to_string()));
            match (found, said) {
                (Ok(_), None) => {}
                (Err(found), Some(said)) => assert!(found.contains(said), "{words}: {found}"),
                (found, _) => panic!("{words}: {found:?}"),
            }
        };
        check("--slo p99<5ms", None);
        check("--slo p99<5ms,p99.9<20ms,errors<0.1%", None);
        check("--slo p99<5ms --slo errors<1%", None);
        check("", Some("--slo"));
        check("--slo p99.99<5ms", Some("--step-duration 26s"));
        check("--slo p99<5ms --from 100", Some("--step-duration 6s"));
        check("--slo p99<5ms --from 100 --step-duration 6s", None);
        check(
            "--slo p99<5ms --most 1000",
            Some("--most 1000 is below --from 2000"),
        );
        check(
            "--slo p99<5ms --budget 10s",
            Some("too little for any verdict"),
        );
        check("--slo p99<5ms --precision 0.01%", Some("0.1%"));
        check("--slo avg<5ms", Some("percentile"));
        check(
            "--slo p99<5ms --server x --target http://127.0.0.1:1",
            Some("cannot be used with"),
        );
        check("--slo p99<5ms --no-provision", Some("--target"));
    }

    #[test]
    fn parts_and_warming_up_are_within_a_steps_time() {
        let pace = args("--slo p99<5ms --step-duration 8s").unwrap().pace();
        assert_eq!(pace.look * pace.looks, Duration::from_secs(8));
        assert_eq!(pace.confirm(), Duration::from_secs(24));
        assert!(pace.longest_step > Duration::from_secs(10));
    }
}
