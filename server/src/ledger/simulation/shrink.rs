//! A short beginning of a history that still fails.

use std::panic::{self, AssertUnwindSafe, catch_unwind};

use super::{ALL_STEPS, run};

/// No history has so many steps.
const MOST: u64 = 1 << 12;

/// Says how much of a failing history is needed, and how to see it again.
pub(super) fn report(seed: u64) -> String {
    let (steps, why) = quietly(|| shortest(seed));
    let steps = steps.map_or(String::new(), |steps| format!(" WAIKA_STEPS={steps}"));
    format!(
        "WAIKA_SEED={seed}{steps} cargo test -p waika-server --lib simulation -- --nocapture: {why}"
    )
}

/// Without a word of the panics in it.
pub(super) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let loud = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let done = work();
    panic::set_hook(loud);
    done
}

/// So many steps, and what is wrong then. Half of what fails may not fail, so this need not be the least.
fn shortest(seed: u64) -> (Option<u64>, String) {
    let doubled = (0..)
        .map(|power| 1 << power)
        .take_while(|steps| *steps <= MOST);
    let found = doubled
        .into_iter()
        .find_map(|steps| Some((steps, failure(seed, steps)?)));
    let Some((mut most, mut why)) = found else {
        let why = failure(seed, ALL_STEPS).unwrap_or_else(|| "not again".to_owned());
        return (None, why);
    };
    let mut least = most / 2;
    while least + 1 < most {
        let middle = least.midpoint(most);
        match failure(seed, middle) {
            Some(failure) => (most, why) = (middle, failure),
            None => least = middle,
        }
    }
    (Some(most), why)
}

/// What is wrong with a history, if anything is.
pub(super) fn failure(seed: u64, steps: u64) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(|| run(seed, steps))).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    Some(text.unwrap_or_else(|| "a panic without words".to_owned()))
}
