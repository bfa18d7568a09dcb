//! What the corpora of calls begin with.

use prost::Message;
use waika::v1;
use waika::v1::reset_password_request::Proof;
use waika::v1::reverse_request::Original;
use waika::v1::submit_verification_request::Part;

use super::calls::RPCS;
use super::wallet::{
    CARD, CODE, LAST, MERCHANT, NEWCOMER, PASSWORD, PAYER, PHONE, bind, card, client, identity,
    merchant, send_phone_code,
};

/// A call as an input has it.
fn call(method: &str, request: &impl Message) -> Vec<u8> {
    let place = RPCS.iter().position(|rpc| rpc.path.ends_with(method));
    let place = u8::try_from(place.unwrap()).unwrap();
    let message = request.encode_to_vec();
    let length = u16::try_from(message.len()).unwrap().to_le_bytes();
    [&[place], &length[..], &message].concat()
}

fn pay(key: &str, amount_fen: i64) -> v1::AuthoriseRequest {
    v1::AuthoriseRequest {
        idempotency_key: key.to_owned(),
        account_id: PAYER.to_owned(),
        card_token: CARD.to_owned(),
        merchant_id: MERCHANT.to_owned(),
        amount_fen,
        currency: "CNY".to_owned(),
        scene: v1::Scene::Purchase.into(),
        mode: v1::PaymentMode::MerchantQr.into(),
        payment_password: PASSWORD.to_owned(),
        client: Some(client()),
        want_receipt: true,
        ..v1::AuthoriseRequest::default()
    }
}

/// Inputs of `decoder`, each with a name: every call alone, and those that belong together.
pub(crate) fn calls() -> Vec<(String, Vec<u8>)> {
    let mut calls = payments();
    calls.extend(cards());
    calls.extend(wallets());
    calls.extend(operators());
    calls.extend(ends());
    calls.extend(policies());
    calls.extend(reading());
    calls.extend(lists());
    let named = calls.into_iter();
    named
        .map(|(name, calls)| (name.to_owned(), calls.concat()))
        .collect()
}

