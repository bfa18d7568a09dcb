//! Identity documents: a closed list of six (R1, R5, R10 to R16, R36, D9, D29).

use crate::Malformed;
use crate::identifiers::Fingerprint;
use crate::period::{Day, Timestamp};

/// The documents that a wallet can be verified with (R10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentType {
    /// a) Passport of any country (R11).
    Passport,
    /// b) Mainland Travel Permit for Hong Kong and Macao Residents (R12).
    HongKongMacaoTravelPermit,
    /// c) Mainland Travel Permit for Taiwan Residents (R13).
    TaiwanTravelPermit,
    /// d) Mainland Residence Permit for Hong Kong and Macao Residents (R14).
    HongKongMacaoResidencePermit,
    /// e) Mainland Residence Permit for Taiwan Residents (R15).
    TaiwanResidencePermit,
    /// f) Foreign Permanent Resident ID Card (R16).
    ForeignPermanentResidentCard,
}

impl DocumentType {
    /// Every type.
    pub const ALL: [Self; 6] = [
        Self::Passport,
        Self::HongKongMacaoTravelPermit,
        Self::TaiwanTravelPermit,
        Self::HongKongMacaoResidencePermit,
        Self::TaiwanResidencePermit,
        Self::ForeignPermanentResidentCard,
    ];

    /// Passports come from any country (R11), all others from the Chinese mainland (R12 to R16).
    pub fn may_be_issued_by(self, country: CountryCode) -> bool {
        match self {
            Self::Passport => true,
            Self::HongKongMacaoTravelPermit
            | Self::TaiwanTravelPermit
            | Self::HongKongMacaoResidencePermit
            | Self::TaiwanResidencePermit
            | Self::ForeignPermanentResidentCard => country == CountryCode::MAINLAND,
        }
    }

    /// Passport holders are reviewed before they pay (R49).
    pub fn needs_review(self) -> bool {
        self == Self::Passport
    }
}

/// ISO 3166-1 alpha-2, upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// The Chinese mainland.
    pub const MAINLAND: Self = Self(*b"CN");

    /// Takes two upper-case letters.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        match text.as_bytes() {
            &[a @ b'A'..=b'Z', b @ b'A'..=b'Z'] => Ok(Self([a, b])),
            _ => Err(Malformed::new(
                "must be two upper-case letters (ISO 3166-1 alpha-2)",
            )),
        }
    }

    /// The two letters.
    pub const fn letters(self) -> [u8; 2] {
        self.0
    }
}

/// Who a wallet was verified as. The document's number is kept as a digest only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Which document.
    pub document: DocumentType,
    /// Digest of document type, issuing country and number: the same person has the same.
    pub fingerprint: Fingerprint,
    /// The last day on which the document is valid, in Asia/Shanghai.
    pub expires_on: Day,
}

impl Identity {
    /// Valid through its last day (D29).
    pub fn is_out_of_date(&self, now: Timestamp) -> bool {
        now.day() > self.expires_on
    }
}

/// True if two names are the same person's: case, spacing, punctuation and the order of the
/// words do not count (D9).
pub fn same_name(one: &str, other: &str) -> bool {
    let fold = |name: &str| {
        let mut words: Vec<String> = name
            .split(|letter: char| !letter.is_alphanumeric() && letter != '\'' && letter != '’')
            .map(|word| {
                word.chars()
                    .filter(|letter| letter.is_alphanumeric())
                    .collect::<String>()
            })
            .filter(|word| !word.is_empty())
            .map(|word| word.to_lowercase())
            .collect();
        words.sort_unstable();
        words
    };
    let (one, other) = (fold(one), fold(other));
    !one.is_empty() && one == other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r11_to_r16_who_may_issue_what() {
        let abroad = CountryCode::parse("FR").unwrap();
        for document in DocumentType::ALL {
            let passport = document == DocumentType::Passport;
            assert_eq!(document.may_be_issued_by(abroad), passport, "{document:?}");
            assert!(
                document.may_be_issued_by(CountryCode::MAINLAND),
                "{document:?}"
            );
            assert_eq!(document.needs_review(), passport, "R49 {document:?}");
        }
    }

    #[test]
    fn r5_d29_a_document_is_valid_through_its_last_day_in_shanghai() {
        let identity = Identity {
            document: DocumentType::Passport,
            fingerprint: Fingerprint([0; 16]),
            expires_on: Day::from_civil(2024, 5, 31).unwrap(),
        };
        // 2024-05-31T15:59:59.999Z is one millisecond before midnight in Shanghai.
        assert!(!identity.is_out_of_date(Timestamp::from_unix_ms(1_717_171_199_999)));
        assert!(identity.is_out_of_date(Timestamp::from_unix_ms(1_717_171_200_000)));
    }

    #[test]
    fn d9_names_are_folded_before_they_are_compared() {
        for (one, other, same) in [
            ("MARIE CURIE", "Marie Curie", true),
            ("CURIE, MARIE", "marie  curie", true),
            ("Jean-Luc Picard", "JEAN LUC PICARD", true),
            ("O'Brien Miles", "MILES OBRIEN", true),
            ("陈大文", "陈大文", true),
            ("Marie Curie", "Pierre Curie", false),
            ("Marie", "Marie Curie", false),
            ("", "", false),
            ("-", ".", false),
        ] {
            assert_eq!(same_name(one, other), same, "{one} / {other}");
        }
    }

    #[test]
    fn countries_are_two_capitals() {
        for (text, accepted) in [
            ("CN", true),
            ("cn", false),
            ("CHN", false),
            ("", false),
            ("C1", false),
        ] {
            assert_eq!(CountryCode::parse(text).is_ok(), accepted, "{text}");
        }
    }
}
