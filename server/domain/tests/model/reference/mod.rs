//! The reference model: a plain list of what happened to one wallet, and answers worked out from
//! the whole of it at every question. Written from RULES; it uses names of the domain and none
//! of its functions.

mod bind;
mod codes;
mod give_back;
mod ladder;
mod paid;
mod password;
mod people;
mod reset;
mod review;
mod view;

use waika_domain::card::Scheme;
use waika_domain::event::{GiveBack, Material, WalletRegion};
use waika_domain::identity::DocumentType;

pub(crate) use self::bind::BindAsk;
pub(crate) use self::codes::{CodeAsk, PassNow, PhoneCodeNow};
pub(crate) use self::ladder::{PayAsk, Shown, issuer_says};
pub(crate) use self::paid::Paid;
pub(crate) use self::password::VerifyAsk;
pub(crate) use self::reset::CardAsk;
pub(crate) use self::view::{CardView, View};
use crate::answer::Answer;
use crate::calendar::Ms;

/// Where money comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A card by its token.
    Card(u64),
    Balance,
    Unknown,
}

/// A document: type, issuing place and number together say who somebody is (D9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) number: u8,
    pub(crate) document: DocumentType,
    pub(crate) abroad: bool,
}

/// A card as it is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Card {
    pub(crate) number: u8,
    pub(crate) token: u64,
    pub(crate) scheme: Scheme,
    /// Months since year 0.
    pub(crate) last_month: i64,
    pub(crate) phone: u8,
    pub(crate) holder_matches: bool,
}

/// A risk of a card (D9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Risk {
    Shared,
    Holder,
}

/// A token or payment code as it was handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pass {
    pub(crate) nonce: u64,
    pub(crate) source: Source,
    /// Only a token is for one amount.
    pub(crate) amount: i64,
    pub(crate) expires_at: Ms,
}

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happening {
    CodeSent {
        phone: u8,
        nonce: u64,
    },
    CodeUnsent {
        phone: u8,
    },
    CodeTried {
        phone: u8,
        right: bool,
    },
    PasswordTried {
        right: bool,
    },
    PasswordUnlocked,
    PasswordSet {
        password: u8,
    },
    /// Another one than before.
    PasswordReplaced {
        password: u8,
    },
    BindBegun {
        card: u8,
    },
    BindEnded {
        begun: u64,
    },
    Verified {
        who: Who,
        last_day: i64,
    },
    Bound(Card),
    Unbound {
        token: u64,
    },
    RegionSwitched(WalletRegion),
    Submitted {
        material: Material,
        face_matches: bool,
    },
    Reviewed {
        approved: bool,
    },
    TicketOpened {
        who: Who,
    },
    TicketResolved {
        approved: bool,
    },
    TicketEnded,
    ProofTried {
        right: bool,
    },
    TokenMinted(Pass),
    TokenSpent {
        nonce: u64,
    },
    CodeIssued(Pass),
    CodeSpent {
        nonce: u64,
    },
    Received {
        fen: i64,
    },
    Held {
        source: Source,
        principal: i64,
        fee: i64,
        settles_at: Ms,
    },
    /// None if it was approved as it was held.
    Approved {
        held: Option<u64>,
    },
    Voided {
        held: u64,
    },
    Declined,
    GaveBack {
        original: u64,
        kind: GiveBack,
        fen: i64,
        restores: bool,
    },
    Settled {
        original: u64,
    },
    ReversedAhead {
        key: u8,
    },
    RiskMet {
        token: u64,
        risk: Risk,
    },
    RiskResolved {
        ticket: u64,
        cleared: bool,
    },
    /// Every event ends with this: what is long over is forgotten then.
    EventEnded,
}

/// Something that happened, when, and the sequence of the event that brought it.
type Past = (Ms, u64, Happening);

/// One wallet, as everything that happened to it.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    opened_in: WalletRegion,
    past: Vec<Past>,
}

/// What a call is answered, and what happens by it.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) answer: Answer,
    pub(crate) happened: Vec<Happening>,
}

impl Verdict {
    pub(crate) fn new(answer: Answer, happened: Vec<Happening>) -> Self {
        Self { answer, happened }
    }

    /// From a ladder that was climbed, and what happened on the way.
    fn climbed(climbed: Result<Answer, Answer>, happened: Vec<Happening>) -> Self {
        let (Ok(answer) | Err(answer)) = climbed;
        Self { answer, happened }
    }
}

impl Model {
    pub(crate) fn open(region: WalletRegion) -> Self {
        Self {
            opened_in: region,
            past: Vec::new(),
        }
    }

    pub(crate) fn record(&mut self, at: Ms, sequence: u64, happened: Vec<Happening>) {
        let happened = happened.into_iter().chain([Happening::EventEnded]);
        let past = happened.map(|what| (at, sequence, what));
        self.past.extend(past);
    }

    /// Everything that happened, with its time and the sequence of its event.
    fn past(&self) -> impl DoubleEndedIterator<Item = (Ms, u64, &Happening)> {
        self.past
            .iter()
            .map(|(at, sequence, what)| (*at, *sequence, what))
    }
}

/// A rung: an objection, or nothing.
fn refuse(objects: bool, reason: &'static str) -> Result<(), Answer> {
    if objects {
        Err(Answer::of(reason))
    } else {
        Ok(())
    }
}
