//! A book that agrees with the server, and then does not.

use prost_types::Timestamp;
use waika::v1::{self, authorisation, reverse_request, reverse_response};

use super::{MONTH_LIMIT, SINGLE_LIMIT, View, YEAR_LIMIT, check};
use crate::call::{Answer, Answered, Request};
use crate::finding::Kind;
use crate::oracle::Oracle;
use crate::people::{WRONG_PASSWORD, account_id, pay};

/// 11 March 2031, noon in Shanghai, and the ends of its month and year.
const NOON: i64 = 1_930_968_000;
const MONTH_END: i64 = 1_932_739_200;
const YEAR_END: i64 = 1_956_499_200;
const PAYER: usize = 6;

/// One account's calls, and what the server shows of it.
struct Story {
    oracle: Oracle,
    view: View,
    number: i64,
}

fn at(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanos: 0 }
}

fn window(limit_fen: i64, end: i64) -> v1::LimitWindow {
    v1::LimitWindow {
        limit_fen,
        used_fen: 0,
        remaining_fen: limit_fen,
        resets_at: Some(at(end)),
    }
}

impl Story {
    fn new() -> Self {
        let account = v1::GetAccountResponse {
            account_id: account_id(PAYER),
            month: Some(window(MONTH_LIMIT, MONTH_END)),
            year: Some(window(YEAR_LIMIT, YEAR_END)),
            ..v1::GetAccountResponse::default()
        };
        Self {
            oracle: Oracle::default(),
            view: View {
                account,
                ..View::default()
            },
            number: 0,
        }
    }

    fn learns(&mut self, request: &Request, answer: Answer) {
        self.oracle.sends(request);
        let replayed = false;
        self.oracle.learns(request, &Answered { answer, replayed });
    }

    fn uses(&mut self, fen: i64) {
        let windows = [&mut self.view.account.month, &mut self.view.account.year];
        for window in windows.into_iter().flatten() {
            window.used_fen += fen;
        }
    }

    /// A payment that is decided so, one second after the last.
    fn decided(mut self, asked: v1::AuthoriseRequest, reason: Option<v1::DeclineReason>) -> Self {
        self.number += 1;
        let outcome = match reason {
            None => authorisation::Outcome::Approval(v1::Approval::default()),
            Some(reason) => authorisation::Outcome::Decline(v1::Decline {
                reason: reason.into(),
                ..v1::Decline::default()
            }),
        };
        let decided = v1::Authorisation {
            authorisation_id: format!("auth-{}", self.number),
            card_token: asked.card_token.clone(),
            merchant_id: asked.merchant_id.clone(),
            amount_fen: asked.amount_fen,
            decided_at: Some(at(NOON + self.number)),
            outcome: Some(outcome),
            ..v1::Authorisation::default()
        };
        let counted = i64::from(reason.is_none()) * asked.amount_fen;
        self.uses(counted);
        let status = v1::AuthorisationStatus {
            remaining_fen: counted,
            ..v1::AuthorisationStatus::default()
        };
        let line = v1::AuthorisationRecord {
            authorisation: Some(decided.clone()),
            status: Some(status),
        };
        self.view.history.insert(0, line);
        let answer = v1::AuthoriseResponse {
            authorisation: Some(decided),
            replayed: false,
            receipt: None,
            timing: None,
        };
        self.learns(&Request::Authorise(asked), Answer::Authorise(answer));
        self
    }

    fn pays(self, fen: i64) -> Self {
        let mut asked = pay(PAYER, &format!("k{}", self.number), "card_1");
        asked.amount_fen = fen;
        self.decided(asked, None)
    }

    fn mistypes(self, reason: v1::DeclineReason) -> Self {
        let mut asked = pay(PAYER, &format!("k{}", self.number), "card_1");
        asked.payment_password = WRONG_PASSWORD.to_owned();
        self.decided(asked, Some(reason))
    }

    /// Gives so much of the first payment back.
    fn reverses(mut self, fen: i64) -> Self {
        self.uses(-fen);
        let first = self.view.history.last_mut().unwrap();
        let status = first.status.as_mut().unwrap();
        status.reversed_fen += fen;
        status.remaining_fen -= fen;
        let reversal = v1::Reversal {
            authorisation_id: "auth-1".to_owned(),
            amount_fen: fen,
            month_restored: true,
            year_restored: true,
            ..v1::Reversal::default()
        };
        let outcome = reverse_response::Outcome::Reversal(reversal);
        self.reversal(
            reverse_request::Original::AuthorisationId("auth-1".to_owned()),
            outcome,
        )
    }

    fn reverses_ahead(self, key: &str) -> Self {
        let ahead = v1::RecordedAhead {
            original_idempotency_key: key.to_owned(),
        };
        let original = reverse_request::Original::OriginalIdempotencyKey(key.to_owned());
        self.reversal(original, reverse_response::Outcome::RecordedAhead(ahead))
    }

