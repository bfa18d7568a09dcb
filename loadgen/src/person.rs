//! Pure: the people who pay, their documents and cards, as functions of (seed, index).
//!
//! Nobody here exists. Card numbers carry the test BINs of D26, are distinct for every index of a
//! seed, pass Luhn's check, and never have `000000` after the BIN, which is how the sandbox issuer
//! marks its special cards.

use waika::v1::IdentityDocumentType;

use crate::draw::{Draw, Purpose};
use crate::scheme::CardScheme;

/// One person in this many pays with a passport, and so needs a review (R49).
const PASSPORT_ONE_IN: u64 = 10;

/// Someone with a wallet-to-be, a document and a card. Synthetic, and yet never printed.
pub(crate) struct Person {
    /// Wallet id.
    pub(crate) account_id: String,
    /// Phone number with its country code, distinct for each index of a seed.
    pub(crate) phone_number: String,
    /// Which identity document.
    pub(crate) document: IdentityDocumentType,
    /// Its number, distinct for each index of a seed.
    pub(crate) document_number: String,
    /// Where it was issued: `CN` for all but passports (R16).
    pub(crate) issuing_country: &'static str,
    /// The same on document and card.
    pub(crate) holder_name: String,
    /// The card.
    pub(crate) card: Card,
    /// Six digits.
    pub(crate) password: [u8; 6],
}

/// A card of the test BINs.
pub(crate) struct Card {
    /// Its scheme.
    pub(crate) scheme: CardScheme,
    /// Its number.
    pub(crate) pan: String,
    /// Month of expiry, 1 to 12.
    pub(crate) expiry_month: i32,
    /// Three digits.
    pub(crate) cvv: String,
}

/// The id of the wallet with this index.
pub(crate) fn account_id(seed: u64, index: u64) -> String {
    format!("acct-{seed:x}-{index}")
}

/// The person with this index.
pub(crate) fn person(seed: u64, index: u64) -> Person {
    let mut draw = Draw::new(seed, Purpose::Person, index);
    let document = document_type(&mut draw);
    let issuing_country = if document == IdentityDocumentType::Passport {
        pick(
            &["GB", "US", "DE", "FR", "JP", "KR", "SG", "AU", "CA", "BR"],
            &mut draw,
        )
    } else {
        "CN"
    };
    let holder_name = format!(
        "{} {}",
        pick(&GIVEN_NAMES, &mut draw),
        pick(&FAMILY_NAMES, &mut draw)
    );
    Person {
        account_id: account_id(seed, index),
        phone_number: phone_number(seed, index),
        document,
        document_number: format!("W{:04X}{index:09}", start_of(seed, 0x1_0000)),
        issuing_country,
        holder_name,
        card: card(seed, index, &mut draw),
        password: password(&mut draw),
    }
}

const GIVEN_NAMES: [&str; 12] = [
    "Ada", "Boris", "Chloe", "Daniel", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Keiko",
    "Liam",
];

const FAMILY_NAMES: [&str; 12] = [
    "Abbott", "Berg", "Costa", "Dubois", "Evans", "Fischer", "Garcia", "Hansen", "Ito", "Jansen",
    "Kim", "Lopez",
];

fn document_type(draw: &mut Draw) -> IdentityDocumentType {
    if draw.below(PASSPORT_ONE_IN) == 0 {
        return IdentityDocumentType::Passport;
    }
    match draw.below(5) {
        0 => IdentityDocumentType::HongKongMacaoTravelPermit,
        1 => IdentityDocumentType::TaiwanTravelPermit,
        2 => IdentityDocumentType::HongKongMacaoResidencePermit,
        3 => IdentityDocumentType::TaiwanResidencePermit,
        _ => IdentityDocumentType::ForeignPermanentResidentCard,
    }
}

/// Never ends in zeros: the sandbox's gateway sends nothing to a number that ends in five of them.
fn phone_number(seed: u64, index: u64) -> String {
    const NUMBERS: u64 = 100_000_000;
    let line = (start_of(seed, NUMBERS) + index) % NUMBERS;
    format!("+8613{line:08}8")
}

