//! CSV as RFC 4180 has it, with a header. Every cell is quoted and none is changed, also one that
//! begins with a sign that a spreadsheet takes for a formula: import it as text.

use std::io::{self, Write};

use csv::{QuoteStyle, Terminator, WriterBuilder};

use super::{Cell, Record, WriteError, Writer};

pub(super) struct Separated(csv::Writer<Box<dyn Write>>);

impl Separated {
    /// Writes the header.
    pub(super) fn begin<R: Record>(output: Box<dyn Write>) -> Result<Self, WriteError> {
        let mut writer = WriterBuilder::new()
            .quote_style(QuoteStyle::Always)
            .terminator(Terminator::CRLF)
            .from_writer(output);
        let names = R::COLUMNS.iter().map(|column| column.name);
        writer.write_record(names).map_err(cause)?;
        Ok(Self(writer))
    }
}

impl<R: Record> Writer<R> for Separated {
    fn write(&mut self, row: &R) -> Result<(), WriteError> {
        for cell in row.cells() {
            let written = match cell {
                Cell::Absent => self.0.write_field(""),
                Cell::Integer(number) => self.0.write_field(number.to_string()),
                Cell::Text(text) => self.0.write_field(text),
                Cell::Truth(true) => self.0.write_field("true"),
                Cell::Truth(false) => self.0.write_field("false"),
            };
            written.map_err(cause)?;
        }
        let end_of_record = None::<&[u8]>;
        let ended = self.0.write_record(end_of_record);
        Ok(ended.map_err(cause)?)
    }

    fn finish(mut self: Box<Self>) -> Result<(), WriteError> {
        Ok(self.0.flush()?)
    }
}

/// The crate's own conversion hides what sort of error it was.
fn cause(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::columns;
    use super::*;

    columns! {
        struct Row {
            number: Integer,
            nothing: Text,
            formula: Text,
            minus: Text,
            truth: Truth,
        }
    }

    #[test]
    fn cells_are_kept_as_they_are_and_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rows.csv");
        let output = Box::new(std::fs::File::create(&file).unwrap());
        let mut writer = Box::new(Separated::begin::<Row>(output).unwrap());
        let row = Row {
            number: Some(7),
            nothing: None,
            formula: Some("=1+2,\"x\"".into()),
            minus: Some("-1".into()),
            truth: Some(false),
        };
        writer.write(&row).unwrap();
        Writer::<Row>::finish(writer).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<_> = text.split_terminator("\r\n").collect();
        assert_eq!(
            lines,
            [
                "\"number\",\"nothing\",\"formula\",\"minus\",\"truth\"",
                "\"7\",\"\",\"=1+2,\"\"x\"\"\",\"-1\",\"false\"",
            ]
        );
    }
}
