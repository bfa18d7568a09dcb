//! Plays a sequence on the domain, as the server does it, and on the reference model, and holds
//! the two against each other after every single event.

mod afterwards;
mod cards;
mod look;
mod passwords;
mod payments;
mod said;
mod wallet;

use waika_domain::account::Account;
use waika_domain::event::Event;
use waika_domain::policy::Policy;

use self::afterwards::Decided;
use self::cards::Begun;
use self::payments::Hold;
use crate::answer::Answer;
use crate::calendar::{
    DAY, Ms, date, day_number, midnight, month, month_end, show, year, year_end,
};
use crate::domain::at;
use crate::operation::{
    Asks, BindOp, DocumentOp, FormOp, From, Given, Issuer, Op, Pause, PersonOp, Reviewed, Sequence,
    Start, Sum,
};
use crate::reference::{Model, PassNow, Source, Verdict};
use crate::tally::Tally;
use crate::terms::{PHONE_CODE_VALID, REMEMBERED, RESEND, Terms};

/// Why a sequence failed.
pub(crate) type Failure = String;

/// One wallet on both sides, and the world around it.
pub(crate) struct Drive<'t> {
    account: Account,
    model: Model,
    start: Start,
    terms: Terms,
    policy: Policy,
    now: Ms,
    /// The last sequence of the ledger.
    sequence: u64,
    /// The last number that was given to a card, code or token.
    number: u64,
    /// Every event of the account.
    events: Vec<(Event, u64, Ms)>,
    /// Binds and payments whose issuer has not answered.
    begun: Vec<Begun>,
    holds: Vec<Hold>,
    decided: Vec<Decided>,
    /// Cards that other people have bound, and by which sequence (D9).
    strangers: Vec<(u8, u64)>,
    tally: &'t mut Tally,
}

/// Plays a whole sequence.
pub(crate) fn play(sequence: &Sequence, tally: &mut Tally) -> Result<(), Failure> {
    let mut drive = Drive::new(sequence.start, tally);
    for op in beginning(&sequence.start) {
        let acted = drive.act(&op);
        acted.map_err(|failure| format!("at the beginning, {op:?}: {failure}"))?;
    }
    for (number, (pause, op)) in sequence.steps.iter().enumerate() {
        drive.wait(*pause);
        drive.tally.operation();
        let acted = drive.act(op);
        acted.map_err(|failure| {
            let now = show(drive.now);
            format!("step {number} at {now}, {op:?}: {failure}")
        })?;
    }
    drive.compare_with_history()
}

/// What brings a wallet to where its sequence begins.
fn beginning(start: &Start) -> Vec<Op> {
    use waika_domain::event::FundsKind;
    let mut ops: Vec<Op> = (1..=start.cards).map(clean_bind).map(Op::Bind).collect();
    let submit = Op::Submit {
        material: None,
        face_matches: true,
    };
    let resolve = |approve| Op::ResolveReview { approve };
    match start.review {
        Reviewed::Not => {}
        Reviewed::Submitted => ops.extend([submit, submit]),
        Reviewed::Approved => ops.extend([submit, submit, resolve(true)]),
        Reviewed::Rejected => ops.extend([submit, submit, resolve(false)]),
    }
    if start.balance > 0 {
        ops.push(Op::Receive {
            kind: FundsKind::Transfer,
            fen: start.balance,
        });
    }
    if start.unbound {
        ops.push(Op::UnbindAll);
    }
    ops
}

fn clean_bind(card: u8) -> BindOp {
    BindOp {
        card,
        phone: card,
        person: PersonOp {
            number: 1,
            document: DocumentOp::Usual,
            abroad: false,
            confirmed: true,
            expires: 3_000,
        },
        password: Given::Right,
        asks: Asks::First,
        code_right: true,
        form: FormOp {
            rolled_out: true,
            app: None,
            agreed: true,
            scheme_right: true,
            expires: 120,
        },
        holder_matches: true,
        issuer: Issuer::Approves,
    }
}

impl<'t> Drive<'t> {
    fn new(start: Start, tally: &'t mut Tally) -> Self {
        Self {
            account: Account::open(start.region),
            model: Model::open(start.region),
            start,
            terms: start.terms,
            policy: start.terms.policy(),
            now: start.at,
            sequence: 0,
            number: 100,
            events: Vec::new(),
            begun: Vec::new(),
            holds: Vec::new(),
            decided: Vec::new(),
            strangers: Vec::new(),
            tally,
        }
    }

