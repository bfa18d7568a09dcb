//! What people ask about their payment password, filled in so that it passes, and what is answered,
//! in words.

use waika::v1::reset_password_request::Proof;
use waika::v1::{
    self, change_password_response, reset_password_response, verify_password_response,
};

use crate::wallet::{Callers, PASSWORD, VISA, bind, card};

/// What a password is changed or reset to.
pub(crate) const NEW_PASSWORD: &str = "246802";
/// A password that is nobody's.
pub(crate) const WRONG_PASSWORD: &str = "000000";

/// A password verified for a payment with a card.
pub(crate) fn verify(
    account: &str,
    card_token: &str,
    key: &str,
    amount_fen: i64,
) -> v1::VerifyPasswordRequest {
    v1::VerifyPasswordRequest {
        idempotency_key: key.to_owned(),
        account_id: account.to_owned(),
        payment_password: PASSWORD.to_owned(),
        amount_fen,
        funding: v1::Funding::Card.into(),
        card_token: card_token.to_owned(),
    }
}

/// The same payment with the token that was given for it.
pub(crate) fn with_token(payment: v1::AuthoriseRequest, token: &str) -> v1::AuthoriseRequest {
    v1::AuthoriseRequest {
        payment_password: String::new(),
        payment_token: token.to_owned(),
        ..payment
    }
}

/// From the usual password to [`NEW_PASSWORD`].
pub(crate) fn change(account: &str, key: &str) -> v1::ChangePasswordRequest {
    v1::ChangePasswordRequest {
        idempotency_key: key.to_owned(),
        account_id: account.to_owned(),
        old_password: PASSWORD.to_owned(),
        new_password: NEW_PASSWORD.to_owned(),
        new_password_again: NEW_PASSWORD.to_owned(),
    }
}

/// Route 1 (R46): with the document that [`bind`] verifies an account with.
pub(crate) fn reset_by_identity(account: &str, key: &str) -> v1::ResetPasswordRequest {
    let identity = bind(account).identity.unwrap();
    v1::ResetPasswordRequest {
        idempotency_key: key.to_owned(),
        account_id: account.to_owned(),
        new_password: NEW_PASSWORD.to_owned(),
        new_password_again: NEW_PASSWORD.to_owned(),
        proof: Some(Proof::Identity(identity)),
    }
}

/// Route 2 (R47): with the card that [`bind`] binds. The phone and its code are those given.
pub(crate) fn reset_by_card(
    account: &str,
    key: &str,
    card_token: &str,
    (phone, code): (&str, &str),
) -> v1::ResetPasswordRequest {
    let proof = v1::BoundCardProof {
        card_token: card_token.to_owned(),
        card: Some(card(VISA, v1::Scheme::Visa)),
        phone_number: phone.to_owned(),
        phone_code: code.to_owned(),
    };
    v1::ResetPasswordRequest {
        proof: Some(Proof::Card(proof)),
        ..reset_by_identity(account, key)
    }
}

/// The document that a reset is asked for with.
pub(crate) fn document(request: &mut v1::ResetPasswordRequest) -> &mut v1::IdentityDocument {
    match request.proof.as_mut().unwrap() {
        Proof::Identity(identity) => identity,
        Proof::Card(_) => panic!("asked with a card"),
    }
}

/// The card that a reset is asked for with.
pub(crate) fn proof(request: &mut v1::ResetPasswordRequest) -> &mut v1::BoundCardProof {
    match request.proof.as_mut().unwrap() {
        Proof::Card(proof) => proof,
        Proof::Identity(_) => panic!("asked with a document"),
    }
}

/// How a password was verified, in a word: `VERIFIED`, or the name of the reason.
pub(crate) fn verify_outcome(response: &v1::VerifyPasswordResponse) -> &'static str {
    match response.outcome.as_ref().unwrap() {
        verify_password_response::Outcome::Token(_) => "VERIFIED",
        verify_password_response::Outcome::Refusal(refusal) => refused(refusal.reason()),
    }
}

/// How a password was changed, in a word: `CHANGED`, or the name of the reason.
pub(crate) fn change_outcome(response: &v1::ChangePasswordResponse) -> &'static str {
    match response.outcome.as_ref().unwrap() {
        change_password_response::Outcome::Changed(_) => "CHANGED",
        change_password_response::Outcome::Refusal(refusal) => refused(refusal.reason()),
    }
}

