//! What can be seen of an account from outside: the same picture from the model and, in
//! `drive/look.rs`, from the domain.

use waika_domain::event::{PasswordTicketState, Review, WalletRegion};
use waika_domain::identity::DocumentType;

use super::codes::PassNow;
use super::{Model, Risk, Source};
use crate::calendar::{Ms, month, year};
use crate::domain;
use crate::terms::{PHONE_CODE_VALID, RESEND};

/// The picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) region: WalletRegion,
    /// Type, digest and last day of the document.
    pub(crate) identity: Option<(DocumentType, [u8; 16], i64)>,
    pub(crate) review: Review,
    pub(crate) face_failures: u32,
    pub(crate) review_rejected: bool,
    pub(crate) review_waits: Option<(u64, Ms)>,
    pub(crate) password: Option<u8>,
    pub(crate) wrong_passwords: i64,
    pub(crate) password_locked_until: Option<Ms>,
    pub(crate) wrong_proofs: i64,
    pub(crate) reset_locked_until: Option<Ms>,
    /// Token, number, scheme, last month, holder, when and by which event it was bound.
    pub(crate) cards: Vec<CardView>,
    /// The sequence of what holds a slot, and the card's number.
    pub(crate) pending_binds: Vec<(u64, u8)>,
    /// Phone, nonce, resend, end, wrong tries, used.
    pub(crate) phone_codes: Vec<(u8, u64, Ms, Ms, i64, bool)>,
    pub(crate) tokens: Vec<(u64, Ms, bool)>,
    pub(crate) payment_codes: Vec<(u64, Source, Ms, bool)>,
    /// Id, document, whether it matches, when it was opened, state.
    pub(crate) ticket: Option<(u64, [u8; 16], bool, Ms, PasswordTicketState)>,
    pub(crate) balance: i64,
    /// The month that is open and what is used in it; the same of the year.
    pub(crate) in_month: (i64, i64),
    pub(crate) in_year: (i64, i64),
    pub(crate) risks: Vec<(u64, u64, Risk, Ms)>,
    pub(crate) clearances: Vec<(u64, Risk, u64)>,
    /// How many keys, and which.
    pub(crate) reversed_ahead: (usize, Vec<u8>),
    pub(crate) last_sequence: u64,
}

/// A card in the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CardView {
    pub(crate) token: u64,
    pub(crate) number: u8,
    pub(crate) scheme: waika_domain::card::Scheme,
    pub(crate) last_month: i64,
    pub(crate) holder_matches: bool,
    pub(crate) bound_at: Ms,
    pub(crate) bound_by: u64,
}

impl Model {
    pub(crate) fn view(&self, now: Ms) -> View {
        let (review, open, used) = (self.review(), self.open_at(now), self.used(now));
        let (passwords, wrong_proofs) = (self.counter(), self.proof_counter());
        let ahead = self.reversed_ahead();
        let mut clearances = self.clearances();
        clearances.sort_unstable_by_key(|clear| (clear.0, clear.2));
        View {
            region: self.region(),
            identity: self
                .identity()
                .map(|(who, last_day)| (who.document, domain::document(who).0, last_day)),
            review: review.state,
            face_failures: review.face_failures,
            review_rejected: review.rejected,
            review_waits: review.waits,
            password: self.password(),
            wrong_passwords: passwords.wrong(now),
            password_locked_until: passwords.locked_until(now),
            wrong_proofs: wrong_proofs.wrong(now),
            reset_locked_until: wrong_proofs.locked_until(now),
            cards: self.view_cards(),
            pending_binds: self.pending_binds(),
            phone_codes: self.view_phone_codes(),
            tokens: self.tokens().iter().map(view_token).collect(),
            payment_codes: self.payment_codes().iter().map(view_code).collect(),
            ticket: self.ticket().map(|ticket| {
                let document = domain::document(ticket.who).0;
                (
                    ticket.id,
                    document,
                    ticket.matches,
                    ticket.opened_at,
                    ticket.state,
                )
            }),
            balance: self.balance(),
            in_month: (month(open), used.0),
            in_year: (year(open), used.1),
            risks: self
                .open_risks()
                .iter()
                .map(|open| (open.id, open.token, open.risk, open.opened_at))
                .collect(),
            clearances,
            reversed_ahead: (ahead.len(), ahead),
            last_sequence: self.past.last().map_or(0, |&(_, sequence, _)| sequence),
        }
    }

    fn view_cards(&self) -> Vec<CardView> {
        let cards = self.cards().into_iter().map(|bound| CardView {
            token: bound.card.token,
            number: bound.card.number,
            scheme: bound.card.scheme,
            last_month: bound.card.last_month,
            holder_matches: bound.card.holder_matches,
            bound_at: bound.bound_at,
            bound_by: bound.bound_by,
        });
        cards.collect()
    }

    fn view_phone_codes(&self) -> Vec<(u8, u64, Ms, Ms, i64, bool)> {
        let mut codes: Vec<_> = self
            .phone_codes()
            .iter()
            .map(|code| {
                let (resend, end) = (code.sent_at + RESEND, code.sent_at + PHONE_CODE_VALID);
                (code.phone, code.nonce, resend, end, code.wrong, code.used)
            })
            .collect();
        codes.sort_unstable();
        codes
    }
}

fn view_token(known: &PassNow) -> (u64, Ms, bool) {
    (known.pass.nonce, known.pass.expires_at, known.used)
}

fn view_code(known: &PassNow) -> (u64, Source, Ms, bool) {
    let pass = known.pass;
    (pass.nonce, pass.source, pass.expires_at, known.used)
}
