//! Who the wallet is, where it is, and which cards it has.

use waika_domain::event::WalletRegion;
use waika_domain::identity::DocumentType;

use super::{Card, Happening, Model, Risk, Source, Verdict, Who, refuse};
use crate::answer::Answer;
use crate::calendar::{Ms, date, day_number};

/// A card that is bound, and by which event and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BoundNow {
    pub(crate) card: Card,
    pub(crate) bound_by: u64,
    pub(crate) bound_at: Ms,
}

/// A risk that an operator has not judged yet (R68).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenRisk {
    pub(crate) id: u64,
    pub(crate) token: u64,
    pub(crate) risk: Risk,
    pub(crate) opened_at: Ms,
}

impl Model {
    pub(crate) fn region(&self) -> WalletRegion {
        let mut region = self.opened_in;
        for (_, _, what) in self.past() {
            if let Happening::RegionSwitched(switched) = what {
                region = *switched;
            }
        }
        region
    }

    /// Who it was verified as, and the document's last day.
    pub(crate) fn identity(&self) -> Option<(Who, i64)> {
        self.past().rev().find_map(|(_, _, what)| match what {
            Happening::Verified { who, last_day } => Some((*who, *last_day)),
            _ => None,
        })
    }

    pub(super) fn has_passport(&self) -> bool {
        let identity = self.identity();
        identity.is_some_and(|(who, _)| who.document == DocumentType::Passport)
    }

    pub(crate) fn cards(&self) -> Vec<BoundNow> {
        let mut cards = Vec::new();
        for (bound_at, bound_by, what) in self.past() {
            match what {
                Happening::Bound(card) => cards.push(BoundNow {
                    card: *card,
                    bound_by,
                    bound_at,
                }),
                Happening::Unbound { token } => cards.retain(|bound| bound.card.token != *token),
                _ => {}
            }
        }
        cards
    }

    pub(crate) fn card(&self, token: u64) -> Option<BoundNow> {
        self.cards()
            .into_iter()
            .find(|bound| bound.card.token == token)
    }

    /// Tokens of cards that were ever bound.
    pub(crate) fn tokens_of_cards(&self) -> Vec<u64> {
        self.past()
            .filter_map(|(_, _, what)| match what {
                Happening::Bound(card) => Some(card.token),
                _ => None,
            })
            .collect()
    }

    /// Slots that are held: the sequence of what holds them, and the card's number.
    pub(crate) fn pending_binds(&self) -> Vec<(u64, u8)> {
        let mut pending = Vec::new();
        for (_, sequence, what) in self.past() {
            match what {
                Happening::BindBegun { card } => pending.push((sequence, *card)),
                Happening::BindEnded { begun } => pending.retain(|held| held.0 != *begun),
                _ => {}
            }
        }
        pending
    }

    /// Rungs 5 to 8.
    pub(super) fn check_wallet(&self, app: crate::operation::App, now: Ms) -> Result<(), Answer> {
        refuse(self.region() != WalletRegion::Mainland, "WALLET_REGION")?;
        super::bind::check_app(app)?;
        let Some((_, last_day)) = self.identity() else {
            return Err(Answer::of("WALLET_NOT_VERIFIED"));
        };
        check_last_day(last_day, now)
    }

    /// R48, D22.
    pub(crate) fn unbind(&self, token: u64, password: u8, now: Ms) -> Verdict {
        let mut happened = Vec::new();
        let climbed = self.climb_unbind(token, password, now, &mut happened);
        Verdict::climbed(climbed, happened)
    }

    fn climb_unbind(
        &self,
        token: u64,
        password: u8,
        now: Ms,
        happened: &mut Vec<Happening>,
    ) -> Result<Answer, Answer> {
        refuse(self.identity().is_none(), "WALLET_NOT_VERIFIED")?;
        self.try_password(password, now, happened)?;
        let Some(bound) = self.card(token) else {
            return Err(Answer::of("CARD_NOT_BOUND"));
        };
        happened.push(Happening::Unbound { token });
        let by = i64::try_from(bound.bound_by).unwrap();
        Ok(Answer::of("UNBOUND").with("bound_by", by))
    }

    /// R72, D12.
    pub(crate) fn receive(&self, fen: i64) -> Verdict {
        let climbed = refuse(self.identity().is_none(), "WALLET_NOT_VERIFIED")
            .and_then(|()| refuse(self.has_passport(), "IDENTITY_NOT_PERMITTED"))
            .and_then(|()| refuse(self.cards().is_empty(), "NO_BOUND_CARD"));
        match climbed {
            Ok(()) => Verdict::new(
                Answer::of("RECEIVED").with("balance", self.balance() + fen),
                vec![Happening::Received { fen }],
            ),
            Err(answer) => Verdict::new(answer, Vec::new()),
        }
    }

