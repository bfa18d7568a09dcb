//! The entries of the books' journal: internal, and open to growth. A tag is never reused, and
//! what a newer release added an older one refuses rather than skip.
//!
//! The tags begin high, so that neither the server's journal nor this can be taken for the other.

use prost::{Message, Oneof};
use waika_domain::card::Scheme;

use super::transaction::{State, Transaction, TransactionId};

/// The layout of the entries, in the first of them.
const LAYOUT: u32 = 1;

/// An entry that is whole and cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unknown {
    /// The folder holds another journal.
    #[error("it is no entry of an issuer's books: name a folder of their own with --books")]
    NotBooks,
    /// A later release wrote it, or it is damaged in a way that its checksum does not tell.
    #[error("its content is not known to this release: start the release that wrote it")]
    Newer,
}

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happened {
    /// The books were opened. Their first entry.
    Begun,
    /// A transaction was decided.
    Decided(TransactionId, Transaction),
    /// A transaction was given back.
    Reversed(Reversed),
    /// The one fen too many of a transaction was taken back.
    Corrected(TransactionId),
}

/// A transaction that was given back, in full or in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reversed {
    /// Which advice it was.
    pub(super) advice: [u64; 2],
    /// Tells whether the advice is the same when it comes again.
    pub(super) tag: u32,
    pub(super) transaction: TransactionId,
    /// What it gave back, in fen.
    pub(super) gave_fen: i64,
    pub(super) scheme: Scheme,
    /// When it came, in milliseconds since 1970.
    pub(super) at_ms: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(oneof = "Body", tags = "101, 102, 103, 104")]
    body: Option<Body>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Body {
    #[prost(uint32, tag = "101")]
    Begun(u32),
    #[prost(message, tag = "102")]
    Decided(DecidedMessage),
    #[prost(message, tag = "103")]
    Reversed(ReversedMessage),
    #[prost(message, tag = "104")]
    Corrected(Name),
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Name {
    #[prost(fixed64, tag = "1")]
    high: u64,
    #[prost(fixed64, tag = "2")]
    low: u64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct DecidedMessage {
    #[prost(message, required, tag = "1")]
    name: Name,
    #[prost(fixed64, tag = "2")]
    card: u64,
    #[prost(int64, tag = "3")]
    asked_fen: i64,
    #[prost(int64, tag = "4")]
    received_ms: i64,
    /// Its letters, the first in the lowest byte; 0 for none.
    #[prost(fixed64, tag = "5")]
    approval: u64,
    /// Likewise.
    #[prost(uint32, tag = "6")]
    code: u32,
    #[prost(uint32, tag = "7")]
    state: u32,
    #[prost(uint32, tag = "8")]
    scheme: u32,
    #[prost(bool, tag = "9")]
    verification: bool,
    #[prost(bool, tag = "10")]
    one_more: bool,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ReversedMessage {
    #[prost(message, required, tag = "1")]
    advice: Name,
    #[prost(fixed32, tag = "2")]
    tag: u32,
    #[prost(message, required, tag = "3")]
    transaction: Name,
    #[prost(int64, tag = "4")]
    gave_fen: i64,
    #[prost(uint32, tag = "5")]
    scheme: u32,
    #[prost(int64, tag = "6")]
    at_ms: i64,
}

impl Happened {
    /// As the journal keeps it.
    pub(super) fn encode(&self) -> Vec<u8> {
        let body = match *self {
            Self::Begun => Body::Begun(LAYOUT),
            Self::Decided(id, transaction) => Body::Decided(decided(id, &transaction)),
            Self::Reversed(reversed) => Body::Reversed(ReversedMessage {
                advice: name(reversed.advice),
                tag: reversed.tag,
                transaction: name(reversed.transaction.0),
                gave_fen: reversed.gave_fen,
                scheme: scheme_number(reversed.scheme),
                at_ms: reversed.at_ms,
            }),
            Self::Corrected(id) => Body::Corrected(name(id.0)),
        };
        Entry { body: Some(body) }.encode_to_vec()
    }

    /// From the journal.
    pub(super) fn decode(entry: &[u8]) -> Result<Self, Unknown> {
        let entry = Entry::decode(entry).map_err(|_| Unknown::NotBooks)?;
        match entry.body.ok_or(Unknown::NotBooks)? {
            Body::Begun(LAYOUT) => Ok(Self::Begun),
            Body::Begun(_) => Err(Unknown::Newer),
            Body::Decided(message) => {
                let id = TransactionId(numbers(message.name));
                Ok(Self::Decided(id, transaction(&message)?))
            }
            Body::Reversed(message) => Ok(Self::Reversed(Reversed {
                advice: numbers(message.advice),
                tag: message.tag,
                transaction: TransactionId(numbers(message.transaction)),
                gave_fen: message.gave_fen,
                scheme: scheme(message.scheme)?,
                at_ms: message.at_ms,
            })),
            Body::Corrected(name) => Ok(Self::Corrected(TransactionId(numbers(name)))),
        }
    }
}

fn decided(id: TransactionId, transaction: &Transaction) -> DecidedMessage {
    let [first, second] = transaction.code;
    let mut approval = [0; 8];
    if let Some(letters) = approval.first_chunk_mut() {
        *letters = transaction.approval;
    }
    DecidedMessage {
        name: name(id.0),
        card: transaction.card,
        asked_fen: transaction.asked_fen,
        received_ms: transaction.received_ms,
        approval: u64::from_le_bytes(approval),
        code: u16::from_le_bytes([first, second]).into(),
        state: transaction.state as u32,
        scheme: scheme_number(transaction.scheme),
        verification: transaction.verification,
        one_more: transaction.one_more,
    }
}

fn transaction(message: &DecidedMessage) -> Result<Transaction, Unknown> {
    let approval = message.approval.to_le_bytes();
    let approval = approval.first_chunk().copied().unwrap_or_default();
    let code = u16::try_from(message.code).map_err(|_| Unknown::Newer)?;
    let states = [State::CameTooLate, State::Approved, State::Declined];
    let state = states
        .into_iter()
        .find(|state| *state as u32 == message.state);
    Ok(Transaction {
        card: message.card,
        asked_fen: message.asked_fen,
        reversed_fen: 0,
        received_ms: message.received_ms,
        approval,
        code: code.to_le_bytes(),
        state: state.ok_or(Unknown::Newer)?,
        scheme: scheme(message.scheme)?,
        verification: message.verification,
        one_more: message.one_more,
    })
}

const fn name([high, low]: [u64; 2]) -> Name {
    Name { high, low }
}

const fn numbers(Name { high, low }: Name) -> [u64; 2] {
    [high, low]
}

const fn scheme_number(scheme: Scheme) -> u32 {
    match scheme {
        Scheme::Visa => 1,
        Scheme::Mastercard => 2,
        Scheme::DinersClub => 3,
        Scheme::Discover => 4,
        Scheme::Jcb => 5,
    }
}

fn scheme(number: u32) -> Result<Scheme, Unknown> {
    let mut schemes = Scheme::ALL.into_iter();
    let found = schemes.find(|scheme| scheme_number(*scheme) == number);
    found.ok_or(Unknown::Newer)
}

#[cfg(test)]
mod tests {
    use waika_domain::event::ApprovalCode;

    use super::*;
    use crate::issuer_sandbox::books::transaction::{Asked, Verdict};

    #[test]
    fn what_happened_is_read_as_it_was_written() {
        let id = TransactionId([u64::MAX, 7]);
        let code = ApprovalCode(*b"A1B2C3");
        let verdicts = [
            Verdict::Approved {
                code,
                one_more: true,
            },
            Verdict::Approved {
                code,
                one_more: false,
            },
            Verdict::Declined(*b"ZZ"),
        ];
        let schemes = Scheme::ALL.into_iter().cycle();
        let decided = verdicts
            .into_iter()
            .zip(schemes)
            .flat_map(|(verdict, scheme)| {
                let asked = Asked {
                    id,
                    card: 0x8000_0000_0000_0001,
                    amount_fen: 20_017,
                    scheme,
                    verification: scheme == Scheme::Jcb,
                };
                [
                    Transaction::decided(&asked, 1_700_000_000_000, verdict),
                    Transaction::came_too_late(&asked, -1),
                ]
            });
        let mut all: Vec<_> = decided.map(|of| Happened::Decided(id, of)).collect();
        all.extend(Scheme::ALL.map(|scheme| {
            Happened::Reversed(Reversed {
                advice: [1, u64::MAX],
                tag: u32::MAX,
                transaction: id,
                gave_fen: 0,
                scheme,
                at_ms: 5,
            })
        }));
        all.extend([Happened::Begun, Happened::Corrected(id)]);
        for happened in all {
            assert_eq!(Happened::decode(&happened.encode()), Ok(happened));
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let not_books = [&[][..], &[0xff], b"\x0a\x05marie"];
        for entry in not_books {
            assert_eq!(Happened::decode(entry), Err(Unknown::NotBooks), "{entry:?}");
        }
        let newer = |body| Happened::decode(&Entry { body: Some(body) }.encode_to_vec());
        let known = DecidedMessage {
            state: State::Approved as u32,
            scheme: 1,
            ..DecidedMessage::default()
        };
        assert!(newer(Body::Decided(known)).is_ok());
        for body in [
            Body::Begun(LAYOUT + 1),
            Body::Decided(DecidedMessage { state: 1, ..known }),
            Body::Decided(DecidedMessage { scheme: 6, ..known }),
            Body::Decided(DecidedMessage {
                code: 1 << 16,
                ..known
            }),
        ] {
            assert_eq!(newer(body), Err(Unknown::Newer));
        }
    }
}
