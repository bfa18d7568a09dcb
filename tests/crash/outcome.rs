//! How a call ended, in a word: to see that a load has met what it is there to meet.

use waika::v1::{bind_response, reverse_response, send_phone_code_response, unbind_response};

use crate::book::declined;
use crate::call::Answer;

pub(crate) fn outcome(answer: &Answer) -> String {
    match answer {
        Answer::Authorise(response) => match declined(response.authorisation.as_ref().unwrap()) {
            None => "Authorise APPROVED".to_owned(),
            Some(reason) => word("Authorise", reason.as_str_name(), "DECLINE_REASON_"),
        },
        Answer::Reverse(response) => match response.outcome.as_ref().unwrap() {
            reverse_response::Outcome::Reversal(_) => "Reverse GIVEN_BACK".to_owned(),
            reverse_response::Outcome::RecordedAhead(_) => "Reverse RECORDED_AHEAD".to_owned(),
            reverse_response::Outcome::Refusal(refusal) => {
                let name = refusal.reason().as_str_name();
                word("Reverse", name, "REVERSAL_REFUSAL_REASON_")
            }
        },
        Answer::Bind(response) => match response.outcome.as_ref().unwrap() {
            bind_response::Outcome::Card(_) => "Bind BOUND".to_owned(),
            bind_response::Outcome::Refusal(refusal) => word(
                "Bind",
                refusal.reason().as_str_name(),
                "BIND_REFUSAL_REASON_",
            ),
        },
        Answer::Unbind(response) => match response.outcome.as_ref().unwrap() {
            unbind_response::Outcome::Unbound(_) => "Unbind UNBOUND".to_owned(),
            unbind_response::Outcome::Refusal(refusal) => {
                let name = refusal.reason().as_str_name();
                word("Unbind", name, "UNBIND_REFUSAL_REASON_")
            }
        },
        Answer::SendPhoneCode(response) => match response.outcome.as_ref().unwrap() {
            send_phone_code_response::Outcome::Sent(_) => "SendPhoneCode SENT".to_owned(),
            send_phone_code_response::Outcome::Refusal(refusal) => {
                let name = refusal.reason().as_str_name();
                word("SendPhoneCode", name, "PHONE_CODE_REFUSAL_REASON_")
            }
        },
        Answer::PutMerchant(_) => "PutMerchant".to_owned(),
        Answer::SetCardStatus(_) => "SetCardStatus".to_owned(),
        Answer::SetClock(_) => "SetClock".to_owned(),
    }
}

fn word(rpc: &str, name: &str, prefix: &str) -> String {
    format!("{rpc} {}", name.strip_prefix(prefix).unwrap_or(name))
}
