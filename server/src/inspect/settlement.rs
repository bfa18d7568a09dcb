//! `settlement export`: what settled on a day, with totals by merchant, for finance.

use waika_domain::event::Event;
use waika_domain::period::{Day, Timestamp};

use super::destination::{self, Destination, Existing};
use super::entries::{Ended, Reading};
use super::instants::in_shanghai;
use super::interrupt::{self, Stop};
use super::table::{self, WriteError, Writer, columns};
use super::{GRACE, require_journal, text};
use crate::clock::{Clock, monotonic};
use crate::config::SettlementConfig;
use crate::exit::{self, Failure, Reason};
use crate::ledger::journal::Beginning;
use crate::ledger::journal::disk::RealDisk;
use crate::ledger::snapshot;
use crate::settlement::{Line, LineKind, Settlement, Statement, Total};

columns! {
    /// A line of a statement, or a total.
    struct Row {
        /// The day in Asia/Shanghai, such as `2024-02-02`.
        day: Text,
        /// The merchant's id.
        merchant: Text,
        /// The authorisation that settled or was refunded; absent in a total.
        authorisation_id: Text,
        /// settlement, refund or total.
        kind: Text,
        /// Principal; negative in a refund.
        principal_fen: Integer,
        /// Fee.
        fee_fen: Integer,
        /// Principal and fee (D3).
        total_fen: Integer,
        /// When the payment was approved, RFC 3339 in Asia/Shanghai.
        authorised_at: Text,
        /// When it settled or was refunded, RFC 3339 in Asia/Shanghai.
        settled_at: Text,
        /// How many authorisations a total adds up.
        settlements: Integer,
        /// How many refunds a total adds up.
        refunds: Integer,
    }
}

/// Exports, and says on standard error how much.
pub(super) fn run(config: SettlementConfig) -> Result<(), Failure> {
    require_journal(&config.folder)?;
    let destination = Destination::open(&config.output, Existing::of(config.force))?;
    let place = destination::place(&config.output);
    let began = monotonic();
    let written = interrupt::run(GRACE, move |stop| export(&config, destination, stop))?;
    if let Some(statement) = written {
        let (lines, merchants) = (statement.lines.len(), statement.totals.len());
        exit::note(&format!(
            "settlements and refunds: {}, merchants: {}, written to {place} in {}",
            text::grouped(lines as u64),
            text::grouped(merchants as u64),
            text::elapsed(began.elapsed()),
        ));
    }
    Ok(())
}

/// What was written; None if its reader has had enough.
fn export(
    config: &SettlementConfig,
    destination: Destination,
    stop: &Stop,
) -> Result<Option<Statement>, Failure> {
    let statement = statement(config, stop)?;
    let written = destination
        .stream()
        .map_err(WriteError::from)
        .and_then(|output| table::lines(config.format, output))
        .and_then(|writer| write(&statement, writer));
    destination.conclude(written.map(|()| statement))
}

fn write(statement: &Statement, mut writer: Box<dyn Writer<Row>>) -> Result<(), WriteError> {
    let day = statement.day.to_string();
    for line in &statement.lines {
        writer.write(&row_of_line(&day, line))?;
    }
    for total in &statement.totals {
        writer.write(&row_of_total(&day, total))?;
    }
    writer.finish()
}

