//! Review, region, balance, payment codes and risks, on both sides.

use waika_domain::event::VerificationSubmitted;
use waika_domain::event::{Event, FundsKind, Material, RegionSwitched, Review, WalletRegion};
use waika_domain::identifiers::{Fingerprint, TicketId};
use waika_domain::refusal::{ReceiveRefusal, VerificationRefusal};
use waika_domain::rules::{payment_code, receive, review, risk};

use super::said::{declined, refused};
use super::{Drive, Failure};
use crate::answer::Answer;
use crate::domain::{self, at};
use crate::operation::{App, From, Given};
use crate::reference::{CodeAsk, Happening, Verdict};

impl Drive<'_> {
    pub(super) fn submit(
        &mut self,
        material: Option<Material>,
        face_matches: bool,
    ) -> Result<(), Failure> {
        let material = material.unwrap_or(match self.model.review().state {
            Review::PageReceived | Review::FaceFailed => Material::Face,
            _ => Material::PassportPage,
        });
        let verdict = self.model.submit(material, face_matches);
        let (outcome, review) = review::submit(&self.account, material, face_matches);
        let answer = match &outcome {
            Ok(()) => Answer::of("TAKEN"),
            Err(refusal) => refused(refusal, VerificationRefusal::name),
        };
        let event = Event::VerificationSubmitted(VerificationSubmitted {
            material,
            digest: Fingerprint([9; 16]),
            bytes: 4_096,
            outcome,
            review,
        });
        self.step("SubmitVerification", verdict, &answer, event)?;
        Ok(())
    }

    pub(super) fn resolve_review(&mut self, approve: bool) -> Result<(), Failure> {
        let verdict = self.model.resolve_review(approve);
        let resolved = review::resolve(&self.account, approve);
        let answer = Answer::of(match (resolved.resolved, resolved.approve) {
            (false, _) => "NOTHING_TO_RESOLVE",
            (true, true) => "APPROVED",
            (true, false) => "REJECTED",
        });
        let event = Event::ReviewResolved(resolved);
        self.step("ResolveReview", verdict, &answer, event)?;
        Ok(())
    }

    pub(super) fn code_under_review(&mut self, approve: bool) -> Result<(), Failure> {
        self.submit(None, true)?;
        self.submit(None, true)?;
        self.create_code(From::Card(0), Given::Right, None, true)?;
        self.resolve_review(approve)
    }

    /// R32, D19: never refused.
    pub(super) fn switch_region(&mut self, region: WalletRegion) -> Result<(), Failure> {
        let answer = Answer::of("SWITCHED");
        let happened = vec![Happening::RegionSwitched(region)];
        let event = Event::RegionSwitched(RegionSwitched { region });
        let verdict = Verdict::new(answer.clone(), happened);
        self.step("SwitchWalletRegion", verdict, &answer, event)?;
        Ok(())
    }

    pub(super) fn trip(&mut self, region: WalletRegion) -> Result<(), Failure> {
        self.switch_region(region)?;
        self.switch_region(WalletRegion::Mainland)
    }

    pub(super) fn receive(&mut self, kind: FundsKind, fen: i64) -> Result<(), Failure> {
        let verdict = self.model.receive(fen);
        let received = receive::decide(&self.account, kind, domain::amount(fen));
        let answer = match &received.outcome {
            Ok(balance) => Answer::of("RECEIVED").with("balance", balance.value()),
            Err(refusal) => refused(refusal, ReceiveRefusal::name),
        };
        let event = Event::FundsReceived(received);
        self.step("ReceiveFunds", verdict, &answer, event)?;
        Ok(())
    }

    pub(super) fn create_code(
        &mut self,
        from: From,
        given: Given,
        app: App,
        rolled_out: bool,
    ) -> Result<(), Failure> {
        let ask = CodeAsk {
            source: self.source(from),
            nonce: self.fresh(),
            password: self.given(given),
            app,
            rolled_out,
        };
        let verdict = self.model.create_code(&ask, &self.terms, self.now);
        let offered = payment_code::Offered {
            funding: domain::funding(ask.source),
            nonce: ask.nonce,
            digest: domain::digest(ask.nonce),
        };
        let facts = payment_code::Facts {
            rolled_out,
            client: domain::client(app),
            password_matches: self.matches(ask.password),
        };
        let now = at(self.now);
        let decided = payment_code::decide(&self.account, offered, facts, &self.policy, now);
        let answer = match &decided.outcome {
            Ok(issued) => Answer::of("ISSUED").with("expires_at", issued.expires_at.unix_ms()),
            Err(decline) => declined(decline),
        };
        let event = Event::PaymentCodeDecided(Box::new(decided));
        self.step("CreatePaymentCode", verdict, &answer, event)?;
        Ok(())
    }

    /// Another person binds a card, or all others unbind it (D9).
    pub(super) fn stranger(&mut self, card: u8, binds: bool) {
        if binds {
            self.sequence += 1;
            self.strangers.push((card, self.sequence));
        } else {
            self.strangers.retain(|stranger| stranger.0 != card);
        }
    }

    pub(super) fn resolve_risk(&mut self, which: u8, cleared: bool) -> Result<(), Failure> {
        let open = self.model.open_risks();
        let id = if open.is_empty() {
            u64::MAX
        } else {
            open[usize::from(which) % open.len()].id
        };
        let verdict = self.model.resolve_risk(id, cleared);
        let Some(resolved) = risk::resolve(&self.account, TicketId::from_sequence(id), cleared)
        else {
            let answer = Answer::of("NO_TICKET");
            return self.agree("ResolveRiskTicket", &verdict.answer, &answer);
        };
        let answer = Answer::of(if resolved.cleared {
            "CLEARED"
        } else {
            "UPHELD"
        });
        let event = Event::RiskResolved(resolved);
        self.step("ResolveRiskTicket", verdict, &answer, event)?;
        Ok(())
    }
}
