//! Codes sent to phones (D8), payment codes (D10), and tokens for one payment.

use waika_domain::event::WalletRegion;

use super::{Happening, Model, Pass, Source, Verdict, refuse};
use crate::answer::Answer;
use crate::calendar::Ms;
use crate::operation::App;
use crate::terms::{MOST, PHONE_CODE_VALID, REMEMBERED, RESEND, TRIES, Terms};

/// A code that was sent to a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PhoneCodeNow {
    pub(crate) phone: u8,
    pub(crate) nonce: u64,
    pub(crate) sent_at: Ms,
    pub(crate) wrong: i64,
    pub(crate) used: bool,
}

/// A token or payment code that is outstanding or remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PassNow {
    pub(crate) pass: Pass,
    pub(crate) used: bool,
}

impl Model {
    pub(crate) fn phone_codes(&self) -> Vec<PhoneCodeNow> {
        let mut codes: Vec<PhoneCodeNow> = Vec::new();
        for (at, _, what) in self.past() {
            match *what {
                Happening::CodeSent { phone, nonce } => {
                    codes.retain(|code| code.phone != phone);
                    codes.push(PhoneCodeNow {
                        phone,
                        nonce,
                        sent_at: at,
                        wrong: 0,
                        used: false,
                    });
                }
                // R24: none is outstanding.
                Happening::CodeUnsent { phone } => codes.retain(|code| code.phone != phone),
                Happening::CodeTried { phone, right } => {
                    for code in codes.iter_mut().filter(|code| code.phone == phone) {
                        code.used |= right;
                        code.wrong += i64::from(!right);
                    }
                }
                Happening::EventEnded => codes.retain(|code| is_known(code, at)),
                _ => {}
            }
        }
        codes
    }

    /// D8, R19, R24.
    pub(crate) fn send_code(&self, phone: u8, nonce: u64, deliverable: bool, now: Ms) -> Verdict {
        let codes = self.phone_codes();
        let latest = codes.iter().find(|code| code.phone == phone);
        if let Some(code) = latest.filter(|code| now < code.sent_at + RESEND) {
            let answer = Answer::of("RESEND_TOO_SOON").with("until", code.sent_at + RESEND);
            return Verdict::new(answer, Vec::new());
        }
        let others = codes
            .iter()
            .filter(|code| code.phone != phone && is_known(code, now));
        if !deliverable || others.count() >= MOST {
            let answer = Answer::of("SEND_FAILED");
            return Verdict::new(answer, vec![Happening::CodeUnsent { phone }]);
        }
        let answer = Answer::of("SENT")
            .with("resend_at", now + RESEND)
            .with("expires_at", now + PHONE_CODE_VALID);
        Verdict::new(answer, vec![Happening::CodeSent { phone, nonce }])
    }

    /// A try of a phone's code. SPENT stands before WRONG, as README and contract publish it:
    /// a code that was tried five times is not judged a sixth time.
    pub(super) fn try_phone_code(
        &self,
        phone: u8,
        right: bool,
        now: Ms,
        happened: &mut Vec<Happening>,
    ) -> Result<(), Answer> {
        let codes = self.phone_codes();
        let sent = codes.iter().find(|code| code.phone == phone);
        let Some(code) = sent.filter(|code| is_known(code, now)) else {
            return Err(Answer::of("PHONE_CODE_NONE"));
        };
        refuse(code.used || code.wrong >= TRIES, "PHONE_CODE_SPENT")?;
        if !right {
            happened.push(Happening::CodeTried { phone, right });
            return Err(Answer::of("PHONE_CODE_WRONG"));
        }
        refuse(now >= code.sent_at + PHONE_CODE_VALID, "PHONE_CODE_EXPIRED")?;
        happened.push(Happening::CodeTried { phone, right });
        Ok(())
    }

