//! `postgres-probe`: whether a PostgreSQL is one to decide over, and how long it takes for what a decision asks
//! of it: the very statements, in a schema that is made for it and removed.

mod load;
mod report;

use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::runtime;
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
    Address, Fitness, LaneOptions, Lanes, NotConnected, SchemaError, Session, migrate, said,
};
use crate::vault::random_bits;

/// How long the schema may take to be removed.
const GRACE: Duration = Duration::from_secs(10);
/// Rows of the table.
const ROWS: u64 = 3;

/// Measures, and prints the figures: what there is of them, if it was interrupted.
pub(super) fn run(config: PostgresProbeConfig) -> Result<(), Failure> {
    let told = Told::begin(config.json.clone())?;
    let measured = interrupt::run(GRACE, move |stop| {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(Reason::System, format!("the work: {error}")))?;
        runtime.block_on(measure(&config, stop))
    })?;
    told.end(&report::text(&measured), &report::json(&measured)?)?;
    if measured.interrupted {
        return Err(interrupt::stopped());
    }
    Ok(())
}

async fn measure(config: &PostgresProbeConfig, stop: &Stop) -> Result<Measured, Failure> {
    let address = &config.address;
    let session = Session::open(address)
        .await
        .map_err(|error| not_connected(address, &error))?;
    let fitness = Fitness::of(&session)
        .await
        .map_err(|error| failed(address, &error))?;
    fitness
        .check(config.may_lose_commits)
        .map_err(|unfit| Failure::new(Reason::Configuration, format!("{address} {unfit}")))?;
    let schema = format!("waika_probe_{:016x}", random_bits().unwrap_or_default());
    let made = session
        .client()
        .batch_execute(&format!("create schema {schema}"))
        .await;
    made.map_err(|error| not_made(address, &error))?;
    let measured = measure_in(config, &schema, (&session, fitness), stop).await;
    // Whatever became of it.
    let removed = session
        .client()
        .batch_execute(&format!(
            "set client_min_messages = 'error'; drop schema {schema} cascade"
        ))
        .await;
    let measured = measured?;
    removed.map_err(|error| {
        let text = format!(
            "{address}: the schema {schema} could not be removed: {}",
            said(&error)
        );
        Failure::new(Reason::Io, text)
    })?;
    Ok(measured)
}

async fn measure_in(
    config: &PostgresProbeConfig,
    schema: &str,
    (session, fitness): (&Session, Fitness),
    stop: &Stop,
) -> Result<Measured, Failure> {
    let address = config.address.clone().with_schema(schema);
    let unreachable = |error| not_connected(&config.address, &error);
    let mut own = Session::open(&address).await.map_err(unreachable)?;
    migrate(own.client_mut())
        .await
        .map_err(|error| not_migrated(&config.address, &error))?;
    let options = LaneOptions {
        lanes: config.lanes,
        ..LaneOptions::default()
    };
    let lanes = Lanes::open(&address, options).await.map_err(unreachable)?;
    let meter = Meter::start("postgres-probe", Unit::Milliseconds, stop);
    let each = u64::try_from(config.duration.as_millis()).unwrap_or(u64::MAX);
    meter.total(each.saturating_mul(ROWS));
    let most = load::AT_ONCE * config.lanes.get();
    let mut load = Load::new(&lanes, &config.address, most);
    load.open().await?;
    let mut rows = vec![round_trips(config, session, stop).await?];
    meter.done(each);
    for at_once in [1, most] {
        if stop.is_asked() {
            break;
        }
        rows.push(load.run(at_once, config.duration, stop).await?);
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
    let fails = |error: Error| failed(&config.address, &error);
    let mut histogram = histogram()?;
    let ask = session.client().prepare("select 1").await.map_err(fails)?;
    let began = monotonic();
    while began.elapsed() < config.duration && !stop.is_asked() {
        let asked = monotonic();
        session.client().query_one(&ask, &[]).await.map_err(fails)?;
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

fn not_connected(address: &Address, error: &NotConnected) -> Failure {
    let reason = match error.code() {
        // Wrong user, password or database, and not that there is nobody.
        Some(code)
            if [
                SqlState::INVALID_PASSWORD,
                SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                SqlState::INVALID_CATALOG_NAME,
            ]
            .contains(code) =>
        {
            Reason::Configuration
        }
        _ => Reason::Unavailable,
    };
    Failure::new(reason, format!("{address} cannot be reached: {error}"))
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

fn failed(address: &Address, error: &Error) -> Failure {
    Failure::new(Reason::Io, format!("{address}: {}", said(error)))
}
