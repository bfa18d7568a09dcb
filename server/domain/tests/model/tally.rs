//! How often each answer was seen, so that agreeing is not a matter of never having asked.

use std::collections::BTreeMap;
use std::fmt::Write;

use waika_domain::decline::DeclineReason;
use waika_domain::receipt::Rung;
use waika_domain::refusal::{
    BindRefusal, PasswordRefusal, PhoneCodeRefusal, ReceiveRefusal, ResetRefusal, ReversalRefusal,
    UnbindRefusal, VerificationRefusal,
};

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sequences: u64,
    operations: u64,
    seen: BTreeMap<(&'static str, &'static str), u64>,
}

impl Tally {
    pub(crate) fn sequence(&mut self) {
        self.sequences += 1;
    }

    pub(crate) fn operation(&mut self) {
        self.operations += 1;
    }

    pub(crate) fn count(&mut self, call: &'static str, reason: &'static str) {
        *self.seen.entry((call, reason)).or_default() += 1;
    }

    /// For people.
    pub(crate) fn told(&self) -> String {
        let calls: u64 = self.seen.values().sum();
        let mut text = format!(
            "F14: {} sequences, {} operations, {calls} answers compared, all alike\n",
            self.sequences, self.operations
        );
        for ((call, reason), count) in &self.seen {
            writeln!(text, "{count:10}  {call} {reason}").unwrap();
        }
        text
    }

    /// Reasons that a call can give and that were not seen.
    pub(crate) fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        let mut look_for = |calls: &[&str], names: Vec<&'static str>| {
            for name in names {
                let seen = |call: &&str| self.seen.keys().any(|key| *key == (*call, name));
                if !calls.iter().any(seen) {
                    missing.push(format!("{} {name}", calls.join(" or ")));
                }
            }
        };
        macro_rules! all {
            ($reasons:ident) => {
                $reasons::ALL.iter().map(|reason| reason.name()).collect()
            };
        }
        look_for(&["Authorise"], all!(DeclineReason));
        look_for(&["CreatePaymentCode"], of_a_code());
        look_for(&["Bind"], all!(BindRefusal));
        look_for(&["Unbind"], all!(UnbindRefusal));
        look_for(&["SendPhoneCode"], all!(PhoneCodeRefusal));
        look_for(&["ResetPassword"], all!(ResetRefusal));
        look_for(&["SubmitVerification"], all!(VerificationRefusal));
        look_for(&["ReceiveFunds"], all!(ReceiveRefusal));
        look_for(&["Reverse", "Refund", "Settle"], all!(ReversalRefusal));
        let verify = PasswordRefusal::ALL.iter();
        let verify = verify.filter(|&&reason| reason != PasswordRefusal::PasswordsDiffer);
        look_for(
            &["VerifyPassword"],
            verify.map(|reason| reason.name()).collect(),
        );
        look_for(&["ChangePassword"], all!(PasswordRefusal));
        for (call, success) in SUCCESSES {
            look_for(&[call], vec![success]);
        }
        missing
    }
}

/// What each call is answered when nothing speaks against it, and what no answer tells.
const SUCCESSES: [(&str, &str); 37] = [
    ("SendPhoneCode", "SENT"),
    ("Bind", "HELD"),
    ("Bind", "BOUND"),
    ("Unbind", "UNBOUND"),
    ("VerifyPassword", "VERIFIED"),
    ("ChangePassword", "CHANGED"),
    ("UnlockPassword", "UNLOCKED"),
    ("ResetPassword", "RESET"),
    ("ResetPassword", "TICKET_OPENED"),
    ("ResolvePasswordTicket", "TICKET"),
    ("ResolvePasswordTicket", "NO_TICKET"),
    ("SubmitVerification", "TAKEN"),
    ("ResolveReview", "APPROVED"),
    ("ResolveReview", "REJECTED"),
    ("SwitchWalletRegion", "SWITCHED"),
    ("ReceiveFunds", "RECEIVED"),
    ("CreatePaymentCode", "ISSUED"),
    ("Authorise", "APPROVED"),
    ("Authorise", "HELD"),
    ("Quote", "USABLE"),
    ("Reverse", "GIVEN_BACK"),
    ("Reverse", "RECORDED_AHEAD"),
    ("Refund", "GIVEN_BACK"),
    ("Settle", "SETTLED"),
    ("ResolveRiskTicket", "CLEARED"),
    ("ResolveRiskTicket", "UPHELD"),
    ("ResolveRiskTicket", "NO_TICKET"),
    ("CodesEndedBy", "Unbind"),
    ("CodesEndedBy", "SwitchWalletRegion"),
    ("CodesEndedBy", "ChangePassword"),
    ("CodesEndedBy", "ResetPassword"),
    ("CodesEndedBy", "ResolveReview"),
    ("TokensEndedBy", "Unbind"),
    ("TokensEndedBy", "ChangePassword"),
    ("TokensEndedBy", "ResetPassword"),
    ("ClockStepsBack", "MONTH_STAYS"),
    ("ClockStepsBack", "YEAR_STAYS"),
];

/// Rungs 4 to 11, whose password is never a token (C1b).
fn of_a_code() -> Vec<&'static str> {
    let reasons = DeclineReason::ALL.iter();
    reasons
        .filter(|reason| (Rung::RollOut..=Rung::Card).contains(&reason.rung()))
        .map(|reason| reason.name())
        .filter(|name| !name.starts_with("PAYMENT_TOKEN"))
        .collect()
}
