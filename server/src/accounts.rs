//! The accounts in memory: a sharded map whose guards never leave this file.

use std::hash::BuildHasher as _;

use compact_str::CompactString;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use waika_domain::account::Account;
use waika_domain::event::WalletRegion;
use waika_domain::identifiers::AccountId;

/// Locks of the map. Its default of four for each core would put a million of ten million accounts behind one
/// lock; many more would make tables for which the allocator has no fitting size.
pub(crate) const SHARDS: usize = 1_024;

/// Every account. Boxed, so that a growing shard moves pointers and not records; names of up to
/// 24 bytes stand in the map itself.
#[derive(Debug)]
pub(crate) struct Accounts {
    map: DashMap<CompactString, Box<Account>, SeedableRandomState>,
}

impl Accounts {
    /// None yet. By the seed follows in which order they are held, and so come in a snapshot; a start that
    /// has the same lays them down one beside the other. Callers who knew it could choose what collides.
    pub(crate) fn new([seed, shared]: [u64; 2]) -> Self {
        // The hasher wants it to live for ever; there is one for each ledger, and so for the process.
        let shared = Box::leak(Box::new(SharedSeed::from_u64(shared)));
        let hasher = SeedableRandomState::with_seed(seed, shared);
        let map = DashMap::with_capacity_and_hasher_and_shard_amount(0, hasher, SHARDS);
        Self { map }
    }

    /// Makes room for so many: a table that grows step by step while it is filled is copied again and again.
    pub(crate) fn make_room(&self, accounts: usize) {
        let hasher = self.map.hasher();
        for shard in self.map.shards() {
            let hash = |(name, _): &(CompactString, _)| hasher.hash_one(name);
            shard.write().reserve(accounts.div_ceil(SHARDS), hash);
        }
    }

    /// Runs a closure on one account under its lock; None if there is no such account. The
    /// closure must not reach for another account, nor wait for anything.
    pub(crate) fn with_account<R>(
        &self,
        id: &AccountId,
        run: impl FnOnce(&mut Account) -> R,
    ) -> Option<R> {
        self.with_account_named(id.as_str(), run)
    }

    /// The sequence of an account's last entry.
    pub(crate) fn last_sequence(&self, id: &AccountId) -> Option<u64> {
        self.with_account(id, |account| account.last_sequence())
    }

    /// The same as [`Accounts::with_account`], by a name that [`Accounts::names`] gave.
    pub(crate) fn with_account_named<R>(
        &self,
        name: &str,
        run: impl FnOnce(&mut Account) -> R,
    ) -> Option<R> {
        self.map.get_mut(name).map(|mut account| run(&mut account))
    }

    /// In how many parts to ask for the names, of about a million each.
    pub(crate) fn parts(&self) -> u64 {
        const NAMES_A_PART: usize = 1 << 20;
        u64::try_from(self.map.len() / NAMES_A_PART + 1).unwrap_or(u64::MAX)
    }

    /// Of which of so many parts an account is.
    pub(crate) fn part_of(&self, name: &str, parts: u64) -> u64 {
        self.map.hasher().hash_one(name) % parts
    }

    /// The names of one of so many parts of the accounts, so that they are never all in memory twice.
    pub(crate) fn names(&self, part: u64, parts: u64) -> Vec<CompactString> {
        let is_of_part = |name: &CompactString| self.part_of(name, parts) == part;
        // With room beforehand: nothing is moved about while a shard is locked.
        let room = self.map.len() / usize::try_from(parts.max(1)).unwrap_or(usize::MAX);
        let mut names = Vec::with_capacity(room + room / 8);
        let of_part = self.map.iter().filter(|account| is_of_part(account.key()));
        names.extend(of_part.map(|account| account.key().clone()));
        names
    }

    /// Passes through every lock once: whatever was done under one of them before is seen.
    pub(crate) fn pass_every_lock(&self) {
        self.map.iter().for_each(drop);
    }

    /// Puts back an account that a snapshot kept.
    pub(crate) fn restore(&self, id: &AccountId, account: Box<Account>) {
        self.map.insert(id.as_str().into(), account);
    }