    fn reversal(
        mut self,
        original: reverse_request::Original,
        outcome: reverse_response::Outcome,
    ) -> Self {
        let calls = self.oracle.records_of(&account_id(PAYER)).len();
        let request = v1::ReverseRequest {
            idempotency_key: format!("r{calls}"),
            account_id: account_id(PAYER),
            original: Some(original),
            amount_fen: None,
            payment_code: String::new(),
        };
        let answer = v1::ReverseResponse {
            outcome: Some(outcome),
            replayed: false,
            decided_at: Some(at(NOON + 100)),
        };
        self.learns(&Request::Reverse(request), Answer::Reverse(answer));
        self
    }

    fn shows(mut self, spoil: impl FnOnce(&mut View)) -> Self {
        spoil(&mut self.view);
        self
    }

    #[track_caller]
    fn check(self, expected: &[Kind]) {
        let records = self.oracle.records_of(&account_id(PAYER));
        let found = check(&records, &self.view);
        let kinds: Vec<_> = found.iter().map(|found| found.kind).collect();
        assert_eq!(kinds, expected, "{found:?}");
    }
}

fn used(view: &mut View, fen: i64) {
    view.account.month.as_mut().unwrap().used_fen += fen;
}

#[test]
fn what_agrees_is_left_in_peace() {
    Story::new().check(&[]);
    Story::new()
        .pays(500)
        .pays(SINGLE_LIMIT)
        .reverses(200)
        .check(&[]);
}

#[test]
fn a_payment_that_is_gone_was_lost() {
    let story = || Story::new().pays(500).pays(600);
    let gone = |view: &mut View| drop(view.history.remove(0));
    story().shows(gone).check(&[Kind::Lost]);
    story().shows(|view| used(view, -600)).check(&[Kind::Lost]);
}

#[test]
fn a_payment_that_counts_twice_is_duplicated() {
    let story = || Story::new().pays(500);
    let twice = |view: &mut View| view.history.push(view.history[0].clone());
    story().shows(twice).check(&[Kind::Duplicated]);
    let twin = |view: &mut View| {
        let mut twin = view.history[0].clone();
        twin.authorisation.as_mut().unwrap().authorisation_id = "auth-9".to_owned();
        view.history.insert(0, twin);
    };
    story().shows(twin).check(&[Kind::Duplicated]);
    let stranger = |view: &mut View| {
        let mut stranger = view.history[0].clone();
        let authorisation = stranger.authorisation.as_mut().unwrap();
        authorisation.authorisation_id = "auth-9".to_owned();
        authorisation.amount_fen = 7;
        view.history.insert(0, stranger);
    };
    story().shows(stranger).check(&[Kind::Other]);
    let counted = |view: &mut View| used(view, 500);
    story().shows(counted).check(&[Kind::Duplicated]);
}

#[test]
fn a_limit_that_is_passed_is_exceeded() {
    Story::new().pays(SINGLE_LIMIT + 1).check(&[Kind::Exceeded]);
    let full = (0..8).fold(Story::new(), |story, _| story.pays(SINGLE_LIMIT));
    let full = full.pays(MONTH_LIMIT - 8 * SINGLE_LIMIT);
    full.pays(1).check(&[Kind::Exceeded]);
}

#[test]
fn a_reversal_counts_once_and_never_beyond_its_payment() {
    let story = || Story::new().pays(500).reverses(200);
    let status = |view: &mut View, fen: i64| {
        let status = view.history[0].status.as_mut().unwrap();
        status.reversed_fen += fen;
        status.remaining_fen -= fen;
    };
    story()
        .shows(|view| status(view, -200))
        .check(&[Kind::Lost]);
    let twice = |view: &mut View| status(view, 200);
    story().shows(twice).check(&[Kind::Duplicated]);
    story().reverses(301).check(&[Kind::Exceeded]);
}

#[test]
fn d31_a_reversal_ahead_of_its_payment_holds() {
    let ahead = || Story::new().reverses_ahead("k0");
    let declined = |story: Story| {
        let reason = v1::DeclineReason::ReversedBeforeArrival;
        story.decided(pay(PAYER, "k0", "card_1"), Some(reason))
    };
    declined(ahead()).check(&[]);
    ahead().pays(500).check(&[Kind::Lost]);
    declined(Story::new()).check(&[Kind::Other]);
}

#[test]
fn r39_a_fourth_card_is_one_too_many() {
    let cards = |view: &mut View| {
        let card = |number| v1::BoundCard {
            card_token: format!("card_{number}"),
            ..v1::BoundCard::default()
        };
        view.cards = (0..4).map(card).collect();
    };
    let mut expected = vec![Kind::Exceeded];
    expected.extend([Kind::Duplicated; 4]); // Nobody bound any of them.
    Story::new().shows(cards).check(&expected);
}

#[test]
fn d7_a_sixth_wrong_password_meets_the_lock() {
    let five = || {
        let wrong = v1::DeclineReason::PasswordWrong;
        (0..5).fold(Story::new(), |story, _| story.mistypes(wrong))
    };
    let locked = v1::DeclineReason::PasswordLocked;
    five().mistypes(locked).check(&[]);
    let wrong = v1::DeclineReason::PasswordWrong;
    five().mistypes(wrong).check(&[Kind::Exceeded]);
    five().pays(1).check(&[Kind::Exceeded]);
    Story::new().mistypes(locked).check(&[Kind::Other]);
}
