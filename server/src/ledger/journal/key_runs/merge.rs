//! Several runs into one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::layout::Flaw;
use super::run::KeyRun;
use super::{KeyRuns, Span, UsedKey};
use crate::ledger::journal::error::{OpenError, ReadError};

/// So many keys are merged between two questions whether to go on.
const SLICE: u64 = 16_384;

/// The rest of one run.
struct Rest<'a> {
    run: &'a KeyRun,
    bucket: std::vec::IntoIter<UsedKey>,
    next: usize,
}

impl Rest<'_> {
    fn next(&mut self) -> Result<Option<UsedKey>, ReadError> {
        loop {
            if let Some(key) = self.bucket.next() {
                return Ok(Some(key));
            }
            let Some(bucket) = self.run.bucket(self.next)? else {
                return Ok(None);
            };
            self.bucket = bucket.into_iter();
            self.next += 1;
        }
    }
}

pub(super) fn merge(
    runs: &KeyRuns,
    old: &[Arc<KeyRun>],
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Option<KeyRun>, OpenError> {
    let (Some(first), Some(last)) = (old.first(), old.last()) else {
        return Ok(None);
    };
    let newest = old.iter().map(|run| run.span().put_in_ms).max();
    let span = Span {
        after: first.span().after,
        through: last.span().through,
        put_in_ms: newest.unwrap_or_default(),
    };
    let keys = old.iter().map(|run| run.keys()).sum();
    let mut writer = runs.begin(span, keys)?;
    let rest = |run| Rest {
        run,
        bucket: Vec::new().into_iter(),
        next: 0,
    };
    let mut rests: Vec<_> = old.iter().map(|run| rest(run)).collect();
    let mut heads = BinaryHeap::with_capacity(rests.len());
    let next = |rest: &mut Rest<'_>| {
        let name = rest.run.name();
        rest.next()
            .map_err(|error| Flaw::from(error).into_error(name))
    };
    for (place, rest) in rests.iter_mut().enumerate() {
        heads.extend(next(rest)?.map(|key| Reverse((key, place))));
    }
    let mut merged = 0_u64;
    while let Some(Reverse((key, place))) = heads.pop() {
        if merged.is_multiple_of(SLICE) && !go_on() {
            return Ok(None);
        }
        merged += 1;
        writer.push(key)?;
        if let Some(rest) = rests.get_mut(place) {
            heads.extend(next(rest)?.map(|key| Reverse((key, place))));
        }
    }
    Ok(Some(writer.publish()?))
}