/// A test BIN, the scheme it belongs to, and how many digits lie between the first nine or so that
/// are numbered and the check digit.
struct Bin {
    digits: &'static str,
    scheme: CardScheme,
    /// Free digits after the six that must not all be zero, before the check digit.
    tail_digits: u32,
}

const BINS: [Bin; 6] = [
    Bin {
        digits: "411111",
        scheme: CardScheme::Visa,
        tail_digits: 3,
    },
    Bin {
        digits: "555555",
        scheme: CardScheme::Mastercard,
        tail_digits: 3,
    },
    Bin {
        digits: "222300",
        scheme: CardScheme::Mastercard,
        tail_digits: 3,
    },
    Bin {
        digits: "601111",
        scheme: CardScheme::Discover,
        tail_digits: 3,
    },
    Bin {
        digits: "353011",
        scheme: CardScheme::Jcb,
        tail_digits: 3,
    },
    Bin {
        digits: "305693",
        scheme: CardScheme::DinersClub,
        tail_digits: 1,
    },
];

/// The index of the person who is the one with this ordinal, from 0, among those with a card of
/// this scheme: the test BINs take turns with the indices.
pub(crate) fn index_of(scheme: CardScheme, ordinal: u64) -> u64 {
    let places: Vec<u64> = (0..)
        .zip(&BINS)
        .filter(|(_, bin)| bin.scheme == scheme)
        .map(|(place, _)| place)
        .collect();
    let each_round = (places.len() as u64).max(1);
    let place = usize::try_from(ordinal % each_round)
        .ok()
        .and_then(|turn| places.get(turn).copied());
    ordinal / each_round * BINS.len() as u64 + place.unwrap_or(0)
}

fn card(seed: u64, index: u64, draw: &mut Draw) -> Card {
    let [first, .., last] = &BINS;
    let place = usize::try_from(index % BINS.len() as u64).unwrap_or(0);
    let bin = BINS
        .get(place)
        .unwrap_or(if place == 0 { first } else { last });
    let tail = 10_u64.pow(bin.tail_digits);
    let numbers = 999_999 * tail;
    let body = tail + (start_of(seed, numbers) + index / BINS.len() as u64) % numbers;
    let width = usize::try_from(6 + bin.tail_digits).unwrap_or(6);
    let mut pan = format!("{}{body:0width$}", bin.digits);
    pan.push(luhn_check_digit(&pan));
    Card {
        scheme: bin.scheme,
        pan,
        expiry_month: i32::try_from(1 + draw.below(12)).unwrap_or(12),
        cvv: format!("{:03}", draw.below(1_000)),
    }
}

/// A card for an account's second slot: one for each arrival of each run, and none of those that
/// people are born with, for a card in two wallets is a risk (D9).
pub(crate) fn second_card(seed: u64, run_id: u64, arrival: u64) -> Card {
    const FIRST: u64 = 3_000_000_000;
    const CARDS: u64 = 2_900_000_000;
    let mut draw = Draw::new(run_id, Purpose::SecondCard, arrival);
    let index = FIRST + draw.below(CARDS);
    card(seed, index, &mut draw)
}

/// A phone for one arrival of one run: a code goes to a phone once a minute (D8).
pub(crate) fn second_phone(run_id: u64, arrival: u64) -> String {
    const NUMBERS: u64 = 1_000_000_000;
    let mut draw = Draw::new(run_id, Purpose::SecondPhone, arrival);
    // Eleven digits after the country code, never ending in the zeros that are sent nothing.
    format!("+861{:09}8", draw.below(NUMBERS))
}

/// The digit that makes `digits` pass Luhn's check when it is put after them.
fn luhn_check_digit(digits: &str) -> char {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte.wrapping_sub(b'0'));
            match (place % 2 == 0, digit * 2) {
                (true, doubled) if doubled > 9 => doubled - 9,
                (true, doubled) => doubled,
                (false, _) => digit,
            }
        })
        .sum();
    char::from_digit((10 - sum % 10) % 10, 10).unwrap_or('0')
}

fn password(draw: &mut Draw) -> [u8; 6] {
    std::array::from_fn(|_| b'0' + u8::try_from(draw.below(10)).unwrap_or(0))
}

