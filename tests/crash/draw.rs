//! Draws the next call of one worker, from a seed and from what people know by then.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use waika::v1::reverse_request::Original;
use waika::v1::{self, CardStatus, authorisation};

use crate::call::{Answer, Request};
use crate::oracle::Oracle;
use crate::people::{
    self, ACCOUNTS, Habit, STEADY, WORKERS, WRONG_PASSWORD, account_id, habit, merchant_of,
    watched_by,
};

const STATUSES: [CardStatus; 7] = [
    CardStatus::Normal,
    CardStatus::Expired,
    CardStatus::Locked,
    CardStatus::Lost,
    CardStatus::Stolen,
    CardStatus::Pickup,
    CardStatus::NoFunds,
];

/// What a worker does next.
pub(crate) enum Step {
    Call(Request),
    /// A used key with other fields.
    Conflict(Request),
    Read(String),
}

/// One worker's chance.
pub(crate) struct Draw {
    rng: ChaCha8Rng,
    worker: usize,
    life: u32,
    number: u32,
    /// Keys of payments that were reversed and are still to come.
    ahead: Vec<(usize, String)>,
}

impl Draw {
    pub(crate) fn new(seed: u64, life: u32, worker: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream((u64::from(life) << 32) | worker as u64);
        Self {
            rng,
            worker,
            life,
            number: 0,
            ahead: Vec::new(),
        }
    }

    pub(crate) fn next(&mut self, oracle: &mut Oracle) -> Step {
        let account = self.rng.random_range(0..ACCOUNTS);
        match self.rng.random_range(0..100) {
            0..=1 => Step::Call(self.put_merchant()),
            2..=3 => match self.set_card_status(oracle) {
                Some(request) => Step::Call(request),
                None => Step::Call(self.authorise(account, oracle)),
            },
            4..=9 => Step::Read(account_id(account)),
            10..=19 => match self.used(account, oracle) {
                Some(request) => Step::Call(request),
                None => Step::Call(self.authorise(account, oracle)),
            },
            20..=21 => match self.conflict(account, oracle) {
                Some(request) => Step::Conflict(request),
                None => Step::Call(self.authorise(account, oracle)),
            },
            22..=35 => Step::Call(self.reverse(account, oracle)),
            36..=45 => {
                let account = account / 16 * 16 + 1 + account % 2;
                Step::Call(self.swap(account, oracle))
            }
            _ => Step::Call(self.authorise(account, oracle)),
        }
    }

    /// A payment by anybody, for a stream.
    pub(crate) fn payment(&mut self, oracle: &mut Oracle) -> v1::AuthoriseRequest {
        let account = self.rng.random_range(0..ACCOUNTS);
        self.pay(account, oracle)
    }

    fn key(&mut self) -> String {
        self.number += 1;
        format!("{}-{}-{}", self.life, self.worker, self.number)
    }

    fn authorise(&mut self, account: usize, oracle: &mut Oracle) -> Request {
        Request::Authorise(self.pay(account, oracle))
    }

    fn pay(&mut self, account: usize, oracle: &mut Oracle) -> v1::AuthoriseRequest {
        let early = (!self.ahead.is_empty() && self.rng.random_bool(0.3))
            .then(|| self.ahead.swap_remove(0));
        let (account, key) = early.unwrap_or_else(|| (account, self.key()));
        let cards = &oracle.wallet(&account_id(account)).cards;
        let card = match cards.len() {
            0 => None,
            bound => cards.iter().nth(self.rng.random_range(0..bound)),
        };
        let card = card.map_or("card_0000000000001", String::as_str);
        let mut asked = people::pay(account, &key, card);
        asked.amount_fen = match habit(account) {
            Habit::Spends => match self.rng.random_range(0..10) {
                0 => 600_001,
                1..=3 => 600_000,
                _ => self.rng.random_range(100_000..600_000),
            },
            Habit::Watched => self.rng.random_range(1..1_000),
            Habit::Guesses | Habit::Swaps | Habit::Pays => self.rng.random_range(1..30_000),
        };
        let mistypes = match habit(account) {
            Habit::Guesses => true,
            Habit::Pays => self.rng.random_bool(0.04),
            Habit::Swaps | Habit::Watched | Habit::Spends => false,
        };
        if mistypes {
            WRONG_PASSWORD.clone_into(&mut asked.payment_password);
        }
        if self.rng.random_bool(0.1) {
            asked.merchant_id = merchant_of(self.rng.random_range(0..WORKERS));
        }
        asked
    }

