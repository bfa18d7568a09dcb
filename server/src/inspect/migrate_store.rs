//! `migrate-store`: a journal becomes a database.

use std::cell::RefCell;
use std::time::Duration;

use serde_json::json;

use super::interrupt::{self, Stop};
use super::postgres_probe::not_connected;
use super::progress::{Meter, Unit};
use super::told::Told;
use super::{require_segments, text};
use crate::config::MigrateConfig;
use crate::exit::{Failure, Reason};
use crate::ledger::journal::Progress as _;
use crate::ledger::journal::moved::FILE as MARK;
use crate::ledger::moving::{self, MoveError, Moved, Stage, Watching};
use crate::ledger::postgres::{Address, SchemaError};

/// How long the database may take to undo what was written.
const GRACE: Duration = Duration::from_secs(20);

/// Moves it, and says what was moved.
pub(super) fn run(config: &MigrateConfig) -> Result<(), Failure> {
    require_segments("JOURNAL", &config.folder)?;
    let told = Told::begin(config.json.clone())?;
    let work = {
        let config = config.clone();
        move |stop: &Stop| {
            let watch = Watch {
                stop,
                meter: RefCell::default(),
            };
            let from = (&*config.folder, &*config.key_file);
            let moved = moving::run(from, &config.address, &watch);
            drop(watch);
            moved.map_err(|error| failure(error, &config.address))
        }
    };
    let moved = interrupt::run(GRACE, work)?;
    told.end(&as_text(&moved, config), &as_json(&moved))
}

/// One meter after the other.
struct Watch<'a> {
    stop: &'a Stop,
    meter: RefCell<Option<Meter>>,
}

impl Watching for Watch<'_> {
    fn begins(&self, stage: Stage, total: u64) {
        let (title, unit) = match stage {
            Stage::CopyEntries => ("written", Unit::Entries),
            Stage::CopyAccounts => ("written", Unit::Accounts),
            Stage::CompareEntries => ("compared", Unit::Entries),
            Stage::CompareAccounts => ("compared", Unit::Accounts),
        };
        // The one before it first: two would write over each other.
        drop(self.meter.borrow_mut().take());
        let meter = Meter::start(title, unit, self.stop);
        meter.total(total);
        self.meter.replace(Some(meter));
    }

    fn done(&self, more: u64) {
        if let Some(meter) = &*self.meter.borrow() {
            meter.done(more);
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_asked()
    }
}

fn failure(error: MoveError, address: &Address) -> Failure {
    let reason = match error {
        MoveError::Open(error) => return error.into(),
        MoveError::NotConnected(error) => return not_connected(address, &error),
        MoveError::Stopped => return interrupt::stopped(),
        MoveError::MovedElsewhere(_)
        | MoveError::Pruned(_)
        | MoveError::Erasing(_)
        | MoveError::Occupied
        | MoveError::Schema(SchemaError::Newer { .. } | SchemaError::Foreign) => {
            Reason::Configuration
        }
        MoveError::Schema(SchemaError::Rights { .. }) => Reason::Unwritable,
        MoveError::Served(_) => Reason::Unavailable,
        MoveError::Differs(_) | MoveError::Another(_) => Reason::Differs,
        MoveError::Thread(_) => Reason::System,
        MoveError::Schema(SchemaError::Database(_))
        | MoveError::Database(_)
        | MoveError::Unknown { .. } => Reason::Io,
    };
    let is_of_the_journal = matches!(
        error,
        MoveError::MovedElsewhere(_) | MoveError::Pruned(_) | MoveError::Erasing(_)
    );
    let text = match error {
        MoveError::Differs(_) => {
            format!("{address}: nothing was moved, since what was read back differs: {error}")
        }
        _ if is_of_the_journal => format!("JOURNAL: {error}"),
        _ => format!("{address}: {error}"),
    };
    Failure::new(reason, text)
}

fn as_text(moved: &Moved, config: &MigrateConfig) -> String {
    let (from, to) = (config.folder.display(), &config.address);
    let mut lines = vec![if moved.was_there {
        format!("{from} was in {to} already: compared, and nothing written")
    } else {
        format!("{from} was moved to {to}")
    }];
    let counts = [
        ("entries", moved.entries),
        ("accounts", moved.accounts),
        ("awaited", moved.awaited),
    ];
    let counts = counts.map(|(name, count)| format!("  {name:<10}{:>15}", text::grouped(count)));
    lines.extend(counts);
    let seconds = |took: Duration| format!("{:.1} s", took.as_secs_f64());
    if !moved.was_there {
        lines.push(format!(
            "  {:<10}{:>15}",
            "written",
            seconds(moved.copied_in)
        ));
    }
    lines.push(format!(
        "  {:<10}{:>15}  every row is as the journal has it",
        "compared",
        seconds(moved.compared_in)
    ));
    if moved.gone_on > 0 {
        lines.push(format!(
            "  {:<10}{:>15}  accounts went on in the database: their entries of the journal are all there",
            "gone on",
            text::grouped(moved.gone_on)
        ));
    }
    lines.push(format!(
        "no server starts on {from} any more: delete {MARK} in it to go on there, without what the database decides"
    ));
    lines.push(String::new());
    lines.join("\n")
}

fn as_json(moved: &Moved) -> String {
    let figures = json!({
        "entries": moved.entries,
        "accounts": moved.accounts,
        "awaited": moved.awaited,
        "was_there": moved.was_there,
        "gone_on": moved.gone_on,
        "written_s": moved.copied_in.as_secs_f64(),
        "compared_s": moved.compared_in.as_secs_f64(),
    });
    format!("{figures:#}\n")
}
