//! Protobuf where a message is read or written millions of times: without the structs between.

mod reader;
mod writer;

pub(crate) use self::reader::{Field, Reader};
pub(crate) use self::writer::Wire;
