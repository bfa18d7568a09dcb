//! What can be believed of an issuer's answer. Whatever cannot be is no answer: it is never an
//! approval, and what it may have stood for is owed back (D16).

use waika::v1;
use waika_domain::card::IssuerCardReference;
use waika_domain::decline::{DeclineReason, IssuerRefusal};
use waika_domain::event::{ApprovalCode, TransactionId};
use waika_domain::money::Fen;

/// The code of an approval (DE39).
const APPROVED: &str = "00";

/// What was heard of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It was approved.
    Approved(ApprovalCode),
    /// It was refused.
    Refused(IssuerRefusal),
    /// The issuer is not there and never heard of it: nothing is owed.
    Absent,
    /// It was not asked, or has given the payment back already: nothing is owed.
    NotAsked,
    /// Nothing in the time that the policy gives: it may have been approved.
    Silence,
    /// Nothing in the shorter time that the caller gave: it may have been approved.
    CutShort,
    /// Something that cannot be believed: it may have been approved.
    Nonsense(&'static str),
}

impl Heard {
    /// What it says of the issuer: that it answers, that it does not, or nothing.
    pub(crate) fn of_issuer(self) -> Option<bool> {
        match self {
            Self::Approved(_) | Self::Refused(_) => Some(true),
            Self::Absent | Self::Silence | Self::Nonsense(_) => Some(false),
            Self::NotAsked | Self::CutShort => None,
        }
    }
}

/// What was heard of a verification debit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verified {
    /// The card can be used, and has this name.
    Usable(IssuerCardReference),
    /// It was refused.
    Refused(IssuerRefusal),
    /// The issuer never heard of it: nothing is owed.
    NotAsked,
    /// Nothing: the debit may have been made.
    Silence,
    /// Something that cannot be believed: the debit may have been made.
    Nonsense(&'static str),
}

/// How an advice ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The issuer gave that much back.
    Reversed(Fen),
    /// The issuer agrees with a payment that was approved in its place (D17).
    Agreed,
    /// It would have declined.
    Diverged(IssuerRefusal),
}

/// Why an advice is still owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsettled {
    /// What happened, without any secret.
    pub(crate) why: String,
    /// The issuer answered, though not as it should.
    pub(crate) answered: bool,
}

impl Unsettled {
    pub(super) fn nonsense(why: &str) -> Self {
        Self {
            why: format!("nonsense: {why}"),
            answered: true,
        }
    }
}

/// Reads the answer to a payment.
pub(super) fn payment(
    id: TransactionId,
    amount: Fen,
    answer: &v1::AuthorisePaymentResponse,
) -> Heard {
    if answer.transaction_id != id.to_string() {
        return Heard::Nonsense("another transaction's id");
    }
    if answer.response_code != APPROVED {
        return match refusal(&answer.response_code) {
            Some(refusal) => Heard::Refused(refusal),
            None => Heard::Nonsense("an unknown response code"),
        };
    }
    if answer.amount_fen != amount.value() {
        return Heard::Nonsense("another amount");
    }
    match approval_code(&answer.approval_code) {
        Some(code) => Heard::Approved(code),
        None => Heard::Nonsense("an approval code that is not six letters and digits"),
    }
}

/// Reads the answer to a verification debit of a fen.
pub(super) fn verification(
    id: TransactionId,
    pan: &str,
    answer: v1::VerifyCardResponse,
) -> Verified {
    if answer.transaction_id != id.to_string() {
        return Verified::Nonsense("another transaction's id");
    }
    if answer.response_code != APPROVED {
        return match refusal(&answer.response_code) {
            Some(refusal) => Verified::Refused(refusal),
            None => Verified::Nonsense("an unknown response code"),
        };
    }
    if answer.amount_fen != VERIFICATION.value() {
        return Verified::Nonsense("another amount");
    }
    let reference = answer.card_reference;
    let printable = reference.bytes().all(|byte| byte.is_ascii_graphic());
    if !(1..=64).contains(&reference.len()) || !printable || reference.contains(pan) {
        return Verified::Nonsense("a card reference that is none");
    }
    Verified::Usable(IssuerCardReference(reference.into()))
}

/// What a verification debits (D6).
pub(super) const VERIFICATION: Fen = Fen::new(1);

