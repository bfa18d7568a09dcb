//! The payment password, its one counter of wrong tries, and the lock (D7, R42, R69).

use super::{Happening, Model, Pass, Source, Verdict, refuse};
use crate::answer::Answer;
use crate::calendar::Ms;
use crate::terms::{LOCK, TRIES, Terms};

/// Wrong tries so far, and until when no more are looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counter {
    wrong: i64,
    until: Option<Ms>,
}

impl Counter {
    pub(super) fn tried(&mut self, right: bool, at: Ms) {
        let wrong = self.wrong(at) + 1;
        *self = if right {
            Self::default()
        } else {
            Self {
                wrong,
                until: (wrong >= TRIES).then_some(at + LOCK),
            }
        };
    }

    /// A lock that has run out has taken the tries along.
    pub(super) fn wrong(self, now: Ms) -> i64 {
        if self.until.is_some_and(|until| until <= now) {
            0
        } else {
            self.wrong
        }
    }

    pub(super) fn locked_until(self, now: Ms) -> Option<Ms> {
        self.until.filter(|&until| until > now)
    }

    /// How many of how many a wrong try at this instant is.
    pub(super) fn refuse_wrong(self, reason: &'static str, now: Ms) -> Answer {
        Answer::of(reason)
            .with("observed", self.wrong(now) + 1)
            .with("required", TRIES)
    }
}

impl Model {
    pub(crate) fn password(&self) -> Option<u8> {
        self.past().rev().find_map(|(_, _, what)| match what {
            Happening::PasswordSet { password } | Happening::PasswordReplaced { password } => {
                Some(*password)
            }
            _ => None,
        })
    }

    pub(super) fn counter(&self) -> Counter {
        let mut counter = Counter::default();
        for (at, _, what) in self.past() {
            match *what {
                Happening::PasswordTried { right } => counter.tried(right, at),
                Happening::PasswordUnlocked | Happening::PasswordReplaced { .. } => {
                    counter = Counter::default();
                }
                _ => {}
            }
        }
        counter
    }

    pub(super) fn check_unlocked(&self, now: Ms) -> Result<(), Answer> {
        match self.counter().locked_until(now) {
            Some(until) => Err(Answer::of("PASSWORD_LOCKED").with("until", until)),
            None => Ok(()),
        }
    }

    /// A try of the password: not counted while it is locked.
    pub(super) fn try_password(
        &self,
        given: u8,
        now: Ms,
        happened: &mut Vec<Happening>,
    ) -> Result<(), Answer> {
        self.check_unlocked(now)?;
        let right = self.password() == Some(given);
        happened.push(Happening::PasswordTried { right });
        if right {
            Ok(())
        } else {
            Err(self.counter().refuse_wrong("PASSWORD_WRONG", now))
        }
    }

    /// A right password is worth a token for one payment.
    pub(crate) fn verify(&self, ask: &VerifyAsk, terms: &Terms, now: Ms) -> Verdict {
        let mut happened = Vec::new();
        let climbed = refuse(self.password().is_none(), "WALLET_NOT_VERIFIED")
            .and_then(|()| self.try_password(ask.password, now, &mut happened));
        if let Err(answer) = climbed {
            return Verdict::new(answer, happened);
        }
        let expires_at = now + i64::from(terms.token_seconds) * 1_000;
        happened.push(Happening::TokenMinted(Pass {
            nonce: ask.nonce,
            source: ask.source,
            amount: ask.amount,
            expires_at,
        }));
        let answer = Answer::of("VERIFIED").with("expires_at", expires_at);
        Verdict::new(answer, happened)
    }

    /// R45.
    pub(crate) fn change(&self, old: u8, new: u8, agree: bool, now: Ms) -> Verdict {
        let mut happened = Vec::new();
        let climbed = refuse(self.password().is_none(), "WALLET_NOT_VERIFIED")
            .and_then(|()| self.try_password(old, now, &mut happened))
            .and_then(|()| refuse(!agree, "PASSWORDS_DIFFER"));
        if climbed.is_ok() {
            happened.push(Happening::PasswordReplaced { password: new });
        }
        Verdict::climbed(climbed.map(|()| Answer::of("CHANGED")), happened)
    }

    /// D7: an operator's word.
    pub(crate) fn unlock(&self, now: Ms) -> Verdict {
        let was_locked = self.counter().locked_until(now).is_some();
        let answer = Answer::of("UNLOCKED").with("was_locked", i64::from(was_locked));
        Verdict::new(answer, vec![Happening::PasswordUnlocked])
    }
}

/// What a password is verified for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VerifyAsk {
    pub(crate) source: Source,
    pub(crate) amount: i64,
    pub(crate) nonce: u64,
    pub(crate) password: u8,
}
