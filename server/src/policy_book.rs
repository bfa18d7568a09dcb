//! The policies that are known, the one that holds at an instant, and the one that is evaluated
//! beside it (D24). Changes are events, so that a start finds what operators have said.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use waika_domain::event::Event;
use waika_domain::period::Timestamp;
use waika_domain::policy::Policy;

use crate::config::{parse_text, render};
use crate::operator_log::changes::Activation;

/// Policies that can be stored. A name stands for ever, and all of them are in memory, in every
/// snapshot and in every list.
pub(crate) const MOST_POLICIES: usize = 256;

/// A policy under its name.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// Its file with every key, so that later defaults do not change what it says.
    pub(crate) text: Arc<str>,
    pub(crate) policy: Arc<Policy>,
}

impl Stored {
    fn of(policy: Arc<Policy>) -> Self {
        Self {
            text: render(&policy).into(),
            policy,
        }
    }
}

/// What is in force for a while.
#[derive(Debug)]
pub(crate) struct InForce {
    pub(crate) policy: Arc<Policy>,
    /// Evaluated beside it.
    pub(crate) shadow: Option<Arc<Policy>>,
    /// From this instant on, as far as dates say.
    from: Timestamp,
    /// Until this one.
    until: Timestamp,
}

#[derive(Debug, Clone, Default)]
struct Book {
    stored: BTreeMap<Box<str>, Stored>,
    /// Names in the order in which they were activated, each once.
    activated: Vec<Box<str>>,
    shadow: Option<Box<str>>,
}

/// Every policy. Reading what is in force takes no lock.
#[derive(Debug)]
pub(crate) struct PolicyBook {
    /// What holds where nothing was activated.
    default: Arc<Policy>,
    book: Mutex<Book>,
    in_force: ArcSwap<InForce>,
    /// The sequence of the event that changed it last: whoever tells of a policy waits for it.
    set_by: AtomicU64,
}

/// What a snapshot keeps: names with files, names that were activated, the shadow's name.
pub(crate) type Kept = (Vec<(Box<str>, Arc<str>)>, Vec<Box<str>>, Option<Box<str>>);

impl PolicyBook {
    /// A book that knows nothing but what the guide says.
    pub(crate) fn new() -> Self {
        let default = Arc::new(Policy::weixin_2023());
        let mut book = Book::default();
        let stored = Stored::of(Arc::clone(&default));
        book.stored.insert((*default.name).into(), stored);
        Self {
            in_force: ArcSwap::from_pointee(InForce {
                policy: Arc::clone(&default),
                shadow: None,
                from: Timestamp::from_unix_ms(i64::MIN),
                until: Timestamp::from_unix_ms(i64::MIN),
            }),
            default,
            book: Mutex::new(book),
            set_by: AtomicU64::new(0),
        }
    }

    /// The sequence of the event that changed it last.
    pub(crate) fn set_by(&self) -> u64 {
        self.set_by.load(Ordering::Acquire)
    }

    /// Reads a policy's file.
    pub(crate) fn parse(text: &str) -> Result<Policy, Vec<String>> {
        parse_text("policy", text)
    }

    /// What is in force at an instant.
    pub(crate) fn at(&self, now: Timestamp) -> Guard<Arc<InForce>> {
        let current = self.in_force.load();
        if current.from <= now && now < current.until {
            current
        } else {
            Guard::from_inner(self.look_up(now))
        }
    }

    /// The policy itself.
    pub(crate) fn policy_at(&self, now: Timestamp) -> Arc<Policy> {
        Arc::clone(&self.at(now).policy)
    }

    /// Stored under the lock, so that nothing older than the book comes to stand there.
    fn look_up(&self, now: Timestamp) -> Arc<InForce> {
        let book = self.book.lock();
        let in_force = Arc::new(book.in_force(&self.default, now));
        self.in_force.store(Arc::clone(&in_force));
        in_force
    }

    /// The policy of that name.
    pub(crate) fn find(&self, name: &str) -> Option<Stored> {
        self.book.lock().stored.get(name).cloned()
    }

    /// No further policy can be stored.
    pub(crate) fn is_full(&self) -> bool {
        self.book.lock().stored.len() >= MOST_POLICIES
    }

    /// Every policy in the order of names, and whether it was activated.
    pub(crate) fn all(&self) -> Vec<(Stored, bool)> {
        let book = self.book.lock();
        let stored = book.stored.iter();
        stored
            .map(|(name, stored)| (stored.clone(), book.activated.contains(name)))
            .collect()
    }

