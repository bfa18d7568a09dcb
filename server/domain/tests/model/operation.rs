//! What can happen in a sequence. Choices are relative to how things stand when it happens ("the
//! second card", "one fen more than remains"), so that most sequences mean something and a
//! shrunk one still does.

use std::fmt;

use waika_domain::decline::IssuerRefusal;
use waika_domain::event::{FundsKind, GiveBack, Material, Scene, WalletRegion};
use waika_domain::identity::DocumentType;
use waika_domain::rules::authorise::Quote;
use waika_domain::version::Channel;

use crate::calendar::{Ms, show};
use crate::terms::Terms;

/// How much time passes before an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pause {
    /// None.
    None,
    /// So many milliseconds, backwards if below zero.
    Pass(Ms),
    /// To one of the instants at which something ends or begins, give or take a millisecond.
    To(u8, Ms),
}

/// A password that is given.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Given {
    /// The account's, whatever it is by now.
    Right,
    /// That one, which may be the account's.
    Number(u8),
}

/// What a payment is paid from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum From {
    /// A card that is bound, by its place.
    Card(u8),
    /// A card that was unbound, or never bound.
    Gone,
    /// The balance.
    Balance,
}

/// How much.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sum {
    /// So many fen.
    Fen(i64),
    /// That many fen more than one payment may have.
    Single(i64),
    /// That many fen more than remains of the month, or of the year.
    Month(i64),
    Year(i64),
    /// That many fen more than the balance.
    Balance(i64),
}

/// How much is given back.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// All that remains, without saying how much.
    Rest,
    /// That many fen more than remains.
    Remaining(i64),
    /// So many hundredths of the principal.
    Percent(i64),
    Fen(i64),
}

/// A merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shop {
    Good,
    Overseas,
    NotEnabled,
    OverseasNotEnabled,
    Unknown,
}

/// What proves that the payer is who pays.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Proof {
    Password(Given),
    /// A token minted just now, or the one of that place among all, latest first.
    FreshToken,
    Token(u8),
    /// A token that is for another payment, or none of ours.
    OtherToken,

    /// A payment code made just now, or the one of that place among all, latest first.
    FreshCode,
    Code(u8),
    /// A code that leads to this account and to none of its codes.
    ForeignCode,
    /// A code that leads to no account.
    NoAccount,
}

/// What the issuer does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Issuer {
    Approves,
    Refuses(IssuerRefusal),
    /// It answers later.
    Waits,
}

/// An app: its channel and version.
pub(crate) type App = Option<(Channel, &'static str)>;

/// When a document or card expires, by its distance from today or this month.
pub(crate) type Expiry = i16;

#[derive(Debug, Clone, Copy)]
pub(crate) struct PayOp {
    pub(crate) from: From,
    pub(crate) sum: Sum,
    pub(crate) scene: Scene,
    pub(crate) shop: Shop,
    pub(crate) proof: Proof,
    pub(crate) app: App,
    pub(crate) rolled_out: bool,
    /// Its key, if it is one that may have been reversed ahead.
    pub(crate) key: Option<u8>,
    pub(crate) quote: Quote,
    pub(crate) issuer: Issuer,
}

/// Whether a phone code is asked for first, if the phone has none that could be used.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asks {
    Not,
    First,
    /// And entered when it ends, give or take a millisecond.
    Late(Ms),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct BindOp {
    pub(crate) card: u8,
    pub(crate) phone: u8,
    pub(crate) person: PersonOp,
    pub(crate) password: Given,
    pub(crate) asks: Asks,
    pub(crate) code_right: bool,
    pub(crate) form: FormOp,
    pub(crate) holder_matches: bool,
    pub(crate) issuer: Issuer,
}

/// Who binds: the document is the sequence's own unless another is named.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PersonOp {
    pub(crate) number: u8,
    pub(crate) document: DocumentOp,
    pub(crate) abroad: bool,
    pub(crate) confirmed: bool,
    pub(crate) expires: Expiry,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum DocumentOp {
    Usual,
    Other(DocumentType),
    Unsupported,
}

/// The rest of the form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FormOp {
    pub(crate) rolled_out: bool,
    pub(crate) app: App,
    pub(crate) agreed: bool,
    pub(crate) scheme_right: bool,
    pub(crate) expires: Expiry,
}