/// Where a seed begins to count, so that the people of two seeds seldom share a number.
fn start_of(seed: u64, numbers: u64) -> u64 {
    Draw::new(seed, Purpose::Person, u64::MAX).below(numbers)
}

fn pick<'a>(names: &[&'a str], draw: &mut Draw) -> &'a str {
    let place = usize::try_from(draw.below(names.len() as u64)).unwrap_or(0);
    names.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn passes_luhn(pan: &str) -> bool {
        let (body, check) = pan.split_at(pan.len() - 1);
        check == luhn_check_digit(body).to_string()
    }

    #[test]
    fn the_check_digit_is_that_of_well_known_test_numbers() {
        for pan in [
            "4111111111111111",
            "5555555555554444",
            "30569309025904",
            "3530111333300000",
        ] {
            assert!(passes_luhn(pan), "{pan}");
        }
        assert!(!passes_luhn("4111111111111112"));
    }

    #[test]
    fn card_numbers_are_valid_distinct_and_never_special() {
        let mut seen = HashSet::new();
        for index in 0..30_000 {
            let card = person(1, index).card;
            let length = if card.scheme == CardScheme::DinersClub {
                14
            } else {
                16
            };
            assert_eq!(card.pan.len(), length);
            assert!(passes_luhn(&card.pan));
            assert_ne!(&card.pan[6..12], "000000");
            assert!(seen.insert(card.pan));
        }
    }

    #[test]
    fn numbering_wraps_around_without_becoming_special() {
        for index in [0, 59_999_939, 59_999_940, 5_999_993_999, 5_999_994_000] {
            for seed in 0..50 {
                assert_ne!(&person(seed, index).card.pan[6..12], "000000");
            }
        }
    }

    #[test]
    fn every_phone_can_be_sent_to() {
        let phones = (0..200_000).map(|index| phone_number(1, index));
        assert_eq!(phones.filter(|phone| phone.ends_with("00000")).count(), 0);
    }

    #[test]
    fn phones_and_documents_are_distinct() {
        let people: Vec<Person> = (0..5_000).map(|index| person(9, index)).collect();
        let phones: HashSet<&str> = people.iter().map(|p| p.phone_number.as_str()).collect();
        let documents: HashSet<&str> = people.iter().map(|p| p.document_number.as_str()).collect();
        assert_eq!((phones.len(), documents.len()), (5_000, 5_000));
    }

    #[test]
    fn only_passports_are_issued_elsewhere_and_they_are_few() {
        let people: Vec<Person> = (0..5_000).map(|index| person(2, index)).collect();
        let passports = people
            .iter()
            .filter(|person| person.document == IdentityDocumentType::Passport)
            .count();
        assert!((400..600).contains(&passports), "{passports} passports");
        for person in people {
            let is_passport = person.document == IdentityDocumentType::Passport;
            assert_eq!(person.issuing_country == "CN", !is_passport);
        }
    }

    #[test]
    fn people_are_found_by_the_scheme_of_their_card() {
        let mut found = HashSet::new();
        for scheme in [
            CardScheme::Visa,
            CardScheme::Mastercard,
            CardScheme::DinersClub,
            CardScheme::Discover,
            CardScheme::Jcb,
        ] {
            let of_scheme = (0..100).map(|ordinal| index_of(scheme, ordinal));
            assert!(of_scheme.clone().is_sorted(), "{scheme:?}");
            for index in of_scheme {
                assert_eq!(person(1, index).card.scheme, scheme);
                assert!(found.insert(index));
            }
        }
        // Nobody is left out: a hundred of each, of which two BINs share one scheme.
        assert!((0..300).all(|index| found.contains(&index)));
    }

    #[test]
    fn the_same_index_is_the_same_person() {
        let (first, again) = (person(5, 77), person(5, 77));
        assert_eq!(first.card.pan, again.card.pan);
        assert_eq!(first.password, again.password);
        assert_ne!(first.card.pan, person(6, 77).card.pan);
        assert_eq!(first.account_id, "acct-5-77");
    }
}
