//! What clients do next.

use waika_domain::event::{CardStatus, Event, GiveBack};
use waika_domain::period::Timestamp;

use super::asked::{Asked, Original, What};
use super::history::History;

/// Selectors of test cards: approved, without funds, slow, silent, late; and the last three at Bind.
const SELECTORS: [u16; 12] = [0, 0, 20, 20, 21, 6, 9, 10, 11, 109, 110, 111];

impl History {
    /// The next call of a client at an instant.
    pub(super) fn draw(&self, now: Timestamp) -> Asked {
        if self.one_in(8)
            && let Some(again) = self.draw_again(now)
        {
            return again;
        }
        let account = u8::try_from(self.below(2)).unwrap();
        let what = self.draw_what(account, now);
        let key = format!("k{}", self.records.borrow().len());
        Asked { account, key, what }
    }

    /// A call that was made before, in one of a few cases with other content.
    fn draw_again(&self, now: Timestamp) -> Option<Asked> {
        let records = self.records.borrow();
        let all: Vec<_> = records.values().collect();
        let record = *self.pick(&all)?;
        if record.would_step_back(now) {
            return None;
        }
        let mut asked = record.asked.clone();
        if record.told.is_some() && self.one_in(4) {
            if let What::Authorise { fen, .. } = &mut asked.what {
                *fen += 1;
            }
            if let What::PhoneCode { nonce } = &mut asked.what {
                *nonce += 1;
            }
        }
        Some(asked)
    }

    fn draw_what(&self, account: u8, now: Timestamp) -> What {
        let has_merchant = self.records.borrow().values().any(|record| {
            matches!(record.asked.what, What::Merchant { .. }) && record.told.is_some()
        });
        if !has_merchant {
            return self.draw_merchant();
        }
        let cards = self.cards(account);
        let Some(card) = self.pick(&cards).map(|card| card.token) else {
            return self.draw_binding(account);
        };
        match self.below(100) {
            0..50 => What::Authorise {
                card,
                merchant: u8::from(self.one_in(20)),
                fen: self.draw_fen(),
                right: !self.one_in(10),
            },
            50..66 => self.draw_give_back(account),
            66..69 => What::Settle {
                original: self
                    .draw_payment(account)
                    .map_or(3, |(sequence, _)| sequence),
            },
            69..76 => self.draw_binding(account),
            76..80 => What::Unbind {
                card,
                right: !self.one_in(4),
            },
            80..84 => {
                let statuses = [CardStatus::Normal, CardStatus::Stolen, CardStatus::NoFunds];
                let status = *self.pick(&statuses).unwrap();
                What::CardStatus { card, status }
            }
            84..87 => What::Unlock,
            87..91 => self.draw_merchant(),
            91..94 => {
                let ahead_ms = i64::try_from(self.below(40 * 86_400_000)).unwrap();
                What::Clock {
                    from: Timestamp::from_unix_ms(now.unix_ms() + ahead_ms),
                    rate: [0, 1, 20][usize::try_from(self.below(3)).unwrap()],
                }
            }
            94..97 => What::PutPolicy {
                number: u8::try_from(self.below(2)).unwrap(),
            },
            _ => What::ActivatePolicy {
                number: u8::try_from(self.below(2)).unwrap(),
            },
        }
    }

    fn draw_merchant(&self) -> What {
        What::Merchant {
            merchant: 0,
            version: u8::try_from(self.below(4)).unwrap(),
        }
    }

    /// A code, or a bind with one that was asked for.
    fn draw_binding(&self, account: u8) -> What {
        let has_password = !self.cards(account).is_empty();
        let mut nonces = Vec::new();
        for record in self.records.borrow().values() {
            if let What::PhoneCode { nonce } = record.asked.what
                && record.asked.account == account
            {
                nonces.push(nonce);
            }
        }
        nonces.sort_unstable();
        match nonces.last() {
            Some(&nonce) if !self.one_in(4) => What::Bind {
                selector: *self.pick(&SELECTORS).unwrap(),
                nonce,
                token: self.below(u64::MAX),
                // The first sets it.
                right: !has_password || !self.one_in(8),
            },
            // Ascending, so that the latest is known.
            latest => What::PhoneCode {
                nonce: latest.map_or(1, |&nonce| nonce + 1 + self.below(9)),
            },
        }
    }

    /// Often near the limits, and often where the fee begins.
    fn draw_fen(&self) -> i64 {
        let fen = match self.below(4) {
            0 => 19_999 + self.below(3),
            1 => 1 + self.below(600_000),
            _ => 400_000 + self.below(200_001),
        };
        i64::try_from(fen).unwrap()
    }

    fn draw_give_back(&self, account: u8) -> What {
        let kind = if self.one_in(4) {
            GiveBack::Refund
        } else {
            GiveBack::Reversal
        };
        let fen = self
            .one_in(2)
            .then(|| i64::try_from(1 + self.below(300_000)).unwrap());
        let original = match self.draw_payment(account) {
            Some((sequence, _)) if self.one_in(2) => Original::Id(sequence),
            Some((_, key)) => Original::Key(key),
            // It may still come.
            None => Original::Key(format!("k{}", self.records.borrow().len() + 1)),
        };
        What::GiveBack {
            kind,
            original,
            fen,
        }
    }

    /// A payment that somebody was told of, by its sequence and its key.
    fn draw_payment(&self, account: u8) -> Option<(u64, String)> {
        let records = self.records.borrow();
        let decided = records.values().filter_map(|record| {
            let told = record.told.as_ref()?;
            let is_own = record.asked.account == account;
            let is_approved = matches!(told.event, Event::Posted(_));
            (is_own && is_approved).then(|| (told.sequence, record.asked.key.clone()))
        });
        let decided: Vec<_> = decided.collect();
        self.pick(&decided).cloned()
    }
}
