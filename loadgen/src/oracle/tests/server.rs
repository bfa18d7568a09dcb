//! An exact server, and one that lies: what the oracle's histories are played against.

use std::collections::HashMap;

use waika::v1::{BindRefusalReason, DeclineReason, ReversalRefusalReason};

use super::super::arithmetic::{fee_back_fen, fee_fen, id_hash};
use super::super::calendar::{Month, settles_at_s};
use super::super::compare::{Listed, Shown};
use super::super::*;
use super::lie::Lie;

/// An account of the server.
#[derive(Clone, Debug, Default)]
struct Account {
    month: Month,
    in_month: u64,
    in_year: u64,
    cards: u8,
    /// Ids in the order of their decisions.
    listed: Vec<u128>,
    approved: HashMap<u64, Approved>,
}

#[derive(Clone, Copy, Debug)]
struct Approved {
    amount_fen: u64,
    month: Month,
    decided_at_s: i64,
    given_back: u64,
    settled: bool,
}

/// A payment that waits for its issuer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    asked: Asked,
    /// When it was held.
    pub(super) at_s: i64,
    month: Month,
    amount_fen: u64,
    windows: (Window, Window),
}

/// What came of a call's turn.
pub(super) enum Turn {
    /// It is answered.
    Answered(Told),
    /// It waits for the issuer.
    Held(Held),
    /// Another call of its key is not decided yet.
    Waits,
}

#[derive(Debug, Default)]
pub(super) struct Server {
    accounts: HashMap<u64, Account>,
    /// By account, payment or not, and key; none while it is held.
    keys: HashMap<(u64, bool, u64), Option<Told>>,
    lie: Option<Lie>,
    ids: u64,
    /// How often it has lied.
    pub(super) lies: u64,
}

impl Server {
    pub(super) fn new(accounts: &[Baseline], lie: Option<Lie>) -> Self {
        let open = |baseline: &Baseline| Account {
            month: baseline.month,
            in_month: baseline.month_used_fen,
            in_year: baseline.year_used_fen,
            cards: baseline.cards,
            ..Account::default()
        };
        Self {
            accounts: (0..).zip(accounts.iter().map(open)).collect(),
            lie,
            ..Self::default()
        }
    }

    fn lies(&mut self, lie: Lie, key: u64) -> bool {
        let does = self.lie == Some(lie) && key % 7 == 3;
        self.lies += u64::from(does);
        does
    }

    /// Decides a call that took the time before its turn came.
    pub(super) fn turn(&mut self, asked: &Asked, now_s: i64) -> Turn {
        let pays = matches!(asked.what, What::Authorise { .. });
        let name = (asked.account, pays, asked.key);
        if pays || matches!(asked.what, What::Reverse { .. }) {
            match self.keys.get(&name) {
                Some(None) => return Turn::Waits,
                Some(Some(told)) => {
                    let told = *told;
                    return Turn::Answered(self.replay(asked, told));
                }
                None => {}
            }
        }
        let told = match asked.what {
            What::Authorise { .. } => match self.reserve(asked, now_s) {
                Turn::Answered(told) => told,
                held => {
                    self.keys.insert(name, None);
                    return held;
                }
            },
            What::Reverse { back_fen, .. } => self.give_back(asked, back_fen, now_s, false),
            What::Refund { back_fen, .. } => self.give_back(asked, back_fen, now_s, true),
            What::Settle => self.settle(asked),
            What::Bind => self.bind(asked),
            What::Unbind => self.unbind(asked),
            What::Other => Told::Done,
        };
        self.keys.insert(name, Some(told));
        Turn::Answered(told)
    }

    fn replay(&mut self, asked: &Asked, told: Told) -> Told {
        let Told::Decision(mut decision) = told else {
            return match told {
                Told::Reversed(reversed) => Told::Reversed(Reversed {
                    replayed: true,
                    ..reversed
                }),
                other => other,
            };
        };
        decision.replayed = true;
        if decision.approved && self.lies(Lie::ReplayCounted, asked.key) {
            let account = self.accounts.get_mut(&asked.account).unwrap();
            account.in_month += decision.amount_fen.unsigned_abs();
            account.in_year += decision.amount_fen.unsigned_abs();
        }
        if self.lies(Lie::OtherBody, asked.key) {
            decision.body_hash ^= 1;
        }
        if self.lies(Lie::SecondEffect, asked.key) {
            decision.replayed = false;
        }
        Told::Decision(decision)
    }