    /// D12: what came in, less what was paid from it and not given back.
    pub(crate) fn balance(&self) -> i64 {
        let received: i64 = self
            .past()
            .map(|(_, _, what)| match what {
                Happening::Received { fen } => *fen,
                _ => 0,
            })
            .sum();
        let spent: i64 = self
            .paid()
            .iter()
            .filter(|paid| paid.source == Source::Balance && !paid.is_void)
            .map(|paid| paid.principal - paid.given_back())
            .sum();
        received - spent
    }

    /// The risk of a card, given who else has bound which card, and since when (D9, R68).
    pub(crate) fn risk(&self, token: u64, strangers: &[(u8, u64)]) -> Option<Risk> {
        let card = self.card(token)?.card;
        let judged = |risk| {
            let cleared = self.clearances();
            let of_it = cleared
                .iter()
                .find(|clear| (clear.0, clear.1) == (token, risk));
            of_it.map(|clear| clear.2)
        };
        let since = judged(Risk::Shared).unwrap_or(0);
        let shared = strangers
            .iter()
            .any(|&(number, bound_by)| number == card.number && bound_by > since);
        if shared {
            Some(Risk::Shared)
        } else if !card.holder_matches && judged(Risk::Holder).is_none() {
            Some(Risk::Holder)
        } else {
            None
        }
    }

    pub(crate) fn open_risks(&self) -> Vec<OpenRisk> {
        let mut open: Vec<OpenRisk> = Vec::new();
        for (opened_at, id, what) in self.past() {
            match *what {
                Happening::RiskMet { token, risk } => {
                    let known = |ticket: &OpenRisk| (ticket.token, ticket.risk) == (token, risk);
                    if !open.iter().any(known) {
                        open.push(OpenRisk {
                            id,
                            token,
                            risk,
                            opened_at,
                        });
                    }
                }
                Happening::RiskResolved { ticket, .. } => open.retain(|known| known.id != ticket),
                Happening::Unbound { token } => open.retain(|known| known.token != token),
                _ => {}
            }
        }
        open
    }

    /// Card, risk, and the sequence of an operator's latest word that it is none.
    pub(crate) fn clearances(&self) -> Vec<(u64, Risk, u64)> {
        let mut cleared: Vec<(u64, Risk, u64)> = Vec::new();
        for (_, sequence, what) in self.past() {
            match *what {
                Happening::RiskResolved {
                    ticket,
                    cleared: true,
                } => {
                    let met = self.met_at(ticket);
                    cleared.retain(|known| (known.0, known.1) != met);
                    cleared.push((met.0, met.1, sequence));
                }
                Happening::Unbound { token } => cleared.retain(|known| known.0 != token),
                _ => {}
            }
        }
        cleared
    }

    fn met_at(&self, ticket: u64) -> (u64, Risk) {
        let met = self.past().find_map(|(_, sequence, what)| match *what {
            Happening::RiskMet { token, risk } if sequence == ticket => Some((token, risk)),
            _ => None,
        });
        met.unwrap()
    }

    /// R68.
    pub(crate) fn resolve_risk(&self, ticket: u64, cleared: bool) -> Verdict {
        let known = self.open_risks().iter().any(|open| open.id == ticket);
        if !known {
            return Verdict::new(Answer::of("NO_TICKET"), Vec::new());
        }
        let answer = Answer::of(if cleared { "CLEARED" } else { "UPHELD" });
        Verdict::new(answer, vec![Happening::RiskResolved { ticket, cleared }])
    }

    /// Keys of payments that were reversed before they came, and how many there are (D31).
    pub(crate) fn reversed_ahead(&self) -> Vec<u8> {
        let mut keys: Vec<u8> = self
            .past()
            .filter_map(|(_, _, what)| match what {
                Happening::ReversedAhead { key } => Some(*key),
                _ => None,
            })
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// R5, D29: valid through that day in Shanghai.
pub(super) fn check_last_day(last_day: i64, now: Ms) -> Result<(), Answer> {
    let today = day_number(date(now));
    if today <= last_day {
        return Ok(());
    }
    Err(Answer::of("IDENTITY_EXPIRED")
        .with("observed", last_day)
        .with("required", today))
}
