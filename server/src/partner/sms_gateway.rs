//! The SMS gateway outside, which sends phone codes (R19).

use waika::v1;
use waika_domain::period::Timestamp;
use zeroize::Zeroize as _;

use super::questions::Questions;
use super::{Method, secret_frame};
use crate::config::Target;
use crate::grpc::timestamp;

/// A code on its way to a phone. Both are secret.
pub(crate) struct CodeMessage<'a> {
    /// Names the message to the gateway.
    pub(crate) id: u64,
    /// The phone, with its country code.
    pub(crate) phone: &'a str,
    /// The code.
    pub(crate) code: &'a str,
    /// Until when it can be used.
    pub(crate) expires_at: Timestamp,
}

/// The gateway.
pub(crate) struct SmsGateway {
    questions: Questions,
    send_code: Method<v1::SendCodeRequest, v1::SendCodeResponse>,
}

impl std::fmt::Debug for SmsGateway {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SmsGateway").finish_non_exhaustive()
    }
}

impl SmsGateway {
    /// Nothing is connected before it is needed.
    pub(crate) fn new(target: &Target, cores: usize) -> Self {
        Self {
            questions: Questions::new("sms_gateway", target, cores),
            send_code: Method::new(target, "/waika.v1.SmsGatewayService/SendCode"),
        }
    }

    /// True if the gateway has taken the message: not if it refuses, cannot be reached, or does not
    /// say so in time (R24).
    pub(crate) async fn send(&self, core: usize, message: CodeMessage<'_>) -> bool {
        let CodeMessage {
            id,
            phone,
            code,
            expires_at,
        } = message;
        let mut request = v1::SendCodeRequest {
            message_id: format!("{id:016x}"),
            phone_number: phone.to_owned(),
            code: code.to_owned(),
            expires_at: Some(timestamp(expires_at)),
        };
        let frame = secret_frame(&request);
        request.phone_number.zeroize();
        request.code.zeroize();
        let asking = async {
            let answer = self.questions.line(core)?.call(&self.send_code, frame);
            answer.await.map(|answer| answer.accepted)
        };
        self.questions.answer(asking).await.unwrap_or(false)
    }
}