    /// Rungs in their order; what passes them all is held.
    fn reserve(&mut self, asked: &Asked, now_s: i64) -> Turn {
        let What::Authorise {
            amount_fen,
            wrong_password,
            ..
        } = asked.what
        else {
            unreachable!("only payments are reserved");
        };
        let early = amount_fen <= 600_000 && self.lies(Lie::EarlyDecline, asked.key);
        let forgotten = self.lie == Some(Lie::ForgottenReservation) && asked.key % 7 == 3;
        let paid = wrong_password && self.lies(Lie::Password, asked.key);
        let account = self.accounts.get_mut(&asked.account).unwrap();
        account.move_on(now_s);
        let reason = if wrong_password && !paid {
            Some(DeclineReason::PasswordWrong)
        } else if amount_fen > 600_000 {
            Some(DeclineReason::LimitSingle)
        } else if early || account.in_month + amount_fen > 5_000_000 {
            Some(DeclineReason::LimitMonth)
        } else if account.in_year + amount_fen > 6_000_000 {
            Some(DeclineReason::LimitYear)
        } else {
            None
        };
        if let Some(reason) = reason {
            return Turn::Answered(self.decline(asked, reason, now_s));
        }
        account.in_month += amount_fen;
        account.in_year += amount_fen;
        let window = |limit: i64, used: u64, ends_at_s| Window {
            limit_fen: limit,
            used_fen: used.cast_signed(),
            remaining_fen: limit - used.cast_signed(),
            ends_at_s,
        };
        let (month, in_month, in_year) = (account.month, account.in_month, account.in_year);
        if forgotten {
            self.lies += 1;
            account.in_month -= amount_fen;
            account.in_year -= amount_fen;
        }
        Turn::Held(Held {
            asked: *asked,
            at_s: now_s,
            month,
            amount_fen,
            windows: (
                window(5_000_000, in_month, month.next().start_s()),
                window(6_000_000, in_year, month.year_end_s()),
            ),
        })
    }

    fn decline(&mut self, asked: &Asked, reason: DeclineReason, now_s: i64) -> Told {
        let decision = self.decision(asked, now_s);
        Told::Decision(Decision {
            reason: reason.into(),
            ..decision
        })
    }

    /// A decline without a reason yet, listed.
    fn decision(&mut self, asked: &Asked, now_s: i64) -> Decision {
        let What::Authorise { amount_fen, .. } = asked.what else {
            unreachable!("only payments are decided");
        };
        self.ids += 1;
        let id = id_hash(&self.ids.to_le_bytes());
        let times = match (
            self.lies(Lie::Lost, asked.key),
            self.lies(Lie::Twice, asked.key),
        ) {
            (true, _) => 0,
            (_, true) => 2,
            _ => 1,
        };
        let account = self.accounts.get_mut(&asked.account).unwrap();
        account.listed.extend((0..times).map(|_| id));
        Decision {
            replayed: false,
            approved: false,
            reason: 0,
            amount_fen: amount_fen.cast_signed(),
            fee_fen: 0,
            total_fen: 0,
            decided_at_s: now_s,
            id_hash: id,
            body_hash: self.ids << 1,
            month: Window::default(),
            year: Window::default(),
            is_for: true,
        }
    }

    /// The issuer has answered.
    pub(super) fn resolve(&mut self, held: Held, agrees: bool, now_s: i64) -> Told {
        let Held {
            asked, amount_fen, ..
        } = held;
        let told = if agrees {
            self.post(held, now_s)
        } else {
            let account = self.accounts.get_mut(&asked.account).unwrap();
            if account.month == held.month {
                account.in_month = account.in_month.saturating_sub(amount_fen);
            }
            if account.month.year() == held.month.year() {
                account.in_year = account.in_year.saturating_sub(amount_fen);
            }
            self.decline(&asked, DeclineReason::IssuerDoNotHonour, now_s)
        };
        self.keys
            .insert((asked.account, true, asked.key), Some(told));
        told
    }

    fn post(&mut self, held: Held, now_s: i64) -> Told {
        let asked = held.asked;
        let lie = u64::from(self.lies(Lie::Fee, asked.key));
        let fee = (fee_fen(held.amount_fen) + lie).cast_signed();
        let decision = self.decision(&asked, now_s);
        let account = self.accounts.get_mut(&asked.account).unwrap();
        account.approved.insert(
            asked.key,
            Approved {
                amount_fen: held.amount_fen,
                month: held.month,
                decided_at_s: now_s,
                given_back: 0,
                settled: false,
            },
        );
        Told::Decision(Decision {
            approved: true,
            fee_fen: fee,
            total_fen: decision.amount_fen + fee,
            month: held.windows.0,
            year: held.windows.1,
            ..decision
        })
    }

