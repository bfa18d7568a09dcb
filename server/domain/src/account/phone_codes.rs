//! Codes that were sent to an account's phones.

use super::parts::is_remembered;
use crate::identifiers::Fingerprint;
use crate::period::Timestamp;

/// A code that was sent to a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneCode {
    /// The phone's digest.
    pub phone: Fingerprint,
    /// What the code follows from.
    pub nonce: u64,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// How long before that another may be asked for, in seconds.
    pub resend_before: i32,
    /// Wrong tries so far.
    pub wrong_tries: u8,
    /// It was used.
    pub used: bool,
}

impl PhoneCode {
    /// From when on another may be asked for (R19).
    pub fn resend_at(&self) -> Timestamp {
        let before = i64::from(self.resend_before).saturating_mul(1_000);
        Timestamp::from_unix_ms(self.expires_at.unix_ms().saturating_sub(before))
    }

    /// False once it is so old that it counts as never sent, whether or not its place was freed
    /// since. A policy may ask for a longer wait for the next one than this can be used for (R19).
    pub fn is_remembered(&self, now: Timestamp) -> bool {
        is_remembered(self.expires_at, now) || now < self.resend_at()
    }
}

/// An account's codes, one for each phone. At rest there is none, and hardly ever more than one, so the list
/// takes eight bytes of the account, and one code a piece of memory of 48.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PhoneCodes(Option<Box<Sent>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Sent {
    first: PhoneCode,
    #[expect(
        clippy::box_collection,
        reason = "a list in place would take three times the room"
    )]
    others: Option<Box<Vec<PhoneCode>>>,
}

impl PhoneCodes {
    /// The codes, in the order in which they were sent.
    pub fn iter(&self) -> impl Iterator<Item = &PhoneCode> {
        let sent = self.0.iter();
        sent.flat_map(|sent| {
            std::iter::once(&sent.first).chain(sent.others.iter().flat_map(|others| others.iter()))
        })
    }

    /// True if there is none of which this does not hold.
    pub(super) fn are_all(&self, is_so: impl Fn(&PhoneCode) -> bool) -> bool {
        let Some(sent) = &self.0 else { return true };
        let mut others = sent.others.iter().flat_map(|others| others.iter());
        is_so(&sent.first) && others.all(is_so)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut PhoneCode> {
        let sent = self.0.iter_mut();
        sent.flat_map(|sent| {
            let others = sent.others.iter_mut();
            std::iter::once(&mut sent.first).chain(others.flat_map(|others| others.iter_mut()))
        })
    }
}

impl FromIterator<PhoneCode> for PhoneCodes {
    fn from_iter<I: IntoIterator<Item = PhoneCode>>(codes: I) -> Self {
        let mut codes = codes.into_iter();
        let sent = codes.next().map(|first| {
            let others: Vec<_> = codes.collect();
            let others = (!others.is_empty()).then(|| Box::new(others));
            Box::new(Sent { first, others })
        });
        Self(sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_gives_back_what_it_was_made_of() {
        assert!(size_of::<Sent>() <= 48, "{}", size_of::<Sent>());
        let code = |nonce| PhoneCode {
            phone: Fingerprint([0; 16]),
            nonce,
            expires_at: Timestamp::from_unix_ms(0),
            resend_before: 0,
            wrong_tries: 0,
            used: false,
        };
        for count in [0, 1, 2, 5] {
            let mut codes: PhoneCodes = (0..count).map(code).collect();
            assert_eq!(codes == PhoneCodes::default(), count == 0);
            for code in codes.iter_mut() {
                code.wrong_tries += 1;
            }
            let told: Vec<_> = codes
                .iter()
                .map(|code| (code.nonce, code.wrong_tries))
                .collect();
            let expected: Vec<_> = (0..count).map(|nonce| (nonce, 1)).collect();
            assert_eq!(told, expected);
            assert_eq!(codes.are_all(|code| code.nonce + 1 < count), count == 0);
            assert!(codes.are_all(|code| code.nonce < count));
        }
    }
}
