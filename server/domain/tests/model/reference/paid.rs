//! Payments that were held, decided, and given back; and what is used of the limits (D1 to D3,
//! D13, C2).

use waika_domain::event::GiveBack;

use super::{Happening, Model, Source};
use crate::calendar::{Ms, month, year};

/// A payment that was decided or is held.
#[derive(Debug, Clone)]
pub(crate) struct Paid {
    /// The sequence of what decided it, once it is.
    pub(crate) decided: Option<u64>,
    /// The sequence of what held it; None if nothing did.
    pub(crate) held: Option<u64>,
    pub(crate) source: Source,
    pub(crate) principal: i64,
    pub(crate) fee: i64,
    /// An instant in the month and year that it is counted in.
    pub(crate) counted_at: Ms,
    pub(crate) settles_at: Ms,
    /// Declined, at once or later.
    pub(crate) is_void: bool,
    pub(crate) settled_early: bool,
    pub(crate) parts: Vec<PartBack>,
}

/// A part of a payment that was given back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PartBack {
    pub(crate) kind: GiveBack,
    pub(crate) fen: i64,
    /// Limits have it back.
    pub(crate) restores: bool,
}

impl Paid {
    pub(crate) fn given_back(&self) -> i64 {
        self.parts.iter().map(|part| part.fen).sum()
    }

    /// D12: from the balance nothing is counted.
    pub(super) fn counts(&self) -> bool {
        self.source != Source::Balance
    }

    /// D25: by its age, or earlier. What was refunded had settled, wherever the clock stands now.
    pub(super) fn is_settled(&self, now: Ms) -> bool {
        let refunded = self.parts.iter().any(|part| part.kind == GiveBack::Refund);
        self.settled_early || refunded || now >= self.settles_at
    }

    fn counted(&self) -> i64 {
        let restored = self.parts.iter().filter(|part| part.restores);
        self.principal - restored.map(|part| part.fen).sum::<i64>()
    }
}

impl Model {
    /// Every payment that was held or decided, oldest first.
    pub(crate) fn paid(&self) -> Vec<Paid> {
        let mut all: Vec<Paid> = Vec::new();
        let mut latest = None;
        for (at, sequence, what) in self.past() {
            let counted_at = Some(at).max(latest);
            match *what {
                Happening::Held {
                    source,
                    principal,
                    fee,
                    settles_at,
                } => {
                    let counted_at = counted_at.unwrap();
                    all.push(Paid {
                        held: Some(sequence),
                        source,
                        principal,
                        fee,
                        counted_at,
                        settles_at,
                        ..nothing()
                    });
                }
                Happening::Approved { held } => {
                    of_hold(&mut all, held.unwrap_or(sequence)).decided = Some(sequence);
                }
                Happening::Voided { held } => {
                    let voided = of_hold(&mut all, held);
                    (voided.decided, voided.is_void) = (Some(sequence), true);
                }
                Happening::Declined => all.push(Paid {
                    decided: Some(sequence),
                    is_void: true,
                    ..nothing()
                }),
                Happening::GaveBack {
                    original,
                    kind,
                    fen,
                    restores,
                } => decided(&mut all, original).parts.push(PartBack {
                    kind,
                    fen,
                    restores,
                }),
                Happening::Settled { original } => decided(&mut all, original).settled_early = true,
                _ => {}
            }
            if notes_the_time(what) {
                latest = counted_at;
            }
        }
        all
    }

    /// The latest instant at which something was decided about limits: no period before it is
    /// open (D1).
    fn latest(&self) -> Option<Ms> {
        let noted = self.past().filter(|(_, _, what)| notes_the_time(what));
        noted.map(|(at, _, _)| at).max()
    }

    /// An instant in the month and year that are open now.
    pub(crate) fn open_at(&self, now: Ms) -> Ms {
        Some(now).max(self.latest()).unwrap()
    }

    /// Used of the month and of the year that are open now.
    pub(crate) fn used(&self, now: Ms) -> (i64, i64) {
        let open = self.open_at(now);
        let (open_month, open_year) = (month(open), year(open));
        let paid = self.paid();
        let counted = || paid.iter().filter(|paid| paid.counts() && !paid.is_void);
        let in_month = counted().filter(|paid| month(paid.counted_at) == open_month);
        let in_year = counted().filter(|paid| year(paid.counted_at) == open_year);
        (
            in_month.map(Paid::counted).sum(),
            in_year.map(Paid::counted).sum(),
        )
    }
}

fn nothing() -> Paid {
    Paid {
        decided: None,
        held: None,
        source: Source::Unknown,
        principal: 0,
        fee: 0,
        counted_at: 0,
        settles_at: 0,
        is_void: false,
        settled_early: false,
        parts: Vec::new(),
    }
}

fn of_hold(all: &mut [Paid], held: u64) -> &mut Paid {
    let found = all.iter_mut().find(|paid| paid.held == Some(held));
    found.unwrap()
}

fn decided(all: &mut [Paid], original: u64) -> &mut Paid {
    let found = all.iter_mut().find(|paid| paid.decided == Some(original));
    found.unwrap()
}

/// D1: a period in which a card's payment was held, any payment declined, or one given back is
/// not left again. RULES do not say which decisions count; the domain leaves out payments from
/// the balance.
fn notes_the_time(what: &Happening) -> bool {
    match what {
        Happening::Held { source, .. } => *source != Source::Balance,
        Happening::Declined | Happening::GaveBack { .. } => true,
        _ => false,
    }
}
