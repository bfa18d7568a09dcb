//! Whether the password verifier takes the same time for a right password and a wrong one (S5).
//!
//! `cargo run --release -p waika-server --example verifier_timing -- [MEASUREMENTS] [planted]`
//!
//! Right and wrong passwords come in an order that is drawn, one million of them unless told otherwise, each is timed,
//! and the two means are compared by Welch's t, over all times and over those below several bounds, since the longest
//! are the machine's. A |t| of 4.5 or more tells the two apart, and the exit code is then 1. With `planted` the verifier
//! is one that looks at the password first, digit by digit, and has to be found out.

#![expect(
    clippy::unwrap_used,
    reason = "a measurement ends at the first surprise"
)]
#![expect(clippy::print_stdout, reason = "the figures are what this is for")]
#![expect(
    clippy::cast_precision_loss,
    reason = "times are of nanoseconds, and compared by their means"
)]

use std::hint::black_box;
use std::process::ExitCode;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use waika_domain::event::PasswordVerifier;
use waika_domain::identifiers::AccountId;
use waika_server::clock::monotonic;
use waika_server::vault::Vault;

/// As the method's authors have it.
const MOST: f64 = 4.5;
/// Shares of all times, the shortest first, that are compared beside all of them.
const SHARES: [f64; 5] = [0.5, 0.7, 0.9, 0.95, 0.99];
const RIGHT: &str = "135790";
const RIGHT_NUMBER: u32 = 135_790;
/// Thrown away, while caches and clocks settle.
const WARM_UP: usize = 20_000;

struct Measured {
    nanoseconds: u64,
    is_right: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let is_planted = arguments.iter().any(|argument| argument == "planted");
    let count = arguments.iter().find_map(|argument| argument.parse().ok());
    let measured = measure(count.unwrap_or(1_000_000), is_planted);
    let mut sorted: Vec<_> = measured.iter().map(|one| one.nanoseconds).collect();
    sorted.sort_unstable();
    let mut worst: f64 = 0.0;
    println!(
        "{:>8}  {:>10}  {:>10}  {:>12}  {:>8}",
        "below", "right", "wrong", "measurements", "t"
    );
    for share in SHARES.into_iter().chain([1.0]) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place among the measurements"
        )]
        let place = ((sorted.len() - 1) as f64 * share) as usize;
        let bound = sorted.get(place).copied().unwrap();
        let times = |is_right| Sample::of(&measured, is_right, bound);
        let (right, wrong) = (times(true), times(false));
        let t = right.welch(&wrong);
        println!(
            "{bound:>5} ns  {:>7.1} ns  {:>7.1} ns  {:>12}  {t:>8.2}",
            right.mean,
            wrong.mean,
            right.count + wrong.count
        );
        worst = worst.max(t.abs());
    }
    println!(
        "S5: {} measurements, |t| at most {worst:.2}, below {MOST} wanted",
        measured.len()
    );
    if worst < MOST {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn measure(count: usize, is_planted: bool) -> Vec<Measured> {
    let vault = Vault::from_key(&[7; 32]);
    let account = AccountId::parse("marie").unwrap();
    let verifier = vault.password(&account, RIGHT, [1; 8]);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut measured = Vec::with_capacity(count);
    for number in 0..count + WARM_UP {
        let is_right = random.random();
        // Both are drawn and written alike, digit by digit, so that neither leaves a cache, a predictor or a buffer of
        // the core in another state than the other.
        let drawn = random.random_range(100_000..1_000_000);
        let wrong = if drawn == RIGHT_NUMBER { 1 } else { drawn };
        let digits = digits(if is_right { RIGHT_NUMBER } else { wrong });
        let given = std::str::from_utf8(black_box(&digits)).unwrap();
        let began = monotonic();
        let matches = if is_planted {
            planted(&vault, &account, (given, &verifier))
        } else {
            vault.password_matches(&account, black_box(given), &verifier)
        };
        let nanoseconds = began.elapsed().as_nanos();
        assert_eq!(black_box(matches), is_right);
        if number >= WARM_UP {
            measured.push(Measured {
                nanoseconds: u64::try_from(nanoseconds).unwrap(),
                is_right,
            });
        }
    }
    measured
}

/// Six of them.
fn digits(mut number: u32) -> [u8; 6] {
    let mut digits = [0; 6];
    for place in digits.iter_mut().rev() {
        let digit = u8::try_from(number % 10).unwrap();
        *place = black_box(b'0' + digit);
        number /= 10;
    }
    digits
}

/// What is to be found: it ends at the first digit that is wrong.
fn planted(
    vault: &Vault,
    account: &AccountId,
    (given, verifier): (&str, &PasswordVerifier),
) -> bool {
    let mut pairs = given.bytes().zip(RIGHT.bytes());
    pairs.all(|(one, other)| black_box(one) == black_box(other))
        && vault.password_matches(account, given, verifier)
}

struct Sample {
    count: usize,
    mean: f64,
    variance: f64,
}

impl Sample {
    fn of(measured: &[Measured], is_right: bool, bound: u64) -> Self {
        let mine = measured.iter().filter(|one| one.is_right == is_right);
        let times = mine.filter(|one| one.nanoseconds <= bound);
        let (mut count, mut mean, mut squares) = (0, 0.0, 0.0);
        for one in times {
            count += 1;
            let off = one.nanoseconds as f64 - mean;
            mean += off / f64::from(count);
            squares += off * (one.nanoseconds as f64 - mean);
        }
        Self {
            count: usize::try_from(count).unwrap(),
            mean,
            variance: squares / f64::from(count - 1),
        }
    }

    /// How many of its own errors the means lie apart.
    fn welch(&self, other: &Self) -> f64 {
        let error = self.variance / self.count as f64 + other.variance / other.count as f64;
        (self.mean - other.mean) / error.sqrt()
    }
}
