//! One transaction in the books, as small as it can be: there are millions of them.

use std::fmt;

use waika_domain::card::Scheme;
use waika_domain::event::ApprovalCode;

/// Names a transaction: 128 bits that its sender drew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TransactionId(pub(crate) [u64; 2]);

impl TransactionId {
    /// Takes 32 hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let (high, low) = text.split_at_checked(16)?;
        let number = |digits| u64::from_str_radix(digits, 16).ok();
        Some(Self([number(high)?, number(low)?]))
    }

    /// Another name: what an answer about the wrong transaction gives.
    pub(crate) const fn other(self) -> Self {
        let [high, low] = self.0;
        Self([high, low ^ 1])
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [high, low] = self.0;
        write!(formatter, "{high:016x}{low:016x}")
    }
}

/// Response code (DE39): two digits or capital letters.
pub(crate) type ResponseCode = [u8; 2];

/// Approved.
pub(crate) const APPROVED: ResponseCode = *b"00";
/// A second transaction of one name, or one that was given back before it came.
pub(crate) const DUPLICATE: ResponseCode = *b"94";

/// A transaction as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) id: TransactionId,
    /// Stands for the card.
    pub(crate) card: u64,
    /// At least 1.
    pub(crate) amount_fen: i64,
    pub(crate) scheme: Scheme,
    /// It is the debit of a verification.
    pub(crate) verification: bool,
}

/// What the issuer thinks of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Approved {
        code: ApprovalCode,
        /// One fen more than was asked for is approved.
        one_more: bool,
    },
    Declined(ResponseCode),
}

/// Where a transaction stands. The numbers are the journal's, and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It was given back and has not come yet.
    GivenBackFirst = 1,
    /// It came after it was given back, and was declined.
    CameTooLate = 2,
    Approved = 3,
    Declined = 4,
}

/// A transaction in the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Transaction {
    /// Stands for the card; 0 until it came.
    pub(super) card: u64,
    /// 0 until it came.
    pub(super) asked_fen: i64,
    pub(super) reversed_fen: i64,
    /// When it first came, or was given back if that was first.
    pub(super) received_ms: i64,
    /// Zeros unless approved.
    pub(super) approval: [u8; 6],
    /// Zeros until it came.
    pub(super) code: ResponseCode,
    pub(super) state: State,
    pub(super) scheme: Scheme,
    pub(super) verification: bool,
    /// One fen more than was asked for is approved.
    pub(super) one_more: bool,
}

impl Transaction {
    /// One that was given back before it came.
    pub(super) const fn given_back_first(scheme: Scheme, at_ms: i64) -> Self {
        Self {
            card: 0,
            asked_fen: 0,
            reversed_fen: 0,
            received_ms: at_ms,
            approval: [0; 6],
            code: [0; 2],
            state: State::GivenBackFirst,
            scheme,
            verification: false,
            one_more: false,
        }
    }

    /// One that is decided.
    pub(super) fn decided(asked: &Asked, received_ms: i64, verdict: Verdict) -> Self {
        let (state, code, approval, one_more) = match verdict {
            Verdict::Approved { code, one_more } => (State::Approved, APPROVED, code.0, one_more),
            Verdict::Declined(code) => (State::Declined, code, [0; 6], false),
        };
        Self {
            card: asked.card,
            asked_fen: asked.amount_fen,
            reversed_fen: 0,
            received_ms,
            approval,
            code,
            state,
            scheme: asked.scheme,
            verification: asked.verification,
            one_more,
        }
    }

    /// One that came after it was given back.
    pub(super) fn came_too_late(asked: &Asked, received_ms: i64) -> Self {
        Self {
            state: State::CameTooLate,
            ..Self::decided(asked, received_ms, Verdict::Declined(DUPLICATE))
        }
    }

    /// True if this is what is asked for again.
    pub(super) fn is(&self, asked: &Asked) -> bool {
        let Asked {
            id: _,
            card,
            amount_fen,
            scheme,
            verification,
        } = *asked;
        (self.card, self.asked_fen) == (card, amount_fen)
            && (self.scheme, self.verification) == (scheme, verification)
    }

    /// What was approved, in fen; 0 if nothing was.
    pub(crate) fn amount_fen(&self) -> i64 {
        match self.state {
            State::Approved => self.asked_fen.saturating_add(self.one_more.into()),
            State::GivenBackFirst | State::CameTooLate | State::Declined => 0,
        }
    }

    /// What stands of it, in fen.
    pub(super) fn remaining_fen(&self) -> i64 {
        self.amount_fen().saturating_sub(self.reversed_fen)
    }

    /// One fen more than was asked for is approved.
    pub(crate) fn is_one_more(&self) -> bool {
        self.one_more
    }

    /// Where it stands.
    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// True if it was approved or given back, and nothing of it stands.
    pub(crate) fn is_given_back(&self) -> bool {
        match self.state {
            State::GivenBackFirst | State::CameTooLate => true,
            State::Approved => self.remaining_fen() == 0,
            State::Declined => false,
        }
    }

    /// Response code that was answered; empty until it came.
    pub(crate) fn response_code(&self) -> &str {
        text(&self.code)
    }

    /// Approval code (DE38); empty unless approved.
    pub(crate) fn approval_code(&self) -> &str {
        text(&self.approval)
    }

    /// What was given back of it, in fen.
    pub(crate) fn reversed_fen(&self) -> i64 {
        self.reversed_fen
    }

    /// Its card's scheme.
    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// It is the debit of a verification.
    pub(crate) fn is_verification(&self) -> bool {
        self.verification
    }

    /// When it first came, in milliseconds since 1970.
    pub(crate) fn received_ms(&self) -> i64 {
        self.received_ms
    }
}

/// A code as text; zeros stand for none.
pub(crate) fn text(code: &[u8]) -> &str {
    let end = code.iter().position(|byte| *byte == 0);
    let code = end.and_then(|end| code.get(..end)).unwrap_or(code);
    std::str::from_utf8(code).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_32_hexadecimal_digits() {
        let name = "0123456789abcdef0000000000000007";
        let id = TransactionId::parse(name).unwrap();
        assert_eq!(id, TransactionId([0x0123_4567_89ab_cdef, 7]));
        assert_eq!(id.to_string(), name);
        assert_ne!(id.other(), id);
        assert_eq!(TransactionId::parse(&name.to_uppercase()), Some(id));
        for bad in [
            "",
            "7",
            &name[1..],
            "+123456789abcdef0000000000000007",
            "é123456789abcdef000000000000007",
        ] {
            assert_eq!(TransactionId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_transaction_takes_little_room() {
        assert_eq!(size_of::<(TransactionId, Transaction)>(), 64);
    }

    #[test]
    fn codes_are_text() {
        assert_eq!((text(b"00"), text(&[0; 6])), ("00", ""));
    }
}
