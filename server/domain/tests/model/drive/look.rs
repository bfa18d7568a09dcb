//! What can be seen of the domain's account, as the model shows itself in `reference/view.rs`.

use waika_domain::account::Account;
use waika_domain::card::{BoundCard, CardExpiry};
use waika_domain::identifiers::CardToken;
use waika_domain::period::Timestamp;
use waika_domain::risk::RiskReason;

use super::{Drive, Failure};
use crate::calendar::{Ms, month, year};
use crate::domain::{at, key, source};
use crate::reference::{CardView, Model, Risk, View};

impl Drive<'_> {
    /// The account looks as the model does.
    pub(super) fn compare_views(&self, after: &'static str) -> Result<(), Failure> {
        let expected = self.model.view(self.now);
        let seen = look(&self.account, &self.model, self.now);
        if expected == seen {
            return Ok(());
        }
        let (expected, seen) = (fields(&expected), fields(&seen));
        let differing: Vec<String> = seen
            .iter()
            .zip(&expected)
            .filter(|(seen, expected)| seen != expected)
            .map(|(seen, expected)| format!("    {seen}\n  where RULES say\n    {expected}"))
            .collect();
        let differing = differing.join("\n");
        Err(format!("after {after} the account shows\n{differing}"))
    }
}

/// Each field of a picture in a line of its own.
fn fields(view: &View) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for line in format!("{view:#?}").lines() {
        match (line.strip_prefix("    "), fields.last_mut()) {
            (Some(rest), Some(field)) if rest.starts_with([' ', ']', ')', '}']) => {
                field.push_str(rest.trim());
            }
            (Some(rest), _) => fields.push(rest.to_owned()),
            (None, _) => {}
        }
    }
    fields
}

/// The model tells only which names to ask for.
fn look(account: &Account, model: &Model, now: Ms) -> View {
    let then = at(now);
    let usage = account.usage();
    // A window that is over is empty, and a period never moves backwards (D1).
    let window = |key: i64, used: i64, current: i64| {
        if current > key {
            (current, 0)
        } else {
            (key, used)
        }
    };
    View {
        region: account.region(),
        identity: account.identity().map(|identity| {
            let last_day = i64::from(identity.expires_on.number());
            (identity.document, identity.fingerprint.0, last_day)
        }),
        review: account.review(),
        face_failures: account.face_failures(),
        review_rejected: account.review_was_rejected(),
        review_waits: account
            .review_ticket()
            .map(|ticket| (ticket.id.sequence(), ticket.submitted_at.unix_ms())),
        password: account.password().map(|password| password.digest[0]),
        wrong_passwords: i64::from(account.wrong_passwords(then)),
        password_locked_until: account.password_locked_until(then).map(Timestamp::unix_ms),
        wrong_proofs: i64::from(account.wrong_proofs(then)),
        reset_locked_until: account.reset_locked_until(then).map(Timestamp::unix_ms),
        cards: account.cards().iter().map(look_at_card).collect(),
        pending_binds: look_at_binds(account),
        phone_codes: look_at_phone_codes(account),
        tokens: look_at_tokens(account, model),
        payment_codes: account
            .payment_codes()
            .iter()
            .map(|code| {
                let expires_at = code.expires_at.unix_ms();
                (code.nonce, source(code.funding), expires_at, code.used)
            })
            .collect(),
        ticket: account.password_ticket().map(|ticket| {
            let (id, opened_at) = (ticket.id.sequence(), ticket.opened_at.unix_ms());
            let document = ticket.document.0;
            (id, document, ticket.matches, opened_at, ticket.state)
        }),
        balance: account.balance().value(),
        in_month: window(
            i64::from(usage.month.number()),
            usage.in_month.value(),
            month(now),
        ),
        in_year: window(
            i64::from(usage.year.number()),
            usage.in_year.value(),
            year(now),
        ),
        risks: look_at_risks(account),
        clearances: look_at_clearances(account, model),
        reversed_ahead: look_at_keys(account),
        last_sequence: account.last_sequence(),
    }
}

fn look_at_card(card: &BoundCard) -> CardView {
    let CardExpiry { year, month } = card.expiry;
    CardView {
        token: card.token.bits(),
        number: card.fingerprint.0[0],
        scheme: card.scheme,
        last_month: i64::from(year) * 12 + i64::from(month) - 1,
        holder_matches: card.holder_matches,
        bound_at: card.bound_at.unix_ms(),
        bound_by: card.bound_by,
    }
}

fn look_at_binds(account: &Account) -> Vec<(u64, u8)> {
    let pending = account.pending_binds().iter();
    pending
        .map(|pending| (pending.sequence, pending.card.active().0[0]))
        .collect()
}

fn look_at_phone_codes(account: &Account) -> Vec<(u8, u64, Ms, Ms, i64, bool)> {
    let codes = account.phone_codes().iter().map(|code| {
        let (resend, end) = (code.resend_at().unix_ms(), code.expires_at.unix_ms());
        let wrong = i64::from(code.wrong_tries);
        (code.phone.0[0], code.nonce, resend, end, wrong, code.used)
    });
    let mut codes: Vec<_> = codes.collect();
    codes.sort_unstable();
    codes
}

/// A token is found by its nonce alone, so every one that ever was is asked for.
fn look_at_tokens(account: &Account, model: &Model) -> Vec<(u64, Ms, bool)> {
    let ever = model.ever_handed_out(true).into_iter();
    ever.filter_map(|pass| account.payment_token(pass.nonce))
        .map(|token| (token.nonce, token.expires_at.unix_ms(), token.used))
        .collect()
}

fn look_at_risks(account: &Account) -> Vec<(u64, u64, Risk, Ms)> {
    let tickets = account.risk_tickets().iter().map(|ticket| {
        let (id, opened_at) = (ticket.id.sequence(), ticket.opened_at.unix_ms());
        (id, ticket.card.bits(), risk(ticket.reason), opened_at)
    });
    tickets.collect()
}

fn look_at_clearances(account: &Account, model: &Model) -> Vec<(u64, Risk, u64)> {
    let mut clearances = Vec::new();
    for bits in model.tokens_of_cards() {
        for reason in [RiskReason::CardShared, RiskReason::HolderMismatch] {
            let clearance = account.clearance(CardToken::from_bits(bits), reason);
            clearances.extend(clearance.map(|clear| (bits, risk(reason), clear.sequence)));
        }
    }
    clearances.sort_unstable_by_key(|clear| (clear.0, clear.2));
    clearances
}

pub(super) fn risk(reason: RiskReason) -> Risk {
    match reason {
        RiskReason::CardShared => Risk::Shared,
        RiskReason::HolderMismatch => Risk::Holder,
    }
}

fn look_at_keys(account: &Account) -> (usize, Vec<u8>) {
    let keys = (0..4).filter(|&number| account.is_reversed_ahead("", &key(number)));
    (account.reversed_ahead(), keys.collect())
}
