//! Generated payments around the limits, for a shadow policy to be held against.

use std::collections::BTreeMap;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;
use waika::v1;

use crate::shadow::{Flips, flips_of};
use crate::stream::{by_id, decided, gather, message, open};
use crate::support::number;
use crate::wallet::{Callers, MERCHANT, bind, bound, card, decision, merchant, pay, visa};

/// Payments that are decided, unless the environment says another number.
const PAYMENTS: i64 = 3_000;
/// So many payments fill an account's month and half of the rest of its year.
const PAYMENTS_PER_ACCOUNT: i64 = 50;
/// A caller that sends more wrong passwords in a minute is stopped (D7).
const MOST_WRONG_PASSWORDS: i64 = 500;
const PER_MESSAGE: usize = 256;

/// How much, and how it is drawn.
pub(crate) struct Load {
    payments: i64,
}

/// A wallet that pays.
pub(crate) struct Wallet {
    account: String,
    card: String,
}

/// Decisions in words, and how often each came.
pub(crate) type Decided = BTreeMap<String, i64>;

impl Load {
    pub(crate) fn from_environment() -> Self {
        let given = number("WAIKA_SHADOW").map(|number| i64::try_from(number).unwrap());
        Self {
            payments: given.unwrap_or(PAYMENTS),
        }
    }

    pub(crate) fn payments(&self) -> i64 {
        self.payments
    }

    /// Wallets for them, some of them with cards that their issuer or risk control declines.
    pub(crate) async fn wallets(&self, callers: &mut Callers) -> Vec<Wallet> {
        callers.put_merchant(merchant(MERCHANT)).await;
        let accounts = u32::try_from(self.payments / PAYMENTS_PER_ACCOUNT).unwrap();
        let mut binds = JoinSet::new();
        let mut wallets = Vec::new();
        for number in 0..accounts.max(20) {
            let mut callers = callers.clone();
            binds.spawn(async move {
                let account = format!("acct-{number}");
                let mut request = bind(&account);
                request.card = Some(card(&visa(card_of(number)), v1::Scheme::Visa));
                let card = bound(&callers.bind(request).await);
                Wallet { account, card }
            });
            if binds.len() == 64 {
                wallets.push(binds.join_next().await.unwrap().unwrap());
            }
        }
        wallets.extend(binds.join_all().await);
        wallets.sort_by(|one, other| one.account.cmp(&other.account));
        wallets
    }

    /// Sends them over a stream, half of them in the next month. Gives what was decided.
    pub(crate) async fn authorise(&self, callers: &mut Callers, wallets: &[Wallet]) -> Decided {
        let mut random = ChaCha8Rng::seed_from_u64(5_000);
        let numbers: Vec<i64> = (0..self.payments).collect();
        let (first, second) = numbers.split_at(numbers.len() / 2);
        let mut told = Decided::new();
        for (at, numbers) in [
            ("2024-01-20T12:00:00+08:00", first),
            ("2024-02-20T12:00:00+08:00", second),
        ] {
            callers.freeze(at).await;
            let (asking, answers) = open(callers).await;
            let answers = tokio::spawn(gather(answers));
            for chunk in numbers.chunks(PER_MESSAGE) {
                let payment = |&number: &i64| {
                    let id = u64::try_from(number).unwrap();
                    (id, self.payment(number, wallets, &mut random))
                };
                let payments: Vec<_> = chunk.iter().map(payment).collect();
                asking.send(message(payments)).await.unwrap();
            }
            drop(asking);
            let (answers, status) = answers.await.unwrap();
            assert!(status.is_none(), "{status:?}");
            for answer in by_id(answers).values() {
                *told.entry(decision(decided(answer))).or_default() += 1;
            }
        }
        told
    }

    fn payment(
        &self,
        number: i64,
        wallets: &[Wallet],
        random: &mut ChaCha8Rng,
    ) -> v1::AuthoriseRequest {
        let every = (self.payments / MOST_WRONG_PASSWORDS).max(20);
        let wrong = number % every == 0;
        // Those that are wrong come to the last six wallets, so that some are locked.
        let least = if wrong { wallets.len() - 6 } else { 0 };
        let wallet = &wallets[random.random_range(least..wallets.len())];
        let key = format!("shadow {number}");
        let mut payment = pay(&wallet.account, &wallet.card, &key, amount(random));
        if wrong {
            payment.payment_password = "000000".into();
        }
        if random.random_range(0..50) == 0 {
            payment.merchant_id = "nobody".into();
        }
        payment
    }
}

/// The first ones' cards were lost, have no funds, or are shared by two people.
fn card_of(number: u32) -> u32 {
    match number {
        0 => 3,
        1 => 6,
        2 | 3 => 111_000_002,
        _ => 111_000_000 + number,
    }
}

/// Small ones as a rule; many around 5,000.00 and 6,000.00, and exactly there.
fn amount(random: &mut ChaCha8Rng) -> i64 {
    match random.random_range(0..100) {
        0..50 => random.random_range(1..=20_000),
        50..70 => random.random_range(20_001..=480_000),
        70..80 => random.random_range(499_990..=500_010),
        80..84 => 500_000,
        84..88 => 500_001,
        88..94 => random.random_range(500_001..=599_999),
        94..97 => random.random_range(599_990..=600_010),
        _ => random.random_range(600_001..=900_000),
    }
}

/// Prints what was decided, and both counts of what would have been turned.
pub(crate) fn show(report: &v1::GetShadowReportResponse, decided: &Decided, recount: &Flips) {
    eprintln!("{} decisions, of these", report.decisions);
    for (decision, count) in decided {
        eprintln!("  {decision:<28} {count:>8}");
    }
    eprintln!("flips by {}:  reported, recounted", report.shadow);
    let reported = flips_of(report);
    for flip in reported.keys().chain(recount.keys()) {
        if recount.contains_key(flip) && !reported.contains_key(flip) {
            eprintln!("  not reported: {flip:?}");
        }
    }
    for ((active, shadow), count) in &reported {
        let flip = (active.clone(), shadow.clone());
        let again = recount.get(&flip).copied().unwrap_or_default();
        eprintln!("  {active:<28} {shadow:<14} {count:>8} {again:>8}");
    }
}
