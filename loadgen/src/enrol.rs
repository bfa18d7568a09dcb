//! Creating one account: a code for the phone, a card, and for a passport holder the review.

use parking_lot::Mutex;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use waika::v1::admin_service_client::AdminServiceClient;
use waika::v1::card_service_client::CardServiceClient;
use waika::v1::{
    BindRefusalReason, BindRequest, BoundCard, CardEntry, Date, IdentityDocument, ListCardsRequest,
    PhoneCodeRefusalReason, ReviewState, SendPhoneCodeRequest, WalletRegion, bind_response,
    send_phone_code_response,
};

use crate::errand::Rpc;
use crate::outcome::GrpcCode;
use crate::person::{Person, person};
use crate::population::Payer;
use crate::provision::ProvisionError;
use crate::resending::Resending;
use crate::review;
use crate::rules::{Provisioned, Said};
use crate::target::Target;

/// How often a code is asked for anew when the one before has become useless.
const ATTEMPTS: u32 = 3;

/// How to reach the server, and what people are a function of.
pub(crate) struct Wallets {
    /// The public listener.
    pub(crate) target: Target,
    /// The administrative listener.
    pub(crate) admin_target: Target,
    /// The seed.
    pub(crate) seed: u64,
    /// The year that expiry dates count from.
    pub(crate) year: i32,
    /// Connections to the public listener.
    pub(crate) channels: Vec<CardServiceClient<Channel>>,
    /// The connection to the administrative one.
    pub(crate) admin: AdminServiceClient<Channel>,
    /// What was done so far, for the report on rules.
    pub(crate) provisioned: Mutex<Provisioned>,
}

/// What came of one try to bind.
enum Bound {
    /// The card is bound; whether a review is still wanted.
    Now(BoundCard, ReviewState),
    /// It was bound before.
    Before,
    /// The phone code is of no use any more.
    CodeSpent,
}

/// Creates the account with this index, or recognises it.
pub(crate) async fn enrol(wallets: &Wallets, index: u64) -> Result<Payer, ProvisionError> {
    let person = person(wallets.seed, index);
    for attempt in 0..ATTEMPTS {
        let code = send_code(wallets, &person, index, attempt).await?;
        match bind(wallets, &person, index, attempt, code).await? {
            Bound::CodeSpent => {}
            Bound::Now(card, review) => {
                if review == ReviewState::Required {
                    review::pass(wallets, &person, index).await?;
                }
                return Ok(payer(person, index, card));
            }
            Bound::Before => {
                wallets.note(|provisioned| provisioned.recognised += 1);
                let card = find_card(wallets, &person, index).await?;
                if person.document == waika::v1::IdentityDocumentType::Passport {
                    review::pass(wallets, &person, index).await?;
                }
                return Ok(payer(person, index, card));
            }
        }
    }
    Err(refused(
        &person,
        "no phone code was accepted; wait five minutes and run this again",
    ))
}

fn payer(person: Person, index: u64, card: BoundCard) -> Payer {
    Payer {
        person: index,
        account_id: person.account_id.into(),
        card_token: card.card_token.into(),
        password: person.password,
        scheme: person.card.scheme,
    }
}

pub(crate) fn refused(person: &Person, reason: impl Into<String>) -> ProvisionError {
    ProvisionError::Refused {
        account_id: person.account_id.clone(),
        reason: reason.into(),
    }
}

impl Wallets {
    /// Counts what was done.
    pub(crate) fn note(&self, count: impl FnOnce(&mut Provisioned)) {
        count(&mut self.provisioned.lock());
    }

    fn note_call(&self, rpc: Rpc, said: Said) {
        self.note(|provisioned| provisioned.note_call(rpc, said));
    }

    pub(crate) fn cards(&self, index: u64) -> Option<CardServiceClient<Channel>> {
        let place = index % (self.channels.len() as u64).max(1);
        self.channels.get(usize::try_from(place).ok()?).cloned()
    }

    /// Sends `request` to the public listener, again if it was refused for the time being.
    async fn call<Q, A>(
        &self,
        rpc: &'static str,
        index: u64,
        request: Q,
        send: impl AsyncFn(CardServiceClient<Channel>, Q) -> Result<Response<A>, Status>,
    ) -> Result<A, ProvisionError>
    where
        Q: Clone,
    {
        let mut resending = Resending::default();
        loop {
            let Some(client) = self.cards(index) else {
                return Err(ProvisionError::Broken {
                    target: self.target.clone(),
                    rpc,
                });
            };
            match send(client, request.clone()).await {
                Ok(answer) => return Ok(answer.into_inner()),
                Err(status) => match resending.pause(&status) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(ProvisionError::of(&self.target, rpc, &status)),
                },
            }
        }
    }
}