    /// True if that policy was activated at any time.
    pub(crate) fn was_activated(&self, name: &str) -> bool {
        self.book
            .lock()
            .activated
            .iter()
            .any(|known| **known == *name)
    }

    /// True if no policy was activated after that one.
    pub(crate) fn is_newest(&self, name: &str) -> bool {
        let book = self.book.lock();
        book.activated
            .last()
            .is_some_and(|newest| **newest == *name)
    }

    /// What activating a policy would change at an instant.
    pub(crate) fn activation(&self, name: &str, now: Timestamp) -> Activation {
        let mut book = self.book.lock().clone();
        let holds = |book: &Book| book.in_force(&self.default, now).policy.name.to_string();
        let was_activated = book.activated.iter().any(|known| **known == *name);
        let before = holds(&book);
        book.activate(name);
        Activation {
            was_activated,
            holds: before,
            will_hold: holds(&book),
        }
    }

    /// The name of the policy that is evaluated beside the one in force.
    pub(crate) fn shadow_name(&self) -> Option<Box<str>> {
        self.book.lock().shadow.clone()
    }

    /// What a snapshot keeps.
    pub(crate) fn kept(&self) -> Kept {
        let book = self.book.lock();
        let stored = book.stored.iter();
        let stored = stored.map(|(name, stored)| (name.clone(), Arc::clone(&stored.text)));
        (
            stored.collect(),
            book.activated.clone(),
            book.shadow.clone(),
        )
    }

    /// After how many days at most a payment settles, by any policy that is known.
    pub(crate) fn longest_to_settle(&self) -> u8 {
        let book = self.book.lock();
        let days = book.stored.values().map(|it| it.policy.settle_after_days);
        days.max().unwrap_or(0).max(self.default.settle_after_days)
    }

    /// Makes an event part of the book. A policy that cannot be read is told by name; it was
    /// readable when it was put.
    pub(crate) fn apply(&self, event: &Event, sequence: u64) -> Result<(), Vec<String>> {
        // First, so that whoever reads by the new policy waits for its event.
        self.set_by.fetch_max(sequence, Ordering::Release);
        if let Event::PolicyPut(put) = event {
            self.restore(&put.text)?;
        } else if let Event::PolicyActivated(activated) = event {
            self.activate(&activated.name);
        } else if let Event::PolicyShadowed(shadowed) = event {
            self.set_shadow(shadowed.name.clone());
        }
        Ok(())
    }

    /// Stores a policy by its file.
    pub(crate) fn restore(&self, text: &str) -> Result<(), Vec<String>> {
        let policy = Arc::new(Self::parse(text)?);
        let mut book = self.book.lock();
        book.stored
            .insert((*policy.name).into(), Stored::of(policy));
        Ok(())
    }

    /// The newest activation comes before all others.
    pub(crate) fn activate(&self, name: &str) {
        self.book.lock().activate(name);
        self.forget_in_force();
    }

    /// Evaluates a policy beside the one in force, or none.
    pub(crate) fn set_shadow(&self, name: Option<Box<str>>) {
        self.book.lock().shadow = name;
        self.forget_in_force();
    }

    /// Whoever looks next looks it up anew.
    fn forget_in_force(&self) {
        let current = self.in_force.load();
        self.in_force.store(Arc::new(InForce {
            policy: Arc::clone(&current.policy),
            shadow: None,
            from: Timestamp::from_unix_ms(i64::MIN),
            until: Timestamp::from_unix_ms(i64::MIN),
        }));
    }
}

impl Book {
    fn activate(&mut self, name: &str) {
        self.activated.retain(|known| **known != *name);
        self.activated.push(name.into());
    }

