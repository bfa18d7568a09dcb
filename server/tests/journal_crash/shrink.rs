//! The shortest beginning of a history that still fails.

use std::panic::{self, AssertUnwindSafe, catch_unwind};

use super::{ALL_STEPS, Counts, run_steps};

/// No history has so many batches.
const MOST: u64 = 1_000;

/// Says how much of a failing history is needed, and how to see it again.
pub(super) fn report(seed: u64) -> String {
    let (steps, why) = shortest(seed);
    let steps = if steps == ALL_STEPS {
        String::new()
    } else {
        format!(" WAIKA_STEPS={steps}")
    };
    format!("the shortest that fails: WAIKA_SEED={seed}{steps}: {why}")
}

/// So many batches at least, and what is wrong then.
fn shortest(seed: u64) -> (u64, String) {
    let loud = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let found = (0..MOST).find_map(|steps| Some((steps, failure(seed, steps)?)));
    let found = found.unwrap_or_else(|| {
        let why = failure(seed, ALL_STEPS);
        (ALL_STEPS, why.unwrap_or_else(|| "not again".to_owned()))
    });
    panic::set_hook(loud);
    found
}

fn failure(seed: u64, steps: u64) -> Option<String> {
    let mut counts = Counts::default();
    let run = AssertUnwindSafe(|| run_steps(seed, steps, &mut counts));
    let panic = catch_unwind(run).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.unwrap_or_else(|| "a panic without words".to_owned()))
}
