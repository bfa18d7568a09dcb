//! The search against servers that are made up, whose capacity is known.

use rand_distr::{Binomial, Distribution as _, Normal};

use super::*;
use crate::capacity::bounds::{Tally, error_of_look};
use crate::capacity::conduct::Pace;
use crate::capacity::judge::{Standing, standing};
use crate::draw::{Draw, Purpose};

/// What may be beyond: the SLO is about a p99.
const ALLOWED: f64 = 0.01;

/// Seconds that a look measures.
const LOOK_S: f64 = 1.0;

/// Looks of a step.
const LOOKS: u32 = 4;

/// Those of a confirmation.
const CONFIRM_LOOKS: u32 = 3;

/// A server that does not exist.
struct Server {
    /// The true rate at which just what is allowed is beyond.
    capacity: f64,
    /// How gently the share beyond rises with the rate.
    width: f64,
    /// How much the capacity differs from step to step, as a share of it.
    shake: f64,
    /// How often a step is spoilt by the machine.
    spoilt: f64,
    /// The generator falls behind from this rate on.
    generator: f64,
    random: Draw,
}

impl Server {
    fn new(capacity: f64, seed: u64) -> Self {
        Self {
            capacity,
            width: 0.002,
            shake: 0.0,
            spoilt: 0.0,
            generator: f64::INFINITY,
            random: Draw::new(seed, Purpose::Request, 0),
        }
    }

    fn is(&mut self, probability: f64) -> bool {
        crate::figures::share(self.random.below(1_000_000), 1_000_000) < probability
    }

    /// The share beyond at a rate: a logistic curve through what is allowed at the capacity.
    fn beyond(&self, rate: f64, capacity: f64) -> f64 {
        let at_capacity = (ALLOWED / (1.0 - ALLOWED)).ln();
        let odds = at_capacity + (rate / capacity).ln() / self.width;
        1.0 / (1.0 + (-odds).exp())
    }

    fn step(&mut self, rate: f64, stage: Stage) -> (Vote, bool) {
        let is_confirmation = stage == Stage::Confirm;
        let off = Normal::new(0.0, self.shake)
            .unwrap()
            .sample(&mut self.random);
        let mut share = self.beyond(rate, self.capacity * (1.0 + off));
        if !is_confirmation && self.is(self.spoilt) {
            share = share.max(0.2);
        }
        let vote_of = |vote, rate| match vote {
            Vote::Missed if rate >= self.generator => Vote::Generator,
            vote => vote,
        };
        let mut tally = Tally::default();
        let (looks, seconds) = if is_confirmation {
            (CONFIRM_LOOKS, 4.0)
        } else {
            (LOOKS, LOOK_S)
        };
        for look in 0..looks {
            let due = crate::figures::real_as_count(rate * seconds);
            tally.of += due;
            tally.beyond += Binomial::new(due, share).unwrap().sample(&mut self.random);
            let error = if is_confirmation {
                Pace::error_of_confirmation(CONFIRM_LOOKS)
            } else {
                error_of_look(look, looks)
            };
            match standing(tally, ALLOWED, error) {
                // What meets does so for the whole time.
                Standing::Met if stage != Stage::Ramp && look + 1 < looks => {}
                Standing::Met => return (Vote::Met, true),
                Standing::Missed => return (vote_of(Vote::Missed, rate), true),
                Standing::Undecided => {}
            }
        }
        let vote = if tally.share() <= ALLOWED {
            Vote::Met
        } else {
            Vote::Missed
        };
        (vote_of(vote, rate), false)
    }
}

fn ladder() -> Ladder {
    Ladder::new(1_000_000, 100_000_000, 0.01)
}

/// What the search finds, and how many steps it takes.
fn search(server: &mut Server) -> (Found, usize) {
    let (ladder, mut tried) = (ladder(), Vec::new());
    loop {
        match next(&ladder, &tried) {
            Next::Done(found) => return (found, tried.len()),
            Next::Try(rung, stage) => {
                let rate = rate(rung);
                let (vote, is_decided) = server.step(rate, stage);
                tried.push(Tried {
                    rung,
                    stage,
                    vote,
                    is_decided,
                });
            }
        }
        assert!(tried.len() < 120, "{tried:?}");
    }
}

fn rate(rung: u32) -> f64 {
    crate::figures::count_as_real(ladder().rate(rung)) / 1e3
}

