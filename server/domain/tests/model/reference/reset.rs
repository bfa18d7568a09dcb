//! Resetting a forgotten password, by both routes (R45 to R47, D23).

use waika_domain::card::Scheme;
use waika_domain::event::PasswordTicketState as State;

use super::password::Counter;
use super::{Happening, Model, Verdict, Who, refuse};
use crate::answer::Answer;
use crate::calendar::Ms;
use crate::operation::NewOp;

/// A request that customer service looks at (R46).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TicketNow {
    pub(crate) id: u64,
    pub(crate) who: Who,
    pub(crate) matches: bool,
    pub(crate) opened_at: Ms,
    pub(crate) state: State,
}

/// A bound card's data, entered again (R47).
#[derive(Debug, Clone, Copy)]
pub(crate) struct CardAsk {
    pub(crate) token: u64,
    pub(crate) number: u8,
    pub(crate) scheme: Scheme,
    pub(crate) last_month: i64,
    pub(crate) phone: u8,
    pub(crate) code_right: bool,
}

impl Model {
    pub(crate) fn ticket(&self) -> Option<TicketNow> {
        let mut ticket: Option<TicketNow> = None;
        for (opened_at, id, what) in self.past() {
            match *what {
                Happening::TicketOpened { who } => {
                    ticket = Some(TicketNow {
                        id,
                        who,
                        matches: self.identity().is_some_and(|(known, _)| known == who),
                        opened_at,
                        state: State::Open,
                    });
                }
                Happening::TicketResolved { approved } => {
                    ticket.as_mut().unwrap().state = if approved {
                        State::Approved
                    } else {
                        State::Rejected
                    };
                }
                Happening::TicketEnded | Happening::PasswordReplaced { .. } => ticket = None,
                _ => {}
            }
        }
        ticket
    }

    /// Wrong card data and documents have a counter of their own, with the numbers of the
    /// password's; RULES do not say so.
    pub(super) fn proof_counter(&self) -> Counter {
        let mut counter = Counter::default();
        for (at, _, what) in self.past() {
            if let Happening::ProofTried { right } = *what {
                counter.tried(right, at);
            }
        }
        counter
    }

    fn check_proofs_open(&self, now: Ms) -> Result<(), Answer> {
        match self.proof_counter().locked_until(now) {
            Some(until) => Err(Answer::of("RESET_LOCKED").with("until", until)),
            None => Ok(()),
        }
    }

    /// Route 1: no card is bound now.
    pub(crate) fn reset_by_identity(&self, who: Who, new: NewOp, now: Ms) -> Verdict {
        let mut happened = Vec::new();
        let climbed = self.climb_by_identity(who, new, now, &mut happened);
        Verdict::climbed(climbed, happened)
    }

    fn climb_by_identity(
        &self,
        who: Who,
        new: NewOp,
        now: Ms,
        happened: &mut Vec<Happening>,
    ) -> Result<Answer, Answer> {
        refuse(self.password().is_none(), "WALLET_NOT_VERIFIED")?;
        let ticket = self.ticket();
        let stands = |state| ticket.is_some_and(|ticket| ticket.state == state);
        refuse(stands(State::Open), "TICKET_OPEN")?;
        refuse(!self.cards().is_empty(), "CARD_BOUND")?;
        self.check_proofs_open(now)?;
        refuse(!new.agree, "PASSWORDS_DIFFER")?;
        let Some(ticket) = ticket else {
            happened.push(Happening::TicketOpened { who });
            let (known, _) = self.identity().unwrap();
            let answer = Answer::of("TICKET_OPENED");
            return Ok(answer.with("matches", i64::from(known == who)));
        };
        if stands(State::Rejected) {
            happened.push(Happening::TicketEnded); // It is told once, to whoever asks.
            return Err(Answer::of("TICKET_REJECTED"));
        }
        let right = ticket.who == who;
        happened.push(Happening::ProofTried { right });
        if !right {
            return Err(self.proof_counter().refuse_wrong("IDENTITY_DIFFERS", now));
        }
        happened.push(Happening::PasswordReplaced {
            password: new.password,
        });
        Ok(Answer::of("RESET"))
    }

    /// Route 2: a card is bound now.
    pub(crate) fn reset_by_card(&self, ask: &CardAsk, new: NewOp, now: Ms) -> Verdict {
        let mut happened = Vec::new();
        let climbed = self.climb_by_card(ask, new, now, &mut happened);
        if climbed.is_ok() {
            happened.push(Happening::PasswordReplaced {
                password: new.password,
            });
        }
        Verdict::climbed(climbed.map(|()| Answer::of("RESET")), happened)
    }

    fn climb_by_card(
        &self,
        ask: &CardAsk,
        new: NewOp,
        now: Ms,
        happened: &mut Vec<Happening>,
    ) -> Result<(), Answer> {
        refuse(self.password().is_none(), "WALLET_NOT_VERIFIED")?;
        self.check_proofs_open(now)?;
        let Some(bound) = self.card(ask.token) else {
            return Err(Answer::of("CARD_NOT_BOUND"));
        };
        let card = bound.card;
        let right = ask.number == card.number
            && ask.scheme == card.scheme
            && ask.last_month == card.last_month
            && ask.phone == card.phone;
        happened.push(Happening::ProofTried { right });
        if !right {
            return Err(self.proof_counter().refuse_wrong("CARD_DATA_WRONG", now));
        }
        self.try_phone_code(ask.phone, ask.code_right, now, happened)?;
        refuse(!new.agree, "PASSWORDS_DIFFER")
    }

    /// An operator's word on a ticket; a second one changes nothing, and neither does a yes to a
    /// document that is not the wallet's.
    pub(crate) fn resolve_ticket(&self, id: u64, approved: bool) -> Verdict {
        let Some(ticket) = self.ticket().filter(|ticket| ticket.id == id) else {
            return Verdict::new(Answer::of("NO_TICKET"), Vec::new());
        };
        let permitted = !approved || ticket.matches;
        let resolved = ticket.state == State::Open && permitted;
        let mut happened = Vec::new();
        if resolved {
            happened.push(Happening::TicketResolved { approved });
        }
        let answer = Answer::of("TICKET").with("resolved", i64::from(resolved));
        Verdict::new(answer, happened)
    }
}
