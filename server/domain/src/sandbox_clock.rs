//! The sandbox's clock: what it shows follows from one setting and the machine's clock, so that
//! a server that starts again shows the same.

use crate::period::Timestamp;

/// The last millisecond of the year 9999 in Asia/Shanghai: no clock goes beyond it.
const LATEST_MS: i64 = 253_402_271_999_999;

/// How a clock goes: from an instant of its own on, so many of its seconds in a second of the
/// machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSetting {
    /// The machine's instant at which it was set.
    pub set_at: Timestamp,
    /// What it showed then.
    pub showed: Timestamp,
    /// Its seconds in a second: 0 is frozen, 1 goes as the machine's does.
    pub rate: u32,
    /// It is the machine's own clock, whatever the rest says.
    pub follows_machine: bool,
}

impl ClockSetting {
    /// The machine's own clock from an instant on.
    pub const fn machine(set_at: Timestamp) -> Self {
        Self {
            set_at,
            showed: set_at,
            rate: 1,
            follows_machine: true,
        }
    }

    /// What it shows when the machine's clock shows `machine`. A machine whose clock was put
    /// back behind the setting shows what was set.
    pub fn shows(&self, machine: Timestamp) -> Timestamp {
        if self.follows_machine {
            return machine;
        }
        let passed = machine.unix_ms().saturating_sub(self.set_at.unix_ms());
        let gone = passed.max(0).saturating_mul(i64::from(self.rate));
        let shows = self.showed.unix_ms().saturating_add(gone);
        Timestamp::from_unix_ms(shows.min(LATEST_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_stands_goes_or_hurries() {
        let at = Timestamp::from_unix_ms;
        let setting = |rate, follows_machine| ClockSetting {
            set_at: at(1_000),
            showed: at(50_000),
            rate,
            follows_machine,
        };
        for (rate, follows, machine, shows) in [
            (0, false, 9_000, 50_000),
            (1, false, 9_000, 58_000),
            (60, false, 9_000, 530_000),
            (60, false, 500, 50_000),
            (60, true, 9_000, 9_000),
            (1_000_000, false, i64::MAX, LATEST_MS),
        ] {
            assert_eq!(
                setting(rate, follows).shows(at(machine)),
                at(shows),
                "rate {rate} at {machine}"
            );
        }
        assert_eq!(ClockSetting::machine(at(7)).shows(at(8)), at(8));
    }
}