    /// The newest activated policy whose dates let it hold, and until when that answer stands.
    fn in_force(&self, default: &Arc<Policy>, now: Timestamp) -> InForce {
        let (mut from, mut until) = (i64::MIN, i64::MAX);
        let mut bound = |edge: Option<Timestamp>| {
            let Some(edge) = edge.map(Timestamp::unix_ms) else {
                return;
            };
            if edge <= now.unix_ms() {
                from = from.max(edge);
            } else {
                until = until.min(edge);
            }
        };
        let named = |name: &str| self.stored.get(name).map(|stored| &stored.policy);
        let mut policy = default;
        for candidate in self.activated.iter().rev().filter_map(|name| named(name)) {
            bound(candidate.effective_from);
            bound(candidate.effective_until);
            if candidate.holds_at(now) {
                policy = candidate;
                break;
            }
        }
        InForce {
            policy: Arc::clone(policy),
            shadow: self.shadow.as_deref().and_then(named).map(Arc::clone),
            from: Timestamp::from_unix_ms(from),
            until: Timestamp::from_unix_ms(until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use waika_domain::event::{PolicyActivated, PolicyPut, PolicyShadowed};
    use waika_domain::money::Fen;

    fn put(book: &PolicyBook, name: &str, single: i64, dates: (Option<i64>, Option<i64>)) {
        let mut policy = Policy::weixin_2023();
        policy.name = name.into();
        policy.limits.single = Fen::new(single);
        policy.effective_from = dates.0.map(Timestamp::from_unix_ms);
        policy.effective_until = dates.1.map(Timestamp::from_unix_ms);
        let (name, text) = (name.into(), render(&policy).into());
        book.apply(&Event::PolicyPut(PolicyPut { name, text }), 1)
            .unwrap();
    }

    fn activate(book: &PolicyBook, name: &str) {
        let name = name.into();
        let event = Event::PolicyActivated(PolicyActivated { name });
        book.apply(&event, 2).unwrap();
    }

    fn named_at(book: &PolicyBook, now: i64) -> Arc<str> {
        let in_force = book.at(Timestamp::from_unix_ms(now));
        Arc::clone(&in_force.policy.name)
    }

    #[test]
    fn d24_the_newest_activated_policy_holds_within_its_dates() {
        let book = PolicyBook::new();
        put(&book, "a", 500_000, (None, None));
        put(&book, "b", 400_000, (Some(10_000), Some(20_000)));
        assert_eq!(&*named_at(&book, 0), "weixin-2023", "stored is not active");
        activate(&book, "a");
        activate(&book, "b");
        for (now, expected) in [
            (0, "a"),
            (9_999, "a"),
            (10_000, "b"),
            (19_999, "b"),
            (20_000, "a"),
            (10_000, "b"),
        ] {
            assert_eq!(&*named_at(&book, now), expected, "at {now}");
        }
        activate(&book, "a");
        assert_eq!(&*named_at(&book, 15_000), "a");
    }

    #[test]
    fn d24_what_an_activation_will_change_is_told_before_it_is_made() {
        let book = PolicyBook::new();
        put(&book, "a", 500_000, (None, None));
        put(&book, "later", 400_000, (Some(10_000), None));
        let will_hold = |name| book.activation(name, Timestamp::from_unix_ms(0)).will_hold;
        assert_eq!(will_hold("a"), "a");
        assert_eq!(will_hold("later"), "weixin-2023");
        assert_eq!(&*named_at(&book, 0), "weixin-2023", "nothing is changed");
        activate(&book, "a");
        let again = book.activation("a", Timestamp::from_unix_ms(0));
        assert_eq!((again.was_activated, &*again.holds), (true, "a"));
    }

    /// Calls on several cores ask for instants on both sides of a date at the same time.
    #[test]
    fn d24_whoever_asks_for_an_instant_gets_what_holds_then() {
        let book = PolicyBook::new();
        put(&book, "a", 500_000, (Some(10_000), None));
        activate(&book, "a");
        let ask = |now: i64, expected: &str| {
            for _ in 0..20_000 {
                assert_eq!(&*named_at(&book, now), expected, "at {now}");
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| ask(9_999, "weixin-2023"));
            scope.spawn(|| ask(10_000, "a"));
        });
    }

    #[test]
    fn a_shadow_is_told_beside_what_holds() {
        let book = PolicyBook::new();
        put(&book, "a", 500_000, (None, None));
        let shadow = |name: Option<&str>| {
            let name = name.map(Into::into);
            book.apply(&Event::PolicyShadowed(PolicyShadowed { name }), 3)
                .unwrap();
            let in_force = book.at(Timestamp::from_unix_ms(0));
            in_force
                .shadow
                .as_ref()
                .map(|shadow| shadow.name.to_string())
        };
        assert_eq!(shadow(Some("a")).as_deref(), Some("a"));
        assert_eq!(shadow(None), None);
        let (stored, activated, _) = book.kept();
        assert_eq!((stored.len(), activated.len()), (2, 0));
    }

    #[test]
    fn a_policy_with_a_mistake_changes_nothing() {
        let book = PolicyBook::new();
        let (name, text) = ("a".into(), "name = \"a\"\nlimits = 7\n".into());
        assert!(
            book.apply(&Event::PolicyPut(PolicyPut { name, text }), 1)
                .is_err()
        );
        assert!(book.find("a").is_none());
    }
}