/// How often of a hundred times the capacity is found to within so much, and the most steps.
fn found_within(off: f64, change: impl Fn(&mut Server)) -> (u32, usize) {
    let (mut near, mut most) = (0, 0);
    for seed in 0..100 {
        // Anywhere on the ladder, and between its rungs too.
        let capacity = 3_000.0 * 1.031_f64.powf(f64::from(u32::try_from(seed).unwrap()));
        let mut server = Server::new(capacity, seed);
        change(&mut server);
        let (found, steps) = search(&mut server);
        most = most.max(steps);
        if let Found::Capacity(rung) = found {
            near += u32::from((rate(rung) / capacity - 1.0).abs() <= off);
        }
    }
    (near, most)
}

#[test]
fn the_capacity_is_found() {
    let check = |name: &str, (off, least): (f64, u32), change: fn(&mut Server)| {
        let (near, steps) = found_within(off, change);
        assert!(
            near >= least,
            "{name}: {near} of 100 within {off}, {steps} steps at most"
        );
        assert!(steps <= 75, "{name}: {steps} steps");
    };
    check("a sharp knee", (0.02, 95), |_| {});
    check("a gentle knee", (0.02, 95), |server| server.width = 0.02);
    check("a knee that shakes", (0.02, 95), |server| {
        server.shake = 0.003;
    });
    check("a knee that shakes much", (0.05, 95), |server| {
        server.shake = 0.01;
    });
    check("a machine that stumbles", (0.02, 95), |server| {
        server.spoilt = 0.1;
    });
    check("one that stumbles often", (0.02, 90), |server| {
        server.spoilt = 0.2;
    });
}

#[test]
fn what_cannot_be_found_is_said() {
    let check = |capacity, change: fn(&mut Server), expected: fn(Found) -> bool| {
        for seed in 0..20 {
            let mut server = Server::new(capacity, seed);
            change(&mut server);
            let (found, steps) = search(&mut server);
            assert!(expected(found), "{capacity}: {found:?} after {steps}");
        }
    };
    let top = ladder().top();
    assert_eq!(ladder().rate(top), 100_000_000);
    check(1e9, |_| {}, |found| matches!(found, Found::Top(_)));
    check(10.0, |_| {}, |found| found == Found::Nothing);
    check(
        10.0,
        |server| server.generator = 0.0,
        |found| found == Found::Generator(None),
    );
    check(
        20_000.0,
        |server| server.generator = 19_000.0,
        |found| matches!(found, Found::Generator(Some(rung)) if (rate(rung) / 20_000.0 - 1.0).abs() < 0.02),
    );
    // It falls behind only where the server has missed already.
    check(
        20_000.0,
        |server| server.generator = 30_000.0,
        |found| matches!(found, Found::Capacity(_)),
    );
}

#[test]
fn a_server_that_dips_is_believed_below_the_dip() {
    // From 4,000 to 5,000 it misses, and above it meets up to 20,000.
    let (ladder, mut tried) = (ladder(), Vec::new());
    let found = loop {
        match next(&ladder, &tried) {
            Next::Done(found) => break found,
            Next::Try(rung, stage) => {
                let is_met = !(4_000.0..5_000.0).contains(&rate(rung)) && rate(rung) < 20_000.0;
                let vote = if is_met { Vote::Met } else { Vote::Missed };
                tried.push(Tried {
                    rung,
                    stage,
                    vote,
                    is_decided: true,
                });
            }
        }
    };
    let Found::Capacity(rung) = found else {
        panic!("{found:?}");
    };
    // Doubling may leap over the dip, but what is found is never in it and always met.
    assert!((3_960.0..4_000.0).contains(&rate(rung)) || (19_800.0..20_000.0).contains(&rate(rung)));
}

