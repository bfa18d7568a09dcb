//! Merchants (R60, R61, D11).

use crate::Malformed;
use crate::identifiers::MerchantId;

/// Where a merchant is (R61).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MerchantRegion {
    /// In the Chinese mainland.
    Mainland,
    /// Anywhere else.
    Overseas,
}

/// A merchant category code of four digits (ISO 18245, DE18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CategoryCode(pub u16);

impl CategoryCode {
    /// Takes four digits.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let four_digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse()
            .ok()
            .filter(|_| four_digits)
            .map(Self)
            .ok_or(Malformed::new("must be four digits (ISO 18245)"))
    }
}

/// Who is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// Its id (DE42).
    pub id: MerchantId,
    /// Its name for people (DE43).
    pub name: Box<str>,
    /// Where it is.
    pub region: MerchantRegion,
    /// What it sells.
    pub category: CategoryCode,
    /// It takes international cards (R60).
    pub international_cards: bool,
}
