//! What Waika's journal says of each transaction with an issuer over the network. Pure.

use std::collections::{BTreeMap, HashMap};

use waika_domain::decline::DeclineReason;
use waika_domain::event::{
    AdviceTaken, BindReserved, Event, IssuerKind, Posted, Reversal, Transaction, TransactionId,
    Voided,
};
use waika_domain::money::Fen;

/// A transaction as Waika has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ours {
    /// The payer was told yes, for so much in principal and fee.
    pub(super) approved: Fen,
    /// Of that was given back.
    pub(super) given_back: Fen,
    /// The sequence of the deciding entry, for whoever looks it up; 0 for none.
    pub(super) decided_by: u64,
    /// It is held: nobody knows yet.
    pub(super) is_open: bool,
    /// Advices that the issuer has not taken yet.
    pub(super) owed: u32,
    /// Something happened to it while the issuer's books were being read.
    pub(super) in_motion: bool,
    /// The issuer would have declined what was approved in its place.
    pub(super) diverged: bool,
}

impl Ours {
    /// What the issuer should have standing once nothing is owed.
    pub(super) fn standing(&self) -> Fen {
        if self.diverged {
            return Fen::ZERO;
        }
        self.approved.minus(self.given_back)
    }
}

/// How many, and how much in principal and fee.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) count: u64,
    pub(super) fen: Fen,
}

impl Sum {
    pub(super) fn add(&mut self, fen: Fen) {
        self.count += 1;
        self.fen = self.fen.plus(fen);
    }
}

/// Payments that were approved in the issuer's place, and what the issuer said of them (D17).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct StandIns {
    pub(super) approved: Sum,
    pub(super) confirmed: Sum,
    pub(super) diverged: BTreeMap<&'static str, Sum>,
}

impl StandIns {
    /// All that the issuer would have declined.
    pub(super) fn all_diverged(&self) -> Sum {
        let sums = self.diverged.values();
        sums.fold(Sum::default(), |all, sum| Sum {
            count: all.count + sum.count,
            fen: all.fen.plus(sum.fen),
        })
    }

    /// What the issuer has not been told of yet.
    pub(super) fn outstanding(&self) -> Sum {
        let diverged = self.all_diverged();
        Sum {
            count: self
                .approved
                .count
                .saturating_sub(self.confirmed.count + diverged.count),
            fen: self
                .approved
                .fen
                .minus(self.confirmed.fen)
                .minus(diverged.fen),
        }
    }
}

/// The journal's view, entry after entry.
#[derive(Debug, Default)]
pub(super) struct Journal {
    pub(super) transactions: HashMap<TransactionId, Ours>,
    pub(super) stand_ins: StandIns,
    /// Approvals of payments, and what was given back of them.
    pub(super) approved: Sum,
    pub(super) given_back: Sum,
    /// Payments that were declined although the issuer may have approved them.
    pub(super) unheard: u64,
    /// Late approvals.
    pub(super) late: u64,
    /// The issuer's books were read: what comes now it may not have had yet.
    pub(super) books_were_read: bool,
    /// What each entry owes that is not taken yet.
    owed: HashMap<u64, TransactionId>,
    /// Verification debits that are asked for, by their beginning.
    binding: HashMap<u64, TransactionId>,
    /// Principal and fee of each stand-in that is not reconciled yet.
    standing_in: HashMap<u64, (TransactionId, Fen)>,
}

impl Journal {
    /// Takes the next entry.
    pub(super) fn see(&mut self, sequence: u64, event: &Event) {
        if let Event::Reserved(reservation) = event {
            self.change(reservation.transaction, |ours| ours.is_open = true);
        } else if let Event::BindReserved(reserved) = event {
            let BindReserved { debit, .. } = &**reserved;
            self.change(*debit, |ours| ours.is_open = true);
            let debit = remote(*debit).map(|debit| (sequence, debit.id));
            self.binding.extend(debit);
        } else if let Event::BindDecided(decided) = event {
            self.bound(decided.reserved_by);
        } else if let Event::Posted(posted) = event {
            self.posted(sequence, posted);
        } else if let Event::Voided(voided) = event {
            self.voided(sequence, voided);
        } else if let Event::ReversalDecided(decided) = event
            && let Ok(given) = &decided.outcome
        {
            self.reversed(given);
        } else if let Event::AdviceTaken(AdviceTaken { owed_by, .. }) = event {
            self.taken(*owed_by);
        } else if let Event::StandInReconciled(reconciled) = event {
            self.reconciled(reconciled.original, reconciled.diverged);
        } else if let Event::IssuerLate(_) = event {
            self.late += 1;
        }
        self.note_owed(sequence, event);
    }