#[test]
fn one_stumble_changes_nothing() {
    // Each step in its turn says the contrary of the truth, once; but that a confirmation meets, for three
    // whole steps, is the truth.
    let truth = |rung| {
        if rate(rung) < 12_345.0 {
            Vote::Met
        } else {
            Vote::Missed
        }
    };
    let run = |wrong: usize| {
        let (ladder, mut tried) = (ladder(), Vec::new());
        loop {
            match next(&ladder, &tried) {
                Next::Done(found) => return (found, tried.len()),
                Next::Try(rung, stage) => {
                    let mut vote = truth(rung);
                    if tried.len() == wrong && vote == Vote::Met {
                        vote = Vote::Missed;
                    } else if tried.len() == wrong && stage != Stage::Confirm {
                        vote = Vote::Met;
                    }
                    tried.push(Tried {
                        rung,
                        stage,
                        vote,
                        is_decided: true,
                    });
                }
            }
        }
    };
    let (expected, steps) = run(usize::MAX);
    let Found::Capacity(rung) = expected else {
        panic!("{expected:?}");
    };
    assert!(rate(rung) < 12_345.0 && rate(rung + 1) >= 12_345.0);
    for wrong in 0..steps {
        assert_eq!(run(wrong).0, expected, "the step {wrong} was wrong");
    }
}

#[test]
fn a_confirmation_that_misses_takes_the_result_down() {
    // Long steps meet 6 % less than short ones.
    let (ladder, mut tried) = (ladder(), Vec::new());
    let found = loop {
        match next(&ladder, &tried) {
            Next::Done(found) => break found,
            Next::Try(rung, stage) => {
                let capacity = if stage == Stage::Confirm {
                    9_400.0
                } else {
                    10_000.0
                };
                let is_met = rate(rung) < capacity;
                let vote = if is_met { Vote::Met } else { Vote::Missed };
                tried.push(Tried {
                    rung,
                    stage,
                    vote,
                    is_decided: true,
                });
            }
        }
    };
    let Found::Capacity(rung) = found else {
        panic!("{found:?}");
    };
    let Bracket { low, high } = bracket(&tried);
    assert_eq!((low, high), (Some(rung), Some((rung + 1, Vote::Missed))));
    assert!(rate(rung) < 9_400.0 && rate(rung + 1) >= 9_400.0);
}

#[test]
fn looking_often_errs_no_more_than_is_said() {
    // Just what is allowed is beyond: whatever a step decides is wrong.
    let mut server = Server::new(20_000.0, 1);
    let (mut met, mut missed) = (0, 0);
    for _ in 0..4_000 {
        match server.step(20_000.0, Stage::Ramp) {
            (Vote::Met, true) => met += 1,
            (Vote::Missed, true) => missed += 1,
            _ => {}
        }
    }
    // 1 % is 40, give or take 6.
    assert!(met < 60 && missed < 60, "{met} met, {missed} missed");
    assert!(met + missed > 10, "the bounds are never reached");
}

#[test]
fn a_bracket_that_a_storm_has_made_is_given_up() {
    // For its first steps the machine lets nothing above 4,000 meet, and then anything below 12,345.
    let (ladder, mut tried) = (ladder(), Vec::new());
    let found = loop {
        match next(&ladder, &tried) {
            Next::Done(found) => break found,
            Next::Try(rung, stage) => {
                let capacity = if tried.len() < 14 { 4_000.0 } else { 12_345.0 };
                let vote = if rate(rung) < capacity {
                    Vote::Met
                } else {
                    Vote::Missed
                };
                tried.push(Tried {
                    rung,
                    stage,
                    vote,
                    is_decided: true,
                });
            }
        }
    };
    let Found::Capacity(rung) = found else {
        panic!("{found:?}");
    };
    assert!((12_200.0..12_345.0).contains(&rate(rung)), "{tried:?}");
}

#[test]
fn without_time_for_more_only_a_narrow_bracket_is_believed() {
    use Vote::{Generator, Met, Missed};
    let check = |confirmed: &[(u32, Vote)], expected: Option<Found>| {
        let of = |&(rung, vote): &(u32, Vote)| Tried {
            rung,
            stage: Stage::Confirm,
            vote,
            is_decided: true,
        };
        let tried: Vec<Tried> = confirmed.iter().map(of).collect();
        assert_eq!(found_so_far(&ladder(), &tried), expected, "{confirmed:?}");
    };
    check(&[], None);
    check(&[(100, Met)], None);
    // One miss is none, and two are one.
    check(&[(103, Missed), (100, Met)], None);
    let twice = |high| [(high, Missed), (high, Missed), (100, Met)];
    check(&twice(101), Some(Found::Capacity(100)));
    check(&twice(105), Some(Found::Capacity(100)));
    check(&twice(106), None);
    check(
        &[(103, Generator), (103, Generator), (100, Met)],
        Some(Found::Generator(Some(100))),
    );
}
