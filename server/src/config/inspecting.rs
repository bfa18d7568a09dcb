//! What the commands take that look at a journal or its disk.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};
use waika_domain::identifiers::{AccountId, MerchantId};
use waika_domain::period::Day;

use super::backups::{BackupConfig, RestoreConfig};
use super::databases::PostgresProbeConfig;
use super::databases::is_database;
use super::keys::{RewrapConfig, RotateConfig};
use super::moving::MigrateConfig;
use super::reader::Reader;
use super::values::{self, Expected};
use super::{Store, serving};

/// A look at a journal, or at the disk below it.
#[derive(Debug, Clone)]
pub enum Inspection {
    /// Check a journal.
    Verify(VerifyConfig),
    /// Write a journal's entries as rows.
    Export(ExportConfig),
    /// Write what settled on a day.
    Settlement(SettlementConfig),
    /// Measure a disk's syncs.
    FsyncProbe(ProbeConfig),
    /// Move a journal into a database.
    MigrateStore(Box<MigrateConfig>),
    /// Measure a database's commits.
    PostgresProbe(Box<PostgresProbeConfig>),
    /// Compare a journal with an issuer's books.
    Reconcile(Box<ReconcileConfig>),
    /// Copy a journal, or bring its copy up to date.
    Backup(BackupConfig),
    /// Make a journal from its copy.
    Restore(RestoreConfig),
    /// Add a data key.
    RotateKeys(RotateConfig),
    /// Change what wraps the keyring.
    RewrapKeys(RewrapConfig),
}

/// What to check, and how.
#[derive(Debug, Clone)]
pub struct VerifyConfig {
    /// The journal's folder.
    pub folder: PathBuf,
    /// Threads that read.
    pub jobs: NonZeroUsize,
}

/// What to export, and where to.
#[derive(Debug, Clone)]
pub struct ExportConfig {
    /// The journal's folder.
    pub folder: PathBuf,
    /// How rows are written.
    pub format: ExportFormat,
    /// Where they are written to.
    pub output: Output,
    /// The first sequence.
    pub from: u64,
    /// The last sequence; None for as far as there are any.
    pub to: Option<u64>,
    /// Only this account's entries.
    pub account: Option<AccountId>,
    /// A file that is there may be replaced.
    pub force: bool,
}

/// What settlement to export, and where to.
#[derive(Debug, Clone)]
pub struct SettlementConfig {
    /// The journal's folder.
    pub folder: PathBuf,
    /// The day in Asia/Shanghai (D1).
    pub day: Day,
    /// Only this merchant's.
    pub merchant: Option<MerchantId>,
    /// How rows are written.
    pub format: LineFormat,
    /// Where they are written to.
    pub output: Output,
    /// A file that is there may be replaced.
    pub force: bool,
}

/// How rows of an export are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Line by line.
    Lines(LineFormat),
    /// A database.
    Sqlite,
}

/// How rows are written line by line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFormat {
    /// One JSON object a line.
    JsonLines,
    /// RFC 4180, with a header.
    Csv,
}

/// Where something is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Standard,
    /// A file.
    File(PathBuf),
}

/// What to measure, and how long.
#[derive(Debug, Clone)]
pub struct ProbeConfig {
    /// The folder whose disk is measured.
    pub folder: PathBuf,
    /// How long each size is measured.
    pub duration: Duration,
    /// Sizes of a record in bytes.
    pub sizes: Vec<usize>,
    /// Where the figures go as JSON.
    pub json: Option<Output>,
}

/// What to compare.
#[derive(Debug, Clone)]
pub struct ReconcileConfig {
    /// The journal's folder.
    pub folder: PathBuf,
    /// Where the sandbox issuer is.
    pub issuer: Endpoint,
    /// Where the figures go as JSON.
    pub json: Option<Output>,
}

pub(super) fn reconcile(reader: &mut Reader<'_>) -> Option<Inspection> {
    let folder = read_folder(reader);
    let issuer = required(reader, "issuer", "the sandbox issuer's URL", endpoint);
    let issuer = issuer.and_then(|issuer| with_roots(reader, issuer));
    let json = reader.read_or("json", None, |text| output(text).map(Some));
    Some(Inspection::Reconcile(Box::new(ReconcileConfig {
        folder: folder?,
        issuer: issuer?,
        json: json?,
    })))
}

fn endpoint(text: &str) -> Result<Endpoint, Expected> {
    let expected = || "is not a URL such as http://127.0.0.1:50061".to_owned();
    let endpoint = Endpoint::from_shared(text.to_owned()).map_err(|_| expected())?;
    let scheme = endpoint.uri().scheme_str();
    let known = matches!(scheme, Some("http" | "https")) && endpoint.uri().host().is_some();
    known.then_some(endpoint).ok_or_else(expected)
}

/// Whoever is called over TLS is known by roots that are given.
fn with_roots(reader: &mut Reader<'_>, endpoint: Endpoint) -> Option<Endpoint> {
    if endpoint.uri().scheme_str() != Some("https") {
        return Some(endpoint);
    }
    let Some(file) = reader.text("partner-ca") else {
        reader.mistake(
            "partner-ca",
            "is missing: PEM roots that vouch for an https:// issuer",
        );
        return None;
    };
    let pem = std::fs::read(file)
        .map_err(|error| {
            reader.mistake(
                "partner-ca",
                format_args!("\"{file}\" cannot be read ({error})"),
            );
        })
        .ok()?;
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
    let endpoint = endpoint.tls_config(tls);
    endpoint
        .map_err(|_| {
            let what = format_args!("\"{file}\" has no certificate: give PEM roots");
            reader.mistake("partner-ca", what);
        })
        .ok()
}