/// Reads the answer to a payment that was approved in the issuer's place (D17).
pub(super) fn stand_in(
    id: TransactionId,
    amount: Fen,
    answer: &v1::AuthorisePaymentResponse,
) -> Result<Settled, Unsettled> {
    match payment(id, amount, answer) {
        Heard::Approved(_) => Ok(Settled::Agreed),
        // Whoever answers for it cannot reach it either.
        Heard::Refused(IssuerRefusal::Unavailable) => Err(Unsettled {
            why: "the issuer is unavailable".to_owned(),
            answered: true,
        }),
        Heard::Refused(refusal) => Ok(Settled::Diverged(refusal)),
        Heard::Nonsense(why) => Err(Unsettled::nonsense(why)),
        Heard::Absent | Heard::NotAsked | Heard::Silence | Heard::CutShort => {
            Err(Unsettled::nonsense("no answer"))
        }
    }
}

/// Reads the answer to an advice of a reversal of at most `most`; 0 for whatever was approved.
pub(super) fn reversal(
    reversal_id: &str,
    most: Fen,
    answer: &v1::ReversePaymentResponse,
) -> Result<Settled, Unsettled> {
    if answer.reversal_id != reversal_id {
        return Err(Unsettled::nonsense("another advice's id"));
    }
    let amount = Fen::new(answer.amount_fen);
    if answer.amount_fen < 0 || (most > Fen::ZERO && amount > most) {
        return Err(Unsettled::nonsense("another amount"));
    }
    Ok(Settled::Reversed(amount))
}

/// Reads where a transaction stands, for a server that was killed before it heard.
pub(super) fn status(
    id: TransactionId,
    amount: Fen,
    answer: &v1::GetPaymentStatusResponse,
) -> Heard {
    if answer.transaction_id != id.to_string() {
        return Heard::Nonsense("another transaction's id");
    }
    match answer.state() {
        v1::TransactionState::Approved => {
            let code = approval_code(&answer.approval_code);
            let whole = answer.amount_fen == amount.value() && answer.reversed_fen == 0;
            code.filter(|_| whole)
                .map_or(Heard::Nonsense("another amount"), Heard::Approved)
        }
        v1::TransactionState::Declined => refusal(&answer.response_code)
            .map_or(Heard::Nonsense("an unknown response code"), Heard::Refused),
        v1::TransactionState::Reversed => Heard::NotAsked,
        // It may come still.
        v1::TransactionState::Unknown => Heard::Silence,
        v1::TransactionState::Unspecified => Heard::Nonsense("no state"),
    }
}

/// Response codes (DE39) that decline for reasons that Waika has no name for: to the payer they are
/// all the issuer's own.
const OTHER_DECLINES: [&str; 20] = [
    "01", "02", "03", "12", "13", "14", "15", "30", "57", "58", "59", "61", "63", "65", "75", "78",
    "82", "85", "93", "94",
];
/// Codes by which a switch says that it cannot reach the issuer.
const UNREACHED: [&str; 2] = ["92", "96"];

/// The refusal of a response code (DE39); None for one that is no decline that is known.
fn refusal(code: &str) -> Option<IssuerRefusal> {
    if OTHER_DECLINES.contains(&code) {
        return Some(IssuerRefusal::DoNotHonour);
    }
    if UNREACHED.contains(&code) {
        return Some(IssuerRefusal::Unavailable);
    }
    IssuerRefusal::ALL
        .into_iter()
        .find(|&refusal| DeclineReason::from(refusal).response_code() == code)
}

