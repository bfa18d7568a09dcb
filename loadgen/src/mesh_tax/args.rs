//! `mesh-tax` on the command line, and what of it is impossible.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::time::Duration;

use clap::Args;

use super::runner::Task;
use crate::args::{Place, PlaceArgs};
use crate::exit::Failure;
use crate::gate::load::Load;
use crate::job::Pace;
use crate::report::outputs::OutputArgs;
use crate::schedule::{Arrivals, Rate};
use crate::target::{Address, Target};
use crate::values::{positive_time, rate, time};

/// `mesh-tax`.
#[derive(Args, Clone, Debug)]
pub(crate) struct MeshTaxArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Where a proxy listens that leads to the same server
    #[arg(long, value_name = "URL")]
    through: Address,
    /// Process of the server on this machine, whose processor time shall be reported
    #[arg(long, value_name = "PID")]
    server_pid: Option<NonZeroU32>,
    /// The same of the proxy: the process that carries the calls
    #[arg(long, value_name = "PID")]
    proxy_pid: Option<NonZeroU32>,
    /// Rounds of four blocks, two directly and two through the proxy; six are the fewest with an interval
    #[arg(long, default_value = "12", value_name = "N")]
    rounds: NonZeroU32,
    /// The measured part of a block
    #[arg(long, default_value = "500ms", value_name = "TIME", value_parser = positive_time)]
    block: Duration,
    /// What is sent before it
    #[arg(long, default_value = "100ms", value_name = "TIME", value_parser = time)]
    warm_up: Duration,
    /// Requests a second, with Poisson arrivals
    #[arg(long, default_value = "1000", value_name = "RATE", value_parser = rate)]
    rate: Rate,
    /// Keep so many calls open instead; its latencies hide queueing
    #[arg(long, value_name = "N", conflicts_with = "rate")]
    closed: Option<NonZeroUsize>,
    /// Accounts that pay
    #[arg(long, default_value = "1000", value_name = "N")]
    accounts: NonZeroU32,
    /// Merchants that sell
    #[arg(long, default_value = "20", value_name = "N")]
    merchants: NonZeroU32,
    /// The seed of the order, the people, the arrivals and the amounts
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    seed: u64,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl MeshTaxArgs {
    /// What shall be measured, if it can be.
    pub(super) fn task(&self) -> Result<Task, Failure> {
        let (direct, through) = self.places()?;
        self.check_processes(&direct.target, &through.target)?;
        let task = Task {
            direct,
            through,
            load: Load {
                pace: match self.closed {
                    Some(open) => Pace::Closed(open, None),
                    None => Pace::Open(Arrivals::Poisson, self.rate),
                },
                block: self.block,
                warm_up: self.warm_up,
                rounds: self.rounds,
                accounts: self.accounts,
                merchants: self.merchants,
            },
            seed: self.seed,
            server: self.server_pid,
            proxy: self.proxy_pid,
        };
        task.job(task.direct.clone()).check()?;
        check_limits(&task)?;
        Ok(task)
    }

    /// The way to the server, and the way through the proxy; certificates are for whichever speaks TLS.
    fn places(&self) -> Result<(Place, Place), Failure> {
        let PlaceArgs { target, admin, tls } = &self.place;
        if *target == self.through {
            return Err(Failure::Usage(format!(
                "--target and --through are both {target}, so nothing would differ: give --through the address at which \
                 the proxy listens"
            )));
        }
        let plain = |address: &Address| Target::plain(address.clone());
        let beside = |target: Target, place: &Place| Place {
            target,
            admin: place.admin.clone(),
        };
        if let Some(through) = plain(&self.through) {
            let direct = tls.place(target, admin)?;
            let through = beside(through, &direct);
            return Ok((direct, through));
        }
        let through = tls.place(&self.through, admin)?;
        let direct = match plain(target) {
            Some(target) => beside(target, &through),
            None => tls.place(target, admin)?,
        };
        Ok((direct, through))
    }

    /// Refuses processes that are not there, or not on this machine.
    fn check_processes(&self, target: &Target, through: &Target) -> Result<(), Failure> {
        let server = ("--server-pid", self.server_pid, "--target", target);
        let proxy = ("--proxy-pid", self.proxy_pid, "--through", through);
        for (flag, pid, place, there) in [server, proxy] {
            let Some(pid) = pid else { continue };
            if !there.is_local() {
                return Err(Failure::Usage(format!(
                    "{flag} needs a {place} on this machine, and {there} is not: leave {flag} out"
                )));
            }
            if !Path::new(&format!("/proc/{pid}/stat")).exists() {
                return Err(Failure::Usage(format!(
                    "{flag} {pid}: there is no such process on this machine"
                )));
            }
        }
        Ok(())
    }
}

