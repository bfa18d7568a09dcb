use super::*;
use crate::errand::Errand;
use crate::population::members;
use crate::workload::{Mode, Request};

const RUN: SideCalls = SideCalls {
    seed: 1,
    run_id: 0xab,
    year: 2026,
};

fn journey(errand: Errand, got: Got) -> Journey {
    let request = Request {
        key: 7,
        account: 4,
        merchant: 0,
        amount_fen: 20_017,
        mode: Mode::OnlineApp,
        wrong_password: false,
        errand,
    };
    Journey { request, got }
}

fn sent<M: Message + Default>(rpc: Rpc, journey: &Journey) -> M {
    let population = Population::synthetic(1, &members(None, 10), 1);
    let bytes = RUN.message(rpc, journey, 9, &population).unwrap();
    M::decode(&bytes[PREFIX..]).unwrap()
}

#[test]
fn a_second_card_is_the_payers_own_and_nobody_elses() {
    let got = Got {
        phone_code: Some("123456".to_owned()),
        ..Got::default()
    };
    let bind: v1::BindRequest = sent(Rpc::Bind, &journey(Errand::Churn, got));
    let person = person::person(1, 4);
    assert_eq!(bind.account_id, person.account_id);
    assert_eq!(bind.identity.unwrap().number, person.document_number);
    assert_eq!(bind.phone_code, "123456");
    let card = bind.card.unwrap();
    assert_eq!(card.holder_name, person.holder_name);
    assert!((0..10_000).all(|index| person::person(1, index).card.pan != card.pan));
    let asked: v1::SendPhoneCodeRequest =
        sent(Rpc::SendPhoneCode, &journey(Errand::Churn, Got::default()));
    assert_eq!(asked.phone_number, bind.phone_number);
}

#[test]
fn a_reversal_names_the_payment_by_its_key() {
    let errand = Errand::PayAndReverse { back_fen: 5_000 };
    let reverse: v1::ReverseRequest = sent(Rpc::Reverse, &journey(errand, Got::default()));
    let key = key_text(0xab, 7);
    let original = v1::reverse_request::Original::OriginalIdempotencyKey(key);
    assert_eq!(reverse.original, Some(original));
    assert_eq!(reverse.amount_fen, Some(5_000));
}

#[test]
fn a_call_without_what_it_needs_is_not_made() {
    let population = Population::synthetic(1, &members(None, 10), 1);
    for rpc in [
        Rpc::Settle,
        Rpc::Refund,
        Rpc::Bind,
        Rpc::Unbind,
        Rpc::Authorise,
    ] {
        let errand = Errand::PayAndRefund { back_fen: 1 };
        let empty = journey(errand, Got::default());
        assert_eq!(RUN.message(rpc, &empty, 9, &population), None, "{rpc:?}");
    }
}

#[test]
fn answers_are_told_apart() {
    let refusal = v1::ReversalRefusal {
        reason: 4,
        ..v1::ReversalRefusal::default()
    };
    let refused = v1::RefundResponse {
        outcome: Some(refund_response::Outcome::Refusal(refusal)),
        decided_at: Some(Timestamp {
            seconds: 5,
            nanos: 0,
        }),
        ..v1::RefundResponse::default()
    };
    let mut got = Got::default();
    assert_eq!(
        read(Rpc::Refund, &refused.encode_to_vec(), &mut got),
        Some((
            Outcome::Refused(Rpc::Refund, 4),
            Gave::Nothing { decided_at_s: 5 }
        ))
    );
    let code = v1::PaymentCode {
        payment_code: "100000000000000001".to_owned(),
        expires_at: None,
    };
    let made = v1::CreatePaymentCodeResponse {
        outcome: Some(create_payment_code_response::Outcome::Code(code)),
        ..v1::CreatePaymentCodeResponse::default()
    };
    let nothing = Gave::Nothing { decided_at_s: 0 };
    assert_eq!(
        read(Rpc::CreatePaymentCode, &made.encode_to_vec(), &mut got),
        Some((Outcome::Done, nothing))
    );
    assert_eq!(got.payment_code.as_deref(), Some("100000000000000001"));
    for rpc in Rpc::ALL {
        assert_eq!(read(rpc, &[0xff], &mut got), None, "{rpc:?}");
        assert_eq!(read(rpc, &[], &mut got), None, "{rpc:?}: no outcome");
    }
}
