//! Random sequences of operations: the domain answers each as a naive reference model does, which
//! was written from RULES and apart from it, and its account looks the same after every event.
//!
//! `WAIKA_SEQUENCES=100000 cargo test --release -p waika-domain --test model -- --nocapture` plays
//! a hundred thousand and tells what was seen. The seed is fixed: the same number of sequences is
//! the same sequences.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a comparison that cannot go on has failed"
)]

#[path = "model/answer.rs"]
mod answer;
#[path = "model/calendar.rs"]
mod calendar;
#[path = "model/chance/mod.rs"]
mod chance;
#[path = "model/domain.rs"]
mod domain;
#[path = "model/drive/mod.rs"]
mod drive;
#[path = "model/operation.rs"]
mod operation;
#[path = "model/reference/mod.rs"]
mod reference;
#[path = "model/tally.rs"]
mod tally;
#[path = "model/terms.rs"]
mod terms;

use std::cell::RefCell;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use tally::Tally;

/// As many as a debug build plays in some seconds.
const FEW: u32 = 2_000;

#[test]
fn random_sequences_are_answered_as_the_reference_model_answers_them() {
    let sequences = sequences();
    let config = Config {
        cases: sequences,
        failure_persistence: None, // The seed is fixed.
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let tally = RefCell::new(Tally::default());
    let outcome = TestRunner::new_with_rng(config, rng).run(&chance::sequence(), |sequence| {
        let mut tally = tally.borrow_mut();
        tally.sequence();
        drive::play(&sequence, &mut tally).map_err(TestCaseError::fail)
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    let tally = tally.into_inner();
    println!("{}", tally.told());
    if sequences >= FEW {
        let missing = tally.missing();
        assert!(
            missing.is_empty(),
            "never seen:\n  {}",
            missing.join("\n  ")
        );
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test has no command line of its own"
)]
fn sequences() -> u32 {
    match std::env::var("WAIKA_SEQUENCES") {
        Ok(number) => number.parse().unwrap(),
        Err(_) => FEW,
    }
}
