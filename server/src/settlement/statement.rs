//! A day's lines and totals, which add up to each other to the fen.

use waika_domain::identifiers::{AuthorisationId, MerchantId};
use waika_domain::period::{Day, Timestamp};

/// What settled on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    /// The day in Asia/Shanghai (D1).
    pub(crate) day: Day,
    /// Merchant after merchant, in the order of the journal.
    pub(crate) lines: Vec<Line>,
    /// One for each merchant that has a line, in the same order.
    pub(crate) totals: Vec<Total>,
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineKind {
    /// An authorisation that settled.
    Settlement,
    /// A refund, whose sums are negative.
    Refund,
}

/// An authorisation that settled, or a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Who is paid, or pays back.
    pub(crate) merchant: MerchantId,
    /// What settled, or was refunded.
    pub(crate) authorisation: AuthorisationId,
    /// Which of the two.
    pub(crate) kind: LineKind,
    /// What was not reversed before it settled, or the negative of what was refunded.
    pub(crate) principal_fen: i64,
    /// The same of the fee.
    pub(crate) fee_fen: i64,
    /// When the payment was approved.
    pub(crate) authorised_at: Timestamp,
    /// When it settled, or was refunded.
    pub(crate) settled_at: Timestamp,
}

impl Line {
    /// Principal and fee (D3).
    pub(crate) const fn total_fen(&self) -> i64 {
        self.principal_fen.saturating_add(self.fee_fen)
    }
}

/// A merchant's lines of a day, added up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Total {
    /// Whose.
    pub(crate) merchant: MerchantId,
    /// Authorisations that settled.
    pub(crate) settlements: u64,
    /// Refunds.
    pub(crate) refunds: u64,
    /// What settled less what was refunded.
    pub(crate) principal_fen: i64,
    /// The same of the fee.
    pub(crate) fee_fen: i64,
}

impl Total {
    /// Principal and fee (D3).
    pub(crate) const fn total_fen(&self) -> i64 {
        self.principal_fen.saturating_add(self.fee_fen)
    }

    /// Adds a line. An amount ends at twelve digits, so some nine million of the largest of them
    /// would have to settle for a merchant on a day before a sum saturates.
    fn add(&mut self, line: &Line) {
        match line.kind {
            LineKind::Settlement => self.settlements += 1,
            LineKind::Refund => self.refunds += 1,
        }
        self.principal_fen = self.principal_fen.saturating_add(line.principal_fen);
        self.fee_fen = self.fee_fen.saturating_add(line.fee_fen);
    }
}

impl Statement {
    /// Adds lines up that stand merchant after merchant.
    pub(super) fn of(day: Day, lines: Vec<Line>) -> Self {
        let of_a_merchant = lines.chunk_by(|one, other| one.merchant == other.merchant);
        let totals = of_a_merchant.filter_map(total).collect();
        Self { day, lines, totals }
    }
}

fn total(lines: &[Line]) -> Option<Total> {
    let mut total = Total {
        merchant: lines.first()?.merchant.clone(),
        settlements: 0,
        refunds: 0,
        principal_fen: 0,
        fee_fen: 0,
    };
    for line in lines {
        total.add(line);
    }
    Some(total)
}
