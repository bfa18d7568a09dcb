//! Pure: which rate to try next, as a function of what was tried.
//!
//! Rates lie on a ladder, each a little above the one before by the precision that is wanted, so
//! that two searches try the same ones and the bracket is closed when its ends are neighbours. The
//! search goes up by doubling until it misses, halves what is between, tries both ends again some
//! time later, and shows the lower end again by longer steps, which may take it down some more. Of
//! those too a miss counts only when it was seen twice.
//!
//! A machine that stumbles makes a good rate miss, and hardly ever a bad one meet. So what was met
//! is believed at first, what was missed when it has been missed twice, and neither end of a closed
//! bracket before it was tried again and leads by two. Then a rate well above is tried too: where more
//! steps meet at a rate and above it than miss at it, it was the machine that missed.

mod votes;

use std::collections::BTreeMap;

use super::facts::Stage;
use votes::{MOST_TRIES, Votes};

/// How far above the bracket it is tried whether higher rates are met.
const PROBE: f64 = 1.25;

/// The most confirmations.
pub(crate) const MOST_CONFIRMATIONS: u32 = 12;

/// How far apart the ends that confirmations have found may be where there is no time for more.
const NEAR: f64 = 1.05;

/// Rates from the lowest to the highest, in thousandths of a request a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ladder {
    from: u64,
    most: u64,
    /// How much each rate is above the one before it, such as 1.01.
    ratio: f64,
}

impl Ladder {
    /// The rates between these, with such a precision, which is a share of the rate above 0.
    pub(crate) fn new(from: u64, most: u64, precision: f64) -> Self {
        Self {
            from,
            most: most.max(from),
            ratio: 1.0 + precision,
        }
    }

    /// The rate on a rung, in thousandths of a request a second.
    pub(crate) fn rate(&self, rung: u32) -> u64 {
        let factor = self.ratio.powf(f64::from(rung));
        let rate = crate::figures::count_as_real(self.from) * factor;
        crate::figures::real_as_count(rate.round()).min(self.most)
    }

    /// How far apart neighbours are, as a share of the lower one.
    pub(crate) fn precision(&self) -> f64 {
        self.ratio - 1.0
    }

    /// The highest rung.
    pub(crate) fn top(&self) -> u32 {
        self.rungs(crate::figures::share(self.most, self.from))
    }

    /// Whether a bracket with these ends tells a capacity, if it cannot be narrower.
    pub(crate) fn is_near(&self, low: u32, high: u32) -> bool {
        high.saturating_sub(low) <= self.rungs(NEAR).max(1)
    }

    /// How many rungs make such a factor at least.
    fn rungs(&self, factor: f64) -> u32 {
        let rungs = (factor.ln() / self.ratio.ln() - 1e-9).ceil().max(0.0);
        u32::try_from(crate::figures::real_as_count(rungs)).unwrap_or(u32::MAX)
    }
}

/// What a step says of its rate; one that is too close to tell leans to a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vote {
    /// It is met.
    Met,
    /// It is missed.
    Missed,
    /// The generator fell behind.
    Generator,
}

/// A step that was taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tried {
    /// Where on the ladder.
    pub(crate) rung: u32,
    /// What for.
    pub(crate) stage: Stage,
    /// What it says.
    pub(crate) vote: Vote,
    /// It does not only lean.
    pub(crate) is_decided: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Try this rung.
    Try(u32, Stage),
    /// There is no more to try.
    Done(Found),
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The rung is the highest that is met, and the one above is not.
    Capacity(u32),
    /// The highest rung of all is met.
    Top(u32),
    /// The lowest rung of all is missed.
    Nothing,
    /// The rung is met, and above it the generator fell behind; `None` if it did at the lowest.
    Generator(Option<u32>),
    /// No confirmation met.
    Unconfirmed,
}

/// The ends of what is known: the highest rung that is met below the lowest that is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bracket {
    /// Met.
    pub(crate) low: Option<u32>,
    /// Not met, and why.
    pub(crate) high: Option<(u32, Vote)>,
}

/// Everything that is known, by rung.
struct Known(BTreeMap<u32, Votes>);

impl Known {
    /// By the steps of the search.
    fn of(tried: &[Tried]) -> Self {
        Self::counted(tried.iter().filter(|tried| tried.stage != Stage::Confirm))
    }

