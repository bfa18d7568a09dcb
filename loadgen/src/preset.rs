//! Pure: plans that are known by name, as what they say over the plain one.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use crate::schedule::{Rate, RateShape};
use crate::settings::{
    Errands, Load, Modes, People, ServerClock, Settings, Share, SomeTime, Time, Traffic,
};
use crate::workload::Spread;

/// A plan with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Preset {
    /// An ordinary day: a little of everything at a steady rate, far from every limit
    Steady,
    /// Three times the rate in the middle: small amounts, and codes more than anything
    LunchRush,
    /// Large amounts, many of them with a fee, and more that is given back
    Payday,
    /// All requests under a hundred keys, as of terminals that hear no answers
    RetryStorm,
    /// One account pays for all, 1 fen each
    HotAccount,
    /// The month ends in the middle of the run, and reversals cross its midnight
    MonthEnd,
}

impl Preset {
    /// What it says; the rest is as it is without it.
    pub(crate) fn settings(self) -> Settings {
        let says = ordinary();
        match self {
            Self::Steady => says,
            Self::LunchRush => lunch_rush(says),
            Self::Payday => payday(says),
            Self::RetryStorm => retry_storm(says),
            Self::HotAccount => hot_account(says),
            Self::MonthEnd => month_end(says),
        }
    }
}

fn ordinary() -> Settings {
    Settings {
        load: Load {
            rate: per_second(1_000),
            shape: Some(RateShape::Steady),
            duration: Some(SomeTime(Duration::from_secs(20))),
            warm_up: Some(Time(Duration::from_secs(2))),
            ..Load::default()
        },
        people: People {
            accounts: NonZeroU32::new(10_000),
            ..People::default()
        },
        traffic: Traffic {
            spread: Some(Spread::Zipf(0.5)),
            duplicates: Some(permille(10)),
            wrong_passwords: Some(permille(1)),
            ..Traffic::default()
        },
        modes: modes([350, 450, 200]),
        errands: Errands {
            reversals: Some(permille(10)),
            refunds: Some(permille(5)),
            churn: Some(permille(1)),
            ..Errands::default()
        },
        ..Settings::default()
    }
}

fn lunch_rush(mut says: Settings) -> Settings {
    says.load.rate = per_second(700);
    says.load.shape = "diurnal:1x..3x".parse().ok();
    says.traffic.amount_percent = NonZeroU32::new(60);
    says.modes = modes([150, 450, 400]);
    says.errands.reversals = Some(permille(5));
    says
}

fn payday(mut says: Settings) -> Settings {
    says.people.accounts = NonZeroU32::new(20_000);
    says.traffic.amount_percent = NonZeroU32::new(300);
    says.modes = modes([500, 350, 150]);
    says.errands.reversals = Some(permille(40));
    says.errands.refunds = Some(permille(30));
    says
}

fn retry_storm(mut says: Settings) -> Settings {
    says.traffic.keys = NonZeroU64::new(100);
    says.traffic.duplicates = Some(permille(0));
    payments_only(says)
}

fn hot_account(mut says: Settings) -> Settings {
    says.people.accounts = Some(NonZeroU32::MIN);
    says.traffic.spread = Some(Spread::One);
    says.traffic.fixed_fen = Some(NonZeroU32::MIN);
    // Five in a row would lock the one account there is.
    says.traffic.wrong_passwords = Some(permille(0));
    payments_only(says)
}

fn month_end(mut says: Settings) -> Settings {
    says.load.clock = Some(ServerClock::MonthEnd);
    says.errands.reversals = Some(permille(200));
    says.errands.reverse_after = Some(Time(Duration::from_secs(3)));
    says.errands.refunds = Some(permille(20));
    says
}

fn payments_only(mut says: Settings) -> Settings {
    says.modes = modes([400, 600, 0]);
    says.errands = Errands {
        reversals: Some(permille(0)),
        refunds: Some(permille(0)),
        churn: Some(permille(0)),
        ..Errands::default()
    };
    says
}

fn per_second(rate: u64) -> Option<Rate> {
    Rate::from_thousandths(rate * 1_000)
}

fn permille(parts: u32) -> Share {
    Share(parts * 1_000)
}

