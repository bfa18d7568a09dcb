//! `postgres-probe`: whether a PostgreSQL is one to decide over, and how long it takes for what a decision asks
//! of it: the very statements, in a schema that is made for it and removed.

mod load;
mod report;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::runtime;
use tokio::time::timeout;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use self::load::Load;
use self::report::Measured;
use super::interrupt::{self, Stop};
use super::progress::{Meter, Unit};
use super::told::Told;
use crate::clock::monotonic;
use crate::config::PostgresProbeConfig;
use crate::exit::{Failure, Reason};
use crate::ledger::journal::Progress as _;
use crate::ledger::postgres::{
    Address, LaneOptions, Lanes, NotConnected, SchemaError, Session, migrate, said,
};
use crate::vault::random_bits;

/// How long the schema may take to be removed after an interrupt, in two tries.
const GRACE: Duration = Duration::from_secs(40);
/// How long one statement beside the measured ones may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// Rows of the table.
const ROWS: u64 = 3;

/// Measures, and prints the figures: what there is of them, if it was interrupted.
pub(super) fn run(config: PostgresProbeConfig) -> Result<(), Failure> {
    let told = Told::begin(config.json.clone())?;
    let schema = Schema::new();
    let work = {
        let schema = schema.clone();
        move |stop: &Stop| {
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| Failure::new(Reason::System, format!("the work: {error}")))?;
            runtime.block_on(measure(&config, &schema, stop))
        }
    };
    let measured = interrupt::run(GRACE, work);
    let measured = measured.map_err(|failure| schema.named_in(failure))?;
    told.end(&report::text(&measured), &report::json(&measured)?)?;
    if measured.interrupted {
        return Err(interrupt::stopped());
    }
    Ok(())
}

/// A schema of a probe's own.
#[derive(Debug, Clone)]
struct Schema {
    name: String,
    /// True from before it is made until it has been removed.
    is_left: Arc<AtomicBool>,
}

impl Schema {
    fn new() -> Self {
        Self {
            name: format!("waika_probe_{:016x}", random_bits().unwrap_or_default()),
            is_left: Arc::default(),
        }
    }

    async fn make(&self, address: &Address, session: &Session) -> Result<(), Failure> {
        let statement = format!("create schema {}", self.name);
        self.is_left.store(true, Ordering::Release);
        let made = within(address, session.client().batch_execute(&statement)).await?;
        made.map_err(|error| {
            // It said no, or it is not known.
            let is_left = error.as_db_error().is_none();
            self.is_left.store(is_left, Ordering::Release);
            not_made(address, &error)
        })
    }

    /// Removes it, if need be over a session that is opened for that.
    async fn remove(&self, address: &Address, session: Session) -> Result<(), Failure> {
        if self.drop_by(address, &session).await.is_ok() {
            return Ok(());
        }
        drop(session);
        let another = Session::open(address).await;
        let another = another.map_err(|error| not_connected(address, &error))?;
        self.drop_by(address, &another).await
    }

    async fn drop_by(&self, address: &Address, session: &Session) -> Result<(), Failure> {
        // A lane's last batch may still hold it.
        let statement = format!(
            "set client_min_messages = 'error'; set lock_timeout = '10s'; drop schema if exists {} cascade",
            self.name
        );
        answered(address, session.client().batch_execute(&statement)).await?;
        self.is_left.store(false, Ordering::Release);
        Ok(())
    }

    /// A failure, with what was left behind.
    fn named_in(&self, failure: Failure) -> Failure {
        if !self.is_left.load(Ordering::Acquire) {
            return failure;
        }
        let Failure { reason, text } = failure;
        let name = &self.name;
        let text =
            format!("{text}; the schema {name} may be left there: DROP SCHEMA {name} CASCADE");
        Failure::new(reason, text)
    }
}

async fn measure(
    config: &PostgresProbeConfig,
    schema: &Schema,
    stop: &Stop,
) -> Result<Measured, Failure> {
    let address = &config.address;
    let session = Session::open(address).await;
    let session = session.map_err(|error| not_connected(address, &error))?;
    schema.make(address, &session).await?;
    let measured = measure_in(config, schema, &session, stop).await;
    // Whatever became of it, and the first failure is told.
    let removed = schema.remove(address, session).await;
    let measured = measured?;
    removed?;
    Ok(measured)
}