/// Refuses a load of which all blocks together meet the accounts' limits: both ways lead to the same
/// accounts.
fn check_limits(task: &Task) -> Result<(), Failure> {
    let blocks = u64::from(task.load.rounds.get()) * 4;
    let Some(at_limit) = task.load.too_many_at_limit(blocks, task.seed)? else {
        return Ok(());
    };
    Err(Failure::Usage(format!(
        "about {:.1} % of the requests of all {blocks} blocks are expected to meet an account's limit of 50,000 yuan a \
         month or 60,000 a year, and refusals would be measured: use more --accounts (there are {}), a lower --rate, \
         a shorter --block or fewer --rounds",
        at_limit * 100.0,
        task.load.accounts,
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Command, CommandLine};

    fn parsed(flags: &[&str]) -> Result<MeshTaxArgs, clap::Error> {
        let words = ["waika-loadgen", "mesh-tax"].iter().chain(flags);
        match CommandLine::read_from(words)?.command {
            Command::MeshTax(args) => Ok(*args),
            other => panic!("{flags:?} is no mesh-tax: {other:?}"),
        }
    }

    /// What is told of these flags; nothing if they are fine.
    fn told(flags: &[&str]) -> String {
        let through = ["--through", "http://127.0.0.1:50061"];
        let own = flags.contains(&"--through");
        let flags = if own {
            flags.to_vec()
        } else {
            [&through, flags].concat()
        };
        match parsed(&flags) {
            Ok(args) => args
                .task()
                .err()
                .map_or_else(String::new, |failure| match failure {
                    Failure::Usage(what) => what,
                    Failure::Tool(what) => panic!("{flags:?} is no mistake of usage: {what}"),
                }),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_cannot_be_measured_is_refused_with_the_mend() {
        let check = |flags: &[&str], words: &[&str]| {
            let told = told(flags);
            assert_eq!(words.is_empty(), told.is_empty(), "{flags:?}: {told}");
            for word in words {
                assert!(told.contains(word), "{flags:?}: no {word:?} in {told}");
            }
        };
        check(&[], &[]);
        check(&["--rounds", "1"], &[]);
        check(&["--closed", "8"], &[]);
        check(&["--closed", "8", "--rate", "9"], &["--rate"]);
        check(&["--rounds", "0"], &["--rounds"]);
        let here = "http://127.0.0.1:50051";
        check(
            &["--through", here],
            &["--target and --through are both", "the proxy listens"],
        );
        check(&["--through", here, "--target", "http://[::1]:1"], &[]);
        check(
            &["--through", "http://127.0.0.1:1/path"],
            &["--through", "must end after the port"],
        );
        check(
            &["--through", "127.0.0.1:1"],
            &["--through", "must be a URL"],
        );
        check(
            &["--server-pid", "4194305"],
            &["--server-pid 4194305", "no such process"],
        );
        check(
            &["--proxy-pid", "4194305"],
            &["--proxy-pid 4194305", "no such process"],
        );
        let far = ["--through", "http://10.0.0.1:1", "--proxy-pid", "1"];
        check(
            &far,
            &["--proxy-pid needs a --through on this machine", "leave"],
        );
        let far = ["--target", "http://10.0.0.1:1", "--server-pid", "1"];
        check(
            &far,
            &["--server-pid needs a --target on this machine", "leave"],
        );
        check(&["--accounts", "20"], &["limit", "--accounts", "--rounds"]);
        check(&["--accounts", "20", "--rounds", "1", "--rate", "10"], &[]);
        check(&["--rounds", "10000"], &["limit", "40000 blocks"]);
        check(&["--tls-ca", "ca.pem"], &["--tls-ca is of no use"]);
        check(
            &[
                "--through",
                "https://127.0.0.1:1",
                "--tls-ca",
                "/nowhere/ca.pem",
            ],
            &["--tls-ca /nowhere/ca.pem"],
        );
    }

    #[test]
    fn without_a_proxy_there_is_nothing_to_measure() {
        let told = parsed(&[]).unwrap_err().to_string();
        assert!(told.contains("--through"), "{told}");
    }
}