type Named = (&'static str, Vec<Vec<u8>>);

fn payments() -> Vec<Named> {
    let authorise = call("/Authorise", &pay("p1", 20_017));
    let reverse = v1::ReverseRequest {
        idempotency_key: "r1".to_owned(),
        account_id: PAYER.to_owned(),
        original: Some(Original::OriginalIdempotencyKey("p1".to_owned())),
        amount_fen: Some(17),
        payment_code: String::new(),
    };
    let (account_id, authorisation_id) = (PAYER.to_owned(), LAST.to_owned());
    let settle = v1::SettleRequest {
        idempotency_key: "s1".to_owned(),
        account_id: account_id.clone(),
        authorisation_id: authorisation_id.clone(),
    };
    let refund = v1::RefundRequest {
        idempotency_key: "f1".to_owned(),
        account_id,
        authorisation_id,
        amount_fen: None,
    };
    let streamed = |correlation_id, fen| v1::StreamedRequest {
        correlation_id,
        request: Some(pay(&format!("s{correlation_id}"), fen)),
    };
    let stream = v1::AuthoriseStreamRequest {
        requests: vec![streamed(1, 100), streamed(2, 600_001)],
    };
    let quote = v1::QuoteRequest {
        account_id: PAYER.to_owned(),
        merchant_id: MERCHANT.to_owned(),
        amount_fen: 20_017,
        currency: "CNY".to_owned(),
        scene: v1::Scene::Purchase.into(),
        client: Some(client()),
    };
    vec![
        ("authorise", vec![authorise.clone()]),
        (
            "authorise-above",
            vec![call("/Authorise", &pay("p2", 600_001))],
        ),
        ("authorise-stream", vec![call("/AuthoriseStream", &stream)]),
        (
            "reverse",
            vec![authorise.clone(), call("/Reverse", &reverse)],
        ),
        ("settle", vec![authorise.clone(), call("/Settle", &settle)]),
        ("refund", vec![authorise, call("/Refund", &refund)]),
        ("quote", vec![call("/Quote", &quote)]),
    ]
}

fn cards() -> Vec<Named> {
    let newcomer = v1::BindRequest {
        card: Some(v1::CardEntry {
            pan: "5555 5555 5555 4444".to_owned(),
            scheme: v1::Scheme::Mastercard.into(),
            ..card()
        }),
        ..bind(NEWCOMER, CODE)
    };
    let unbind = v1::UnbindRequest {
        idempotency_key: "u1".to_owned(),
        account_id: PAYER.to_owned(),
        card_token: CARD.to_owned(),
        payment_password: PASSWORD.to_owned(),
    };
    let verify = v1::VerifyPasswordRequest {
        idempotency_key: "v1".to_owned(),
        account_id: PAYER.to_owned(),
        payment_password: PASSWORD.to_owned(),
        amount_fen: 100,
        funding: v1::Funding::Card.into(),
        card_token: CARD.to_owned(),
    };
    let change = v1::ChangePasswordRequest {
        idempotency_key: "c1".to_owned(),
        account_id: PAYER.to_owned(),
        old_password: PASSWORD.to_owned(),
        new_password: "246802".to_owned(),
        new_password_again: "246802".to_owned(),
    };
    let reset = |proof| v1::ResetPasswordRequest {
        idempotency_key: "e1".to_owned(),
        account_id: PAYER.to_owned(),
        new_password: "246802".to_owned(),
        new_password_again: "246802".to_owned(),
        proof: Some(proof),
    };
    let by_card = Proof::Card(v1::BoundCardProof {
        card_token: CARD.to_owned(),
        card: Some(card()),
        phone_number: PHONE.to_owned(),
        phone_code: "123456".to_owned(),
    });
    vec![
        (
            "send-code",
            vec![call("/SendPhoneCode", &send_phone_code("paul"))],
        ),
        ("bind", vec![call("/Bind", &newcomer)]),
        ("unbind", vec![call("/Unbind", &unbind)]),
        ("verify-password", vec![call("/VerifyPassword", &verify)]),
        ("change-password", vec![call("/ChangePassword", &change)]),
        (
            "reset-by-card",
            vec![call("/ResetPassword", &reset(by_card))],
        ),
        (
            "reset-by-identity",
            vec![call(
                "/ResetPassword",
                &reset(Proof::Identity(identity(PAYER))),
            )],
        ),
    ]
}

fn wallets() -> Vec<Named> {
    let account_id = || PAYER.to_owned();
    let region = v1::SwitchWalletRegionRequest {
        idempotency_key: "w1".to_owned(),
        account_id: account_id(),
        wallet_region: v1::WalletRegion::Malaysia.into(),
    };
    let code = v1::CreatePaymentCodeRequest {
        idempotency_key: "o1".to_owned(),
        account_id: account_id(),
        funding: v1::Funding::Card.into(),
        card_token: CARD.to_owned(),
        payment_password: PASSWORD.to_owned(),
        client: Some(client()),
    };
    let funds = v1::ReceiveFundsRequest {
        idempotency_key: "b1".to_owned(),
        account_id: account_id(),
        kind: v1::FundsKind::RedPacket.into(),
        amount_fen: 20_000,
        currency: String::new(),
    };
    let from_balance = v1::AuthoriseRequest {
        card_token: String::new(),
        funding: v1::Funding::Balance.into(),
        ..pay("p3", 500)
    };
    let photo = v1::SubmitVerificationRequest {
        part: Some(Part::Photo(v1::VerificationPhoto {
            idempotency_key: "h1".to_owned(),
            account_id: account_id(),
            material: v1::VerificationMaterial::try_from(1).unwrap().into(),
        })),
    };
    vec![
        ("switch-region", vec![call("/SwitchWalletRegion", &region)]),
        ("payment-code", vec![call("/CreatePaymentCode", &code)]),
        (
            "balance",
            vec![
                call("/ReceiveFunds", &funds),
                call("/Authorise", &from_balance),
            ],
        ),
        ("photo", vec![call("/SubmitVerification", &photo)]),
    ]
}

fn operators() -> Vec<Named> {
    let (key, account_id) = (|| "a1".to_owned(), || PAYER.to_owned());
    let put = v1::PutMerchantRequest {
        idempotency_key: key(),
        merchant: Some(merchant()),
    };
    let status = v1::SetCardStatusRequest {
        idempotency_key: key(),
        account_id: account_id(),
        card_token: CARD.to_owned(),
        status: 2,
    };
    let review = v1::ResolveReviewRequest {
        idempotency_key: key(),
        account_id: account_id(),
        verdict: 1,
    };
    let ticket_id = || "ticket_0000000000001".to_owned();
    let risk = v1::ResolveRiskTicketRequest {
        idempotency_key: key(),
        account_id: account_id(),
        ticket_id: ticket_id(),
        verdict: 1,
    };
    let password = v1::ResolvePasswordTicketRequest {
        idempotency_key: key(),
        account_id: account_id(),
        ticket_id: ticket_id(),
        verdict: 1,
    };
    let unlock = v1::UnlockPasswordRequest {
        idempotency_key: key(),
        account_id: account_id(),
    };
    vec![
        ("put-merchant", vec![call("/PutMerchant", &put)]),
        ("set-card-status", vec![call("/SetCardStatus", &status)]),
        ("resolve-review", vec![call("/ResolveReview", &review)]),
        ("resolve-risk", vec![call("/ResolveRiskTicket", &risk)]),
        (
            "resolve-ticket",
            vec![call("/ResolvePasswordTicket", &password)],
        ),
        ("unlock", vec![call("/UnlockPassword", &unlock)]),
    ]
}

/// The end of an account, and who brought it about.
fn ends() -> Vec<Named> {
    // Erasing is asked for in the same words.
    let end = v1::CloseAccountRequest {
        idempotency_key: "a1".to_owned(),
        account_id: PAYER.to_owned(),
    };
    let actions = v1::ListOperatorActionsRequest {
        account_id: PAYER.to_owned(),
        ..v1::ListOperatorActionsRequest::default()
    };
    let close = call("/CloseAccount", &end);
    let paid = call("/Authorise", &pay("p3", 100));
    let erase = call("/EraseAccount", &end);
    let actions = call("/ListOperatorActions", &actions);
    vec![
        ("close-account", vec![close.clone()]),
        ("erase-account", vec![close.clone(), paid, erase]),
        ("list-operator-actions", vec![close, actions]),
    ]
}

/// What holds for everybody.
fn policies() -> Vec<Named> {
    let key = || "a1".to_owned();
    let policy = v1::PutPolicyRequest {
        idempotency_key: key(),
        toml: "name = \"other\"\n[limits]\nsingle_fen = 500000\n".to_owned(),
    };
    let name = || "other".to_owned();
    let activate = v1::ActivatePolicyRequest {
        idempotency_key: key(),
        name: name(),
    };
    let shadow = v1::SetShadowPolicyRequest {
        idempotency_key: key(),
        name: name(),
    };
    let clock = v1::SetClockRequest {
        idempotency_key: key(),
        setting: Some(v1::set_clock_request::Setting::Accelerate(
            v1::ClockAcceleration {
                from: None,
                rate: 1_000,
            },
        )),
    };
    let policy = call("/PutPolicy", &policy);
    vec![
        (
            "activate",
            vec![policy.clone(), call("/ActivatePolicy", &activate)],
        ),
        ("shadow", vec![policy, call("/SetShadowPolicy", &shadow)]),
        ("set-clock", vec![call("/SetClock", &clock)]),
    ]
}

fn reading() -> Vec<Named> {
    let account_id = || PAYER.to_owned();
    let one = v1::GetAuthorisationRequest {
        account_id: account_id(),
        authorisation_id: LAST.to_owned(),
    };
    let page = v1::ListAuthorisationsRequest {
        account_id: account_id(),
        page_size: 10,
        page_token: "1".to_owned(),
    };
    let notices = v1::ListNotificationsRequest {
        account_id: account_id(),
        page_size: 0,
        page_token: String::new(),
    };
    let account = v1::GetAccountRequest {
        account_id: account_id(),
    };
    // Each of these is an account's name and nothing else.
    let looks = "ListCards GetAccount GetVerification GetBalance GetClosure".split(' ');
    let looks = looks.map(|method| call(&format!("/{method}"), &account));
    vec![
        ("get-authorisation", vec![call("/GetAuthorisation", &one)]),
        (
            "list-authorisations",
            vec![call("/ListAuthorisations", &page)],
        ),
        (
            "list-notifications",
            vec![call("/ListNotifications", &notices)],
        ),
        ("get-account", looks.collect()),
    ]
}

fn lists() -> Vec<Named> {
    let merchants = v1::ListMerchantsRequest {
        page_size: 1_000,
        page_token: MERCHANT.to_owned(),
    };
    let day = v1::ExportSettlementRequest {
        day: Some(v1::Date {
            year: 2026,
            month: 11,
            day: 30,
        }),
        merchant_id: MERCHANT.to_owned(),
    };
    let named = v1::GetPolicyRequest {
        name: "weixin-2023".to_owned(),
    };
    let merchant = v1::GetMerchantRequest {
        merchant_id: MERCHANT.to_owned(),
    };
    // Each of these is a page.
    let tickets = "ListReviews ListRiskTickets ListPasswordTickets ListOwedAdvices".split(' ');
    let tickets = tickets.map(|method| call(&format!("/{method}"), &merchants));
    vec![
        ("list-merchants", vec![call("/ListMerchants", &merchants)]),
        ("get-merchant", vec![call("/GetMerchant", &merchant)]),
        ("export-settlement", vec![call("/ExportSettlement", &day)]),
        ("get-policy", vec![call("/GetPolicy", &named)]),
        ("list-tickets", tickets.collect()),
    ]
}
