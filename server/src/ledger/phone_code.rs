//! A phone code that a gateway outside sends: first it is sent, then it is decided that it was. What
//! was decided must not be changed by what a gateway says later.

use std::sync::Arc;

use waika_domain::identifiers::AccountId;

use super::{Answered, Call, Ledger, LedgerError, Operation, PhoneCodeOperation, Secret};
use crate::partner::{CodeMessage, SmsGateway};
use crate::traces::around;

/// A phone code to send through a gateway.
pub(crate) struct Sending {
    pub(crate) account: AccountId,
    pub(crate) call: Call,
    /// Whether it can be delivered is not known yet.
    pub(crate) asked: PhoneCodeOperation,
    /// The phone, with its country code.
    pub(crate) phone: Secret,
    pub(crate) gateway: Arc<SmsGateway>,
}

impl Ledger {
    /// Sends a code and decides, exactly once for its key, and answers when that is durable. For one
    /// phone of an account one call at a time sends; each that waited looks again whether it still
    /// may. Once it sends, it goes on if the caller stops waiting.
    pub(crate) async fn send_phone_code(
        self: &Arc<Self>,
        core: usize,
        sending: Sending,
    ) -> Result<Answered, LedgerError> {
        let turns = &self.authoriser.turns;
        let turn = turns
            .take(&sending.account, sending.asked.phones.oldest())
            .await;
        let ledger = Arc::clone(self);
        let saga = around::spawn_on(&self.sagas, async move {
            let answer = ledger.send_and_decide(core, sending).await;
            drop(turn);
            answer
        });
        saga.await.unwrap_or(Err(LedgerError::OutcomeUnknown))
    }

    async fn send_and_decide(
        self: &Arc<Self>,
        core: usize,
        sending: Sending,
    ) -> Result<Answered, LedgerError> {
        let Sending {
            account,
            call,
            mut asked,
            phone: number,
            gateway,
        } = sending;
        // So it stays if nothing is sent.
        asked.deliverable = false;
        if !self.is_used(core, &account, &call).await?
            && let Some((expires_at, phone)) = self.authoriser.phone_code_ahead(&account, &asked)?
        {
            // As it was found, so that what is decided is what was sent.
            asked.phones = phone.into();
            let digits = self.vault().phone_code(&account, phone, asked.nonce);
            let message = CodeMessage {
                id: asked.nonce,
                phone: &number,
                code: digits.expose(),
                expires_at,
            };
            asked.deliverable = gateway.send(core, message).await; // R24
        }
        drop(number);
        let operation = Operation::SendPhoneCode(asked);
        self.submit(core, account, call, operation).await
    }
}
