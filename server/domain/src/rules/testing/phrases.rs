//! How a script is told of an event: in phrases.

use super::wallet::local_time;
use crate::decline::{Decline, Evidence};
use crate::event::{Event, PhoneCodeSent, Posted, ResetStep, Reversal, Settled, TokenMinted};
use crate::period::Timestamp;

/// What was done, or which reason was given and the numbers behind it.
macro_rules! told {
    ($outcome:expr, $phrases:expr) => {
        match &$outcome {
            Ok(done) => $phrases(done),
            Err(refused) => refusal(refused.reason.name(), &refused.evidence),
        }
    };
}

/// An event in phrases.
pub(super) fn said(event: &Event) -> Vec<String> {
    match event {
        Event::BindReserved(_) | Event::Reserved(_) => vec!["held".into()],
        Event::BindDecided(decided) => told!(decided.outcome, |_| vec![
            "bound".into(),
            format!("review {:?}", decided.review)
        ]),
        Event::Posted(posted) => approved(posted),
        Event::Voided(voided) => declined(&voided.decline),
        Event::Declined(decided) => declined(&decided.decline),
        Event::UnbindDecided(decided) => told!(decided.outcome, |_| vec!["unbound".into()]),
        Event::ReversalDecided(decided) => told!(decided.outcome, given_back),
        Event::SettleDecided(decided) => told!(decided.outcome, |settled: &Settled| vec![
            "settled".into(),
            format!("amount {}", settled.principal),
            format!("fee {}", settled.fee),
        ]),
        Event::RiskResolved(resolved) => vec![format!("cleared {}", resolved.cleared)],
        Event::ReviewResolved(resolved) => vec![
            resolution(resolved.resolved),
            format!("review {:?}", resolved.review),
        ],
        Event::VerificationSubmitted(submitted) => {
            let mut phrases = match &submitted.outcome {
                Ok(()) => vec!["taken".into()],
                Err(refused) => refusal(refused.reason.name(), &refused.evidence),
            };
            phrases.push(format!("review {:?}", submitted.review));
            phrases
        }
        Event::PhoneCode(_)
        | Event::PasswordVerified(_)
        | Event::PasswordChanged(_)
        | Event::PasswordResetDecided(_)
        | Event::PasswordTicketResolved(_)
        | Event::PasswordUnlocked(_)
        | Event::PaymentCodeDecided(_) => said_of_credentials(event),
        Event::FundsReceived(received) => told!(received.outcome, |balance| vec![
            "received".into(),
            format!("balance {balance}")
        ]),
        Event::ReversedAhead(_)
        | Event::RegionSwitched(_)
        | Event::MerchantPut(_)
        | Event::CardStatusSet(_)
        | Event::ClockSet(_)
        | Event::PolicyPut(_)
        | Event::PolicyActivated(_)
        | Event::PolicyShadowed(_)
        | Event::AdviceTaken(_)
        | Event::StandInReconciled(_)
        | Event::IssuerLate(_)
        | Event::AccountClosed(_)
        | Event::ErasureBegun(_)
        | Event::ErasureEnded => Vec::new(),
    }
}

fn said_of_credentials(event: &Event) -> Vec<String> {
    if let Event::PhoneCode(decided) = event {
        told!(decided.outcome, |sent: &PhoneCodeSent| vec![
            "sent".into(),
            format!("resend {}", local_time(sent.resend_at)),
            until(sent.expires_at),
        ])
    } else if let Event::PasswordVerified(verified) = event {
        told!(verified.outcome, |minted: &TokenMinted| vec![
            "verified".into(),
            until(minted.expires_at)
        ])
    } else if let Event::PasswordChanged(changed) = event {
        told!(changed.outcome, |_| vec!["changed".into()])
    } else if let Event::PasswordResetDecided(decided) = event {
        told!(decided.outcome, |step: &ResetStep| match step {
            ResetStep::Reset(_) => vec!["reset".into()],
            ResetStep::TicketOpened { matches, .. } =>
                vec!["ticket opened".into(), format!("matches {matches}")],
        })
    } else if let Event::PasswordTicketResolved(resolved) = event {
        vec![
            resolution(resolved.resolved),
            format!("ticket {:?}", resolved.ticket.state),
        ]
    } else if let Event::PasswordUnlocked(unlocked) = event {
        vec![format!("was locked {}", unlocked.was_locked)]
    } else if let Event::PaymentCodeDecided(decided) = event {
        match &decided.outcome {
            Ok(issued) => vec!["shown".into(), until(issued.expires_at)],
            Err(decline) => declined(decline),
        }
    } else {
        Vec::new()
    }
}

fn approved(posted: &Posted) -> Vec<String> {
    let reservation = &posted.reservation;
    let mut phrases = vec![
        "approved".into(),
        format!("fee {}", reservation.fee),
        format!("month {}", reservation.windows.month_used),
        format!("year {}", reservation.windows.year_used),
    ];
    if let Some(left) = reservation.balance_left {
        phrases.push(format!("balance {left}"));
    }
    phrases
}

fn given_back(reversal: &Reversal) -> Vec<String> {
    let mut phrases = vec![
        "reversed".into(),
        format!("amount {}", reversal.principal),
        format!("fee {}", reversal.fee),
        format!("remaining {}", reversal.remaining),
        format!("month restored {}", reversal.month_restored),
        format!("year restored {}", reversal.year_restored),
    ];
    if let Some(left) = reversal.balance_left {
        phrases.push(format!("balance {left}"));
    }
    phrases
}

fn resolution(resolved: bool) -> String {
    if resolved {
        "resolved".into()
    } else {
        "nothing to resolve".into()
    }
}

fn until(instant: Timestamp) -> String {
    format!("until {}", local_time(instant))
}

pub(super) fn declined(decline: &Decline) -> Vec<String> {
    let mut phrases = refusal(decline.reason.name(), &decline.evidence);
    phrases.push(format!("retry {:?}", decline.retry()));
    phrases.push(format!("layer {:?}", decline.reason.layer()));
    phrases
}

fn refusal(reason: &str, evidence: &Evidence) -> Vec<String> {
    let mut phrases = vec![reason.to_owned()];
    if let Evidence::Amount(amount) = evidence {
        phrases.push(format!("observed {}", amount.observed));
        phrases.push(format!("limit {}", amount.limit));
        phrases.push(format!("remaining {}", amount.remaining));
        phrases.push(format!("at most {}", amount.largest_approvable));
    }
    if let Evidence::Count { observed, required } = evidence {
        phrases.push(format!("{observed} of {required}"));
    }
    if let Some(resets_at) = evidence.resets_at() {
        phrases.push(until(resets_at));
    }
    phrases
}
