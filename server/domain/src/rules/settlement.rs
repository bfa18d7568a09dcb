//! When an authorisation settles: by its age, derived from its time and written nowhere (D25).

use crate::period::Timestamp;
use crate::policy::Policy;

/// The midnight in Asia/Shanghai at which an authorisation settles: by default the second after
/// it. From that instant on it can be refunded and no longer reversed.
pub fn settles_at(decided_at: Timestamp, policy: &Policy) -> Timestamp {
    let next_day = decided_at.day().plus_days(1);
    next_day.plus_days(policy.settle_after_days).start()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let instant: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_unix_ms(instant.as_millisecond())
    }

    #[test]
    fn d25_an_authorisation_settles_at_the_second_midnight_in_shanghai() {
        let policy = Policy::weixin_2023();
        for (decided, settles) in [
            ("2024-01-30T00:00:00.000+08:00", "2024-02-01T00:00:00+08:00"),
            ("2024-01-30T23:59:59.999+08:00", "2024-02-01T00:00:00+08:00"),
            ("2024-01-31T16:00:00.000Z", "2024-02-03T00:00:00+08:00"),
            ("2024-02-28T12:00:00.000+08:00", "2024-03-01T00:00:00+08:00"),
        ] {
            assert_eq!(settles_at(at(decided), &policy), at(settles), "{decided}");
        }
    }
}
