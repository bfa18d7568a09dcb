//! What a call is answered, in words that both sides speak: a reason by its name in RULES and the
//! numbers behind it.

use std::fmt;

/// One answer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The reason's name, or what was achieved, such as `APPROVED`.
    pub(crate) reason: &'static str,
    /// The numbers behind it, each with its name.
    pub(crate) numbers: Vec<(&'static str, i64)>,
}

impl Answer {
    pub(crate) const fn of(reason: &'static str) -> Self {
        Self {
            reason,
            numbers: Vec::new(),
        }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, number: i64) -> Self {
        self.numbers.push((name, number));
        self
    }

    /// The same, with a number that there may be.
    #[must_use]
    pub(crate) fn with_any(self, name: &'static str, number: Option<i64>) -> Self {
        match number {
            Some(number) => self.with(name, number),
            None => self,
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.reason)?;
        for (name, number) in &self.numbers {
            write!(formatter, " {name}={number}")?;
        }
        Ok(())
    }
}