pub(super) fn verify(reader: &mut Reader<'_>) -> Option<Inspection> {
    let folder = read_folder(reader);
    let jobs = reader.read_or("jobs", serving::available_cores(), |text| {
        values::number(text, &(1..=256)).map(serving::count)
    });
    Some(Inspection::Verify(VerifyConfig {
        folder: folder?,
        jobs: jobs?,
    }))
}

pub(super) fn export(reader: &mut Reader<'_>) -> Option<Inspection> {
    let folder = read_folder(reader);
    let format = required(reader, "format", "json-lines, csv or sqlite", export_format);
    let output = required(reader, "output", "a file, or -", output);
    let sequence = |text: &str| values::number(text, &(1..=u64::MAX));
    let from = reader.read("from", sequence);
    let to = reader.read_or("to", None, |text| sequence(text).map(Some));
    let account = reader.read_or("account", None, |text| {
        AccountId::parse(text)
            .map(Some)
            .map_err(|error| error.to_string())
    });
    let force = reader.read_or("force", false, values::switch);
    if let (Some(from), Some(Some(to))) = (from, to)
        && to < from
    {
        reader.mistake("to", format_args!("{to} is before --from, which is {from}"));
    }
    if let (Some(ExportFormat::Sqlite), Some(Output::Standard)) = (format, &output) {
        let what = "a database cannot be written to standard output: name a file";
        reader.mistake("output", what);
    }
    Some(Inspection::Export(ExportConfig {
        folder: folder?,
        format: format?,
        output: output?,
        from: from?,
        to: to?,
        account: account?,
        force: force?,
    }))
}

pub(super) fn settlement(reader: &mut Reader<'_>) -> Option<Inspection> {
    let folder = read_folder(reader);
    let day = required(reader, "day", "a day such as 2024-02-02", day);
    let merchant = reader.read_or("merchant", None, |text| {
        MerchantId::parse(text)
            .map(Some)
            .map_err(|error| error.to_string())
    });
    let format = required(reader, "format", "json-lines or csv", |text| {
        line_format(text).ok_or_else(|| "is not a format: json-lines or csv".to_owned())
    });
    let output = required(reader, "output", "a file, or -", output);
    let force = reader.read_or("force", false, values::switch);
    Some(Inspection::Settlement(SettlementConfig {
        folder: folder?,
        day: day?,
        merchant: merchant?,
        format: format?,
        output: output?,
        force: force?,
    }))
}

pub(super) fn fsync_probe(reader: &mut Reader<'_>) -> Option<Inspection> {
    /// One that most callers' batches fit in, a page, and a burst.
    const SIZES: [usize; 3] = [512, 4_096, 65_536];
    let folder = read_folder(reader);
    let duration = reader.read("duration", |text| {
        values::duration(
            text,
            &(Duration::from_millis(1)..=Duration::from_secs(3_600)),
        )
    });
    let sizes = reader.read_or("bytes", SIZES.to_vec(), |text| {
        values::number(text, &(1..=16_777_216)).map(|bytes| vec![serving::count(bytes).get()])
    });
    let json = reader.read_or("json", None, |text| output(text).map(Some));
    Some(Inspection::FsyncProbe(ProbeConfig {
        folder: folder?,
        duration: duration?,
        sizes: sizes?,
        json: json?,
    }))
}

/// A store that others can look at.
pub(super) fn read_folder(reader: &mut Reader<'_>) -> Option<PathBuf> {
    folder_of(reader, "store")
}

/// The same, named by another argument.
pub(super) fn folder_of(reader: &mut Reader<'_>, name: &str) -> Option<PathBuf> {
    if is_database(reader.text(name)) {
        reader.mistake(
            name,
            "is a database, which is kept by its own means: this takes journal:DIR",
        );
        return None;
    }
    reader.read(name, |text| match values::store(text)? {
        Store::Journal(folder) => Ok(folder),
        Store::Memory { .. } | Store::Postgres(_) => {
            Err("is in its server's memory: only journal:DIR has a folder".into())
        }
    })
}

pub(super) fn required<T>(
    reader: &mut Reader<'_>,
    flag: &str,
    choices: &str,
    parse: impl FnOnce(&str) -> Result<T, Expected>,
) -> Option<T> {
    if reader.text(flag).is_none() {
        reader.mistake(flag, format_args!("is missing: {choices}"));
    }
    reader.read(flag, parse)
}

fn export_format(text: &str) -> Result<ExportFormat, Expected> {
    match (line_format(text), text) {
        (Some(lines), _) => Ok(ExportFormat::Lines(lines)),
        (None, "sqlite") => Ok(ExportFormat::Sqlite),
        _ => Err("is not a format: json-lines, csv or sqlite".to_owned()),
    }
}

fn line_format(text: &str) -> Option<LineFormat> {
    match text {
        "json-lines" => Some(LineFormat::JsonLines),
        "csv" => Some(LineFormat::Csv),
        _ => None,
    }
}

/// A day as it is written, such as `2024-02-02`.
fn day(text: &str) -> Result<Day, Expected> {
    let expected = || "is not a day such as 2024-02-02".to_owned();
    let parts: Vec<_> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return Err(expected());
    };
    let day = match (year.parse(), month.parse(), day.parse()) {
        (Ok(year), Ok(month), Ok(day)) => Day::from_civil(year, month, day),
        _ => return Err(expected()),
    };
    let day = day.map_err(|error| error.to_string())?;
    // Written in one way only: not 2024-2-2, and not +2024.
    if day.to_string() == text {
        Ok(day)
    } else {
        Err(expected())
    }
}

pub(super) fn output(text: &str) -> Result<Output, Expected> {
    match text {
        "" => Err("names no file".to_owned()),
        "-" => Ok(Output::Standard),
        file => Ok(Output::File(Path::new(file).to_owned())),
    }
}
