//! Binding a card, in two halves around the verification debit (C1b, D6, R35 to R39).

use waika_domain::card::Scheme;
use waika_domain::event::WalletRegion;
use waika_domain::identity::DocumentType;
use waika_domain::version::Channel;

use super::people::check_last_day;
use super::{Card, Happening, Model, Verdict, Who, refuse};
use crate::answer::Answer;
use crate::calendar::{Ms, month};
use crate::operation::App;
use crate::terms::{CARD_CAP, OLDEST_APPS};

/// What is asked, and what is true of it.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the form"
)]
pub(crate) struct BindAsk {
    pub(crate) rolled_out: bool,
    pub(crate) app: App,
    pub(crate) agreed: bool,
    /// None for a document that is not on the list.
    pub(crate) document: Option<DocumentType>,
    pub(crate) abroad: bool,
    pub(crate) person: u8,
    pub(crate) confirmed: bool,
    pub(crate) last_day: i64,
    pub(crate) card: u8,
    /// By its number.
    pub(crate) scheme: Option<Scheme>,
    pub(crate) chosen: Scheme,
    pub(crate) last_month: i64,
    pub(crate) phone: u8,
    pub(crate) code_right: bool,
    pub(crate) password: u8,
    pub(crate) holder_matches: bool,
}

impl BindAsk {
    pub(crate) fn who(&self) -> Option<Who> {
        Some(Who {
            number: self.person,
            document: self.document?,
            abroad: self.abroad,
        })
    }
}

impl Model {
    /// The first half: everything before the issuer.
    pub(crate) fn begin_bind(&self, ask: &BindAsk, now: Ms) -> Verdict {
        let mut happened = Vec::new();
        let climbed = self.climb_bind(ask, now, &mut happened);
        if climbed.is_ok() {
            happened.push(Happening::BindBegun { card: ask.card });
        }
        Verdict::climbed(climbed.map(|()| Answer::of("HELD")), happened)
    }

    fn climb_bind(
        &self,
        ask: &BindAsk,
        now: Ms,
        happened: &mut Vec<Happening>,
    ) -> Result<(), Answer> {
        refuse(!ask.rolled_out, "NOT_ROLLED_OUT")?;
        refuse(self.region() != WalletRegion::Mainland, "WALLET_REGION")?;
        check_app(ask.app)?;
        refuse(!ask.agreed, "AGREEMENT_NOT_ACCEPTED")?;
        let Some(who) = ask.who() else {
            return Err(Answer::of("IDENTITY_TYPE_UNSUPPORTED"));
        };
        let only_mainland = who.document != DocumentType::Passport;
        refuse(only_mainland && who.abroad, "IDENTITY_ISSUER_INVALID")?;
        check_last_day(ask.last_day, now)?;
        refuse(!ask.confirmed, "IDENTITY_REJECTED")?;
        self.check_same_person(who)?;
        refuse(ask.scheme.is_none(), "SCHEME_UNSUPPORTED")?;
        refuse(ask.scheme != Some(ask.chosen), "SCHEME_MISMATCH")?;
        if month(now) > ask.last_month {
            return Err(Answer::of("CARD_EXPIRED").with("observed", ask.last_month));
        }
        self.check_slot(ask.card)?;
        self.try_phone_code(ask.phone, ask.code_right, now, happened)?;
        if self.password().is_some() {
            self.try_password(ask.password, now, happened)?;
        }
        Ok(())
    }

    fn check_same_person(&self, who: Who) -> Result<(), Answer> {
        let verified = self.identity();
        let differs = verified.is_some_and(|(known, _)| known != who);
        refuse(differs, "IDENTITY_DIFFERS")
    }

    /// C2: pending and bound together.
    fn check_slot(&self, number: u8) -> Result<(), Answer> {
        let mut taken: Vec<u8> = self.cards().iter().map(|bound| bound.card.number).collect();
        taken.extend(self.pending_binds().iter().map(|pending| pending.1));
        refuse(taken.contains(&number), "CARD_ALREADY_BOUND")?;
        if taken.len() < CARD_CAP {
            return Ok(());
        }
        let count = |size: usize| i64::try_from(size).unwrap();
        Err(Answer::of("CARD_CAP_REACHED")
            .with("observed", count(taken.len()))
            .with("required", count(CARD_CAP)))
    }

    /// The second half: all of it or nothing (D6). Another bind may have come first.
    pub(crate) fn end_bind(
        &self,
        begun: u64,
        ask: &BindAsk,
        token: Result<u64, &'static str>,
        now: Ms,
    ) -> Verdict {
        let mut happened = vec![Happening::BindEnded { begun }];
        let climbed = self.climb_end(ask, token, now, &mut happened);
        Verdict::climbed(climbed, happened)
    }

    fn climb_end(
        &self,
        ask: &BindAsk,
        token: Result<u64, &'static str>,
        now: Ms,
        happened: &mut Vec<Happening>,
    ) -> Result<Answer, Answer> {
        let token = token.map_err(Answer::of)?;
        let (who, scheme) = (ask.who().unwrap(), ask.scheme.unwrap());
        self.check_same_person(who)?;
        let sets = self.password().is_none();
        if sets {
            let password = ask.password;
            happened.push(Happening::PasswordSet { password });
        } else {
            self.try_password(ask.password, now, happened)?;
        }
        happened.push(Happening::Verified {
            who,
            last_day: ask.last_day,
        });
        happened.push(Happening::Bound(Card {
            number: ask.card,
            token,
            scheme,
            last_month: ask.last_month,
            phone: ask.phone,
            holder_matches: ask.holder_matches,
        }));
        Ok(Answer::of("BOUND").with("sets_password", i64::from(sets)))
    }
}

/// R7, D20: compared number by number.
pub(super) fn check_app(app: App) -> Result<(), Answer> {
    let Some((channel, version)) = app else {
        return Ok(());
    };
    let mut numbers = [0_i64; 4];
    for (number, text) in numbers.iter_mut().zip(version.split('.')) {
        *number = text.parse().unwrap();
    }
    let oldest = match channel {
        Channel::Android => OLDEST_APPS[0],
        Channel::Ios => OLDEST_APPS[1],
        Channel::GooglePlay => OLDEST_APPS[2],
    };
    if numbers >= oldest {
        return Ok(());
    }
    let packed = |version: [i64; 4]| version.iter().fold(0, |all, part| all * 65_536 + part);
    Err(Answer::of("CLIENT_TOO_OLD")
        .with("observed", packed(numbers))
        .with("required", packed(oldest)))
}