    /// By the confirmations; one that only leans has not met.
    fn confirmed(tried: &[Tried]) -> Self {
        let shown: Vec<Tried> = confirmations(tried)
            .map(|&tried| match tried.vote {
                Vote::Met if !tried.is_decided => Tried {
                    vote: Vote::Missed,
                    ..tried
                },
                _ => tried,
            })
            .collect();
        Self::counted(shown.iter())
    }

    fn counted<'a>(tried: impl Iterator<Item = &'a Tried>) -> Self {
        let mut known: BTreeMap<u32, Votes> = BTreeMap::new();
        for tried in tried {
            known.entry(tried.rung).or_default().count(*tried);
        }
        Self(known)
    }

    /// What is believed of a rung: that it is met if more steps have met at it and above it than have
    /// missed at it.
    fn opinion(&self, rung: u32) -> Option<Vote> {
        let votes = self.votes(rung);
        let met: u32 = self.0.range(rung..).map(|(_, votes)| votes.met).sum();
        if votes.not_met() > votes.met && met > votes.not_met() {
            return Some(Vote::Met);
        }
        votes.opinion()
    }

    /// A rung well above the bracket that is to be tried, lest the upper end is only the machine's.
    fn probe(&self, ladder: &Ladder, high: u32) -> Option<u32> {
        let rung = high.saturating_add(ladder.rungs(PROBE)).min(ladder.top());
        let votes = self.votes(rung);
        let is_of_use = votes.met > votes.not_met() && votes.total() < MOST_TRIES;
        (rung > high && (votes.retests == 0 || is_of_use)).then_some(rung)
    }

    fn bracket(&self) -> Bracket {
        let opinions = self.0.keys().map(|rung| (*rung, self.opinion(*rung)));
        let mut bracket = Bracket::default();
        for (rung, opinion) in opinions {
            match opinion {
                Some(Vote::Met) => bracket.low = Some(rung),
                Some(vote) => {
                    bracket.high = Some((rung, vote));
                    break;
                }
                None => {}
            }
        }
        bracket
    }

    /// A rung about which there is no opinion yet, although it was tried.
    fn open(&self, bracket: Bracket) -> Option<u32> {
        let high = bracket.high.map_or(u32::MAX, |(rung, _)| rung);
        let mut open = self.0.keys().copied().filter(|&rung| {
            rung < high && bracket.low.is_none_or(|low| rung > low) && self.opinion(rung).is_none()
        });
        open.next()
    }

    fn votes(&self, rung: u32) -> Votes {
        self.0.get(&rung).copied().unwrap_or_default()
    }
}

/// What is known after these steps, confirmations included.
pub(crate) fn bracket(tried: &[Tried]) -> Bracket {
    let searched = Known::of(tried).bracket();
    let confirmed = Known::confirmed(tried).bracket();
    let Some(rung) = confirmed.low else {
        let high = match (confirmed.high, searched.high) {
            (Some(mine), Some(theirs)) if theirs.0 < mine.0 => Some(theirs),
            (mine, theirs) => mine.or(theirs),
        };
        let low = searched
            .low
            .filter(|low| high.is_none_or(|(high, _)| *low < high));
        return Bracket { low, high };
    };
    let high = [
        confirmed.high,
        searched.high.filter(|(high, _)| *high > rung),
    ];
    Bracket {
        low: Some(rung),
        high: high.into_iter().flatten().min_by_key(|(rung, _)| *rung),
    }
}

/// The search without its last two stages: what to try until the bracket is closed. `None` if it is
/// or cannot be.
pub(crate) fn next_of_bracket(ladder: &Ladder, tried: &[Tried]) -> Option<(u32, Stage)> {
    let known = Known::of(tried);
    let bracket = known.bracket();
    if let Some(rung) = known.open(bracket) {
        let stage = match bracket.high {
            None => Stage::Ramp,
            Some(_) => Stage::Search,
        };
        return Some((rung, stage));
    }
    match (bracket.low, bracket.high) {
        (None, None) => Some((0, Stage::Ramp)),
        (None, Some((rung, _))) => (rung > 0).then_some((rung / 2, Stage::Search)),
        (Some(low), None) => {
            let next = low
                .saturating_add(ladder.rungs(2.0).max(1))
                .min(ladder.top());
            (low < next).then_some((next, Stage::Ramp))
        }
        (Some(low), Some((high, _))) => {
            (high - low > 1).then_some((u32::midpoint(low, high), Stage::Search))
        }
    }
}

