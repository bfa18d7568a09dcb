//! One JSON object a line.

use std::io::Write;

use super::{Object, Record, WriteError, Writer};

pub(super) struct JsonLines(Box<dyn Write>);

impl JsonLines {
    pub(super) fn new(output: Box<dyn Write>) -> Self {
        Self(output)
    }
}

impl<R: Record> Writer<R> for JsonLines {
    fn write(&mut self, row: &R) -> Result<(), WriteError> {
        serde_json::to_writer(&mut self.0, &Object(row)).map_err(std::io::Error::from)?;
        Ok(self.0.write_all(b"\n")?)
    }

    fn finish(mut self: Box<Self>) -> Result<(), WriteError> {
        Ok(self.0.flush()?)
    }
}
