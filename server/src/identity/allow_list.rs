//! Which caller may call what.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::rate::Rate;

/// What is allowed to whoever scrapes, beside RPCs.
pub(crate) const METRICS: &str = "metrics";

/// Whether we serve does not depend on who asks: probes have no identity.
const OPEN_TO_ALL: &str = "/grpc.health.v1.Health/";

/// What one caller may call, by path.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Grant {
    paths: HashSet<Box<str>>,
    /// How often each such caller may call; None: as often as it likes.
    calls_per_second: Option<u32>,
}

impl Grant {
    /// The same, but only so often.
    pub(super) fn limited_to(self, calls_per_second: Option<u32>) -> Self {
        Self {
            calls_per_second,
            ..self
        }
    }

    /// True if a call of this path, such as `/waika.v1.CardService/Bind`, is allowed.
    pub(crate) fn allows(&self, path: &str) -> bool {
        self.paths.contains(path) || is_open_to_all(path)
    }
}

/// True of what is answered whoever asks.
pub(crate) fn is_open_to_all(path: &str) -> bool {
    path.starts_with(OPEN_TO_ALL)
}

impl<P: Into<Box<str>>> FromIterator<P> for Grant {
    fn from_iter<I: IntoIterator<Item = P>>(paths: I) -> Self {
        let paths = paths.into_iter().map(Into::into).collect();
        Self {
            paths,
            calls_per_second: None,
        }
    }
}

/// Everybody who may call anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AllowList {
    /// By whole name.
    exact: HashMap<Box<str>, Arc<Grant>>,
    /// By what a SPIFFE id begins with, its slash included.
    below: BTreeMap<Box<str>, Arc<Grant>>,
}

impl AllowList {
    /// Adds a caller; false if it is there already.
    pub(super) fn add(&mut self, name: &str, grant: Grant) -> bool {
        let grant = Arc::new(grant);
        match name.strip_suffix('*') {
            Some(beginning) => self.below.insert(beginning.into(), grant).is_none(),
            None => self.exact.insert(name.into(), grant).is_none(),
        }
    }

    /// What a caller may call: by the entry with its whole name, or else by the longest that its name begins
    /// with. Entries are not added up, so that a narrow one narrows.
    pub(crate) fn grant(&self, name: &str) -> Option<&Arc<Grant>> {
        self.exact.get(name).or_else(|| {
            let begun = self.below.iter().rev();
            let mut begun = begun.filter(|(beginning, _)| name.starts_with(&***beginning));
            begun.next().map(|(_, grant)| grant)
        })
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.exact.len() + self.below.len()
    }
}

/// The list in force, which may become another one at any time.
#[derive(Debug)]
pub(crate) struct Callers {
    list: ArcSwap<AllowList>,
    /// Counts the lists, so that a connection asks again only once there is another one.
    generation: AtomicU64,
    /// Of callers that may call only so often, by name.
    rates: Mutex<HashMap<Box<str>, Arc<Rate>>>,
}

/// Rates that are kept at once; those of callers without a connection are forgotten beyond it.
const MOST_RATES: usize = 10_000;

impl Callers {
    pub(crate) fn new(list: AllowList) -> Self {
        Self {
            list: ArcSwap::from_pointee(list),
            generation: AtomicU64::new(0),
            rates: Mutex::default(),
        }
    }

    /// Puts another list in force. True if it differs.
    pub(crate) fn replace(&self, list: AllowList) -> bool {
        if **self.list.load() == list {
            return false;
        }
        self.list.store(Arc::new(list));
        // Whoever sees the new number sees the new list.
        self.generation.fetch_add(1, Ordering::Release);
        true
    }

    /// Which list is in force; asked before the list itself, so that nobody keeps an old one under a new number.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// What a caller may call now.
    pub(crate) fn grant(&self, name: &str) -> Option<Arc<Grant>> {
        self.list.load().grant(name).cloned()
    }

    /// What counts a caller's calls, over all its connections; None where nobody counts them.
    pub(super) fn rate(&self, name: &str, grant: &Grant) -> Option<Arc<Rate>> {
        let per_second = grant.calls_per_second?;
        let mut rates = self.rates.lock();
        if rates.len() >= MOST_RATES {
            rates.retain(|_, rate| Arc::strong_count(rate) > 1);
        }
        let known = rates.get(name);
        let known = known
            .filter(|rate| rate.per_second() == per_second)
            .cloned();
        let rate = known.unwrap_or_else(|| Arc::new(Rate::new(per_second)));
        rates.insert(name.into(), Arc::clone(&rate));
        Some(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[(&str, &str)]) -> AllowList {
        let mut list = AllowList::default();
        for (name, path) in entries {
            assert!(list.add(name, [*path].into_iter().collect()), "{name}");
        }
        list
    }

    #[test]
    fn the_narrowest_entry_is_the_one_that_counts() {
        let list = list(&[
            ("spiffe://a/*", "/s/domain"),
            ("spiffe://a/ns/*", "/s/below"),
            ("spiffe://a/ns/one", "/s/one"),
        ]);
        for (name, path) in [
            ("spiffe://a/ns/one", Some("/s/one")),
            ("spiffe://a/ns/other", Some("/s/below")),
            ("spiffe://a/ns/one/more", Some("/s/below")),
            ("spiffe://a/nsx", Some("/s/domain")),
            ("spiffe://ab/x", None),
            ("spiffe://a", None),
            ("", None),
        ] {
            let grant = list.grant(name);
            assert_eq!(grant.is_some(), path.is_some(), "{name}");
            for asked in ["/s/domain", "/s/below", "/s/one"] {
                let allowed = grant.is_some_and(|grant| grant.allows(asked));
                assert_eq!(allowed, path == Some(asked), "{name} {asked}");
            }
        }
    }

    #[test]
    fn nothing_is_allowed_that_is_not_named_but_a_probe() {
        let grant: Grant = ["/waika.v1.CardService/Bind"].into_iter().collect();
        for (path, allowed) in [
            ("/waika.v1.CardService/Bind", true),
            ("/waika.v1.CardService/bind", false),
            ("/waika.v1.CardService/Bind/", false),
            ("//waika.v1.CardService/Bind", false),
            ("/grpc.health.v1.Health/Check", true),
            ("/grpc.health.v1.Healthy/Check", false),
            ("", false),
        ] {
            assert_eq!(grant.allows(path), allowed, "{path}");
        }
    }

    #[test]
    fn another_list_has_another_number_and_the_same_one_has_not() {
        let callers = Callers::new(list(&[("a.b", "/s/one")]));
        assert!(!callers.replace(list(&[("a.b", "/s/one")])));
        assert_eq!(callers.generation(), 0);
        assert!(callers.replace(list(&[("a.b", "/s/two")])));
        assert_eq!(callers.generation(), 1);
        assert!(callers.grant("a.b").unwrap().allows("/s/two"));
        assert!(!callers.grant("a.b").unwrap().allows("/s/one"));
    }
}