/// Online, by the merchant's code, by a payment code.
fn modes([online, merchant_qr, payment_code]: [u32; 3]) -> Modes {
    Modes {
        online: Some(permille(online)),
        merchant_qr: Some(permille(merchant_qr)),
        payment_code: Some(permille(payment_code)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::args::run_args;
    use crate::errand::Errand;
    use crate::job::{Job, Pace};
    use crate::schedule::{Cursor, Schedule};
    use crate::workload::Request;

    fn mixed(sum: u64, value: u64) -> u64 {
        (sum ^ value).wrapping_mul(0x0100_0000_01b3).rotate_left(23)
    }

    fn parts_of(request: &Request) -> [u64; 7] {
        let errand = match request.errand {
            Errand::Pay => 0,
            Errand::PayByCode => 1,
            Errand::PayAndReverse { back_fen } => 2 + 10 * back_fen,
            Errand::PayAndRefund { back_fen } => 3 + 10 * back_fen,
            Errand::Churn => 4,
        };
        [
            request.key,
            request.account,
            request.merchant,
            request.amount_fen,
            u64::try_from(i32::from(request.mode.wire())).unwrap(),
            request.wrong_password.into(),
            errand,
        ]
    }

    /// One number for the first ten thousand requests of a run and when they are due.
    fn digest(flags: &[&str]) -> u64 {
        let job = Job::of(run_args(flags)).unwrap();
        let Pace::Open(arrivals, _) = job.pace else {
            panic!("{:?} is no open loop", job.pace);
        };
        let curve = job.curve().unwrap();
        let schedule = Schedule::new(arrivals, curve, job.people.seed, job.end_ns());
        let mut cursor = Cursor::new(Arc::new(schedule));
        let workload = job.workload().unwrap();
        (0..10_000).fold(0, |sum, index| {
            let sum = mixed(sum, cursor.due_at(index).unwrap());
            let parts = parts_of(&workload.request(index));
            parts.into_iter().fold(sum, mixed)
        })
    }

    #[test]
    fn a_seed_and_a_plan_are_always_the_same_requests() {
        // Whoever changes the traffic on purpose changes these too, and tells everyone: results
        // before and after are of different plans.
        let expected = [
            ("steady", "0xecf01a42df3ccf58"),
            ("lunch-rush", "0x387df0c4718f18c2"),
            ("payday", "0x84aac3eb49c1b2cc"),
            ("retry-storm", "0x9093b3b2eb00d2f8"),
            ("hot-account", "0xdc125ce579ee2cdf"),
            ("month-end", "0xfd0f0f569ef93fa0"),
        ]
        .map(|(preset, digest)| (preset, digest.to_owned()));
        let found = expected.clone().map(|(preset, _)| {
            let flags = ["--preset", preset];
            let found = digest(&flags);
            assert_eq!(digest(&flags), found, "{preset}");
            let other = digest(&[&flags[..], &["--seed", "2"]].concat());
            assert_ne!(other, found, "{preset}");
            (preset, format!("{found:#018x}"))
        });
        assert_eq!(found, expected);
        assert_eq!(format!("{:#018x}", digest(&[])), "0xb3b6ffd0a6326900");
    }

    #[test]
    fn presets_are_what_they_are_called() {
        let job = |name: &str| Job::of(run_args(&["--preset", name])).unwrap();
        let requests = |name: &str| {
            let workload = job(name).workload().unwrap();
            (0..20_000).map(move |index| workload.request(index))
        };
        let with_fee = |name: &str| {
            requests(name)
                .filter(|paid| paid.amount_fen > 20_000)
                .count()
        };
        assert!(with_fee("payday") > 3 * with_fee("steady"));
        assert!(with_fee("lunch-rush") < with_fee("steady"));
        let given_back = |name: &str| {
            let back = requests(name).filter(|request| {
                matches!(
                    request.errand,
                    Errand::PayAndReverse { .. } | Errand::PayAndRefund { .. }
                )
            });
            back.count()
        };
        assert!(given_back("payday") > 3 * given_back("steady"));
        let mut keys: Vec<u64> = requests("retry-storm").map(|request| request.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 100);
        assert!(requests("hot-account").all(|paid| (paid.account, paid.amount_fen) == (0, 1)));
        let month_end = job("month-end");
        assert!(month_end.demand.month_end && !month_end.manner.reverse_after.is_zero());
    }

    #[test]
    fn a_preset_is_far_from_limits_unless_it_is_about_them() {
        for preset in ["steady", "lunch-rush", "payday", "hot-account", "month-end"] {
            let job = Job::of(run_args(&["--preset", preset])).unwrap();
            let requests = job.curve().unwrap().expected_before(job.end_ns());
            let share = job.workload().unwrap().expected_limit_share(requests);
            assert!(share < 0.001, "{preset}: {share}");
        }
    }
}