async fn send_code(
    wallets: &Wallets,
    person: &Person,
    index: u64,
    attempt: u32,
) -> Result<String, ProvisionError> {
    let request = SendPhoneCodeRequest {
        idempotency_key: format!("code-{attempt}"),
        account_id: person.account_id.clone(),
        phone_number: person.phone_number.clone(),
        wallet_region: WalletRegion::Mainland.into(),
    };
    let answer = wallets
        .call(
            "SendPhoneCode",
            index,
            request,
            async |mut client, request| client.send_phone_code(request).await,
        )
        .await?;
    match answer.outcome {
        Some(send_phone_code_response::Outcome::Sent(sent)) => {
            if sent.sandbox_code.is_empty() && !answer.replayed {
                return Err(refused(
                    person,
                    "the server sends its phone codes to real phones; only one with the sandbox \
                     gateway can be provisioned",
                ));
            }
            wallets.note_call(Rpc::SendPhoneCode, done(answer.replayed));
            Ok(sent.sandbox_code)
        }
        Some(send_phone_code_response::Outcome::Refusal(refusal)) => {
            wallets.note_call(Rpc::SendPhoneCode, said(answer.replayed, refusal.reason));
            match refusal.reason() {
                // What follows may be answered from an earlier run; if not, it says so.
                PhoneCodeRefusalReason::ResendTooSoon => Ok(String::new()),
                PhoneCodeRefusalReason::SendFailed | PhoneCodeRefusalReason::Unspecified => {
                    Err(refused(
                        person,
                        format!("no phone code: {}", refusal.reason().as_str_name()),
                    ))
                }
            }
        }
        None => Err(refused(
            person,
            "the answer to SendPhoneCode has no outcome",
        )),
    }
}

async fn bind(
    wallets: &Wallets,
    person: &Person,
    index: u64,
    attempt: u32,
    code: String,
) -> Result<Bound, ProvisionError> {
    // The server parses the code before it looks whether the request is a repetition.
    let code = if code.is_empty() {
        "000000".to_owned()
    } else {
        code
    };
    let request = bind_request(person, wallets.year, format!("bind-{attempt}"), code);
    let answer = wallets
        .call("Bind", index, request, async |mut client, request| {
            client.bind(request).await
        })
        .await;
    let answer = match answer {
        // The key was used for a card with another expiry date, in another year.
        Err(ProvisionError::Rpc {
            code: Code::AlreadyExists,
            ..
        }) => {
            wallets.note_call(Rpc::Bind, Said::Failed(GrpcCode::AlreadyExists));
            return Ok(Bound::Before);
        }
        other => other?,
    };
    let review = answer.review();
    match answer.outcome {
        Some(bind_response::Outcome::Card(card)) => {
            wallets.note(|provisioned| {
                provisioned.note_call(Rpc::Bind, done(answer.replayed));
                if answer.replayed {
                    provisioned.recognised += 1;
                } else {
                    provisioned.note_opened(person.document, person.card.scheme);
                }
            });
            Ok(Bound::Now(card, review))
        }
        Some(bind_response::Outcome::Refusal(refusal)) => {
            wallets.note_call(Rpc::Bind, said(answer.replayed, refusal.reason));
            match refusal.reason() {
                BindRefusalReason::CardAlreadyBound => Ok(Bound::Before),
                BindRefusalReason::PhoneCodeNone
                | BindRefusalReason::PhoneCodeWrong
                | BindRefusalReason::PhoneCodeExpired
                | BindRefusalReason::PhoneCodeSpent => Ok(Bound::CodeSpent),
                reason => Err(refused(
                    person,
                    format!("Bind was refused: {}", reason.as_str_name()),
                )),
            }
        }
        None => Err(refused(person, "the answer to Bind has no outcome")),
    }
}

/// What an answer says that something was done.
fn done(replayed: bool) -> Said {
    if replayed { Said::Replayed } else { Said::Done }
}

/// What an answer says that something was refused.
fn said(replayed: bool, reason: i32) -> Said {
    if replayed {
        Said::Replayed
    } else {
        Said::Refused(reason)
    }
}

/// What a person sends to bind their card, under this key and with this code for their phone.
pub(crate) fn bind_request(person: &Person, year: i32, key: String, code: String) -> BindRequest {
    BindRequest {
        idempotency_key: key,
        account_id: person.account_id.clone(),
        wallet_region: WalletRegion::Mainland.into(),
        client: None,
        service_agreement_accepted: true,
        privacy_policy_accepted: true,
        identity: Some(IdentityDocument {
            r#type: person.document.into(),
            number: person.document_number.clone(),
            issuing_country: person.issuing_country.to_owned(),
            holder_name: person.holder_name.clone(),
            expires_on: Some(Date {
                year: year + 5,
                month: 12,
                day: 31,
            }),
        }),
        card: Some(CardEntry {
            pan: person.card.pan.clone(),
            scheme: person.card.scheme.wire().into(),
            expiry_month: person.card.expiry_month,
            expiry_year: year + 5,
            cvv: person.card.cvv.clone(),
            holder_name: person.holder_name.clone(),
        }),
        phone_number: person.phone_number.clone(),
        phone_code: code,
        payment_password: String::from_utf8_lossy(&person.password).into_owned(),
    }
}

async fn find_card(
    wallets: &Wallets,
    person: &Person,
    index: u64,
) -> Result<BoundCard, ProvisionError> {
    let request = ListCardsRequest {
        account_id: person.account_id.clone(),
    };
    let answer = wallets
        .call("ListCards", index, request, async |mut client, request| {
            client.list_cards(request).await
        })
        .await?;
    answer
        .cards
        .into_iter()
        .find(|card| {
            person.card.pan.starts_with(&card.bin) && person.card.pan.ends_with(&card.last_four)
        })
        .ok_or_else(|| refused(person, "another card is bound to it than the seed gives it"))
}
