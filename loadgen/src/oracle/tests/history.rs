//! Random histories: calls that overlap, are lost, repeated and given back, over midnights.

use std::collections::VecDeque;

use super::super::unknown::Unknown;
use super::super::*;
use super::lie::Lie;
use super::server::{Held, Server, Turn};
use crate::draw::{Draw, Purpose};

/// So long after it took the time a call may have its turn, and so long an issuer may take.
const LONGEST_WAIT_S: i64 = 50;

/// What a history is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tale {
    pub(super) seed: u64,
    /// Calls that may be open at once.
    pub(super) open: usize,
    pub(super) calls: u64,
    pub(super) accounts: u64,
    /// Dearer payments meet the limits sooner.
    pub(super) dearest_fen: u64,
    /// Answers lost, in a million.
    pub(super) lost: u32,
    /// When it begins.
    pub(super) begins_s: i64,
    /// The longest pause between two steps, in seconds.
    pub(super) pause_s: u64,
    pub(super) keys: KeyMemory,
    pub(super) lie: Option<Lie>,
}

/// A call under way.
struct Call {
    asked: Asked,
    stamp: Stamp,
    at: At,
    /// The caller has given it up.
    lost: bool,
}

/// How far a call is.
#[derive(Clone, Copy)]
enum At {
    Sent,
    /// It has arrived, and took the time.
    Arrived(i64),
    Held(Held),
    Answered(Told),
}

/// What came of a history.
pub(super) struct Ended {
    pub(super) oracle: Oracle,
    pub(super) lies: u64,
    pub(super) unproven: u64,
}

/// Plays a history to its end, and audits it.
pub(super) fn play(tale: Tale) -> Ended {
    let mut stage = Stage::open(tale);
    let mut sent = 0;
    while sent < tale.calls || !stage.calls.is_empty() {
        let room = stage.calls.len() < tale.open && sent < tale.calls;
        if room && (stage.calls.is_empty() || stage.draw.chance(400_000)) {
            stage.send(sent);
            sent += 1;
        } else {
            stage.step();
        }
        if stage.draw.chance(100_000) {
            stage.now_s += stage.draw.below(tale.pause_s + 1).cast_signed();
        }
    }
    stage.audit()
}

struct Stage {
    tale: Tale,
    draw: Draw,
    server: Server,
    oracle: Oracle,
    now_s: i64,
    calls: Vec<Call>,
    /// Payments of late, to be repeated.
    recent: VecDeque<Asked>,
    /// Approvals that were told, to be given back: each once.
    approvals: Vec<(Asked, Original)>,
    /// Approvals that were settled, to be refunded.
    settled: Vec<(Asked, Original)>,
    /// Cards that were bound, to be unbound.
    bound: Vec<u64>,
}

impl Stage {
    fn open(tale: Tale) -> Self {
        let baseline = Baseline {
            month: Month::at(tale.begins_s),
            month_used_fen: 1_000,
            year_used_fen: 900_000,
            cards: 1,
            locked: false,
        };
        let accounts = vec![baseline; usize::try_from(tale.accounts).unwrap()];
        Self {
            tale,
            draw: Draw::new(tale.seed, Purpose::Request, 0),
            server: Server::new(&accounts, tale.lie),
            oracle: Oracle::new(&accounts, Terms::GUIDE, tale.keys),
            now_s: tale.begins_s,
            calls: Vec::new(),
            recent: VecDeque::new(),
            approvals: Vec::new(),
            settled: Vec::new(),
            bound: Vec::new(),
        }
    }

    fn send(&mut self, index: u64) {
        let asked = self.next_call(index);
        let stamp = self.oracle.sending(&asked);
        self.calls.push(Call {
            asked,
            stamp,
            at: At::Sent,
            lost: false,
        });
    }

    fn next_call(&mut self, index: u64) -> Asked {
        let kind = self.draw.below(100);
        let few = matches!(self.tale.keys, KeyMemory::All(_));
        if kind < 20 && !self.recent.is_empty() || few && self.recent.len() == 64 {
            let place = self.draw.below(self.recent.len() as u64);
            let original = self.recent[usize::try_from(place).unwrap()];
            return Asked { index, ..original };
        }
        let back = |draw: &mut Draw, original: &Original| match draw.below(2) {
            0 => 0,
            _ => 1 + draw.below(original.of_fen),
        };
        if (20..35).contains(&kind)
            && let Some((asked, original)) = taken(&mut self.draw, &mut self.approvals)
        {
            let back_fen = back(&mut self.draw, &original);
            let what = What::Reverse { back_fen, original };
            return Asked {
                index,
                what,
                ..asked
            };
        }
        if (35..40).contains(&kind)
            && let Some((asked, original)) = taken(&mut self.draw, &mut self.settled)
        {
            let back_fen = back(&mut self.draw, &original);
            let what = What::Refund { back_fen, original };
            return Asked {
                index,
                what,
                ..asked
            };
        }
        if (40..43).contains(&kind)
            && let Some(account) = self.bound.pop()
        {
            return asked(index, account, What::Unbind);
        }
        let account = self.draw.below(self.tale.accounts);
        if (43..48).contains(&kind) {
            return asked(index, account, What::Bind);
        }
        let what = What::Authorise {
            amount_fen: 1 + self.draw.below(self.tale.dearest_fen),
            wrong_password: self.draw.chance(30_000),
            by_code: false,
        };
        let payment = asked(index, account, what);
        self.recent.push_back(payment);
        if self.recent.len() > 64 {
            self.recent.pop_front();
        }
        payment
    }

