//! Pure: the values of a plan, each read from the text of a TOML value and written as one.

use std::fmt::{Display, Formatter};
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;

use crate::pacer::Pacing;
use crate::preset::Preset;
use crate::schedule::{Arrivals, Rate, RateShape};
use crate::scheme::Shares;
use crate::threshold::Thresholds;
use crate::values;
use crate::workload::Spread;

/// A value that a plan can hold.
pub(crate) trait Setting: Sized {
    /// It may be a list of strings, which is then read with commas between them.
    const IS_LIST: bool = false;

    /// Reads the text of a number or a switch, or what stands between a string's quotes. The error
    /// says what it must be.
    fn read(text: &str) -> Result<Self, String>;

    /// The value as TOML.
    fn show(&self) -> String;
}

/// A part of something, in parts in a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share(pub(crate) u32);

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) Duration);

/// A length of time that is not nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SomeTime(pub(crate) Duration);

/// What the server's clock shall show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServerClock {
    /// Whatever it shows.
    AsItIs,
    /// Midnight of its month's end in the middle of the measured part.
    MonthEnd,
}

/// How payments are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RpcKind {
    /// One call each.
    Unary,
    /// In messages of one stream.
    Stream,
}

impl Setting for Share {
    fn read(text: &str) -> Result<Self, String> {
        values::share(text).map(Self)
    }

    fn show(&self) -> String {
        quoted(&values::show_share(self.0.into()))
    }
}

impl Setting for Time {
    fn read(text: &str) -> Result<Self, String> {
        values::time(text).map(Self)
    }

    fn show(&self) -> String {
        quoted(&values::show_time(self.0))
    }
}

impl Setting for SomeTime {
    fn read(text: &str) -> Result<Self, String> {
        values::positive_time(text).map(Self)
    }

    fn show(&self) -> String {
        quoted(&values::show_time(self.0))
    }
}

impl Setting for Rate {
    fn read(text: &str) -> Result<Self, String> {
        values::rate(text)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for bool {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "must be true or false".to_owned())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for Spread {
    fn read(text: &str) -> Result<Self, String> {
        text.parse()
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Display for Spread {
    fn fmt(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Zipf(exponent) => write!(to, "zipf:{exponent}"),
            Self::InTurn => write!(to, "in-turn"),
            Self::One => write!(to, "one"),
        }
    }
}

impl FromStr for Spread {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("zipf:")) {
            ("in-turn", _) => Ok(Self::InTurn),
            ("one", _) => Ok(Self::One),
            (_, Some(exponent)) => values::exponent(exponent).map(Self::Zipf),
            (_, None) => Err("must be zipf:0.5 with any exponent, in-turn or one".to_owned()),
        }
    }
}

impl Setting for Thresholds {
    const IS_LIST: bool = true;

    fn read(text: &str) -> Result<Self, String> {
        text.parse()
    }

    fn show(&self) -> String {
        let texts: Vec<String> = self
            .0
            .iter()
            .map(|threshold| quoted(&threshold.text))
            .collect();
        format!("[{}]", texts.join(", "))
    }
}

/// What is read and written as its text.
macro_rules! as_text {
    ($($kind:ty),*) => {
        $(impl Setting for $kind {
            fn read(text: &str) -> Result<Self, String> {
                text.parse()
            }

            fn show(&self) -> String {
                quoted(&self.to_string())
            }
        })*
    };
}

as_text!(RateShape, Shares);

/// One of a few words.
macro_rules! one_of {
    ($($kind:ty),*) => {
        $(impl Setting for $kind {
            fn read(text: &str) -> Result<Self, String> {
                <$kind>::from_str(text, false).map_err(|_| {
                    let known: Vec<String> = <$kind>::value_variants().iter().map(word).collect();
                    format!("must be one of {}", known.join(", "))
                })
            }

            fn show(&self) -> String {
                quoted(&word(self))
            }
        })*
    };
}

one_of!(Arrivals, Pacing, Preset, RpcKind, ServerClock);

/// The word for one of a few.
pub(crate) fn word(value: &impl ValueEnum) -> String {
    let known = value.to_possible_value();
    known.map_or_else(String::new, |known| known.get_name().to_owned())
}

/// A whole number, from 1 on unless it is any.
macro_rules! whole_number {
    ($($kind:ty, $least:literal);*) => {
        $(impl Setting for $kind {
            fn read(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| {
                    format!("must be a whole number from {} to {}", $least, <$kind>::MAX)
                })
            }

            fn show(&self) -> String {
                self.to_string()
            }
        })*
    };
}

whole_number!(u64, 0; NonZeroU32, 1; NonZeroU64, 1; NonZeroUsize, 1);

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Setting>(literals: &[&str]) {
        for literal in literals {
            let value = T::read(literal.trim_matches('"'));
            assert_eq!(value.map(|value| value.show()), Ok((*literal).to_owned()));
        }
    }

    #[test]
    fn every_value_is_written_as_it_is_read() {
        check::<Share>(&["\"0%\"", "\"12.5%\""]);
        check::<Time>(&["\"0s\"", "\"1500ms\""]);
        check::<SomeTime>(&["\"20s\""]);
        check::<Rate>(&["1000", "0.5"]);
        check::<bool>(&["true", "false"]);
        check::<Spread>(&["\"zipf:0.5\"", "\"zipf:0\"", "\"in-turn\"", "\"one\""]);
        check::<RateShape>(&["\"ramp:1x..2x\""]);
        check::<Shares>(&["\"visa=1,jcb=2\""]);
        check::<Arrivals>(&["\"poisson\"", "\"constant\""]);
        check::<ServerClock>(&["\"as-it-is\"", "\"month-end\""]);
        check::<Preset>(&["\"lunch-rush\""]);
        check::<NonZeroU32>(&["1", "4294967295"]);
        check::<u64>(&["0", "18446744073709551615"]);
        let thresholds = Thresholds::read("p(99) < 5ms, errors<0.1%").unwrap();
        assert_eq!(thresholds.show(), r#"["p(99)<5ms", "errors<0.1%"]"#);
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_can() {
        let check = |error: Option<String>, words: &str| {
            let error = error.unwrap();
            assert!(error.contains(words), "{error}");
        };
        check(Share::read("101%").err(), "percentage");
        check(SomeTime::read("0s").err(), "longer");
        check(Spread::read("zipf").err(), "in-turn");
        check(Spread::read("zipf:4").err(), "from 0 to 3");
        check(Arrivals::read("uniform").err(), "poisson, constant");
        check(NonZeroU32::read("0").err(), "from 1 to 4294967295");
        check(NonZeroU64::read("-5").err(), "from 1");
        check(bool::read("yes").err(), "true or false");
    }
}
