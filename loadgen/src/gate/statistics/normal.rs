//! Pure: the normal distribution.

/// The probability above `z`.
pub(crate) fn above(z: f64) -> f64 {
    0.5 * libm::erfc(z / std::f64::consts::SQRT_2)
}

/// The `z` above which this probability lies; it must be above 0 and at most one half.
pub(crate) fn quantile_above(probability: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    // Sixty halvings of 40 are less than a real number shows.
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if above(middle) > probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values_agree() {
        let check = |probability: f64, z: f64| {
            assert!((quantile_above(probability) - z).abs() < 1e-5, "{z}");
            assert!((above(z) - probability).abs() < 1e-6, "{z}");
        };
        check(0.5, 0.0);
        check(0.2, 0.841_621);
        check(0.05, 1.644_854);
        check(0.025, 1.959_964);
        check(0.001, 3.090_232);
    }
}