    /// One call gets a step further.
    fn step(&mut self) {
        let place = usize::try_from(self.draw.below(self.calls.len() as u64)).unwrap();
        if !self.calls[place].lost && self.draw.chance(self.tale.lost) {
            let call = &mut self.calls[place];
            call.lost = true;
            self.oracle.unknown(&call.asked, call.stamp);
        }
        let call = &mut self.calls[place];
        match call.at {
            At::Sent if call.lost && self.draw.chance(500_000) => {
                // It never arrives.
                self.calls.swap_remove(place);
            }
            At::Sent => call.at = At::Arrived(self.now_s),
            At::Arrived(now_s) => match self
                .server
                .turn(&call.asked, now_s.max(self.now_s - LONGEST_WAIT_S))
            {
                Turn::Answered(told) => call.at = At::Answered(told),
                Turn::Held(held) => call.at = At::Held(held),
                Turn::Waits => {}
            },
            At::Held(held) => {
                let agrees = !self.draw.chance(50_000);
                let now_s = self.now_s.min(held.at_s + LONGEST_WAIT_S);
                let told = self.server.resolve(held, agrees, now_s);
                call.at = At::Answered(told);
            }
            At::Answered(told) => {
                let call = self.calls.swap_remove(place);
                if !call.lost {
                    self.hear(&call, told);
                }
            }
        }
    }

    fn hear(&mut self, call: &Call, told: Told) {
        self.oracle.told(&call.asked, call.stamp, &told);
        match (call.asked.what, told) {
            (What::Authorise { .. }, Told::Decision(decision)) => {
                // With a second effect it would be given back twice.
                let once = self.tale.lie != Some(Lie::SecondEffect);
                if decision.approved && !decision.replayed && once {
                    let approval = (call.asked, decision.as_original());
                    if self.draw.chance(200_000) {
                        // The next call settles it.
                        let settle = Asked {
                            what: What::Settle,
                            ..call.asked
                        };
                        let stamp = self.oracle.sending(&settle);
                        let Turn::Answered(told) = self.server.turn(&settle, self.now_s) else {
                            unreachable!("a settlement waits for nobody");
                        };
                        self.oracle.told(&settle, stamp, &told);
                        self.settled.push(approval);
                    } else {
                        self.approvals.push(approval);
                    }
                }
            }
            (What::Bind, Told::Done) => self.bound.push(call.asked.account),
            _ => {}
        }
    }

    fn audit(mut self) -> Ended {
        let mut candidates = vec![Vec::new(); self.oracle.books.len()];
        let unknowns = self.oracle.unknowns.lock().take();
        for unknown in unknowns {
            self.ask_again(&unknown, &mut candidates);
        }
        let mut unproven = 0;
        for (account, candidates) in (0..).zip(&candidates) {
            let wanted = self.oracle.books[usize::try_from(account).unwrap()]
                .lock()
                .acknowledged()
                .0;
            let shown = self
                .server
                .show(account, self.now_s, wanted.into(), candidates.len());
            let proven = self.oracle.settle(account, candidates, &shown);
            unproven += u64::from(proven.is_none());
        }
        Ended {
            oracle: self.oracle,
            lies: self.server.lies,
            unproven,
        }
    }

    fn ask_again(&mut self, unknown: &Unknown, candidates: &mut [Vec<Decision>]) {
        if self.oracle.is_answered_elsewhere(unknown) {
            return;
        }
        let told = match self.server.turn(&unknown.asked, self.now_s) {
            Turn::Answered(told) => told,
            Turn::Held(held) => self.server.resolve(held, true, self.now_s),
            Turn::Waits => unreachable!("nothing is under way any more"),
        };
        if let Told::Decision(decision) = told {
            let candidate = self.oracle.resolve_payment(unknown, &decision);
            candidates[usize::try_from(unknown.asked.account).unwrap()].extend(candidate);
        } else {
            assert!(self.oracle.resolve_reversal(unknown, &told));
        }
    }
}

fn asked(index: u64, account: u64, what: What) -> Asked {
    Asked {
        index,
        key: index,
        account,
        what,
    }
}

/// Takes any one out.
fn taken<T>(draw: &mut Draw, all: &mut Vec<T>) -> Option<T> {
    let place = usize::try_from(draw.below(all.len() as u64)).unwrap();
    (place < all.len()).then(|| all.swap_remove(place))
}
