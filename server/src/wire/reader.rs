//! Protobuf read field by field, with texts and messages where they came.

/// The fields of a message, in the order in which they stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

/// What stands behind a field's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    /// A number, a flag or an enum's value.
    Number(u64),
    /// A text, some bytes or a message.
    Bytes(&'a [u8]),
}

impl<'a> Reader<'a> {
    /// Reads these bytes.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// True at the end of the message.
    pub(crate) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// The next field with its tag; None if it cannot be read, or is of a kind that no message which is
    /// read this way has.
    pub(crate) fn next(&mut self) -> Option<(u32, Field<'a>)> {
        let key = u32::try_from(self.varint()?).ok()?;
        let field = match key & 7 {
            0 => Field::Number(self.varint()?),
            2 => Field::Bytes(self.bytes()?),
            _ => return None,
        };
        let tag = key >> 3;
        (tag != 0).then_some((tag, field))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.varint()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn varint(&mut self) -> Option<u64> {
        let (&first, rest) = self.0.split_first()?;
        if first < 0x80 {
            self.0 = rest;
            return Some(first.into());
        }
        let mut number = 0;
        for (place, &byte) in self.0.iter().enumerate().take(10) {
            let digit = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if place == 9 && digit > 1 {
                return None;
            }
            number |= digit << (7 * place);
            if byte < 0x80 {
                self.0 = self.0.get(place + 1..)?;
                return Some(number);
            }
        }
        None
    }
}

impl<'a> Field<'a> {
    /// It as a text.
    pub(crate) fn text(self) -> Option<&'a str> {
        match self {
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            Self::Number(_) => None,
        }
    }

    /// It as a message, or as bytes.
    pub(crate) fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Number(_) => None,
        }
    }

    /// It as a number without a sign.
    pub(crate) fn uint(self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Bytes(_) => None,
        }
    }

    /// It as a number with a sign.
    pub(crate) fn int(self) -> Option<i64> {
        self.uint().map(u64::cast_signed)
    }

    /// It as an enum's value: its low 32 bits, as other readers take it.
    pub(crate) fn value(self) -> Option<i32> {
        let [a, b, c, d, ..] = self.uint()?.to_le_bytes();
        Some(i32::from_le_bytes([a, b, c, d]))
    }

    /// It as a flag.
    pub(crate) fn flag(self) -> Option<bool> {
        self.uint().map(|number| number != 0)
    }
}