    /// Payment codes that are outstanding or remembered, oldest first. D10, D22, D19, D5: some
    /// things end a code before its time.
    pub(crate) fn payment_codes(&self) -> Vec<PassNow> {
        self.passes(|what, codes| match *what {
            Happening::CodeIssued(pass) => hand_out(codes, pass),
            Happening::CodeSpent { nonce } => spend(codes, nonce),
            Happening::Unbound { token } => end_those_of(codes, token),
            Happening::RegionSwitched(region) if region != WalletRegion::Mainland => codes.clear(),
            Happening::PasswordReplaced { .. } | Happening::Reviewed { approved: false } => {
                codes.clear();
            }
            _ => {}
        })
    }

    /// Tokens that are outstanding or remembered, oldest first. D22: those of a card end with
    /// it.
    pub(crate) fn tokens(&self) -> Vec<PassNow> {
        self.passes(|what, tokens| match *what {
            Happening::TokenMinted(pass) => hand_out(tokens, pass),
            Happening::TokenSpent { nonce } => spend(tokens, nonce),
            Happening::Unbound { token } => end_those_of(tokens, token),
            Happening::PasswordReplaced { .. } => tokens.clear(),
            _ => {}
        })
    }

    fn passes(&self, change: impl Fn(&Happening, &mut Vec<PassNow>)) -> Vec<PassNow> {
        let mut passes: Vec<PassNow> = Vec::new();
        for (at, _, what) in self.past() {
            if *what == Happening::EventEnded {
                passes.retain(|known| at < known.pass.expires_at + REMEMBERED);
            } else {
                change(what, &mut passes);
            }
        }
        passes
    }

    /// All tokens, or payment codes, that were ever handed out, oldest first.
    pub(crate) fn ever_handed_out(&self, tokens: bool) -> Vec<Pass> {
        self.past()
            .filter_map(|(_, _, what)| match what {
                Happening::TokenMinted(pass) if tokens => Some(*pass),
                Happening::CodeIssued(pass) if !tokens => Some(*pass),
                _ => None,
            })
            .collect()
    }

    /// The payment code of that nonce, if it is listed.
    pub(crate) fn payment_code(&self, nonce: u64) -> Option<PassNow> {
        let codes = self.payment_codes();
        codes.into_iter().find(|known| known.pass.nonce == nonce)
    }

    /// D10: rungs 4 to 11, run ahead.
    pub(crate) fn create_code(&self, ask: &CodeAsk, terms: &Terms, now: Ms) -> Verdict {
        let mut happened = Vec::new();
        let climbed = refuse(!ask.rolled_out, "NOT_ROLLED_OUT")
            .and_then(|()| self.check_wallet(ask.app, now))
            .and_then(|()| self.try_password(ask.password, now, &mut happened))
            .and_then(|()| self.check_review(terms))
            .and_then(|()| self.check_card(ask.source));
        if let Err(answer) = climbed {
            return Verdict::new(answer, happened);
        }
        let expires_at = now + i64::from(terms.code_seconds) * 1_000;
        happened.push(Happening::CodeIssued(Pass {
            nonce: ask.nonce,
            source: ask.source,
            amount: 0,
            expires_at,
        }));
        let answer = Answer::of("ISSUED").with("expires_at", expires_at);
        Verdict::new(answer, happened)
    }
}

/// What a payment code is asked for with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CodeAsk {
    pub(crate) source: Source,
    pub(crate) nonce: u64,
    pub(crate) password: u8,
    pub(crate) app: App,
    pub(crate) rolled_out: bool,
}

fn is_known(code: &PhoneCodeNow, now: Ms) -> bool {
    now < code.sent_at + PHONE_CODE_VALID + REMEMBERED
}

fn hand_out(passes: &mut Vec<PassNow>, pass: Pass) {
    if passes.len() >= MOST {
        passes.remove(0);
    }
    passes.push(PassNow { pass, used: false });
}

fn spend(passes: &mut [PassNow], nonce: u64) {
    for known in passes.iter_mut().filter(|known| known.pass.nonce == nonce) {
        known.used = true;
    }
}

fn end_those_of(passes: &mut Vec<PassNow>, token: u64) {
    passes.retain(|known| known.pass.source != Source::Card(token));
}
