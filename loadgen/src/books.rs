//! What one worker writes down of its calls, and what it tells the oracle.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::answer::{Answer, Parties, Wants, read_answer};
use crate::calls::Ticket;
use crate::clock::monotonic_ns;
use crate::draw::digest;
use crate::errand::{Errand, Rpc};
use crate::hlog::{Feed, Pen};
use crate::journey::{Follower, Journey};
use crate::live::{Board, Count};
use crate::oracle::{Asked, Month, Original, Refusal, Stamp, Told, What};
use crate::outcome::Outcome;
use crate::plan::{Discipline, Plan};
use crate::population::Population;
use crate::progress::Progress;
use crate::recorder::{Counts, Record, Sample};
use crate::rules::{Paid, Tally};
use crate::side_calls::{self, Gave};
use crate::threshold::Selected;
use crate::time_line::TimeLine;
use crate::workload::Request;

/// What an answer gives that failed, or that is a payment's.
const NOTHING: Gave = Gave::Nothing { decided_at_s: 0 };

/// What a worker writes down.
pub(crate) struct Books {
    pub(crate) plan: Arc<Plan>,
    progress: Arc<Progress>,
    record: Record,
    /// Rough figures; `None` where nobody looks at them.
    board: Option<Arc<Board>>,
    /// The month of the first decision, for the rules.
    first_month: Option<Month>,
    /// Calls that were sent, and calls that ended.
    noted: u64,
    start_ns: u64,
    /// What the log is written with, if one is wanted.
    pen: Option<Pen>,
}

impl Books {
    /// Nothing written yet, with slices that suit the length of the plan, where it is known.
    pub(crate) fn new(plan: &Arc<Plan>, progress: &Arc<Progress>) -> Self {
        let mut record = Record::of(plan.details);
        record.selected = Selected::of(&plan.selections);
        match &plan.discipline {
            Discipline::Open { .. } | Discipline::Closed { requests: None, .. } => {
                let length_ns = plan.end_ns.saturating_sub(plan.warm_up_ns);
                record.time_line = TimeLine::for_length(length_ns);
            }
            Discipline::Closed { .. } => {}
        }
        record.rules = plan.rules.then(Tally::default);
        Self {
            plan: Arc::clone(plan),
            progress: Arc::clone(progress),
            record,
            board: progress.board(),
            first_month: None,
            noted: 0,
            start_ns: 0,
            pen: plan.feed.as_ref().and_then(Feed::pen),
        }
    }

    /// Says when the run starts, on the monotonic clock; times count from there.
    pub(crate) fn start_at(&mut self, start_ns: u64) {
        self.start_ns = start_ns;
    }

    /// How many times a call was sent or has ended.
    pub(crate) fn noted(&self) -> u64 {
        self.noted
    }

    /// What was measured.
    pub(crate) fn into_record(self) -> Record {
        if let Some(pen) = self.pen {
            pen.finish();
        }
        self.record
    }

    /// Nanoseconds since the run started.
    pub(crate) fn now(&self) -> u64 {
        monotonic_ns().saturating_sub(self.start_ns)
    }

    /// Counts a call that is due, whatever becomes of it.
    pub(crate) fn plan_one(&mut self, rpc: Rpc, due_ns: u64) {
        self.count(rpc, due_ns, |counts| counts.planned += 1);
        self.show(rpc, Count::Planned);
    }

    /// Counts one that is not sent because its deadline has passed.
    pub(crate) fn skip(&mut self, rpc: Rpc, due_ns: u64) {
        self.count(rpc, due_ns, |counts| counts.skipped += 1);
        self.show(rpc, Count::Skipped);
        self.count_not_sent(rpc, due_ns);
    }

    /// Counts one that is not sent because too many calls are open.
    pub(crate) fn drop_one(&mut self, rpc: Rpc, due_ns: u64) {
        self.count(rpc, due_ns, |counts| counts.dropped += 1);
        self.show(rpc, Count::Dropped);
        self.count_not_sent(rpc, due_ns);
    }

    /// Counts one that could not be sent for want of a connection: it has no times.
    pub(crate) fn count_not_connected(&mut self, rpc: Rpc, due_ns: u64) {
        self.count(rpc, due_ns, |counts| counts.not_connected += 1);
        self.show(rpc, Count::NotConnected);
        self.count_not_sent(rpc, due_ns);
    }

    /// Counts one that is sent, while so many were open.
    pub(crate) fn count_sent(&mut self, rpc: Rpc, due_ns: u64, open_calls: usize) {
        Progress::count(&self.progress.sent);
        self.noted += 1;
        let Some(since_ns) = due_ns.checked_sub(self.plan.warm_up_ns) else {
            self.record.counts.warm_up_sent += 1;
            return;
        };
        self.count(rpc, due_ns, |counts| counts.sent += 1);
        let span_ns = self.plan.end_ns.saturating_sub(self.plan.warm_up_ns).max(1);
        let tenth = u128::from(since_ns) * 10 / u128::from(span_ns);
        let place = usize::try_from(tenth).unwrap_or(9).min(9);
        if let Some(tenth) = self.record.tenths.get_mut(place) {
            tenth.sent += 1;
            tenth.in_flight_sum += open_calls as u64;
        }
    }

