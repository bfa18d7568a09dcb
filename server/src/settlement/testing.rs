//! A journal in memory, written by the rules themselves.

use std::collections::BTreeMap;

use waika_domain::account::Account;
use waika_domain::event::{
    ApprovalCode, Event, Funding, GiveBack, PasswordEffect, Payment, PaymentMode, Posted,
    Reservation, ReversalDecided, Scene, SettleDecided, WalletRegion, Windows,
};
use waika_domain::fee::fee;
use waika_domain::identifiers::{CardToken, MerchantId};
use waika_domain::money::{Amount, Fen};
use waika_domain::period::{Day, Timestamp};
use waika_domain::policy::Policy;
use waika_domain::rules::reverse::{self, Approved, Asked, GivenBack, Original, SoFar};
use waika_domain::rules::settlement::settles_at;

use super::{Settlement, Statement};

/// An instant in Asia/Shanghai, such as `2024-02-01 23:59:59.999`; the time of day may be left
/// out.
pub(super) fn at(text: &str) -> Timestamp {
    let (date, time) = text.split_once(' ').unwrap_or((text, "00:00:00.000"));
    let numbers = |text: &str, mark: &[char]| -> Vec<i64> {
        let parts = text.split(mark);
        parts.map(|part| part.parse().unwrap()).collect()
    };
    let (date, time) = (numbers(date, &['-']), numbers(time, &[':', '.']));
    let small = |number: i64| u8::try_from(number).unwrap();
    let year = i32::try_from(date[0]).unwrap();
    let day = Day::from_civil(year, small(date[1]), small(date[2])).unwrap();
    let ms = ((time[0] * 60 + time[1]) * 60 + time[2]) * 1_000 + time[3];
    Timestamp::from_unix_ms(day.start().unix_ms() + ms)
}

pub(super) fn merchant(name: &str) -> MerchantId {
    MerchantId::parse(name).unwrap()
}

/// Entries in their order; the first has the sequence 1.
#[derive(Debug, Default)]
pub(super) struct Journal {
    entries: Vec<(Timestamp, Event)>,
    approved: BTreeMap<u64, Approved>,
}

impl Journal {
    /// Writes any event, and returns its sequence.
    pub(super) fn write(&mut self, at: Timestamp, event: Event) -> u64 {
        self.entries.push((at, event));
        self.entries.len() as u64
    }

    /// A payment that is approved; without a merchant it is a transfer from the balance.
    pub(super) fn pay(&mut self, at: Timestamp, to: Option<&str>, fen: i64) -> u64 {
        let policy = Policy::weixin_2023();
        let amount = Amount::from_fen(fen).unwrap();
        let reservation = Reservation {
            payment: Payment {
                funding: to.map_or(Funding::Balance, |_| Funding::Card(CardToken::from_bits(1))),
                merchant: to.map(merchant),
                amount,
                scene: to.map_or(Scene::Transfer, |_| Scene::Purchase),
                mode: PaymentMode::OnlineApp,
                code: None,
            },
            fee: to.map_or(Fen::ZERO, |_| fee(amount, &policy.fee)),
            month: at.month(),
            year: at.year(),
            windows: Windows {
                month_limit: Fen::ZERO,
                month_used: Fen::ZERO,
                year_limit: Fen::ZERO,
                year_used: Fen::ZERO,
            },
            balance_left: to.is_none().then_some(Fen::ZERO),
            settles_at: settles_at(at, &policy),
            password: PasswordEffect::Matched,
            spent: None,
            policy: "weixin-2023".into(),
            receipt: None,
            transaction: None,
        };
        let approved = Approved {
            original: Original::of(&reservation),
            so_far: SoFar::default(),
        };
        let posted = Event::Posted(Box::new(Posted {
            reserved_by: None,
            reservation,
            approval_code: ApprovalCode(*b"A1B2C3"),
            stand_in: None,
        }));
        let sequence = self.write(at, posted);
        self.approved.insert(sequence, approved);
        sequence
    }

    /// Decides a reversal or a refund, and returns what it gave back, if anything.
    pub(super) fn give_back(
        &mut self,
        kind: GiveBack,
        original: u64,
        at: Timestamp,
        fen: Option<i64>,
    ) -> Option<GivenBack> {
        let amount = fen.map(|fen| Amount::from_fen(fen).unwrap());
        let asked = Asked { kind, amount };
        let (account, policy) = (Account::open(WalletRegion::Mainland), Policy::weixin_2023());
        let approved = self.approved.get_mut(&original);
        let outcome = reverse::decide(&account, asked, approved.as_deref(), &policy, at);
        let given = outcome.ok().map(|given| GivenBack {
            principal: given.principal,
            fee: given.fee,
        });
        if let (Some(approved), Some(given)) = (approved, given) {
            let so_far = match kind {
                GiveBack::Reversal => &mut approved.so_far.reversed,
                GiveBack::Refund => &mut approved.so_far.refunded,
            };
            *so_far = so_far.plus(given);
        }
        let decided = Event::ReversalDecided(Box::new(ReversalDecided {
            kind,
            original,
            previous: 0,
            outcome,
        }));
        self.write(at, decided);
        given
    }

    /// Decides an early settlement, and returns whether it came to that.
    pub(super) fn settle(&mut self, original: u64, at: Timestamp) -> bool {
        let approved = self.approved.get_mut(&original);
        let outcome = reverse::settle(approved.as_deref(), at);
        if let (Some(approved), Ok(_)) = (approved, &outcome) {
            approved.so_far.settled_at = Some(at);
        }
        let settled = outcome.is_ok();
        let decided = SettleDecided {
            original,
            previous: 0,
            outcome,
        };
        self.write(at, Event::SettleDecided(decided));
        settled
    }

    /// As a reader of the journal gathers it.
    pub(super) fn gather(&self, day: &str, of: Option<&str>) -> Settlement {
        let mut settlement = Settlement::of(at(day).day(), of.map(merchant));
        for (sequence, (at, event)) in (1..).zip(&self.entries) {
            settlement.see(sequence, *at, event);
        }
        settlement
    }

    /// The statement of a day, as it stands at `now`.
    pub(super) fn statement(&self, day: &str, of: Option<&str>, now: Timestamp) -> Statement {
        let mut settlement = self.gather(day, of);
        for sequence in settlement.missing() {
            let (at, event) = &self.entries[usize::try_from(sequence).unwrap() - 1];
            settlement.found(sequence, *at, event);
        }
        settlement.finish(now).unwrap()
    }
}