async fn measure_in(
    config: &PostgresProbeConfig,
    schema: &Schema,
    session: &Session,
    stop: &Stop,
) -> Result<Measured, Failure> {
    let address = config.address.clone().with_schema(&schema.name);
    let unreachable = |error| not_connected(&config.address, &error);
    let mut own = Session::open(&address).await.map_err(unreachable)?;
    let fitness = own.fitness().clone();
    let migrated = within(&config.address, migrate(own.client_mut())).await?;
    migrated.map_err(|error| not_migrated(&config.address, &error))?;
    let options = LaneOptions {
        lanes: config.lanes,
        ..LaneOptions::default()
    };
    let lanes = Lanes::open(&address, options).await.map_err(unreachable)?;
    let meter = Meter::start("postgres-probe", Unit::Milliseconds, stop);
    let each = u64::try_from(config.duration.as_millis()).unwrap_or(u64::MAX);
    meter.total(each.saturating_mul(ROWS));
    let most = config.at_once.get() * config.lanes.get();
    let mut load = Load::new(&lanes, &config.address, most);
    load.open().await?;
    // As it will be once the database has done that by itself.
    let analyse = own.client().batch_execute("analyze account, entry");
    answered(&config.address, analyse).await?;
    let mut rows = vec![round_trips(config, session, stop).await?];
    meter.done(each);
    for what in [("one commit", 1), ("batches", most)] {
        if stop.is_asked() {
            break;
        }
        rows.push(load.run(what, config.duration, stop).await?);
        meter.done(each);
    }
    Ok(Measured {
        database: config.address.to_string(),
        lanes: config.lanes.get(),
        fitness,
        rows,
        interrupted: stop.is_asked(),
    })
}

/// How long an answer takes that asks nothing of the disk.
async fn round_trips(
    config: &PostgresProbeConfig,
    session: &Session,
    stop: &Stop,
) -> Result<report::Row, Failure> {
    let address = &config.address;
    let mut histogram = histogram()?;
    let ask = answered(address, session.client().prepare("select 1")).await?;
    let began = monotonic();
    while began.elapsed() < config.duration && !stop.is_asked() {
        let asked = monotonic();
        answered(address, session.client().query_one(&ask, &[])).await?;
        record(&mut histogram, asked.elapsed());
    }
    Ok(report::Row::of(
        "round trip",
        1,
        &histogram,
        began.elapsed(),
    ))
}

/// Up to 100 s, three figures; these bounds are always accepted.
fn histogram() -> Result<Histogram<u64>, Failure> {
    Histogram::new_with_bounds(1_000, 100_000_000_000, 3)
        .map_err(|error| Failure::new(Reason::System, format!("the histogram: {error}")))
}

fn record(histogram: &mut Histogram<u64>, took: Duration) {
    histogram.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
}

pub(super) fn not_connected(address: &Address, error: &NotConnected) -> Failure {
    let (reason, text) = match error {
        NotConnected::Unfit(unfit) => (Reason::Configuration, format!("{address} {unfit}")),
        _ if error.is_lasting() => {
            let text = format!("{address} will not do: {error}");
            (Reason::Configuration, text)
        }
        _ => {
            let text = format!("{address} cannot be reached: {error}");
            (Reason::Unavailable, text)
        }
    };
    Failure::new(reason, text)
}

/// What a statement came to, if the database says anything in time.
async fn within<T>(address: &Address, asked: impl Future<Output = T>) -> Result<T, Failure> {
    let answer = timeout(PATIENCE, asked).await;
    answer.map_err(|_| {
        let text = format!("{address}: nothing was said within {PATIENCE:?}");
        Failure::new(Reason::Io, text)
    })
}

/// What a statement answers that is not refused for a reason of its own.
async fn answered<T>(
    address: &Address,
    asked: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failure> {
    let answer = within(address, asked).await?;
    answer.map_err(|error| Failure::new(Reason::Io, format!("{address}: {}", said(&error))))
}

fn not_made(address: &Address, error: &Error) -> Failure {
    let rights = error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE);
    let (reason, mend) = if rights {
        let mend = ": let an owner of the database say GRANT CREATE ON DATABASE ... TO its user";
        (Reason::Unwritable, mend)
    } else {
        (Reason::Io, "")
    };
    let text = format!("{address}: no schema can be made ({}){mend}", said(error));
    Failure::new(reason, text)
}

fn not_migrated(address: &Address, error: &SchemaError) -> Failure {
    Failure::new(Reason::Io, format!("{address}: {error}"))
}
