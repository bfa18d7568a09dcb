//! Pure: the merchants, as functions of (seed, index).

use crate::draw::{Draw, Purpose};
use crate::workload::Mode;

/// A kind of shop: what it is, how often it occurs, what people spend there, and how they pay
/// online.
#[derive(Debug)]
pub(crate) struct Category {
    /// What people call it.
    pub(crate) name: &'static str,
    /// Merchant category code, ISO 18245 (DE18).
    pub(crate) code: &'static str,
    /// Its share of merchants, in parts of the sum over [`CATEGORIES`].
    weight: u64,
    /// Half of the purchases are below this, in fen.
    pub(crate) median_fen: u32,
    /// How people pay there who do so online.
    pub(crate) online: Mode,
}

/// Kinds of shops, weighted so that the middle purchase is about ¥60 and most are within the
/// ¥200 up to which there is no fee (R71).
pub(crate) const CATEGORIES: [Category; 10] = [
    category(
        "Convenience store",
        "5499",
        18,
        2_800,
        Mode::OnlineMiniProgram,
    ),
    category("Noodle house", "5814", 16, 4_200, Mode::OnlineMiniProgram),
    category("Restaurant", "5812", 14, 11_000, Mode::OnlineMiniProgram),
    category("Grocer", "5411", 14, 7_500, Mode::OnlineMiniProgram),
    category("Taxi", "4121", 10, 4_000, Mode::OnlineMiniProgram),
    category("Pharmacy", "5912", 7, 6_500, Mode::OnlineMiniProgram),
    category("Sights", "7991", 7, 12_000, Mode::OnlineMiniProgram),
    category("Online shop", "5399", 8, 9_500, Mode::OnlineApp),
    category("Clothes shop", "5651", 4, 19_000, Mode::OnlineMiniProgram),
    category("Hotel", "7011", 2, 42_000, Mode::OnlineApp),
];

const fn category(
    name: &'static str,
    code: &'static str,
    weight: u64,
    median_fen: u32,
    online: Mode,
) -> Category {
    Category {
        name,
        code,
        weight,
        median_fen,
        online,
    }
}

/// The id of the merchant with this index.
pub(crate) fn merchant_id(seed: u64, index: u64) -> String {
    format!("merchant-{seed:x}-{index}")
}

/// What the merchant with this index sells.
pub(crate) fn category_of(seed: u64, index: u64) -> &'static Category {
    let total = CATEGORIES.iter().map(|category| category.weight).sum();
    let mut left = Draw::new(seed, Purpose::Merchant, index).below(total);
    let [first, ..] = &CATEGORIES;
    CATEGORIES
        .iter()
        .find(|category| match left.checked_sub(category.weight) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        })
        .unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_occur_by_their_weight() {
        for category in &CATEGORIES {
            let count = (0..10_000)
                .filter(|&index| category_of(1, index).code == category.code)
                .count();
            let expected = usize::try_from(category.weight).unwrap() * 100;
            let slack = expected / 4 + 30;
            assert!(
                count.abs_diff(expected) < slack,
                "{}: {count}",
                category.name
            );
        }
    }
}