#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a thing that can be entered wrongly"
)]
pub(crate) struct CardResetOp {
    pub(crate) card: From,
    pub(crate) number_right: bool,
    pub(crate) scheme_right: bool,
    pub(crate) expiry_right: bool,
    pub(crate) phone_right: bool,
    pub(crate) asks: Asks,
    pub(crate) code_right: bool,
    pub(crate) new: NewOp,
}

/// A new password, and whether it was given the same twice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewOp {
    pub(crate) password: u8,
    pub(crate) agree: bool,
}

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    SendCode {
        phone: u8,
        deliverable: bool,
    },
    SendCodes {
        phones: u8,
    },
    Bind(BindOp),
    EndBind {
        which: u8,
        issuer: Issuer,
    },
    Unbind {
        card: From,
        password: Given,
    },
    UnbindAll,
    Verify {
        from: From,
        sum: Sum,
        password: Given,
    },
    VerifyTimes {
        times: u8,
        right: bool,
    },
    Change {
        old: Given,
        new: NewOp,
    },
    ResetByCard(CardResetOp),
    GuessProof {
        times: u8,
    },
    ResetByIdentity {
        person: u8,
        new: NewOp,
    },
    ResolveTicket {
        approve: bool,
        known: bool,
    },
    Unlock,
    /// The next photo that is due, or that one.
    Submit {
        material: Option<Material>,
        face_matches: bool,
    },
    ResolveReview {
        approve: bool,
    },
    /// What is due is sent in, a payment code made, and then the operator decides.
    CodeUnderReview {
        approve: bool,
    },
    SwitchRegion(WalletRegion),
    /// There and back.
    Trip(WalletRegion),
    CreateCode {
        from: From,
        password: Given,
        app: App,
        rolled_out: bool,
    },
    CreateCodes {
        times: u8,
    },
    Pay(PayOp),
    PayTimes {
        times: u8,
    },
    Answer {
        which: u8,
        issuer: Issuer,
    },
    /// Of the latest approved payments, or from 100 on of all.
    GiveBack {
        which: u8,
        kind: GiveBack,
        part: Part,
    },
    Settle {
        which: u8,
    },
    Receive {
        kind: FundsKind,
        fen: i64,
    },
    ReverseAhead {
        key: u8,
    },
    Stranger {
        card: u8,
        binds: bool,
    },
    ResolveRisk {
        which: u8,
        cleared: bool,
    },
    Set(Terms),
    /// The server stops, and starts again from a snapshot: what waits for an issuer is let go.
    Crash,
    /// A snapshot is written and read.
    Restart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reviewed {
    Not,
    Submitted,
    Approved,
    Rejected,
}

/// How a sequence begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) at: Ms,
    pub(crate) region: WalletRegion,
    pub(crate) document: DocumentType,
    pub(crate) terms: Terms,
    /// So many cards are bound to begin with.
    pub(crate) cards: u8,
    /// And a passport holder's review stands there.
    pub(crate) review: Reviewed,
    /// And so much was received.
    pub(crate) balance: i64,
    /// And the cards are unbound again.
    pub(crate) unbound: bool,
}

/// A whole sequence.
#[derive(Clone)]
pub(crate) struct Sequence {
    pub(crate) start: Start,
    pub(crate) steps: Vec<(Pause, Op)>,
}

/// A line a step, for whoever reads a shrunk one.
impl fmt::Debug for Sequence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Start { at, .. } = self.start;
        writeln!(formatter, "from {}: {:?}", show(at), self.start)?;
        for (number, (pause, op)) in self.steps.iter().enumerate() {
            writeln!(formatter, "  {number:2}. {pause:?}, then {op:?}")?;
        }
        Ok(())
    }
}
