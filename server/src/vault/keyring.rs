//! The keyring: a store's own keys, wrapped by a key that is kept elsewhere.
//!
//! What is wrapped is one sealed box (ChaCha20-Poly1305), and everything that stands before it in the clear is
//! sealed with it:
//!
//! | bytes | field, little-endian |
//! |---|---|
//! | 4 | format |
//! | 8 | which key wraps it: a digest of that key |
//! | 12 | nonce, random |
//! | n | the box: the store's key (32), and for each data key, the active one first, its number (1), when it was made in milliseconds since 1970 (8), and the key (32) |
//! | 16 | the box's tag |

use std::fmt;
use std::io;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use waika_domain::fingerprints::{KeyNumber, MOST_OLDER_KEYS};
use waika_domain::period::Timestamp;
use zeroize::Zeroizing;

use super::key_file::KeyFile;
use super::mac::purpose;

/// A key, wiped when dropped.
pub(super) type Key = Zeroizing<[u8; 32]>;

const FORMAT: u32 = 1;
/// Format, name of the wrapping key and nonce.
const CLEAR_BYTES: usize = 4 + 8 + NONCE_LEN;
const ENTRY_BYTES: usize = 1 + 8 + 32;

/// Names the key that wraps a keyring, and says nothing about it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct WrappedBy([u8; 8]);

impl WrappedBy {
    /// The name of a key.
    pub(super) fn of(key: &Key) -> Self {
        let name = purpose(key, "keyring's name");
        Self(name.first_chunk().copied().unwrap_or_default())
    }
}

impl fmt::Display for WrappedBy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for WrappedBy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "WrappedBy({self})")
    }
}

/// Why there is no keyring, or not the one that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// None of the keys that were given wraps it.
    #[error("it is wrapped by the key {0}, which is not in that file")]
    OtherKey(WrappedBy),
    /// It is not as it was written.
    #[error("it is not as it was written")]
    Damaged,
    /// A later release wrote it.
    #[error("it has format {0}, and this release reads up to {FORMAT}")]
    NewerFormat(u32),
    /// There are as many data keys as there can be.
    #[error("{} data keys are live already", MOST_OLDER_KEYS + 1)]
    TooMany,
    /// Every number is used up.
    #[error("every number of a data key was given out")]
    Spent,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(io::Error),
}

/// A store's keys.
#[derive(Clone)]
pub struct Keyring {
    store: Key,
    active: DataEntry,
    /// The other data keys, the newest first.
    older: Vec<DataEntry>,
}

#[derive(Clone)]
struct DataEntry {
    number: KeyNumber,
    made_at: Timestamp,
    key: Key,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keyring(…)")
    }
}

impl Keyring {
    /// Of a store from before keyrings: its one key was for everything.
    pub fn of_one(key: &[u8; 32]) -> Self {
        let key = Zeroizing::new(*key);
        Self {
            store: key.clone(),
            active: DataEntry {
                number: KeyNumber::FIRST,
                made_at: Timestamp::from_unix_ms(0),
                key,
            },
            older: Vec::new(),
        }
    }

    /// A new store's.
    pub fn fresh(now: Timestamp) -> Result<Self, KeyringError> {
        let active = DataEntry {
            number: KeyNumber::FIRST,
            made_at: now,
            key: random()?,
        };
        Ok(Self {
            store: random()?,
            active,
            older: Vec::new(),
        })
    }

    /// Adds a random data key, which is the active one from then on.
    pub fn add_random(&mut self, now: Timestamp) -> Result<KeyNumber, KeyringError> {
        self.add(random::<32>()?, now)
    }

    /// Adds a data key, which is the active one from then on.
    pub fn add(
        &mut self,
        key: impl Into<Zeroizing<[u8; 32]>>,
        now: Timestamp,
    ) -> Result<KeyNumber, KeyringError> {
        if self.older.len() >= MOST_OLDER_KEYS {
            return Err(KeyringError::TooMany);
        }
        let number = self.active.number.0.checked_add(1);
        let number = number.map(KeyNumber).ok_or(KeyringError::Spent)?;
        let active = DataEntry {
            number,
            made_at: now,
            key: key.into(),
        };
        self.older
            .insert(0, std::mem::replace(&mut self.active, active));
        Ok(number)
    }

