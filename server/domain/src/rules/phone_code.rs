//! Codes sent to phones: asking for one, and its rungs in `Bind` (R8, R19 to R24, D8).

use super::refuse_if;
use crate::Malformed;
use crate::account::{Account, PhoneCode};
use crate::decline::{Evidence, Text};
use crate::event::{PhoneCodeDecided, PhoneCodeEffect, PhoneCodeSent, WalletRegion};
use crate::identifiers::Fingerprint;
use crate::period::Timestamp;
use crate::policy::PhoneCodeRule;
use crate::refusal::{PhoneCodeObjection, PhoneCodeRefusal, Refused};

/// Phones of one account that may have a code outstanding at once; a bound on memory.
pub const OUTSTANDING_CODES: usize = 16;

/// What a person is told whose code does not come: an overseas number needs roaming (R20), the
/// number or its area code may be wrong, for +86 is the default (R21), security software may have
/// stopped the message (R22), and else another number helps (R23).
pub const NOT_RECEIVED: Text = Text {
    zh: "未收到验证码？境外手机号码请确认已开通漫游；请核对手机号及地区码（默认为 +86）；请检查短信是否被安全软件拦截；如仍无法接收，请更换可用的号码。",
    en: "No code? Turn on roaming for an overseas number; check the number and its area code (+86 by default); see whether security software has blocked the message; else use another number.",
};

/// A phone number as it will be dialled: `+`, country code, number, 15 digits at most (E.164).
///
/// Without a country code it is a mainland number (R21, D8).
pub fn normalise_phone(text: &str) -> Result<String, Malformed> {
    const EXPECTED: Malformed = Malformed::new(
        "must be 7 to 15 digits with + and a country code in front, or a number in +86 without",
    );
    let bare: String = text
        .chars()
        .filter(|letter| !matches!(letter, ' ' | '-'))
        .collect();
    let digits = match bare.strip_prefix('+') {
        Some(digits) => digits.to_owned(),
        // A trunk prefix says that a country code was meant and left out, or dialled as 00.
        None if bare.starts_with('0') => return Err(EXPECTED),
        None => format!("86{bare}"),
    };
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits && !digits.starts_with('0') && (7..=15).contains(&digits.len()) {
        Ok(format!("+{digits}"))
    } else {
        Err(EXPECTED)
    }
}

/// Takes six digits (D8).
pub fn check_shape(code: &str) -> Result<(), Malformed> {
    super::password::check_shape(code)
}

/// What is true of the request beyond the account.
#[derive(Debug, Clone, Copy)]
pub struct SendFacts {
    /// The wallet's region, for an account that this opens.
    pub region: WalletRegion,
    /// The phone's digest.
    pub phone: Fingerprint,
    /// Random.
    pub nonce: u64,
    /// The gateway takes messages for this number.
    pub deliverable: bool,
}

/// Decides whether a code is sent.
pub fn send(
    account: &Account,
    facts: &SendFacts,
    rule: &PhoneCodeRule,
    now: Timestamp,
) -> PhoneCodeDecided {
    let SendFacts { region, phone, .. } = *facts;
    PhoneCodeDecided {
        region,
        phone,
        outcome: climb_send(account, facts, rule, now),
    }
}

fn climb_send(
    account: &Account,
    facts: &SendFacts,
    rule: &PhoneCodeRule,
    now: Timestamp,
) -> Result<PhoneCodeSent, Refused<PhoneCodeRefusal>> {
    let latest = account.phone_code(facts.phone);
    if let Some(resend_at) = latest.map(PhoneCode::resend_at).filter(|&at| now < at) {
        let evidence = Evidence::Until(resend_at);
        return Err(Refused {
            reason: PhoneCodeRefusal::ResendTooSoon,
            evidence,
        }); // R19
    }
    let to_other_phones = account
        .phone_codes()
        .iter()
        .filter(|code| code.phone != facts.phone && code.is_remembered(now))
        .count();
    let cannot_send = !facts.deliverable || to_other_phones >= OUTSTANDING_CODES;
    refuse_if(cannot_send, || {
        Refused::because(PhoneCodeRefusal::SendFailed)
    })?; // R24
    Ok(PhoneCodeSent {
        nonce: facts.nonce,
        resend_at: now.plus_seconds(rule.resend_seconds),
        expires_at: now.plus_seconds(rule.valid_seconds),
    })
}