/// What to do next.
pub(crate) fn next(ladder: &Ladder, tried: &[Tried]) -> Next {
    // Once there are confirmations, what they say goes before.
    if confirmations(tried).next().is_none()
        && let Some((rung, stage)) = next_of_search(ladder, tried)
    {
        return Next::Try(rung, stage);
    }
    next_confirmation(ladder, tried)
}

/// What to try before the first confirmation; `None` if both ends of the bracket are beyond doubt.
fn next_of_search(ladder: &Ladder, tried: &[Tried]) -> Option<(u32, Stage)> {
    if let Some(step) = next_of_bracket(ladder, tried) {
        return Some(step);
    }
    let known = Known::of(tried);
    let Bracket { low, high } = known.bracket();
    let high = high.map(|(rung, _)| rung);
    let doubtful = [low, high]
        .into_iter()
        .flatten()
        .find(|&rung| !known.votes(rung).is_firm());
    let probe = || known.probe(ladder, low.and(high)?);
    let rung = doubtful.or_else(probe)?;
    Some((rung, Stage::Retest))
}

/// What to do next with what the search has found so far: down from the bracket's lower end in leaps
/// that grow, until a confirmation meets, and then up again to where one has not. One that meets at
/// once is no end: the bracket's upper end must miss as long a step too.
pub(crate) fn next_confirmation(ladder: &Ladder, tried: &[Tried]) -> Next {
    let Bracket { low, high } = Known::of(tried).bracket();
    let found = match (low, high) {
        (Some(low), _) => low,
        (None, Some((_, Vote::Generator))) => return Next::Done(Found::Generator(None)),
        (None, _) => return Next::Done(Found::Nothing),
    };
    let known = Known::confirmed(tried);
    let bracket = known.bracket();
    let count = u32::try_from(confirmations(tried).count()).unwrap_or(u32::MAX);
    let is_last = count >= MOST_CONFIRMATIONS;
    if let (false, Some(rung)) = (is_last, known.open(bracket)) {
        return Next::Try(rung, Stage::Confirm);
    }
    match (bracket.low, bracket.high) {
        (None, None) if !is_last => Next::Try(found, Stage::Confirm),
        (None, Some((high, _))) if high > 0 && !is_last => {
            let leaps = u32::try_from(known.0.len()).unwrap_or(u32::MAX);
            let leap = 1_u32 << leaps.min(20);
            Next::Try(high.saturating_sub(leap), Stage::Confirm)
        }
        (None, _) => Next::Done(Found::Unconfirmed),
        (Some(low), Some((high, _))) if high - low > 1 && !is_last => {
            Next::Try(u32::midpoint(low, high), Stage::Confirm)
        }
        (Some(low), None) if low < ladder.top() && !is_last => {
            let missed = self::bracket(tried).high.map(|(high, _)| high);
            let leap = 1_u32 << count.min(20);
            let next = missed.unwrap_or(low.saturating_add(leap));
            Next::Try(next.min(ladder.top()), Stage::Confirm)
        }
        (Some(low), _) => Next::Done(end(ladder, low, self::bracket(tried))),
    }
}

/// What confirmations have found where there is no time for more of them: `None` if nothing near was
/// missed.
pub(crate) fn found_so_far(ladder: &Ladder, tried: &[Tried]) -> Option<Found> {
    let low = Known::confirmed(tried).bracket().low?;
    let bracket = bracket(tried);
    let (high, _) = bracket.high?;
    ladder.is_near(low, high).then(|| end(ladder, low, bracket))
}

fn confirmations(tried: &[Tried]) -> impl Iterator<Item = &Tried> {
    tried.iter().filter(|tried| tried.stage == Stage::Confirm)
}

fn end(ladder: &Ladder, low: u32, bracket: Bracket) -> Found {
    match bracket.high {
        Some((_, Vote::Generator)) => Found::Generator(Some(low)),
        None if low >= ladder.top() => Found::Top(low),
        Some(_) | None => Found::Capacity(low),
    }
}

#[cfg(test)]
mod tests;