    /// Counts calls that were to follow others after the end.
    pub(crate) fn count_abandoned(&mut self, count: u64) {
        self.record.abandoned += count;
    }

    /// Tells the oracle that a call is about to be sent.
    pub(crate) fn sending(
        &self,
        index: u64,
        rpc: Rpc,
        request: &Request,
        journey: Option<&Journey>,
    ) -> Option<Stamp> {
        let oracle = self.plan.oracle.as_ref()?;
        Some(oracle.sending(&asked(index, rpc, request, journey)))
    }

    /// Writes down how a call ended, and gives back the one that follows it.
    pub(crate) fn finish(
        &mut self,
        mut ticket: Ticket,
        reply: Result<&[u8], Outcome>,
    ) -> Option<Follower> {
        let done_ns = self.now();
        self.noted += 1;
        let (answer, gave) = self.read(&mut ticket, reply);
        self.tell(&ticket, &answer, gave);
        self.note_rules(&ticket, &answer, gave);
        self.note_alike(&ticket, &answer);
        self.record(&ticket, &answer, done_ns);
        let mut journey = ticket.journey?;
        let next = journey.request.errand.after(ticket.rpc)?;
        if !matches!(answer.outcome, Outcome::Approved | Outcome::Done) {
            return None;
        }
        if let Some(decision) = answer.decision {
            journey.got.original = Some(decision.as_original());
        }
        if answer.authorisation_id.is_some() {
            journey.got.authorisation_id = answer.authorisation_id;
        }
        let pause_ns = match next {
            Rpc::Reverse => self.plan.reverse_after_ns,
            _ => 0,
        };
        Some(Follower {
            due_ns: done_ns.saturating_add(pause_ns),
            index: ticket.index,
            rpc: next,
            journey,
        })
    }

    fn read(&self, ticket: &mut Ticket, reply: Result<&[u8], Outcome>) -> (Answer, Gave) {
        let message = match reply {
            Ok(message) => message,
            Err(outcome) => return (outcome.into(), NOTHING),
        };
        let read = match ticket.rpc {
            Rpc::Authorise => {
                read_answer(message, self.wants(ticket)).map(|answer| (answer, NOTHING))
            }
            rpc => {
                let mut journey = ticket.journey.as_mut();
                let got = journey.as_mut().map(|journey| &mut journey.got);
                got.and_then(|got| side_calls::read(rpc, message, got))
                    .map(|(outcome, gave)| (outcome.into(), gave))
            }
        };
        read.unwrap_or((Outcome::Malformed.into(), NOTHING))
    }