/// The phone's rungs in `Bind` and `ResetPassword`. The code is spent as soon as it was right, whatever a later
/// rung says: it is for one use.
pub(super) fn spend_code(
    account: &Account,
    phone: Fingerprint,
    matches: bool,
    rule: &PhoneCodeRule,
    now: Timestamp,
) -> (Result<(), PhoneCodeObjection>, PhoneCodeEffect) {
    let untouched = PhoneCodeEffect::Untouched;
    let latest = account.phone_code(phone);
    let Some(code) = latest.filter(|code| code.is_remembered(now)) else {
        return (Err(PhoneCodeObjection::NotSent), untouched);
    };
    if code.used || code.wrong_tries >= rule.tries {
        return (Err(PhoneCodeObjection::Spent), untouched);
    }
    if !matches {
        let tries = code.wrong_tries.saturating_add(1);
        let effect = PhoneCodeEffect::Wrong { phone, tries };
        return (Err(PhoneCodeObjection::Wrong), effect);
    }
    if now >= code.expires_at {
        return (Err(PhoneCodeObjection::Expired), untouched);
    }
    (Ok(()), PhoneCodeEffect::Used { phone })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::script::check;

    #[test]
    fn r20_r21_r22_r23_whose_code_does_not_come_is_told_what_to_look_at() {
        for (zh, en) in [
            ("漫游", "roaming"),
            ("+86", "+86"),
            ("拦截", "security software"),
            ("更换", "another number"),
        ] {
            assert!(NOT_RECEIVED.zh.contains(zh) && NOT_RECEIVED.en.contains(en));
        }
    }

    #[test]
    fn r21_d8_a_number_without_a_country_code_is_a_mainland_number() {
        for (text, expected) in [
            ("13800138000", Some("+8613800138000")),
            ("138 0013-8000", Some("+8613800138000")),
            ("+44 7700 900123", Some("+447700900123")),
            ("+86 13800138000", Some("+8613800138000")),
            ("+0447700900123", None),
            ("00447700900123", None),
            ("8613800138000000", None),
            ("1380", None),
            ("1234567890123456", None),
            ("+", None),
            ("", None),
            ("138O0138000", None),
            ("+44+7700900123", None),
        ] {
            assert_eq!(normalise_phone(text).ok().as_deref(), expected, "{text}");
        }
    }

    /// R43 has its like here: six digits (D8).
    #[test]
    fn d8_a_code_is_six_digits() {
        for (code, accepted) in [("000000", true), ("12345", false), ("12345x", false)] {
            assert_eq!(check_shape(code).is_ok(), accepted, "{code}");
        }
    }

    /// R19: the countdown is 60 seconds, and each phone has its own.
    #[test]
    fn r19_d8_another_code_can_be_asked_for_after_the_countdown() {
        check(
            "at 2024-01-10 12:00:00
             code phone 1 => sent, resend 2024-01-10 12:01:00, until 2024-01-10 12:05:00
             code phone 2 => sent
             at 2024-01-10 12:00:59.999
             code phone 1 => RESEND_TOO_SOON, until 2024-01-10 12:01:00
             at 2024-01-10 12:01:00
             code phone 1 => sent, until 2024-01-10 12:06:00",
        );
    }

    /// R24: no countdown, no code.
    #[test]
    fn r24_a_code_that_could_not_be_sent_is_not_outstanding() {
        check(
            "at 2024-01-10 12:00
             code gateway down => SEND_FAILED
             look => codes 0
             bind card 1 => PHONE_CODE_NONE
             code => sent
             code gateway down => RESEND_TOO_SOON
             look => codes 1
             at 2024-01-10 12:02
             code gateway down => SEND_FAILED
             look => codes 0
             bind card 1 => PHONE_CODE_NONE",
        );
    }

    /// R8: a phone that receives no code binds no card.
    #[test]
    fn r8_d8_a_code_serves_for_its_own_phone_and_once() {
        check(
            "code phone 1 => sent
             bind card 1 phone 2 => PHONE_CODE_NONE
             bind card 1 phone 1 => bound
             bind card 2 phone 1 => PHONE_CODE_SPENT
             bind card 2 phone 1 code wrong => PHONE_CODE_SPENT",
        );
    }

    #[test]
    fn d8_five_wrong_tries_spend_a_code_and_a_new_one_can_be_sent() {
        check(
            "at 2024-01-10 12:00
             code => sent
             bind card 1 code wrong times 4 => PHONE_CODE_WRONG
             bind card 1 => bound
             at 2024-01-10 12:02
             code => sent
             bind card 2 code wrong times 5 => PHONE_CODE_WRONG
             bind card 2 code wrong => PHONE_CODE_SPENT
             bind card 2 => PHONE_CODE_SPENT
             at 2024-01-10 12:03
             code => sent
             bind card 2 => bound",
        );
    }

    #[test]
    fn d8_a_code_serves_for_five_minutes_and_is_forgotten_ten_later() {
        check(
            "at 2024-01-10 12:00
             code phone 1 => sent
             code phone 2 => sent
             at 2024-01-10 12:04:59.999
             bind card 1 phone 1 => bound
             at 2024-01-10 12:05:00
             bind card 2 phone 2 => PHONE_CODE_EXPIRED
             bind card 2 phone 2 code wrong => PHONE_CODE_WRONG
             at 2024-01-10 12:15:00
             bind card 2 phone 2 => PHONE_CODE_NONE
             look => codes 0",
        );
    }

    /// A seventeenth phone is one too many (R24), until the codes of the others are forgotten.
    #[test]
    fn r24_d8_sixteen_phones_at_once_have_a_code() {
        let sixteen: Vec<String> = (1..=16)
            .map(|phone| format!("code phone {phone} => sent"))
            .collect();
        let sixteen = sixteen.join("\n");
        check(&format!(
            "at 2024-01-10 12:00
             {sixteen}
             code phone 17 => SEND_FAILED
             look => codes 16
             at 2024-01-10 12:01
             code phone 3 => sent
             code phone 17 => SEND_FAILED
             at 2024-01-10 12:15
             code phone 17 => sent
             look => codes 2"
        ));
    }
}