fn refused(reason: v1::PasswordRefusalReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("PASSWORD_REFUSAL_REASON_").unwrap()
}

/// How a reset ended, in a word: `RESET`, `TICKET`, or the name of the reason.
pub(crate) fn reset_outcome(response: &v1::ResetPasswordResponse) -> &'static str {
    match response.outcome.as_ref().unwrap() {
        reset_password_response::Outcome::Reset(_) => "RESET",
        reset_password_response::Outcome::Ticket(_) => "TICKET",
        reset_password_response::Outcome::Refusal(refusal) => {
            let name = refusal.reason().as_str_name();
            name.strip_prefix("RESET_REFUSAL_REASON_").unwrap()
        }
    }
}

/// Why nothing was reset.
pub(crate) fn reset_refusal(response: v1::ResetPasswordResponse) -> v1::ResetRefusal {
    match response.outcome.unwrap() {
        reset_password_response::Outcome::Refusal(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

impl Callers {
    pub(crate) async fn verify(
        &mut self,
        request: v1::VerifyPasswordRequest,
    ) -> v1::VerifyPasswordResponse {
        let verified = self.cards.verify_password(request).await;
        verified.unwrap().into_inner()
    }

    /// The token of a password that is right.
    pub(crate) async fn token(&mut self, request: v1::VerifyPasswordRequest) -> v1::PaymentToken {
        match self.verify(request).await.outcome.unwrap() {
            verify_password_response::Outcome::Token(token) => token,
            verify_password_response::Outcome::Refusal(refusal) => panic!("{refusal:?}"),
        }
    }

    pub(crate) async fn change(
        &mut self,
        request: v1::ChangePasswordRequest,
    ) -> v1::ChangePasswordResponse {
        let changed = self.cards.change_password(request).await;
        changed.unwrap().into_inner()
    }

    pub(crate) async fn reset(
        &mut self,
        request: v1::ResetPasswordRequest,
    ) -> v1::ResetPasswordResponse {
        let reset = self.cards.reset_password(request).await;
        reset.unwrap().into_inner()
    }

    /// A reset by the card of [`bind`], with a further code sent to its phone, in a word.
    pub(crate) async fn reset_by_card(
        &mut self,
        (account, key): (&str, &str),
        card_token: &str,
        phone: &str,
    ) -> &'static str {
        let code = self.next_phone_code(account, phone).await;
        let request = reset_by_card(account, key, card_token, (phone, &code));
        reset_outcome(&self.reset(request).await)
    }

    /// The requests to reset a password that wait for an operator.
    pub(crate) async fn password_tickets(&mut self) -> Vec<v1::PasswordTicket> {
        let request = v1::ListPasswordTicketsRequest::default();
        let listed = self.admin.list_password_tickets(request).await.unwrap();
        listed.into_inner().tickets
    }

    pub(crate) async fn resolve_ticket(
        &mut self,
        ticket: &v1::PasswordTicket,
        key: &str,
        verdict: v1::PasswordTicketVerdict,
    ) -> v1::ResolvePasswordTicketResponse {
        let request = v1::ResolvePasswordTicketRequest {
            idempotency_key: key.to_owned(),
            account_id: ticket.account_id.clone(),
            ticket_id: ticket.ticket_id.clone(),
            verdict: verdict.into(),
        };
        let resolved = self.admin.resolve_password_ticket(request).await;
        resolved.unwrap().into_inner()
    }

    /// Tries wrong passwords of these numbers.
    pub(crate) async fn wrong_passwords(
        &mut self,
        account: &str,
        card_token: &str,
        tries: std::ops::RangeInclusive<u32>,
    ) {
        for number in tries {
            let request = v1::VerifyPasswordRequest {
                payment_password: WRONG_PASSWORD.to_owned(),
                ..verify(account, card_token, &format!("wrong {number}"), 100)
            };
            let outcome = self.verify(request).await;
            assert_eq!(verify_outcome(&outcome), "PASSWORD_WRONG", "{number}");
        }
    }

    /// An operator unlocks a password. Tells whether it was locked.
    pub(crate) async fn unlock(&mut self, account: &str, key: &str) -> bool {
        let request = v1::UnlockPasswordRequest {
            idempotency_key: key.to_owned(),
            account_id: account.to_owned(),
        };
        let unlocked = self.admin.unlock_password(request).await;
        unlocked.unwrap().into_inner().was_locked
    }
}
