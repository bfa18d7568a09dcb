//! The ladder of `Authorise` (C1), and how much it costs (R71, D4).

use waika_domain::decline::IssuerRefusal;
use waika_domain::event::Scene;
use waika_domain::rules::authorise::Quote;

use super::{Happening, Model, Risk, Source, Verdict, refuse};
use crate::answer::Answer;
use crate::calendar::{Ms, after, date, midnight, month, month_end, year, year_end};
use crate::operation::{App, Issuer, Shop};
use crate::terms::{REMEMBERED, Terms, WAIVED};

/// What is shown to prove who pays: a token or code by its nonce, None for none of ours.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shown {
    Password(u8),
    Token(Option<u64>),
    Code(Option<u64>),
}

/// A payment that is asked for, and what is true of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PayAsk {
    pub(crate) source: Source,
    pub(crate) amount: i64,
    pub(crate) scene: Scene,
    pub(crate) shop: Shop,
    pub(crate) shown: Shown,
    pub(crate) app: App,
    pub(crate) rolled_out: bool,
    pub(crate) key: Option<u8>,
    pub(crate) quote: Quote,
    /// What is known against the card (D9).
    pub(crate) risk: Option<Risk>,
}

impl Model {
    pub(crate) fn authorise(
        &self,
        ask: &PayAsk,
        issuer: Issuer,
        terms: &Terms,
        now: Ms,
    ) -> Verdict {
        let mut happened = Vec::new();
        let climbed = self.climb(ask, terms, now, &mut happened);
        if let Err(answer) = climbed {
            happened.push(Happening::Declined);
            if let (Source::Card(token), Some(risk)) = (ask.source, risk_of(&answer)) {
                happened.push(Happening::RiskMet { token, risk });
            }
            return Verdict::new(answer, happened);
        }
        let from_balance = ask.source == Source::Balance; // It has no issuer.
        if let (Issuer::Refuses(refusal), false) = (issuer, from_balance) {
            happened.push(Happening::Declined);
            return Verdict::new(Answer::of(issuer_says(refusal)), happened);
        }
        let settles = after(date(now), 1 + i64::from(terms.settle_after_days));
        let fee = if from_balance {
            0
        } else {
            fee(ask.amount, terms)
        };
        happened.push(Happening::Held {
            source: ask.source,
            principal: ask.amount,
            fee,
            settles_at: midnight(settles), // D25
        });
        let reason = if let Issuer::Waits = issuer {
            "HELD"
        } else {
            happened.push(Happening::Approved { held: None });
            "APPROVED"
        };
        let answer = Answer::of(reason)
            .with("fee", fee)
            .with("settles_at", midnight(settles));
        Verdict::new(self.with_windows(answer, ask, terms, now), happened)
    }

    /// What remains after it, as an approval tells.
    fn with_windows(&self, answer: Answer, ask: &PayAsk, terms: &Terms, now: Ms) -> Answer {
        let (used, open) = (self.used(now), self.open_at(now));
        let from_balance = ask.source == Source::Balance;
        let counted = if from_balance { 0 } else { ask.amount };
        let left = from_balance.then(|| self.balance() - ask.amount);
        answer
            .with("month", month(open))
            .with("month_used", used.0 + counted)
            .with("month_limit", terms.month)
            .with("year", year(open))
            .with("year_used", used.1 + counted)
            .with("year_limit", terms.year)
            .with_any("balance_left", left)
    }

    /// The issuer's word on what is held (C2: each hold is resolved once).
    pub(crate) fn answer(held: u64, refusal: Option<IssuerRefusal>) -> Verdict {
        match refusal {
            None => {
                let held = Some(held);
                Verdict::new(Answer::of("APPROVED"), vec![Happening::Approved { held }])
            }
            Some(refusal) => Verdict::new(
                Answer::of(issuer_says(refusal)),
                vec![Happening::Voided { held }],
            ),
        }
    }

    /// Rungs 3 to 20, in their order.
    fn climb(
        &self,
        ask: &PayAsk,
        terms: &Terms,
        now: Ms,
        happened: &mut Vec<Happening>,
    ) -> Result<(), Answer> {
        self.check_beginning(ask)?;
        match ask.shown {
            Shown::Code(_) => {} // D10: 5 to 11 were run when it was made.
            Shown::Password(_) | Shown::Token(_) => {
                self.check_wallet(ask.app, now)?;
                self.check_shown(ask.shown, now, happened)?;
                self.check_review(terms)?;
                self.check_card(ask.source)?;
            }
        }
        check_scene(ask)?;
        check_shop(ask)?;
        self.check_code(ask.shown, now, happened)?;
        check_risk_and_quote(ask)?;
        self.check_money(ask, terms, now)
    }