    /// Removes every data key but the active one.
    pub fn remove_older(&mut self) {
        self.older.clear();
    }

    /// The numbers of its data keys and when each was made, the active one first.
    pub fn numbers(&self) -> impl Iterator<Item = (KeyNumber, Timestamp)> {
        self.entries().map(|entry| (entry.number, entry.made_at))
    }

    fn entries(&self) -> impl Iterator<Item = &DataEntry> {
        std::iter::once(&self.active).chain(&self.older)
    }

    pub(super) fn store_key(&self) -> &Key {
        &self.store
    }

    pub(super) fn active(&self) -> (KeyNumber, &Key) {
        (self.active.number, &self.active.key)
    }

    pub(super) fn older(&self) -> impl Iterator<Item = (KeyNumber, &Key)> {
        self.older.iter().map(|entry| (entry.number, &entry.key))
    }

    /// Wraps it by the last key of a file: what stands in the data folder.
    pub fn wrap(&self, by: &KeyFile) -> Result<Vec<u8>, KeyringError> {
        let key = by.last();
        let nonce = *random::<NONCE_LEN>()?;
        let mut wrapped = Vec::with_capacity(CLEAR_BYTES + 512);
        wrapped.extend_from_slice(&FORMAT.to_le_bytes());
        wrapped.extend_from_slice(&WrappedBy::of(key).0);
        wrapped.extend_from_slice(&nonce);
        let count = self.older.len() + 1;
        // Room for all of it, so that it does not grow and leave a copy behind.
        let mut within = Zeroizing::new(Vec::with_capacity(32 + count * ENTRY_BYTES + 16));
        within.extend_from_slice(&*self.store);
        for entry in self.entries() {
            within.push(entry.number.0);
            within.extend_from_slice(&entry.made_at.unix_ms().to_le_bytes());
            within.extend_from_slice(&*entry.key);
        }
        let aad = Aad::from(wrapped.clone());
        let nonce = Nonce::assume_unique_for_key(nonce);
        // It refuses nothing but gigabytes.
        wrapping(key)
            .and_then(|key| key.seal_in_place_append_tag(nonce, aad, &mut *within).ok())
            .ok_or(KeyringError::Damaged)?;
        wrapped.extend_from_slice(&within);
        Ok(wrapped)
    }

    /// Which key wraps one.
    pub fn wrapped_by(wrapped: &[u8]) -> Result<WrappedBy, KeyringError> {
        let (format, rest) = wrapped.split_first_chunk().ok_or(KeyringError::Damaged)?;
        let format = u32::from_le_bytes(*format);
        if format > FORMAT {
            return Err(KeyringError::NewerFormat(format));
        }
        let name = rest.first_chunk().ok_or(KeyringError::Damaged)?;
        Ok(WrappedBy(*name))
    }

    /// Unwraps what stands in the data folder by one of a file's keys.
    pub fn unwrap(wrapped: &[u8], by: &KeyFile) -> Result<Self, KeyringError> {
        let name = Self::wrapped_by(wrapped)?;
        let key = by.find(name).ok_or(KeyringError::OtherKey(name))?;
        let whole = wrapped.split_at_checked(CLEAR_BYTES);
        let (clear, sealed) = whole.ok_or(KeyringError::Damaged)?;
        let nonce = clear.last_chunk().ok_or(KeyringError::Damaged)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut within = Zeroizing::new(sealed.to_vec());
        let opened = wrapping(key)
            .and_then(|key| key.open_in_place(nonce, Aad::from(clear), &mut within).ok())
            .and_then(|within| Self::parse(within));
        opened.ok_or(KeyringError::Damaged)
    }

    fn parse(within: &[u8]) -> Option<Self> {
        let (store, entries) = within.split_first_chunk()?;
        let (entries, []) = entries.as_chunks::<ENTRY_BYTES>() else {
            return None;
        };
        let (active, older) = entries.split_first()?;
        if older.len() > MOST_OLDER_KEYS {
            return None;
        }
        let older = older.iter().map(|entry| DataEntry::parse(entry));
        Some(Self {
            store: Zeroizing::new(*store),
            active: DataEntry::parse(active)?,
            older: older.collect::<Option<_>>()?,
        })
    }
}

