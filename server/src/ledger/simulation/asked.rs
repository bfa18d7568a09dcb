//! What clients ask for, in a form that can be asked again.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use waika_domain::card::CardExpiry;
use waika_domain::event::{
    CardStatus, Funding, GiveBack, Payment, PaymentMode, Scene, WalletRegion,
};
use waika_domain::identifiers::{
    AccountId, AuthorisationId, CardToken, IdempotencyKey, MerchantId,
};
use waika_domain::identity::{CountryCode, DocumentType};
use waika_domain::merchant::{CategoryCode, Merchant, MerchantRegion};
use waika_domain::money::{Amount, Fen};
use waika_domain::period::{Day, Timestamp};
use waika_domain::policy::Policy;
use waika_domain::rules::bind::Application;

use crate::clock::ClockAsked;
use crate::ledger::{
    Answered, AuthoriseOperation, BindOperation, Business, Call, CredentialGiven, GlobalOperation,
    Ledger, LedgerError, Operation, OriginalNamed, PhoneCodeOperation, ReverseOperation, Rpc,
    Secret, UnbindOperation,
};
use crate::pan::Pan;
use crate::vault::Vault;

pub(super) const CALLER: &str = "till";

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) account: u8,
    pub(super) key: String,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    PhoneCode {
        nonce: u64,
    },
    Bind {
        selector: u16,
        nonce: u64,
        token: u64,
        right: bool,
    },
    Authorise {
        card: CardToken,
        merchant: u8,
        fen: i64,
        right: bool,
    },
    GiveBack {
        kind: GiveBack,
        original: Original,
        fen: Option<i64>,
    },
    Settle {
        original: u64,
    },
    Unbind {
        card: CardToken,
        right: bool,
    },
    CardStatus {
        card: CardToken,
        status: CardStatus,
    },
    Unlock,
    Merchant {
        merchant: u8,
        version: u8,
    },
    Clock {
        from: Timestamp,
        rate: u32,
    },
    PutPolicy {
        number: u8,
    },
    ActivatePolicy {
        number: u8,
    },
}

/// How a payment is named that is given back.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Original {
    Id(u64),
    Key(String),
}

pub(super) fn account_id(account: u8) -> AccountId {
    AccountId::parse(&format!("person-{account}")).unwrap()
}

pub(super) fn merchant(number: u8, version: u8) -> Merchant {
    Merchant {
        id: merchant_id(number),
        name: format!("shop {version}").into(),
        region: MerchantRegion::Mainland,
        category: CategoryCode(5411),
        international_cards: true,
    }
}

fn merchant_id(number: u8) -> MerchantId {
    MerchantId::parse(&format!("m{number}")).unwrap()
}

/// The policies beside the built-in one: a tighter one, and one by which Waika stands in for an issuer.
pub(super) fn policy(number: u8) -> Policy {
    let mut policy = Policy::weixin_2023();
    policy.name = format!("policy-{number}").into();
    if number == 0 {
        policy.limits.single = Fen::new(400_000);
        policy.limits.month = Fen::new(1_500_000);
        policy.limits.year = Fen::new(2_500_000);
    } else {
        policy.issuer.stand_in = true;
        policy.issuer.stand_in_single = Fen::new(600_000);
        policy.issuer.stand_in_outstanding = Fen::new(900_000);
    }
    policy
}

impl Asked {
    /// Asks, and waits for the answer.
    pub(super) async fn ask(
        &self,
        ledger: &Arc<Ledger>,
        core: usize,
    ) -> Result<Answered, LedgerError> {
        let call = self.call();
        if let Some(operation) = self.global() {
            return ledger.submit_global(core, call, operation).await;
        }
        let account = account_id(self.account);
        let operation = self.operation(ledger.vault(), &account);
        ledger.submit(core, account, call, operation).await
    }

    pub(super) fn rpc(&self) -> Rpc {
        match self.what {
            What::PhoneCode { .. } => Rpc::SendPhoneCode,
            What::Bind { .. } => Rpc::Bind,
            What::Authorise { .. } => Rpc::Authorise,
            What::GiveBack {
                kind: GiveBack::Reversal,
                ..
            } => Rpc::Reverse,
            What::GiveBack {
                kind: GiveBack::Refund,
                ..
            } => Rpc::Refund,
            What::Settle { .. } => Rpc::Settle,
            What::Unbind { .. } => Rpc::Unbind,
            What::CardStatus { .. } => Rpc::SetCardStatus,
            What::Unlock => Rpc::UnlockPassword,
            What::Merchant { .. } => Rpc::PutMerchant,
            What::Clock { .. } => Rpc::SetClock,
            What::PutPolicy { .. } => Rpc::PutPolicy,
            What::ActivatePolicy { .. } => Rpc::ActivatePolicy,
        }
    }

