//! Pure: fees, and hashes of what must not be confused.

/// Up to here a payment has no fee, in fen (R71).
const FREE_UP_TO_FEN: u64 = 20_000;

/// What the guide takes for a payment: 3 % of the whole principal once it is above 200.00 yuan,
/// rounded half up to the fen (R71, D4).
pub(super) fn fee_fen(principal_fen: u64) -> u64 {
    if principal_fen <= FREE_UP_TO_FEN {
        return 0;
    }
    let hundredths = principal_fen.saturating_mul(3);
    hundredths / 100 + u64::from(hundredths % 100 >= 50)
}

/// How much of a fee is given back with the first `back_fen` of a principal: the same share of it,
/// rounded half up (D14).
pub(super) fn fee_back_fen(fee_fen: u64, back_fen: u64, of_fen: u64) -> u64 {
    let of = u128::from(of_fen.max(1));
    let share = u128::from(fee_fen) * u128::from(back_fen);
    let rounded = share / of + u128::from(2 * (share % of) >= of);
    u64::try_from(rounded).unwrap_or(u64::MAX)
}

/// A hash of an authorisation id: so wide that sums of them over a whole run tell sets apart.
pub(crate) fn id_hash(id: &[u8]) -> u128 {
    let left = hash_from(0x9ae1_6a3b_2f90_404f, id);
    let right = hash_from(0xc949_d7c7_509e_6557, id);
    u128::from(left) << 64 | u128::from(right)
}

/// A hash of an encoded `Authorisation`: answers that differ anywhere have different ones.
pub(crate) fn body_hash(bytes: &[u8]) -> u64 {
    hash_from(0x2d35_8dcc_aa6c_78a5, bytes)
}

/// Folds sixteen bytes a step. It is quick and spreads well, and hides nothing.
fn hash_from(start: u64, bytes: &[u8]) -> u64 {
    const KEY: u64 = 0x8bb8_4b93_962e_acc9;
    let (blocks, rest) = bytes.as_chunks::<16>();
    let mut state = fold(start ^ bytes.len() as u64, KEY);
    for block in blocks {
        let (low, high) = halves(u128::from_le_bytes(*block));
        state = fold(low ^ KEY, high ^ state);
    }
    let mut last = [0; 16];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    let (low, high) = halves(u128::from_le_bytes(last));
    fold(fold(low ^ KEY, high ^ state) ^ start, KEY)
}

/// Multiplies, and lets the upper half of the product stir the lower one.
fn fold(left: u64, right: u64) -> u64 {
    let (low, high) = halves(u128::from(left) * u128::from(right));
    low ^ high
}

fn halves(wide: u128) -> (u64, u64) {
    let low = u64::try_from(wide & u128::from(u64::MAX)).unwrap_or(0);
    let high = u64::try_from(wide >> 64).unwrap_or(0);
    (low, high)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn r71_the_fee_is_three_percent_of_all_above_two_hundred_yuan() {
        for (principal, expected) in [
            (1, 0),
            (20_000, 0),
            (20_001, 600),
            (20_016, 600),
            (20_017, 601),
            (20_050, 602),
            (20_150, 605),
            (600_000, 18_000),
        ] {
            assert_eq!(fee_fen(principal), expected, "{principal} fen");
        }
    }

    #[test]
    fn d14_a_fee_goes_back_by_its_share() {
        for (fee, back, of, expected) in [
            (750, 6_000, 25_000, 180),
            (750, 25_000, 25_000, 750),
            (601, 1, 20_017, 0),
            (601, 10_009, 20_017, 301),
            (600, 10_000, 20_000, 300),
            (3, 1, 2, 2),
            (0, 5, 10, 0),
            (1, 1, 0, 1),
        ] {
            assert_eq!(fee_back_fen(fee, back, of), expected, "{back} of {of}");
        }
    }

    #[test]
    fn any_other_byte_or_length_makes_another_hash() {
        let mut seen = HashSet::new();
        for length in 0..70 {
            let mut bytes = vec![0_u8; length];
            assert!(seen.insert(body_hash(&bytes)), "{length} zeros");
            for place in 0..length {
                for value in [1, 0x80, 0xff] {
                    bytes[place] = value;
                    assert!(
                        seen.insert(body_hash(&bytes)),
                        "{value} at {place} of {length}"
                    );
                }
                bytes[place] = 0;
            }
        }
    }

    #[test]
    fn both_halves_of_an_id_s_hash_are_its_own() {
        let halves_of: Vec<(u64, u64)> = (0..10_000_u32)
            .map(|number| halves(id_hash(format!("auth_{number:013}").as_bytes())))
            .collect();
        let lows: HashSet<u64> = halves_of.iter().map(|(low, _)| *low).collect();
        let highs: HashSet<u64> = halves_of.iter().map(|(_, high)| *high).collect();
        assert_eq!((lows.len(), highs.len()), (10_000, 10_000));
    }
}