impl DataEntry {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&number, rest) = bytes.split_first()?;
        let (made_at, key) = rest.split_first_chunk()?;
        Some(Self {
            number: KeyNumber(number),
            made_at: Timestamp::from_unix_ms(i64::from_le_bytes(*made_at)),
            key: Zeroizing::new(key.try_into().ok()?),
        })
    }
}

fn wrapping(key: &Key) -> Option<LessSafeKey> {
    let key = purpose(key, "keyring");
    UnboundKey::new(&CHACHA20_POLY1305, &*key)
        .ok()
        .map(LessSafeKey::new)
}

/// Random bytes from the system, wiped when dropped.
pub(super) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, KeyringError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice())
        .map_err(|error| KeyringError::Random(io::Error::other(error.to_string())))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_three() -> Keyring {
        let mut keyring = Keyring::fresh(Timestamp::from_unix_ms(1)).unwrap();
        for at in [2, 3] {
            keyring.add_random(Timestamp::from_unix_ms(at)).unwrap();
        }
        keyring
    }

    fn numbers(keyring: &Keyring) -> Vec<(u8, i64)> {
        let numbers = keyring.numbers();
        numbers
            .map(|(number, at)| (number.0, at.unix_ms()))
            .collect()
    }

    #[test]
    fn what_is_wrapped_is_unwrapped_by_the_same_key_and_no_other() {
        let keyring = of_three();
        let (ours, theirs) = (KeyFile::of(&[[1; 32]]), KeyFile::of(&[[2; 32]]));
        let wrapped = keyring.wrap(&ours).unwrap();
        let again = Keyring::unwrap(&wrapped, &ours).unwrap();
        assert_eq!(numbers(&again), [(3, 3), (2, 2), (1, 1)]);
        assert_eq!(again.store_key(), keyring.store_key());
        assert_eq!(again.active(), keyring.active());
        assert!(again.older().eq(keyring.older()));
        let error = Keyring::unwrap(&wrapped, &theirs).unwrap_err();
        assert!(matches!(error, KeyringError::OtherKey(_)), "{error}");
        let both = KeyFile::of(&[[1; 32], [2; 32]]);
        assert!(Keyring::unwrap(&wrapped, &both).is_ok());
        let anew = keyring.wrap(&both).unwrap();
        assert!(Keyring::unwrap(&anew, &ours).is_err(), "the last key wraps");
        assert!(Keyring::unwrap(&anew, &theirs).is_ok());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let file = KeyFile::of(&[[1; 32]]);
        let wrapped = of_three().wrap(&file).unwrap();
        for bit in 0..wrapped.len() * 8 {
            let mut flipped = wrapped.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Keyring::unwrap(&flipped, &file).is_err(), "bit {bit}");
        }
        for length in 0..wrapped.len() {
            assert!(
                Keyring::unwrap(&wrapped[..length], &file).is_err(),
                "{length}"
            );
        }
    }

    #[test]
    fn no_key_shows_in_what_is_wrapped_or_printed() {
        let (store, wrapping) = ([0xA5; 32], [0x5A; 32]);
        let keyring = Keyring::of_one(&store);
        let wrapped = keyring.wrap(&KeyFile::of(&[wrapping])).unwrap();
        for key in [store, wrapping] {
            assert!(wrapped.windows(4).all(|window| window != &key[..4]));
        }
        assert_eq!(format!("{keyring:?}"), "Keyring(…)");
    }

    #[test]
    fn four_data_keys_are_live_at_once_and_their_numbers_go_on() {
        let now = Timestamp::from_unix_ms(9);
        let mut keyring = of_three();
        assert_eq!(keyring.add_random(now).unwrap(), KeyNumber(4));
        assert!(matches!(
            keyring.add_random(now),
            Err(KeyringError::TooMany)
        ));
        keyring.remove_older();
        assert_eq!(numbers(&keyring), [(4, 9)]);
        assert_eq!(keyring.add_random(now).unwrap(), KeyNumber(5));
        for number in 6..=255 {
            keyring.remove_older();
            assert_eq!(keyring.add_random(now).unwrap(), KeyNumber(number));
        }
        keyring.remove_older();
        assert!(matches!(keyring.add_random(now), Err(KeyringError::Spent)));
    }
}