    fn give_back(&mut self, asked: &Asked, back_fen: u64, now_s: i64, refund: bool) -> Told {
        let refused = |reason: ReversalRefusalReason| {
            Told::Refused(Refusal {
                reason: reason.into(),
                decided_at_s: now_s,
            })
        };
        let account = &self.accounts[&asked.account];
        let approved = *account.approved.get(&asked.key).unwrap();
        let settled = approved.settled || now_s >= settles_at_s(approved.decided_at_s);
        if settled != refund {
            return refused(if refund {
                ReversalRefusalReason::NotSettled
            } else {
                ReversalRefusalReason::AlreadySettled
            });
        }
        let wrong_month = self.lies(Lie::WrongMonth, asked.key);
        let wrong_told = self.lies(Lie::WrongMonthTold, asked.key);
        let fee_lie = u64::from(self.lies(Lie::FeeBack, asked.key));
        let restores = !refund || self.lies(Lie::RefundRestores, asked.key);
        let rest = approved.amount_fen - approved.given_back;
        let back = if back_fen == 0 { rest } else { back_fen };
        assert!(back <= rest, "no history gives back more than there is");
        let account = self.accounts.get_mut(&asked.account).unwrap();
        account.move_on(now_s);
        let in_month = restores && approved.month == account.month;
        let over = !refund && approved.month < account.month && account.in_month >= back;
        let lied = (wrong_month || wrong_told) && over;
        let in_year = restores && approved.month.year() == account.month.year();
        if in_month || lied {
            account.in_month = account.in_month.saturating_sub(back);
        }
        let of_year = if in_year { back } else { 0 };
        account.in_year = account.in_year.saturating_sub(of_year);
        account.approved.get_mut(&asked.key).unwrap().given_back += back;
        if (wrong_month || wrong_told) && !lied {
            self.lies -= 1;
        }
        let fee = fee_back_fen(fee_fen(approved.amount_fen), back, approved.amount_fen) + fee_lie;
        Told::Reversed(Reversed {
            replayed: false,
            amount_fen: back.cast_signed(),
            fee_fen: fee.cast_signed(),
            total_fen: (back + fee).cast_signed(),
            remaining_fen: (rest - back).cast_signed(),
            month_restored: in_month || (lied && wrong_told),
            year_restored: in_year,
            decided_at_s: now_s,
        })
    }

    fn settle(&mut self, asked: &Asked) -> Told {
        let account = self.accounts.get_mut(&asked.account).unwrap();
        account.approved.get_mut(&asked.key).unwrap().settled = true;
        Told::Done
    }

    fn bind(&mut self, asked: &Asked) -> Told {
        let account = self.accounts.get_mut(&asked.account).unwrap();
        let cap = 3 + u8::from(self.lie == Some(Lie::FourthCard));
        if account.cards >= cap {
            return Told::Refused(Refusal {
                reason: BindRefusalReason::CardCapReached.into(),
                decided_at_s: 0,
            });
        }
        account.cards += 1;
        self.lies += u64::from(account.cards > 3);
        Told::Done
    }

    fn unbind(&mut self, asked: &Asked) -> Told {
        self.accounts.get_mut(&asked.account).unwrap().cards -= 1;
        Told::Done
    }

    /// An account as it is shown, with so many of its decisions.
    pub(super) fn show(&mut self, account: u64, now_s: i64, wanted: u64, more: usize) -> Shown {
        let account = self.accounts.get_mut(&account).unwrap();
        account.move_on(now_s);
        let mut listed = Listed::of(wanted);
        let many = usize::try_from(wanted).unwrap() + more;
        for id in account.listed.iter().rev().take(many) {
            listed.read(*id);
        }
        Shown {
            month: account.month,
            month_used_fen: account.in_month.cast_signed(),
            year_used_fen: account.in_year.cast_signed(),
            cards: account.cards.into(),
            listed,
        }
    }
}

impl Account {
    fn move_on(&mut self, now_s: i64) {
        let month = Month::at(now_s);
        if month > self.month {
            if month.year() > self.month.year() {
                self.in_year = 0;
            }
            (self.month, self.in_month) = (month, 0);
        }
    }
}
