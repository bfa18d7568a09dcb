//! An `SQLite` database: a table `entry` with a row for each entry, and a table `meta` that says
//! where they come from.

use std::fmt::Write as _;
use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql, params_from_iter};

use super::super::table::{Cell, Kind, Record as _, WriteError, Writer};
use super::{Provenance, Row};

/// Rows in one transaction: enough that its end costs nothing beside them.
const ROWS_PER_TRANSACTION: u64 = 50_000;

/// The file gets its name only when it is whole, so a crash of this process needs no rollback.
const SETTINGS: &str = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
    PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY;";

pub(super) struct Sqlite {
    database: Connection,
    insert: String,
    provenance: Provenance,
    rows: u64,
}

impl Sqlite {
    /// Makes the tables in an empty file.
    pub(super) fn begin(file: &Path, provenance: Provenance) -> Result<Self, WriteError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = Connection::open_with_flags(file, flags)?;
        database.execute_batch(SETTINGS)?;
        database.execute_batch(&tables())?;
        database.execute_batch("BEGIN")?;
        let places = vec!["?"; Row::COLUMNS.len()].join(", ");
        Ok(Self {
            database,
            insert: format!("INSERT INTO entry VALUES ({places})"),
            provenance,
            rows: 0,
        })
    }
}

fn tables() -> String {
    let mut text = String::from("CREATE TABLE entry (");
    for (place, column) in Row::COLUMNS.iter().enumerate() {
        let comma = if place > 0 { ", " } else { "" };
        let sort = match column.kind {
            Kind::Integer | Kind::Truth => "INTEGER",
            Kind::Text => "TEXT",
        };
        let more = match column.name {
            "sequence" => " PRIMARY KEY",
            "at" | "kind" => " NOT NULL",
            _ => "",
        };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma}{} {sort}{more}", column.name);
    }
    text + ") STRICT; CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
}

impl Writer<Row> for Sqlite {
    fn write(&mut self, row: &Row) -> Result<(), WriteError> {
        let mut insert = self.database.prepare_cached(&self.insert)?;
        insert.execute(params_from_iter(row.cells()))?;
        drop(insert);
        self.rows += 1;
        if self.rows.is_multiple_of(ROWS_PER_TRANSACTION) {
            self.database.execute_batch("COMMIT; BEGIN")?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), WriteError> {
        let Provenance {
            version,
            exported_at,
            folder,
            identity,
            from,
            to,
            account,
        } = self.provenance;
        let facts = [
            ("version", Some(version.to_owned())),
            ("exported_at", Some(exported_at)),
            ("folder", Some(folder.display().to_string())),
            ("identity", identity),
            ("from", Some(from.to_string())),
            ("to", to.map(|to| to.to_string())),
            ("account", account),
            ("entries", Some(self.rows.to_string())),
        ];
        for (name, value) in facts {
            if let Some(value) = value {
                let insert = "INSERT INTO meta VALUES (?, ?)";
                self.database.execute(insert, [name, &value])?;
            }
        }
        self.database.execute_batch("COMMIT")?;
        // Made at once over all rows, which is cheaper than row by row.
        self.database
            .execute_batch("CREATE INDEX entry_account ON entry (account)")?;
        self.database.close().map_err(|(_, error)| error)?;
        Ok(())
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match *self {
            Self::Absent => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Truth(truth) => ValueRef::Integer(i64::from(truth)),
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}