    fn act(&mut self, op: &Op) -> Result<(), Failure> {
        match *op {
            Op::SendCode { phone, deliverable } => self.send_code(phone, deliverable),
            Op::SendCodes { phones } => {
                (10..10 + phones).try_for_each(|phone| self.send_code(phone, true))
            }
            Op::Bind(bind) => self.bind(&bind),
            Op::EndBind { which, issuer } => self.end_bind(which, issuer),
            Op::Unbind { card, password } => self.unbind(card, password),
            Op::UnbindAll => self.unbind_all(),
            Op::Verify {
                from,
                sum,
                password,
            } => self.verify(from, sum, password),
            Op::VerifyTimes { times, right } => self.verify_times(times, right),
            Op::Change { old, new } => self.change(old, new),
            Op::ResetByCard(reset) => self.reset_by_card(&reset),
            Op::GuessProof { times } => self.guess_proof(times),
            Op::ResetByIdentity { person, new } => self.reset_by_identity(person, new),
            Op::ResolveTicket { approve, known } => self.resolve_ticket(approve, known),
            Op::Unlock => self.unlock(),
            Op::Submit {
                material,
                face_matches,
            } => self.submit(material, face_matches),
            Op::ResolveReview { approve } => self.resolve_review(approve),
            Op::CodeUnderReview { approve } => self.code_under_review(approve),
            Op::SwitchRegion(region) => self.switch_region(region),
            Op::Trip(region) => self.trip(region),
            Op::CreateCode {
                from,
                password,
                app,
                rolled_out,
            } => self.create_code(from, password, app, rolled_out),
            Op::CreateCodes { times } => (0..times)
                .try_for_each(|_| self.create_code(From::Card(0), Given::Right, None, true)),
            Op::Pay(pay) => self.pay(&pay),
            Op::PayTimes { times } => self.pay_times(times),
            Op::Answer { which, issuer } => self.answer(which, issuer),
            Op::GiveBack { which, kind, part } => self.give_back(which, kind, part),
            Op::Settle { which } => self.settle(which),
            Op::Receive { kind, fen } => self.receive(kind, fen),
            Op::ReverseAhead { key } => self.reverse_ahead(key),
            Op::Stranger { card, binds } => {
                self.stranger(card, binds);
                Ok(())
            }
            Op::ResolveRisk { which, cleared } => self.resolve_risk(which, cleared),
            Op::Set(terms) => {
                (self.terms, self.policy) = (terms, terms.policy());
                Ok(())
            }
            Op::Crash => self.crash(),
            Op::Restart => self.restart(),
        }
    }

    /// Both sides have answered a call and the domain has made its event: they must agree, in
    /// the answer and in what the account looks like after it.
    fn step(
        &mut self,
        call: &'static str,
        verdict: Verdict,
        answer: &Answer,
        event: Event,
    ) -> Result<u64, Failure> {
        self.agree(call, &verdict.answer, answer)?;
        let usable = self.usable();
        self.sequence += 1;
        self.account.apply(&event, self.sequence, at(self.now));
        self.model.record(self.now, self.sequence, verdict.happened);
        self.events.push((event, self.sequence, self.now));
        self.compare_views(call)?;
        self.count_states(call, usable);
        Ok(self.sequence)
    }

    /// How many payment codes, and how many tokens, could still be used.
    fn usable(&self) -> [usize; 2] {
        [self.model.payment_codes(), self.model.tokens()].map(|passes| {
            let usable = |known: &&PassNow| !known.used && self.now < known.pass.expires_at;
            passes.iter().filter(usable).count()
        })
    }

    /// Counts what no answer tells: what a call has ended, and periods that a clock stepping back
    /// does not reopen.
    fn count_states(&mut self, call: &'static str, before: [usize; 2]) {
        let after = self.usable();
        let ends = !matches!(call, "Authorise" | "CreatePaymentCode" | "VerifyPassword");
        if ends && after[0] < before[0] {
            self.tally.count("CodesEndedBy", call);
        }
        if ends && after[1] < before[1] {
            self.tally.count("TokensEndedBy", call);
        }
        let open = self.model.open_at(self.now);
        if month(open) != month(self.now) {
            self.tally.count("ClockStepsBack", "MONTH_STAYS");
        }
        if year(open) != year(self.now) {
            self.tally.count("ClockStepsBack", "YEAR_STAYS");
        }
    }