/// Reads the journal from end to end, and then, where it has to, once more to payments that were
/// refunded or settled early on the day.
fn statement(config: &SettlementConfig, stop: &Stop) -> Result<Statement, Failure> {
    let disk = RealDisk::open_read_only(&config.folder)?;
    let reading = Reading {
        disk: &disk,
        title: "settlement",
        stop,
    };
    // Before anything is read: what is decided meanwhile must not seem to be over already.
    let (machine, mut clock) = (Clock::system().now(), None);
    let mut settlement = Settlement::of(config.day, config.merchant.clone());
    let first = first_for(config.day, reading)?;
    let seen = reading.entries(first..=u64::MAX, |sequence, stored| {
        if let Some(event) = stored.event() {
            if let Event::ClockSet(setting) = event {
                clock = Some(*setting);
            }
            settlement.see(sequence, stored.at, event);
        }
        Ok(())
    });
    seen.map_err(failure)?;
    if clock.is_none() && first > 1 {
        clock = snapshot::clock(&disk)?;
    }
    let now = clock.map_or(machine, |clock| clock.shows(machine));
    check_day(config.day, now)?;
    let missing = settlement.missing();
    if let Some(sequence) = missing.first().filter(|&&sequence| sequence < first) {
        let what = format!("a payment that was refunded on it is entry {sequence}");
        return Err(pruned(config.day, &what, reading.beginning()?));
    }
    if let (Some(&first), Some(&last)) = (missing.first(), missing.last()) {
        let found = reading.entries(first..=last, |sequence, stored| {
            if missing.contains(&sequence)
                && let Some(event) = stored.event()
            {
                settlement.found(sequence, stored.at, event);
            }
            Ok(())
        });
        found.map_err(failure)?;
    }
    settlement
        .finish(now)
        .map_err(|error| Failure::new(Reason::Damaged, error.to_string()))
}

/// The first sequence that is kept, if the sums of the day need nothing from before.
fn first_for(day: Day, reading: Reading<'_>) -> Result<u64, Failure> {
    match reading.beginning()? {
        None => Ok(1),
        Some(kept) if day.start().unix_ms() < kept.days_from_ms => {
            let since = in_shanghai(Timestamp::from_unix_ms(kept.days_from_ms));
            let what = format!("days can be added up from {since} on");
            Err(pruned(day, &what, Some(kept)))
        }
        Some(kept) => Ok(kept.first),
    }
}

/// Never a smaller sum.
fn pruned(day: Day, what: &str, beginning: Option<Beginning>) -> Failure {
    let beginning = beginning.map_or_else(String::new, |kept| kept.to_string());
    let text = format!("--day: {day} cannot be added up: {beginning}; {what}");
    Failure::new(Reason::Configuration, text)
}

/// Nothing has settled on a day that has not begun by the clock that the journal's server goes
/// by, which an operator of the sandbox may have set.
fn check_day(day: Day, now: Timestamp) -> Result<(), Failure> {
    if now < day.start() {
        let text = format!(
            "--day: {day} has not begun: by the journal's clock it is {}",
            in_shanghai(now)
        );
        return Err(Failure::new(Reason::Configuration, text));
    }
    if now < day.plus_days(1).start() {
        exit::note(&format!(
            "{day} is not over: by the journal's clock it is {}; what is refunded or settled \
             later that day is not in it yet",
            in_shanghai(now)
        ));
    }
    Ok(())
}

fn failure(ended: Ended) -> Failure {
    match ended {
        Ended::Failed(failure) => failure,
        Ended::Written(error) => destination::unwritten(&error),
    }
}

fn row_of_line(day: &str, line: &Line) -> Row {
    let kind = match line.kind {
        LineKind::Settlement => "settlement",
        LineKind::Refund => "refund",
    };
    Row {
        day: Some(day.to_owned().into()),
        merchant: Some(line.merchant.to_string().into()),
        authorisation_id: Some(line.authorisation.to_string().into()),
        kind: Some(kind.into()),
        principal_fen: Some(line.principal_fen),
        fee_fen: Some(line.fee_fen),
        total_fen: Some(line.total_fen()),
        authorised_at: Some(in_shanghai(line.authorised_at).into()),
        settled_at: Some(in_shanghai(line.settled_at).into()),
        settlements: None,
        refunds: None,
    }
}

fn row_of_total(day: &str, total: &Total) -> Row {
    let count = |number: u64| Some(i64::try_from(number).unwrap_or(i64::MAX));
    Row {
        day: Some(day.to_owned().into()),
        merchant: Some(total.merchant.to_string().into()),
        kind: Some("total".into()),
        principal_fen: Some(total.principal_fen),
        fee_fen: Some(total.fee_fen),
        total_fen: Some(total.total_fen()),
        settlements: count(total.settlements),
        refunds: count(total.refunds),
        ..Row::default()
    }
}