    fn wants(&self, ticket: &Ticket) -> Wants<'_> {
        let parties = || parties(&self.plan.population, &ticket.request);
        Wants {
            decision_for: self.plan.reads_decisions.then(parties).flatten(),
            body_hash: self
                .plan
                .oracle
                .as_ref()
                .is_some_and(|oracle| oracle.compares_bodies()),
            authorisation_id: ticket.journey.is_some(),
        }
    }

    fn tell(&self, ticket: &Ticket, answer: &Answer, gave: Gave) {
        let (Some(oracle), Some(stamp)) = (&self.plan.oracle, ticket.stamp) else {
            return;
        };
        let asked = asked(
            ticket.index,
            ticket.rpc,
            &ticket.request,
            ticket.journey.as_deref(),
        );
        let told = match (answer.outcome, answer.decision, gave) {
            (_, Some(decision), _) => Told::Decision(decision),
            (_, None, Gave::Back(back)) => Told::Reversed(back),
            (Outcome::Done, None, _) => Told::Done,
            (Outcome::Refused(_, reason), None, Gave::Nothing { decided_at_s }) => {
                Told::Refused(Refusal {
                    reason,
                    decided_at_s,
                })
            }
            (Outcome::Grpc(code), None, _) if code.says_nothing_was_done() => Told::NotDone,
            _ => return oracle.unknown(&asked, stamp),
        };
        oracle.told(&asked, stamp, &told);
    }

    fn note_alike(&mut self, ticket: &Ticket, answer: &Answer) {
        let Some(decision) = answer.decision else {
            return;
        };
        let request = &ticket.request;
        self.record.known_keys += u64::from(decision.replayed && request.key == ticket.index);
        let mark = digest(&[
            ticket.index,
            request.key,
            request.account,
            request.amount_fen,
            u64::from(decision.reason.unsigned_abs()),
            decision.total_fen.cast_unsigned(),
        ]);
        self.record.decided_alike = self.record.decided_alike.wrapping_add(mark);
    }

    fn note_rules(&mut self, ticket: &Ticket, answer: &Answer, gave: Gave) {
        let Some(tally) = &mut self.record.rules else {
            return;
        };
        if ticket.rpc == Rpc::Authorise {
            let paid = Paid {
                amount_fen: ticket.request.amount_fen,
                mode: ticket.request.mode.wire(),
            };
            tally.note_payment(paid, answer.outcome);
        }
        if let Gave::Back(back) = gave {
            tally.fees_given_back += u64::from(back.fee_fen > 0);
        }
        if let Some(decision) = answer.decision {
            let month = Month::at(decision.decided_at_s);
            let first = *self.first_month.get_or_insert(month);
            tally.in_later_months += u64::from(month > first);
        }
    }

    fn record(&mut self, ticket: &Ticket, answer: &Answer, done_ns: u64) {
        let sample = Sample {
            due_ns: ticket.due_ns,
            sent_ns: ticket.sent_ns,
            done_ns,
        };
        self.progress.done.fetch_add(1, Ordering::Relaxed);
        if ticket.rpc == Rpc::Authorise
            && let Some(board) = &self.board
        {
            board.finish(answer.outcome, sample);
        }
        let Some(since_ns) = sample.due_ns.checked_sub(self.plan.warm_up_ns) else {
            return;
        };
        if ticket.rpc != Rpc::Authorise {
            self.record.side(ticket.rpc).finish(answer.outcome, sample);
            return;
        }
        self.record.finish(answer.outcome, sample);
        if let Some(pen) = &mut self.pen {
            pen.note(answer.outcome, sample);
        }
        self.record
            .time_line
            .finish(answer.outcome, since_ns, sample);
        if let Some(timing) = &mut self.record.timing
            && answer.outcome.is_decided()
        {
            let round_trip_ns = sample.done_ns.saturating_sub(sample.sent_ns);
            timing.finish(round_trip_ns, answer.timing);
        }
        let request = &ticket.request;
        let scheme_of = || self.plan.population.scheme_of(request.account);
        let selected = &mut self.record.selected;
        selected.finish(request.mode, scheme_of, answer.outcome, sample);
        if let Some(schemes) = &mut self.record.schemes
            && let Some(scheme) = scheme_of()
        {
            let response_ns = sample.done_ns.saturating_sub(sample.due_ns);
            schemes.finish(scheme, answer.outcome, response_ns);
        }
    }

    /// Those that were due while warming up are counted apart and are in no histogram.
    fn count(&mut self, rpc: Rpc, due_ns: u64, add: impl FnOnce(&mut Counts)) {
        if due_ns < self.plan.warm_up_ns {
            return;
        }
        match rpc {
            Rpc::Authorise => add(&mut self.record.counts),
            rpc => add(&mut self.record.side(rpc).counts),
        }
    }

    /// Counts a payment for those who look on.
    fn show(&self, rpc: Rpc, what: Count) {
        if rpc == Rpc::Authorise
            && let Some(board) = &self.board
        {
            board.count(what);
        }
    }

    fn count_not_sent(&mut self, rpc: Rpc, due_ns: u64) {
        Progress::count(&self.progress.not_sent);
        if rpc == Rpc::Authorise
            && let Some(since_ns) = due_ns.checked_sub(self.plan.warm_up_ns)
        {
            self.record.time_line.skip(since_ns);
        }
    }
}

fn parties<'a>(population: &'a Population, request: &Request) -> Option<Parties<'a>> {
    let payer = population.payer(request.account)?;
    Some(Parties {
        account_id: &payer.account_id,
        card_token: &payer.card_token,
        merchant_id: population.merchant(request.merchant)?,
    })
}

/// The call as the oracle knows it.
pub(crate) fn asked(index: u64, rpc: Rpc, request: &Request, journey: Option<&Journey>) -> Asked {
    let back_fen = request.errand.back_fen().unwrap_or(0);
    let original = journey
        .and_then(|journey| journey.got.original)
        .unwrap_or(Original {
            of_fen: request.amount_fen,
            fee_fen: 0,
            month: Month::default(),
            decided_at_s: 0,
        });
    let what = match rpc {
        Rpc::Authorise => What::Authorise {
            amount_fen: request.amount_fen,
            wrong_password: request.wrong_password,
            by_code: request.errand == Errand::PayByCode,
        },
        Rpc::Reverse => What::Reverse { back_fen, original },
        Rpc::Refund => What::Refund { back_fen, original },
        Rpc::Settle => What::Settle,
        Rpc::Bind => What::Bind,
        Rpc::Unbind => What::Unbind,
        Rpc::CreatePaymentCode | Rpc::SendPhoneCode => What::Other,
    };
    Asked {
        index,
        key: request.key,
        account: request.account,
        what,
    }
}