    /// Any call of this account again, whether or not it was answered.
    fn used(&mut self, account: usize, oracle: &mut Oracle) -> Option<Request> {
        let records = &oracle.wallet(&account_id(account)).records;
        let recent = records.len().min(8);
        let place = match recent {
            0 => return None,
            // A call that is under way is met best among the latest.
            _ if self.rng.random_bool(0.5) => {
                records[records.len() - 1 - self.rng.random_range(0..recent)]
            }
            _ => records[self.rng.random_range(0..records.len())],
        };
        let record = oracle.record(place);
        let mut request = record.request.clone();
        if let Request::Authorise(asked) = &mut request
            && record.answer.is_some()
            && self.rng.random_bool(0.2)
        {
            // D18: a used key is no way to try a password.
            WRONG_PASSWORD.clone_into(&mut asked.payment_password);
        }
        Some(request)
    }

    fn conflict(&mut self, account: usize, oracle: &mut Oracle) -> Option<Request> {
        let (mut asked, _) = self.answered_payment(account, oracle)?;
        if self.rng.random_bool(0.5) {
            asked.amount_fen += 1;
        } else {
            "elsewhere".clone_into(&mut asked.merchant_id);
        }
        Some(Request::Authorise(asked))
    }

    /// A payment that was answered, and its id.
    fn answered_payment(
        &mut self,
        account: usize,
        oracle: &mut Oracle,
    ) -> Option<(v1::AuthoriseRequest, v1::Authorisation)> {
        let records = oracle.wallet(&account_id(account)).records.clone();
        for _ in 0..6 {
            let place = self.rng.random_range(0..records.len().max(1));
            let record = oracle.record(*records.get(place)?);
            if let (Request::Authorise(asked), Some(Answer::Authorise(response))) =
                (&record.request, &record.answer)
            {
                return Some((asked.clone(), response.authorisation.clone()?));
            }
        }
        None
    }

    fn reverse(&mut self, account: usize, oracle: &mut Oracle) -> Request {
        let mut asked = v1::ReverseRequest {
            idempotency_key: self.key(),
            account_id: account_id(account),
            original: None,
            amount_fen: None,
            ..v1::ReverseRequest::default()
        };
        let known = self.answered_payment(account, oracle);
        let is_ahead = self.rng.random_bool(0.15);
        let Some((paid, decided)) = known.filter(|_| !is_ahead) else {
            let key = self.key();
            self.ahead.push((account, key.clone()));
            asked.original = Some(Original::OriginalIdempotencyKey(key));
            return Request::Reverse(asked);
        };
        let approved = matches!(decided.outcome, Some(authorisation::Outcome::Approval(_)));
        asked.original = Some(if self.rng.random_bool(0.5) {
            Original::AuthorisationId(decided.authorisation_id)
        } else {
            Original::OriginalIdempotencyKey(paid.idempotency_key)
        });
        if approved && self.rng.random_bool(0.6) {
            asked.amount_fen = Some(self.rng.random_range(1..=paid.amount_fen));
        }
        Request::Reverse(asked)
    }

    /// Something of unbinding and binding again.
    fn swap(&mut self, account: usize, oracle: &mut Oracle) -> Request {
        let key = self.key();
        let code_number = self.rng.random_range(0..10_000_000);
        let wallet = oracle.wallet(&account_id(account));
        let many = wallet.cards.len() >= 2 || self.rng.random_bool(0.2);
        if let Some(card) = wallet
            .cards
            .first()
            .filter(|_| many && self.rng.random_bool(0.5))
        {
            let asked = v1::UnbindRequest {
                idempotency_key: key,
                account_id: account_id(account),
                card_token: card.clone(),
                payment_password: people::PASSWORD.to_owned(),
            };
            return Request::Unbind(asked);
        }
        match wallet.codes.pop() {
            Some(sent) => {
                let mut asked = people::bind(account, &key, self.rng.random_range(0..6));
                (asked.phone_number, asked.phone_code) = (sent.phone, sent.code);
                Request::Bind(asked)
            }
            None => Request::SendPhoneCode(people::send_phone_code(account, &key, code_number)),
        }
    }

    fn put_merchant(&mut self) -> Request {
        let mut put = people::put_merchant(&self.key(), &merchant_of(self.worker));
        if let Some(merchant) = &mut put.merchant {
            merchant.international_cards = self.rng.random_bool(0.7);
        }
        Request::PutMerchant(put)
    }

    fn set_card_status(&mut self, oracle: &mut Oracle) -> Option<Request> {
        let account_id = account_id(watched_by(self.worker)?);
        let card_token = oracle.wallet(&account_id).cards.first()?.clone();
        Some(Request::SetCardStatus(v1::SetCardStatusRequest {
            idempotency_key: self.key(),
            account_id,
            card_token,
            status: STATUSES[self.rng.random_range(0..STATUSES.len())].into(),
        }))
    }
}

/// The merchants that there are.
pub(crate) fn merchants() -> impl Iterator<Item = String> {
    (0..WORKERS).map(merchant_of).chain([STEADY.to_owned()])
}
