//! Rows of a table that people look at with the tools that they have: the columns are written
//! once, and every format is made from them.

mod json_lines;
mod separated;

use std::io::{self, Write};

use serde::ser::{Serialize, Serializer};

use self::json_lines::JsonLines;
use self::separated::Separated;
use crate::config::LineFormat;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Text,
    Truth,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// A value in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    Absent,
    Integer(i64),
    Text(&'a str),
    Truth(bool),
}

/// A row of a table.
pub(super) trait Record {
    /// The columns in their order.
    const COLUMNS: &'static [Column];

    /// The values in the order of the columns.
    fn cells(&self) -> impl Iterator<Item = Cell<'_>>;
}

/// Writes a row's columns and its fields from one list, so that they cannot drift apart.
macro_rules! columns {
    (@ Integer) => { i64 };
    (@ Text) => { ::std::borrow::Cow<'static, str> };
    (@ Truth) => { bool };
    (
        $(#[$doc:meta])*
        struct $row:ident {
            $($(#[$column:meta])* $name:ident: $kind:ident,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub(super) struct $row {
            $($(#[$column])* pub(super) $name: Option<columns!(@ $kind)>,)*
        }

        impl $crate::inspect::table::Record for $row {
            const COLUMNS: &'static [$crate::inspect::table::Column] = &[
                $($crate::inspect::table::Column {
                    name: stringify!($name),
                    kind: $crate::inspect::table::Kind::$kind,
                },)*
            ];

            fn cells(&self) -> impl Iterator<Item = $crate::inspect::table::Cell<'_>> {
                [$($crate::inspect::table::Cell::from(&self.$name),)*].into_iter()
            }
        }
    };
}
pub(super) use columns;

impl From<&Option<i64>> for Cell<'_> {
    fn from(value: &Option<i64>) -> Self {
        value.map_or(Self::Absent, Self::Integer)
    }
}

impl From<&Option<bool>> for Cell<'_> {
    fn from(value: &Option<bool>) -> Self {
        value.map_or(Self::Absent, Self::Truth)
    }
}

impl<'a> From<&'a Option<std::borrow::Cow<'static, str>>> for Cell<'a> {
    fn from(value: &'a Option<std::borrow::Cow<'static, str>>) -> Self {
        value.as_deref().map_or(Self::Absent, Self::Text)
    }
}

/// A row as an object with what there is.
#[derive(Debug)]
pub(super) struct Object<'a, R>(pub(super) &'a R);

impl<R: Record> Serialize for Object<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = R::COLUMNS.iter().map(|column| column.name);
        let present = names.zip(self.0.cells());
        serializer.collect_map(present.filter(|(_, cell)| *cell != Cell::Absent))
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_none(),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Truth(truth) => serializer.serialize_bool(*truth),
        }
    }
}

/// Writes rows in one of the formats.
pub(super) trait Writer<R> {
    fn write(&mut self, row: &R) -> Result<(), WriteError>;

    /// Writes what is still held back, and what stands at the end.
    fn finish(self: Box<Self>) -> Result<(), WriteError>;
}

/// Begins to write lines.
pub(super) fn lines<R: Record>(
    format: LineFormat,
    output: Box<dyn Write>,
) -> Result<Box<dyn Writer<R>>, WriteError> {
    Ok(match format {
        LineFormat::JsonLines => Box::new(JsonLines::new(output)),
        LineFormat::Csv => Box::new(Separated::begin::<R>(output)?),
    })
}

/// Why rows cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

impl WriteError {
    /// A reader that has had enough, such as `head`, is none of our business.
    pub(super) fn is_enough(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
