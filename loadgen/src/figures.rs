//! Pure: the few conversions between counts and real numbers that statistics need.
//!
//! They stand in one place because each needs a word on what may be lost. Money never comes here
//! but as a drawn price.

/// A count as a real number: exact below 2⁵³.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts and nanoseconds of a run stay below 2^53"
)]
pub(crate) fn count_as_real(count: u64) -> f64 {
    count as f64
}

/// A number of up to 128 bits as a real one, to some sixteen digits.
#[expect(
    clippy::cast_precision_loss,
    reason = "whoever asks only wants to know about where to look"
)]
pub(crate) fn wide_as_real(number: u128) -> f64 {
    number as f64
}

/// A real number as a count: negatives and not-a-number are 0, the rest is cut towards zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is what is documented"
)]
pub(crate) fn real_as_count(real: f64) -> u64 {
    real as u64
}

/// `part` of `whole`; 0 if there is no whole.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    count_as_real(part) / count_as_real(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_nothing_are_nothing() {
        assert!(share(3, 0) < f64::EPSILON);
        assert!((share(1, 4) - 0.25).abs() < f64::EPSILON);
    }

    #[test]
    fn reals_saturate() {
        assert_eq!(real_as_count(-1.0), 0);
        assert_eq!(real_as_count(f64::NAN), 0);
        assert_eq!(real_as_count(2.9), 2);
    }
}
