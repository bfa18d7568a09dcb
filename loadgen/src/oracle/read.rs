//! Pure: answers of the control path as the oracle sees them. The hot path reads its own from bytes.

use prost_types::Timestamp;
use waika::v1::{
    AuthoriseResponse, GetAccountResponse, LimitWindow, ReverseResponse, authorisation,
    reverse_response,
};

use super::arithmetic::id_hash;
use super::asked::{Decision, Refusal, Reversed, Told, Window};
use super::calendar::Month;

/// The decision that an answer holds, if it is for this account; none if it is no decision.
pub(super) fn decision(answer: &AuthoriseResponse, account_id: &str) -> Option<Decision> {
    let told = answer.authorisation.as_ref()?;
    let (approved, reason, month, year) = match told.outcome.as_ref()? {
        authorisation::Outcome::Approval(approval) => (
            true,
            0,
            window(approval.month.as_ref()),
            window(approval.year.as_ref()),
        ),
        authorisation::Outcome::Decline(decline) => {
            (false, decline.reason, Window::default(), Window::default())
        }
    };
    Some(Decision {
        replayed: answer.replayed,
        approved,
        reason,
        amount_fen: told.amount_fen,
        fee_fen: told.fee_fen,
        total_fen: told.total_fen,
        decided_at_s: seconds(told.decided_at.as_ref()),
        id_hash: id_hash(told.authorisation_id.as_bytes()),
        body_hash: 0,
        month,
        year,
        is_for: told.account_id == account_id,
    })
}

/// What a reversal came to; none if the answer does not say.
pub(super) fn reversal(answer: &ReverseResponse) -> Option<Told> {
    let decided_at_s = seconds(answer.decided_at.as_ref());
    match answer.outcome.as_ref()? {
        reverse_response::Outcome::Reversal(back) => Some(Told::Reversed(Reversed {
            replayed: answer.replayed,
            amount_fen: back.amount_fen,
            fee_fen: back.fee_fen,
            total_fen: back.total_fen,
            remaining_fen: back.remaining_fen,
            month_restored: back.month_restored,
            year_restored: back.year_restored,
            decided_at_s,
        })),
        reverse_response::Outcome::Refusal(refusal) => Some(Told::Refused(Refusal {
            reason: refusal.reason,
            decided_at_s,
        })),
        reverse_response::Outcome::RecordedAhead(_) => None,
    }
}

/// The windows of an account, and the month that is open.
pub(super) fn windows(account: &GetAccountResponse) -> Option<(Month, Window, Window)> {
    let month = window(account.month.as_ref());
    let open = Month::at(account.month.as_ref()?.resets_at.as_ref()?.seconds - 1);
    Some((open, month, window(account.year.as_ref())))
}

fn window(window: Option<&LimitWindow>) -> Window {
    window.map_or(Window::default(), |window| Window {
        limit_fen: window.limit_fen,
        used_fen: window.used_fen,
        remaining_fen: window.remaining_fen,
        ends_at_s: seconds(window.resets_at.as_ref()),
    })
}

fn seconds(instant: Option<&Timestamp>) -> i64 {
    instant.map_or(0, |instant| instant.seconds)
}

#[cfg(test)]
mod tests {
    use waika::v1::{Approval, Authorisation, Decline, Reversal, ReversalRefusal};

    use super::*;

    const AT_S: i64 = 1_718_400_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp { seconds, nanos: 5 }
    }

    fn limit(used_fen: i64, resets_at_s: i64) -> LimitWindow {
        LimitWindow {
            limit_fen: 1_000,
            used_fen,
            remaining_fen: 1_000 - used_fen,
            resets_at: Some(at(resets_at_s)),
        }
    }

    fn answer(outcome: Option<authorisation::Outcome>) -> AuthoriseResponse {
        AuthoriseResponse {
            authorisation: Some(Authorisation {
                authorisation_id: "auth_1".to_owned(),
                account_id: "acct-1".to_owned(),
                amount_fen: 100,
                fee_fen: 3,
                total_fen: 103,
                decided_at: Some(at(AT_S)),
                outcome,
                ..Authorisation::default()
            }),
            replayed: true,
            ..AuthoriseResponse::default()
        }
    }

    #[test]
    fn an_approval_is_read_with_its_windows() {
        let month_ends_s = Month::at(AT_S).next().start_s();
        let approval = authorisation::Outcome::Approval(Approval {
            month: Some(limit(10, month_ends_s)),
            year: Some(limit(20, 7)),
            ..Approval::default()
        });
        let told = decision(&answer(Some(approval)), "acct-1").unwrap();
        let window = |used_fen, ends_at_s| Window {
            limit_fen: 1_000,
            used_fen,
            remaining_fen: 1_000 - used_fen,
            ends_at_s,
        };
        let expected = Decision {
            replayed: true,
            approved: true,
            reason: 0,
            amount_fen: 100,
            fee_fen: 3,
            total_fen: 103,
            decided_at_s: AT_S,
            id_hash: id_hash(b"auth_1"),
            body_hash: 0,
            month: window(10, month_ends_s),
            year: window(20, 7),
            is_for: true,
        };
        assert_eq!(told, expected);
        assert_eq!(told.counted_in(), Month::at(AT_S));
    }

    #[test]
    fn a_decline_is_read_with_its_reason() {
        let outcome = authorisation::Outcome::Decline(Decline {
            reason: 27,
            ..Decline::default()
        });
        let told = decision(&answer(Some(outcome)), "acct-2").unwrap();
        assert_eq!(
            (told.approved, told.reason, told.is_for),
            (false, 27, false)
        );
    }

    #[test]
    fn what_decides_nothing_is_no_decision() {
        assert_eq!(decision(&answer(None), "acct-1"), None);
        assert_eq!(decision(&AuthoriseResponse::default(), "acct-1"), None);
        assert_eq!(reversal(&ReverseResponse::default()), None);
        assert_eq!(windows(&GetAccountResponse::default()), None);
    }

    #[test]
    fn a_reversal_is_given_back_or_refused() {
        let answer = |outcome| ReverseResponse {
            outcome: Some(outcome),
            replayed: false,
            decided_at: Some(at(AT_S)),
        };
        let back = reverse_response::Outcome::Reversal(Reversal {
            amount_fen: 60,
            fee_fen: 2,
            total_fen: 62,
            remaining_fen: 40,
            month_restored: true,
            year_restored: false,
            ..Reversal::default()
        });
        let expected = Told::Reversed(Reversed {
            replayed: false,
            amount_fen: 60,
            fee_fen: 2,
            total_fen: 62,
            remaining_fen: 40,
            month_restored: true,
            year_restored: false,
            decided_at_s: AT_S,
        });
        assert_eq!(reversal(&answer(back)), Some(expected));
        let refusal = reverse_response::Outcome::Refusal(ReversalRefusal {
            reason: 4,
            ..ReversalRefusal::default()
        });
        let expected = Told::Refused(Refusal {
            reason: 4,
            decided_at_s: AT_S,
        });
        assert_eq!(reversal(&answer(refusal)), Some(expected));
    }
}
