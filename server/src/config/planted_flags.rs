//! What `serve` takes to lie on purpose: a test feature, not in the help.

use std::num::NonZeroU64;

use super::flags::Flag;
use super::reader::Reader;
use super::values::{self, Expected};
use crate::planted::{FaultKind, PlantedFault};

/// Which fault, and how rare it is.
pub(super) const PLANTED: &[Flag] = &[
    Flag::value(
        "planted-fault",
        "WAIKA_PLANTED_FAULT",
        "What goes wrong on purpose",
    )
    .takes("FAULT")
    .hidden(),
    Flag::value(
        ONE_IN,
        "WAIKA_PLANTED_FAULT_ONE_IN",
        "Of so many idempotency keys, one meets it",
    )
    .takes("N")
    .or("10000")
    .hidden(),
    Flag::value(
        TIME,
        "WAIKA_PLANTED_FAULT_NS",
        "How much processor time a slowness takes for each payment, in nanoseconds",
    )
    .takes("N")
    .or("1000")
    .hidden(),
];

const ONE_IN: &str = "planted-fault-one-in";
const TIME: &str = "planted-fault-ns";

/// The fault that is turned on. None if none is, or after a mistake, which the reader remembers.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<PlantedFault> {
    let kind = reader.read("planted-fault", kind);
    let one_in = reader.read(ONE_IN, |text| {
        let number = values::number(text, &(1..=u64::MAX))?;
        Ok(NonZeroU64::new(number).unwrap_or(NonZeroU64::MIN))
    });
    let nanoseconds = reader.read(TIME, |text| {
        let number = values::number(text, &(1..=u64::from(u32::MAX)))?;
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    });
    Some(PlantedFault {
        kind: kind?,
        one_in: one_in?,
        nanoseconds: nanoseconds?,
    })
}

fn kind(text: &str) -> Result<FaultKind, Expected> {
    let found = FaultKind::ALL.into_iter().find(|kind| kind.name() == text);
    found.ok_or_else(|| {
        let names = FaultKind::ALL.map(FaultKind::name).join(", ");
        format!("is no fault that can be planted: {names}")
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Command, Config, parse};
    use super::*;

    fn planted(arguments: &[&str]) -> Result<Option<PlantedFault>, String> {
        let program = ["waika-server", "--key-file", "/nowhere/waika.key"];
        let words = program.iter().chain(arguments).map(Into::into);
        match parse(words) {
            Ok(Command::Serve(config)) => {
                let Config { ledger, .. } = *config;
                Ok(ledger.planted_fault)
            }
            other => Err(other.unwrap_err().to_string()),
        }
    }

    #[test]
    fn a_fault_is_planted_only_if_it_is_named() {
        assert_eq!(planted(&[]), Ok(None));
        assert_eq!(planted(&["--planted-fault-one-in", "5"]), Ok(None));
        for kind in FaultKind::ALL {
            let found = planted(&["--planted-fault", kind.name()]);
            let one_in = NonZeroU64::new(10_000).unwrap();
            let nanoseconds = 1_000;
            let fault = PlantedFault {
                kind,
                one_in,
                nanoseconds,
            };
            assert_eq!(found, Ok(Some(fault)));
        }
    }

    #[test]
    fn every_mistake_is_told() {
        let mistakes = [
            "--planted-fault=none",
            "--planted-fault-one-in=0",
            "--planted-fault-ns=0",
        ];
        let told = planted(&mistakes).unwrap_err();
        for words in [
            "--planted-fault: \"none\" is no fault that can be planted: forgotten-reservation, ",
            "--planted-fault-one-in: \"0\" is not a number from 1 to ",
            "--planted-fault-ns: \"0\" is not a number from 1 to ",
        ] {
            assert!(told.contains(words), "no {words:?} in {told}");
        }
    }
}