    /// What a payment would meet, without spending anything (R62): no password, no code, no key.
    pub(crate) fn quote(&self, ask: &PayAsk, terms: &Terms, now: Ms) -> Answer {
        let climbed = refuse(!ask.rolled_out, "NOT_ROLLED_OUT")
            .and_then(|()| self.check_wallet(ask.app, now))
            .and_then(|()| self.check_unlocked(now))
            .and_then(|()| self.check_review(terms))
            .and_then(|()| self.check_card(ask.source))
            .and_then(|()| check_scene(ask))
            .and_then(|()| check_shop(ask))
            .and_then(|()| check_risk_and_quote(ask))
            .and_then(|()| self.check_money(ask, terms, now));
        match climbed {
            Err(answer) => answer,
            Ok(()) if ask.source == Source::Balance => Answer::of("USABLE").with("fee", 0),
            Ok(()) => Answer::of("USABLE").with("fee", fee(ask.amount, terms)),
        }
    }

    /// A code that leads to no account: decided at its rung, after the merchant's (D10).
    pub(crate) fn authorise_nobody(ask: &PayAsk) -> Verdict {
        let invalid = Answer::of("PAYMENT_CODE_INVALID");
        Verdict::new(check_shop(ask).err().unwrap_or(invalid), Vec::new())
    }

    fn check_beginning(&self, ask: &PayAsk) -> Result<(), Answer> {
        let ahead = self.reversed_ahead();
        let reversed = ask.key.is_some_and(|key| ahead.contains(&key));
        refuse(reversed, "REVERSED_BEFORE_ARRIVAL")?; // D31
        refuse(!ask.rolled_out, "NOT_ROLLED_OUT") // R3
    }

    /// Rung 9.
    fn check_shown(
        &self,
        shown: Shown,
        now: Ms,
        happened: &mut Vec<Happening>,
    ) -> Result<(), Answer> {
        let nonce = match shown {
            Shown::Code(_) => return Ok(()),
            Shown::Password(given) => return self.try_password(given, now, happened),
            Shown::Token(nonce) => nonce,
        };
        self.check_unlocked(now)?;
        let Some(nonce) = nonce else {
            return Err(Answer::of("PAYMENT_TOKEN_INVALID"));
        };
        let tokens = self.tokens();
        let known = tokens.iter().find(|known| known.pass.nonce == nonce);
        // RULES do not name the reason of a token that was ended: it is told as expired.
        let expired = known.is_none_or(|known| now >= known.pass.expires_at);
        refuse(expired, "PAYMENT_TOKEN_EXPIRED")?;
        refuse(known.unwrap().used, "PAYMENT_TOKEN_USED")?;
        happened.push(Happening::TokenSpent { nonce });
        Ok(())
    }

    /// Rung 11; the balance skips it (D12).
    pub(super) fn check_card(&self, source: Source) -> Result<(), Answer> {
        match source {
            Source::Card(token) => refuse(self.card(token).is_none(), "CARD_NOT_BOUND"),
            Source::Balance | Source::Unknown => Ok(()),
        }
    }

    /// Rung 14: the code is consumed once it passes.
    fn check_code(
        &self,
        shown: Shown,
        now: Ms,
        happened: &mut Vec<Happening>,
    ) -> Result<(), Answer> {
        let Shown::Code(nonce) = shown else {
            return Ok(());
        };
        let listed = nonce.and_then(|nonce| self.payment_code(nonce));
        let Some(code) = listed.filter(|code| now < code.pass.expires_at + REMEMBERED) else {
            return Err(Answer::of("PAYMENT_CODE_INVALID"));
        };
        refuse(now >= code.pass.expires_at, "PAYMENT_CODE_EXPIRED")?;
        refuse(code.used, "PAYMENT_CODE_USED")?;
        happened.push(Happening::CodeSpent {
            nonce: code.pass.nonce,
        });
        Ok(())
    }

    /// Rungs 17 to 20.
    fn check_money(&self, ask: &PayAsk, terms: &Terms, now: Ms) -> Result<(), Answer> {
        if ask.source != Source::Balance {
            return self.check_limits(ask.amount, terms, now);
        }
        refuse(self.has_passport(), "BALANCE_NOT_PERMITTED")?; // R72
        let balance = self.balance();
        if ask.amount <= balance {
            return Ok(());
        }
        Err(over("BALANCE_INSUFFICIENT", ask.amount, balance, balance).with("at_most", balance))
    }