    /// Both answers are the same; counted.
    fn agree(
        &mut self,
        call: &'static str,
        expected: &Answer,
        answer: &Answer,
    ) -> Result<(), Failure> {
        self.tally.count(call, answer.reason);
        if expected == answer {
            return Ok(());
        }
        Err(format!(
            "{call} is answered\n    {answer:?}\n  where RULES say\n    {expected:?}"
        ))
    }

    /// Written into a snapshot and read from it, an account is the same.
    fn restart(&mut self) -> Result<(), Failure> {
        let read = Account::from_parts(self.account.clone().into_parts());
        if read != self.account {
            return Err(format!("{:?}\n  from parts\n{read:?}", self.account));
        }
        self.account = read;
        self.compare_views("Restart")
    }

    fn compare_with_history(&mut self) -> Result<(), Failure> {
        self.restart()?;
        let mut replayed = Account::open(self.start.region);
        for (event, sequence, time) in &self.events {
            replayed.apply(event, *sequence, at(*time));
        }
        if replayed == self.account {
            return Ok(());
        }
        Err(format!("{:?}\n  replayed\n{replayed:?}", self.account))
    }

    fn fresh(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// The password that is given.
    fn given(&self, given: Given) -> u8 {
        match given {
            Given::Right => self.model.password().unwrap_or(1),
            Given::Number(password) => password,
        }
    }

    /// What is paid from; without a card it is one that was never bound.
    fn source(&self, from: From) -> Source {
        let cards = self.model.cards();
        match from {
            From::Card(which) if !cards.is_empty() => {
                Source::Card(cards[usize::from(which) % cards.len()].card.token)
            }
            From::Balance => Source::Balance,
            From::Card(_) | From::Gone => {
                let mut ever = self.model.tokens_of_cards().into_iter().rev();
                let gone = ever.find(|&token| self.model.card(token).is_none());
                Source::Card(gone.unwrap_or(7))
            }
        }
    }

    /// The token of a card that is named where only a card can be.
    fn card_token(&self, from: From) -> u64 {
        match self.source(from) {
            Source::Card(token) => token,
            Source::Balance | Source::Unknown => 7,
        }
    }

    fn fen(&self, sum: Sum) -> i64 {
        let (month, year) = self.model.used(self.now);
        let fen = match sum {
            Sum::Fen(fen) => fen,
            Sum::Single(more) => self.terms.single + more,
            Sum::Month(more) => self.terms.month - month + more,
            Sum::Year(more) => self.terms.year - year + more,
            Sum::Balance(more) => self.model.balance() + more,
        };
        fen.max(1)
    }

    fn wait(&mut self, pause: Pause) {
        match pause {
            Pause::None => {}
            Pause::Pass(time) => self.now += time,
            Pause::To(which, offset) => {
                let ahead = self.instants();
                self.now = ahead[usize::from(which) % ahead.len()] + offset;
            }
        }
    }

    /// The instants to come at which something begins or ends, the nearest first.
    fn instants(&self) -> Vec<Ms> {
        let (model, now) = (&self.model, self.now);
        let midnight = midnight(crate::calendar::after(date(now), 1));
        let mut instants = vec![midnight, month_end(now), year_end(now)];
        let view = model.view(now);
        instants.extend(view.password_locked_until);
        instants.extend(view.reset_locked_until);
        for code in model.phone_codes() {
            let end = code.sent_at + PHONE_CODE_VALID;
            instants.extend([code.sent_at + RESEND, end, end + REMEMBERED]);
        }
        for known in model.tokens().iter().chain(&model.payment_codes()) {
            instants.extend([known.pass.expires_at, known.pass.expires_at + REMEMBERED]);
        }
        instants.extend(model.paid().iter().map(|paid| paid.settles_at));
        if let Some((_, last_day)) = model.identity() {
            instants.push(midnight + (last_day - day_number(date(now))) * DAY);
        }
        instants.retain(|&instant| instant > now);
        instants.sort_unstable();
        instants.dedup();
        instants
    }
}