fn approval_code(text: &str) -> Option<ApprovalCode> {
    let code: [u8; 6] = text.as_bytes().try_into().ok()?;
    code.iter()
        .all(u8::is_ascii_alphanumeric)
        .then_some(ApprovalCode(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: TransactionId = TransactionId::from_number(0xabc);
    const ASKED: Fen = Fen::new(20_703);

    fn approved() -> v1::AuthorisePaymentResponse {
        v1::AuthorisePaymentResponse {
            transaction_id: ID.to_string(),
            response_code: "00".into(),
            approval_code: "A1B2C3".into(),
            amount_fen: 20_703,
        }
    }

    type Change = fn(&mut v1::AuthorisePaymentResponse);

    #[test]
    fn d16_only_a_whole_approval_of_what_was_asked_is_one() {
        assert_eq!(
            payment(ID, ASKED, &approved()),
            Heard::Approved(ApprovalCode(*b"A1B2C3"))
        );
        let changes: [Change; 9] = [
            |answer| answer.transaction_id = TransactionId::from_number(0xabd).to_string(),
            |answer| answer.transaction_id.clear(),
            |answer| answer.amount_fen += 1,
            |answer| answer.amount_fen = 0,
            |answer| answer.approval_code = "A1B2C".into(),
            |answer| answer.approval_code = "A1B2C3D".into(),
            |answer| answer.approval_code = "A1B-C3".into(),
            |answer| answer.response_code = "ZZ".into(),
            |answer| answer.response_code.clear(),
        ];
        for (place, change) in changes.iter().enumerate() {
            let mut answer = approved();
            change(&mut answer);
            let heard = payment(ID, ASKED, &answer);
            assert!(matches!(heard, Heard::Nonsense(_)), "{place}: {heard:?}");
            let advice = stand_in(ID, ASKED, &answer);
            assert!(advice.is_err_and(|unsettled| unsettled.answered), "{place}");
        }
    }

    #[test]
    fn every_refusal_is_known_by_its_code() {
        for expected in IssuerRefusal::ALL {
            let mut answer = approved();
            answer.response_code = DeclineReason::from(expected).response_code().into();
            answer.approval_code.clear();
            answer.amount_fen = 0;
            assert_eq!(payment(ID, ASKED, &answer), Heard::Refused(expected));
            let advised = stand_in(ID, ASKED, &answer);
            match expected {
                IssuerRefusal::Unavailable => assert!(advised.is_err()),
                refusal => assert_eq!(advised, Ok(Settled::Diverged(refusal))),
            }
        }
    }

    #[test]
    fn a_decline_without_a_name_of_ours_is_one_all_the_same() {
        for (code, expected) in [
            ("14", Heard::Refused(IssuerRefusal::DoNotHonour)),
            ("94", Heard::Refused(IssuerRefusal::DoNotHonour)),
            ("96", Heard::Refused(IssuerRefusal::Unavailable)),
            // These approve something, and not what was asked.
            ("08", Heard::Nonsense("an unknown response code")),
            ("10", Heard::Nonsense("an unknown response code")),
        ] {
            let mut answer = approved();
            answer.response_code = code.into();
            assert_eq!(payment(ID, ASKED, &answer), expected, "{code}");
        }
    }

    #[test]
    fn d28_a_reference_that_is_none_or_shows_the_number_names_no_card() {
        const PAN: &str = "4111111111111111";
        let answer = |reference: &str, amount_fen| v1::VerifyCardResponse {
            transaction_id: ID.to_string(),
            response_code: "00".into(),
            card_reference: reference.into(),
            amount_fen,
        };
        let usable = verification(ID, PAN, answer("card-7", 1));
        assert_eq!(
            usable,
            Verified::Usable(IssuerCardReference("card-7".into()))
        );
        for (reference, amount) in [
            ("", 1),
            ("with space", 1),
            ("x4111111111111111", 1),
            (&*"r".repeat(65), 1),
            ("card-7", 0),
            ("card-7", 2),
        ] {
            let heard = verification(ID, PAN, answer(reference, amount));
            assert!(matches!(heard, Verified::Nonsense(_)), "{reference}");
        }
    }

    #[test]
    fn a_status_is_believed_only_if_nothing_of_it_was_given_back() {
        use v1::TransactionState as State;
        for (state, amount_fen, reversed_fen, expected) in [
            (
                State::Approved,
                20_703,
                0,
                Heard::Approved(ApprovalCode(*b"A1B2C3")),
            ),
            (
                State::Approved,
                20_703,
                1,
                Heard::Nonsense("another amount"),
            ),
            (
                State::Approved,
                20_702,
                0,
                Heard::Nonsense("another amount"),
            ),
            (State::Reversed, 20_703, 20_703, Heard::NotAsked),
            (State::Unknown, 0, 0, Heard::Silence),
            (State::Unspecified, 0, 0, Heard::Nonsense("no state")),
        ] {
            let answer = v1::GetPaymentStatusResponse {
                transaction_id: ID.to_string(),
                state: state.into(),
                response_code: "00".into(),
                approval_code: "A1B2C3".into(),
                amount_fen,
                reversed_fen,
            };
            assert_eq!(status(ID, ASKED, &answer), expected, "{state:?}");
        }
    }

    #[test]
    fn an_advice_gives_back_no_more_than_it_said() {
        let answer = |amount_fen| v1::ReversePaymentResponse {
            reversal_id: "r".into(),
            amount_fen,
        };
        for (most, given, fine) in [
            (0, 0, true),
            (0, 900, true),
            (900, 900, true),
            (900, 0, true),
            (900, 901, false),
            (0, -1, false),
        ] {
            let settled = reversal("r", Fen::new(most), &answer(given));
            assert_eq!(settled.is_ok(), fine, "{given} of {most}");
        }
        assert!(reversal("other", Fen::ZERO, &answer(0)).is_err());
    }
}