    /// R63 to R65: exactly a limit is allowed; principal only (D3).
    fn check_limits(&self, amount: i64, terms: &Terms, now: Ms) -> Result<(), Answer> {
        let (month_used, year_used) = self.used(now);
        let month_left = (terms.month - month_used).max(0); // D24
        let year_left = (terms.year - year_used).max(0);
        let at_most = terms.single.min(month_left).min(year_left);
        if amount > terms.single {
            let answer = over("LIMIT_SINGLE", amount, terms.single, terms.single);
            return Err(answer.with("at_most", at_most));
        }
        let open = self.open_at(now);
        let year_objects = year_used + amount > terms.year;
        if month_used + amount > terms.month {
            let observed = month_used + amount;
            // Next month is no help where the year's limit would object then.
            let resets_at = if year_objects {
                year_end(open)
            } else {
                month_end(open)
            };
            return Err(over("LIMIT_MONTH", observed, terms.month, month_left)
                .with("at_most", at_most)
                .with("until", resets_at));
        }
        if year_objects {
            let observed = year_used + amount;
            return Err(over("LIMIT_YEAR", observed, terms.year, year_left)
                .with("at_most", at_most)
                .with("until", year_end(open)));
        }
        Ok(())
    }
}

fn over(reason: &'static str, observed: i64, limit: i64, remaining: i64) -> Answer {
    Answer::of(reason)
        .with("observed", observed)
        .with("limit", limit)
        .with("remaining", remaining)
}

/// Rung 12, R72: a card only buys; the balance also sends red packets and transfers; topping up
/// and wealth products take another card than ours. What an unknown code stood for is not known.
fn check_scene(ask: &PayAsk) -> Result<(), Answer> {
    let open = match ask.source {
        Source::Card(_) => ask.scene == Scene::Purchase,
        Source::Balance => !matches!(ask.scene, Scene::TopUp | Scene::WealthProduct),
        Source::Unknown => true,
    };
    refuse(!open, "SCENE_NOT_PERMITTED")
}

/// Rung 13: only a purchase has a merchant.
fn check_shop(ask: &PayAsk) -> Result<(), Answer> {
    if ask.scene != Scene::Purchase {
        return Ok(());
    }
    let overseas = matches!(ask.shop, Shop::Overseas | Shop::OverseasNotEnabled);
    let enabled = !matches!(ask.shop, Shop::NotEnabled | Shop::OverseasNotEnabled);
    refuse(ask.shop == Shop::Unknown, "MERCHANT_UNKNOWN")?;
    refuse(overseas, "MERCHANT_OVERSEAS")?;
    let by_card = ask.source != Source::Balance; // D12
    refuse(by_card && !enabled, "MERCHANT_NOT_ENABLED")
}

/// Rungs 15 and 16.
fn check_risk_and_quote(ask: &PayAsk) -> Result<(), Answer> {
    if let Source::Card(_) = ask.source {
        refuse(ask.risk == Some(Risk::Shared), "RISK_CARD_SHARED")?;
        refuse(ask.risk == Some(Risk::Holder), "RISK_HOLDER_MISMATCH")?;
    }
    refuse(ask.quote == Quote::Expired, "QUOTE_EXPIRED")?;
    refuse(ask.quote == Quote::Differs, "QUOTE_MISMATCH")
}

fn risk_of(answer: &Answer) -> Option<Risk> {
    match answer.reason {
        "RISK_CARD_SHARED" => Some(Risk::Shared),
        "RISK_HOLDER_MISMATCH" => Some(Risk::Holder),
        _ => None,
    }
}

/// R71, D4: of the whole principal once it is above the waived amount, half away from zero.
pub(super) fn fee(amount: i64, terms: &Terms) -> i64 {
    if amount <= WAIVED {
        0
    } else {
        half_up(i128::from(amount) * i128::from(terms.fee), 10_000)
    }
}

/// The nearest whole number, a half upwards.
pub(super) fn half_up(part: i128, whole: i128) -> i64 {
    i64::try_from((2 * part + whole) / (2 * whole)).unwrap()
}

/// Rung 21.
pub(crate) fn issuer_says(refusal: IssuerRefusal) -> &'static str {
    match refusal {
        IssuerRefusal::ExpiredCard => "ISSUER_EXPIRED_CARD",
        IssuerRefusal::LockedCard => "ISSUER_LOCKED_CARD",
        IssuerRefusal::LostCard => "ISSUER_LOST_CARD",
        IssuerRefusal::StolenCard => "ISSUER_STOLEN_CARD",
        IssuerRefusal::PickupCard => "ISSUER_PICKUP_CARD",
        IssuerRefusal::InsufficientFunds => "ISSUER_INSUFFICIENT_FUNDS",
        IssuerRefusal::DoNotHonour => "ISSUER_DO_NOT_HONOUR",
        IssuerRefusal::Unavailable => "ISSUER_UNAVAILABLE",
    }
}