    fn call(&self) -> Call {
        let business = if let What::Authorise { .. } = self.what {
            Business::Payment
        } else {
            let mut hasher = DefaultHasher::new();
            format!("{:?}", self.what).hash(&mut hasher);
            Business::Fields(vec![("what", hasher.finish())])
        };
        Call::new(
            self.rpc(),
            CALLER.into(),
            IdempotencyKey::parse(&self.key).unwrap(),
            business,
        )
    }

    fn global(&self) -> Option<GlobalOperation> {
        Some(match self.what {
            What::Merchant {
                merchant: number,
                version,
            } => GlobalOperation::PutMerchant(merchant(number, version)),
            What::Clock { from, rate } => GlobalOperation::SetClock(ClockAsked::Go {
                from: Some(from),
                rate,
            }),
            What::PutPolicy { number } => GlobalOperation::PutPolicy(Arc::new(policy(number))),
            What::ActivatePolicy { number } => {
                GlobalOperation::ActivatePolicy(format!("policy-{number}").into())
            }
            _ => return None,
        })
    }

    fn operation(&self, vault: &Vault, account: &AccountId) -> Operation {
        match &self.what {
            What::PhoneCode { nonce } => Operation::SendPhoneCode(PhoneCodeOperation {
                region: WalletRegion::Mainland,
                phones: vault.live().phone(&phone(self.account)),
                nonce: *nonce,
                deliverable: true,
            }),
            What::Bind { .. } => Operation::Bind(Box::new(self.bind(vault, account))),
            &What::Authorise {
                card,
                merchant,
                fen,
                right,
            } => Operation::Authorise(AuthoriseOperation {
                payment: Payment {
                    funding: Funding::Card(card),
                    merchant: Some(merchant_id(merchant)),
                    amount: amount(fen),
                    scene: Scene::Purchase,
                    mode: PaymentMode::OnlineApp,
                    code: None,
                },
                client: None,
                credential: CredentialGiven::Password(password(right)),
                quote: None,
                want_receipt: false,
                deadline: None,
            }),
            What::GiveBack {
                kind,
                original,
                fen,
            } => Operation::Reverse(ReverseOperation {
                kind: *kind,
                original: match original {
                    Original::Id(sequence) => {
                        OriginalNamed::Id(AuthorisationId::from_sequence(*sequence))
                    }
                    Original::Key(key) => OriginalNamed::Key(IdempotencyKey::parse(key).unwrap()),
                },
                amount: fen.map(amount),
            }),
            What::Settle { original } => {
                Operation::Settle(AuthorisationId::from_sequence(*original))
            }
            &What::Unbind { card, right } => Operation::Unbind(UnbindOperation {
                card,
                password: password(right),
            }),
            &What::CardStatus { card, status } => Operation::SetCardStatus { card, status },
            What::Unlock => Operation::UnlockPassword,
            What::Merchant { .. }
            | What::Clock { .. }
            | What::PutPolicy { .. }
            | What::ActivatePolicy { .. } => unreachable!("it concerns no account"),
        }
    }

    fn bind(&self, vault: &Vault, account: &AccountId) -> BindOperation {
        let What::Bind {
            selector,
            nonce,
            token,
            right,
        } = self.what
        else {
            unreachable!("it is no bind");
        };
        let pan = pan(self.account, selector);
        let live = vault.live();
        let phones = live.phone(&phone(self.account));
        let phone = phones.active();
        let document = Some(DocumentType::HongKongMacaoTravelPermit);
        let number = format!("H0{}", self.account);
        BindOperation {
            application: Application {
                region: WalletRegion::Mainland,
                client: None,
                agreements_accepted: true,
                document,
                issuing_country: CountryCode::MAINLAND,
                document_fingerprints: live.document(document, CountryCode::MAINLAND, &number),
                document_expires_on: Day::from_civil(2099, 12, 31).unwrap(),
                card_fingerprints: live.card(pan.expose()),
                card_scheme: pan.scheme(),
                chosen_scheme: pan.scheme().unwrap(),
                card_expiry: CardExpiry::new(2099, 12).unwrap(),
                phone,
            },
            phones,
            phone_code: vault
                .phone_code(account, phone, nonce)
                .expose()
                .to_owned()
                .into(),
            password: password(right),
            password_salt: token.to_le_bytes(),
            identity_confirmed: true,
            holder_matches: true,
            token: CardToken::from_bits(token),
            pan,
            cvv: "123".to_owned().into(),
            deadline: None,
        }
    }
}

/// A Visa card of an account, which its issuer treats by the selector.
fn pan(account: u8, selector: u16) -> Pan {
    let digits = (0..10).map(|check| format!("40000{account}000000{selector:03}{check}"));
    digits.flat_map(Pan::parse).next().unwrap()
}

fn phone(account: u8) -> String {
    format!("+861380013800{account}")
}

fn password(right: bool) -> Secret {
    let password = if right { "135790" } else { "246801" };
    password.to_owned().into()
}

fn amount(fen: i64) -> Amount {
    Amount::from_fen(fen).unwrap()
}