    /// How many advices are owed.
    pub(super) fn owed(&self) -> usize {
        self.owed.len()
    }

    fn change(&mut self, transaction: Option<Transaction>, change: impl FnOnce(&mut Ours)) {
        if let Some(transaction) = transaction
            && transaction.issuer == IssuerKind::Remote
        {
            let ours = self.transactions.entry(transaction.id).or_default();
            ours.in_motion |= self.books_were_read;
            change(ours);
        }
    }

    /// Whatever it came to: if a debit may have been made, it is owed back.
    fn bound(&mut self, reserved_by: Option<u64>) {
        let id = reserved_by.and_then(|begun| self.binding.remove(&begun));
        if let Some(ours) = id.and_then(|id| self.transactions.get_mut(&id)) {
            ours.is_open = false;
        }
    }

    fn posted(&mut self, sequence: u64, posted: &Posted) {
        let reservation = &posted.reservation;
        let Some(transaction) = remote(reservation.transaction) else {
            return;
        };
        let total = reservation.payment.amount.fen().plus(reservation.fee);
        self.approved.add(total);
        self.change(reservation.transaction, |ours| {
            ours.approved = total;
            ours.decided_by = sequence;
            ours.is_open = false;
        });
        if posted.stand_in.is_some() {
            self.stand_ins.approved.add(total);
            self.standing_in.insert(sequence, (transaction.id, total));
        }
    }

    fn voided(&mut self, sequence: u64, voided: &Voided) {
        if remote(voided.reservation.transaction).is_some() {
            self.unheard += u64::from(voided.reversal_owed);
        }
        self.change(voided.reservation.transaction, |ours| {
            ours.decided_by = sequence;
            ours.is_open = false;
        });
    }

    fn reversed(&mut self, given: &Reversal) {
        if remote(given.transaction).is_none() {
            return;
        }
        let total = given.principal.plus(given.fee);
        self.given_back.add(total);
        self.change(given.transaction, |ours| {
            ours.given_back = ours.given_back.plus(total);
        });
    }

    fn reconciled(&mut self, original: u64, diverged: Option<DeclineReason>) {
        self.taken(original);
        let Some((id, total)) = self.standing_in.remove(&original) else {
            return;
        };
        match diverged {
            None => self.stand_ins.confirmed.add(total),
            Some(reason) => {
                let of_reason = self.stand_ins.diverged.entry(reason.name()).or_default();
                of_reason.add(total);
                if let Some(ours) = self.transactions.get_mut(&id) {
                    ours.diverged = true;
                }
            }
        }
    }

    fn note_owed(&mut self, sequence: u64, event: &Event) {
        let Some(owed) = event.owes() else {
            return;
        };
        if owed.transaction.issuer == IssuerKind::Sandbox {
            return;
        }
        self.owed.insert(sequence, owed.transaction.id);
        self.change(Some(owed.transaction), |ours| ours.owed += 1);
    }

    fn taken(&mut self, owed_by: u64) {
        let Some(id) = self.owed.remove(&owed_by) else {
            return;
        };
        if let Some(ours) = self.transactions.get_mut(&id) {
            ours.in_motion |= self.books_were_read;
            ours.owed = ours.owed.saturating_sub(1);
        }
    }
}

fn remote(transaction: Option<Transaction>) -> Option<Transaction> {
    transaction.filter(|transaction| transaction.issuer == IssuerKind::Remote)
}
