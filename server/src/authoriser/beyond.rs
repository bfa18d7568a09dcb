//! What an event changes outside its account, and who is told of it.

use waika_domain::account::Account;
use waika_domain::event::{Event, PasswordTicketState};
use waika_domain::identifiers::AccountId;
use waika_domain::notice::Notice;
use waika_domain::period::Timestamp;

use super::Authoriser;
use crate::owed::OwedAdvice;

/// An event with its place and its time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Happened<'a> {
    pub(crate) event: &'a Event,
    pub(crate) sequence: u64,
    pub(crate) at: Timestamp,
}

impl Authoriser {
    /// What an event changes outside its account, which it is part of by now. Applying it again
    /// changes nothing, so that what a snapshot has seen already can be replayed over it.
    pub(crate) fn apply_beyond_the_account(
        &self,
        id: &str,
        account: &Account,
        happened: Happened<'_>,
    ) {
        let Happened {
            event,
            sequence,
            at,
        } = happened;
        self.note_owed(id, happened);
        match event {
            Event::BindDecided(_) | Event::UnbindDecided(_) | Event::AccountClosed(_) => {
                self.note_cards(event, sequence);
            }
            Event::ErasureBegun(_) | Event::ErasureEnded => self.note_erasure(id, account),
            Event::ReversalDecided(_)
            | Event::SettleDecided(_)
            | Event::StandInReconciled(_)
            | Event::IssuerLate(_) => {
                self.adjusted.apply(event, sequence, at);
            }
            Event::RiskResolved(resolved) => self.risk_desk.close(resolved.ticket.id),
            Event::ReviewResolved(resolved) => {
                if let Some(ticket) = resolved.ticket.filter(|_| resolved.resolved) {
                    self.review_desk.close(ticket);
                }
            }
            Event::PasswordTicketResolved(resolved) => {
                if resolved.ticket.state != PasswordTicketState::Open {
                    self.password_desk.close(resolved.ticket.id);
                }
            }
            Event::Declined(_)
            | Event::PasswordResetDecided(_)
            | Event::VerificationSubmitted(_) => self.open_ticket(id, account, sequence),
            Event::PaymentCodeDecided(decided) => {
                if let (Ok(issued), Ok(id)) = (&decided.outcome, AccountId::parse(id)) {
                    let (digest, expires_at) = (issued.digest, issued.expires_at);
                    self.payment_codes.issue(digest, id, expires_at, at);
                }
            }
            // The issuer is told by whoever has all accounts in order; policies and merchants
            // belong to no account.
            Event::CardStatusSet(_)
            | Event::MerchantPut(_)
            | Event::ClockSet(_)
            | Event::PhoneCode(_)
            | Event::BindReserved(_)
            | Event::Reserved(_)
            | Event::Posted(_)
            | Event::Voided(_)
            | Event::ReversedAhead(_)
            | Event::PasswordVerified(_)
            | Event::PasswordChanged(_)
            | Event::PasswordUnlocked(_)
            | Event::RegionSwitched(_)
            | Event::FundsReceived(_)
            | Event::PolicyPut(_)
            | Event::PolicyActivated(_)
            | Event::PolicyShadowed(_)
            | Event::AdviceTaken(_) => {}
        }
    }

    /// Notes what an issuer is owed, or has taken (D16, D17).
    pub(super) fn note_owed(&self, id: &str, happened: Happened<'_>) {
        let Happened {
            event,
            sequence,
            at: since,
        } = happened;
        if let Some(owed) = event.owes()
            && let Ok(account) = AccountId::parse(id)
        {
            let advice = OwedAdvice {
                owed,
                account,
                since,
            };
            self.owed.owe(sequence, advice);
        }
        if let Some(owed_by) = event.pays_off() {
            self.owed.pay_off(owed_by);
        }
    }

    /// Lists the ticket that an event has opened, if it has.
    fn open_ticket(&self, id: &str, account: &Account, sequence: u64) {
        let risk = account.risk_tickets().last().map(|ticket| ticket.id);
        let password = account.password_ticket().map(|ticket| ticket.id);
        let review = account.review_ticket().map(|ticket| ticket.id);
        for (desk, ticket) in [
            (&self.risk_desk, risk),
            (&self.password_desk, password),
            (&self.review_desk, review),
        ] {
            if let Some(ticket) = ticket.filter(|ticket| ticket.sequence() == sequence)
                && let Ok(id) = AccountId::parse(id)
            {
                desk.open(ticket, id);
            }
        }
    }

    /// Tells those outside who wait for it, which a start does not.
    pub(super) fn tell(&self, id: &str, happened: Happened<'_>) {
        let Happened {
            event, sequence, ..
        } = happened;
        if let Event::CardStatusSet(set) = event {
            self.issuers.sandbox.set_status(&set.reference, set.status);
        }
        if Notice::of(event).is_some() {
            self.watchers.tell(id, sequence);
        }
    }

    /// What an event without an account changes.
    pub(crate) fn apply_without_account(&self, event: &Event, sequence: u64) {
        if let Event::MerchantPut(merchant) = event {
            self.merchants.put(merchant.clone());
        } else if let Event::ClockSet(setting) = event {
            self.clock.set(*setting, sequence);
        } else if event.is_about_policies() {
            // Whoever puts or recovers a policy has read it before.
            drop(self.policies.apply(event, sequence));
        }
    }
}