    /// As [`Accounts::with_account`], on an account that is opened if there is none (D27). It stays open only if the
    /// closure succeeds: what it was opened for must have been recorded.
    pub(crate) fn with_account_or_open<R, E>(
        &self,
        id: &str,
        region: WalletRegion,
        run: impl FnOnce(&mut Account) -> Result<R, E>,
    ) -> Result<R, E> {
        if let Some(mut account) = self.map.get_mut(id) {
            return run(&mut account);
        }
        match self.map.entry(id.into()) {
            Entry::Occupied(mut account) => run(account.get_mut()),
            Entry::Vacant(place) => {
                let mut account = Box::new(Account::open(region));
                let done = run(&mut account)?;
                place.insert(account);
                Ok(done)
            }
        }
    }

    /// Puts an account in the place of one that is older, or of none. `put` is called under its lock.
    pub(crate) fn put_if_newer(&self, id: &AccountId, account: Box<Account>, put: impl FnOnce()) {
        match self.map.entry(id.as_str().into()) {
            Entry::Occupied(mut there) => {
                if there.get().last_sequence() < account.last_sequence() {
                    there.insert(account);
                    put();
                }
            }
            Entry::Vacant(place) => {
                // Held from here on.
                let _there = place.insert(account);
                put();
            }
        }
    }

    /// Lets go of an account, if that is so of it.
    pub(crate) fn remove_if(
        &self,
        name: &str,
        is_so: impl FnOnce(&Account) -> bool,
    ) -> Option<Box<Account>> {
        let removed = self.map.remove_if(name, |_, account| is_so(account));
        removed.map(|(_, account)| account)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_after_room_was_made() {
        let accounts = Accounts::new([1, 2]);
        let open = |name: &str| {
            let look = |account: &mut Account| Ok::<_, ()>(account.region());
            accounts.with_account_or_open(name, WalletRegion::Malaysia, look)
        };
        open("a").unwrap();
        for room in [0, 1_000, 100_000] {
            accounts.make_room(room);
            assert_eq!(
                accounts.with_account_named("a", |account| account.region()),
                Some(WalletRegion::Malaysia)
            );
        }
        let names: Vec<_> = (0..10_000).map(|number| number.to_string()).collect();
        for name in &names {
            open(name).unwrap();
        }
        let are_there = names
            .iter()
            .filter(|name| accounts.with_account_named(name, |_| ()).is_some());
        assert_eq!((are_there.count(), accounts.len()), (10_000, 10_001));
    }

    #[test]
    fn the_seed_tells_in_which_order_accounts_are_held() {
        let order = |seed: [u64; 2]| {
            let accounts = Accounts::new(seed);
            for number in 0..1_000 {
                let id = AccountId::parse(&format!("account-{number}")).unwrap();
                accounts.restore(&id, Box::new(Account::open(WalletRegion::Other)));
            }
            accounts.names(0, 1)
        };
        assert_eq!(order([1, 2]), order([1, 2]));
        assert_ne!(order([1, 2]), order([2, 2]));
        assert_ne!(order([1, 2]), order([1, 3]));
    }

    #[test]
    fn d27_only_some_calls_open_an_account() {
        let accounts = Accounts::new([1, 2]);
        let id = AccountId::parse("a").unwrap();
        assert_eq!(accounts.with_account(&id, |_| ()), None);
        assert_eq!(accounts.len(), 0);
        let refused = accounts.with_account_or_open("a", WalletRegion::Other, |_| Err::<(), _>(()));
        assert_eq!(
            (refused, accounts.len()),
            (Err(()), 0),
            "nothing was recorded"
        );
        let region_of = |region| {
            let look = |account: &mut Account| Ok::<_, ()>(account.region());
            accounts.with_account_or_open("a", region, look)
        };
        assert_eq!(
            region_of(WalletRegion::Malaysia),
            Ok(WalletRegion::Malaysia)
        );
        assert_eq!(
            region_of(WalletRegion::Mainland),
            Ok(WalletRegion::Malaysia),
            "D19: set at first contact"
        );
        assert_eq!(accounts.len(), 1);
    }
}
