//! What the tests of the ladders begin with: a wallet whose account is made by events alone, as
//! replay makes it, and the requests that nothing is wrong with.

use crate::account::Account;
use crate::card::{Bin, BoundCard, CardExpiry, IssuerCardReference, Scheme};
use crate::decline::{Decline, DeclineReason};
use crate::event::{
    ApprovalCode, BindDecided, Binding, Declined, Event, Funding, FundsKind, FundsReceived,
    IssuerKind, OlderOfBinding, PasswordEffect, PasswordVerifier, Payment, PaymentMode,
    PhoneCodeDecided, PhoneCodeEffect, PhoneCodeSent, Posted, Reservation, Review, Scene, Spent,
    WalletRegion, Windows,
};
use crate::identifiers::{CardToken, CodeDigest, Fingerprint, MerchantId};
use crate::identity::{CountryCode, DocumentType, Identity};
use crate::merchant::{CategoryCode, Merchant, MerchantRegion};
use crate::money::{Amount, Fen};
use crate::period::{Day, Timestamp};
use crate::policy::Policy;
use crate::refusal::{BindRefusal, Refused};
use crate::rules::settlement::settles_at;
use crate::rules::{authorise, bind};

/// The instant of a local time in Asia/Shanghai, such as `2024-01-31 23:59:59.999`.
pub(in crate::rules) fn at(local: &str) -> Timestamp {
    let instant: jiff::Timestamp = format!("{local}+08:00").parse().unwrap();
    Timestamp::from_unix_ms(instant.as_millisecond())
}

/// Undoes [`at`], to the second.
pub(in crate::rules) fn local_time(instant: Timestamp) -> String {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let instant = jiff::Timestamp::from_millisecond(instant.unix_ms()).unwrap();
    instant
        .to_zoned(zone)
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// The amount of a sum in yuan, such as `6000.01`.
pub(in crate::rules) fn amount(yuan: &str) -> Amount {
    let (whole, part) = yuan.split_once('.').unwrap();
    assert_eq!(part.len(), 2, "{yuan}");
    Amount::from_fen(format!("{whole}{part}").parse().unwrap()).unwrap()
}

pub(in crate::rules) fn token(card: u8) -> CardToken {
    CardToken::from_bits(u64::from(card))
}

/// Digest of a card's number.
pub(in crate::rules) fn card_number(card: u8) -> Fingerprint {
    Fingerprint([card; 16])
}

pub(in crate::rules) fn phone(number: u8) -> Fingerprint {
    Fingerprint([100 + number; 16])
}

/// Digest of a payment code.
pub(in crate::rules) fn barcode(number: u8) -> CodeDigest {
    CodeDigest(1_000 + u64::from(number))
}

/// Digest of a person's document.
pub(in crate::rules) fn person(number: u8) -> Fingerprint {
    Fingerprint([200 + number; 16])
}

/// What would be kept of a password; equal passwords have equal verifiers here.
pub(in crate::rules) fn verifier(password: u8) -> PasswordVerifier {
    PasswordVerifier {
        salt: [0; 8],
        digest: [password; 16],
    }
}

pub(in crate::rules) fn identity(document: DocumentType) -> Identity {
    Identity {
        document,
        fingerprint: person(1),
        expires_on: Day::from_civil(2033, 12, 31).unwrap(),
    }
}

pub(in crate::rules) fn bound_card(card: u8, bound_at: Timestamp) -> BoundCard {
    BoundCard {
        token: token(card),
        fingerprint: card_number(card),
        issuer_reference: IssuerCardReference(format!("reference-{card}").into()),
        issuer: IssuerKind::Sandbox,
        bin: Bin::new(411_111),
        phone: phone(1).mark(),
        last_four: u16::from(card),
        scheme: Scheme::Visa,
        expiry: CardExpiry::new(2033, 12).unwrap(),
        holder_matches: true,
        bound_at,
        bound_by: 0,
    }
}

pub(in crate::rules) fn merchant() -> Merchant {
    Merchant {
        id: MerchantId::parse("noodle-bar").unwrap(),
        name: "Noodle Bar".into(),
        region: MerchantRegion::Mainland,
        category: CategoryCode(5812),
        international_cards: true,
    }
}

pub(in crate::rules) fn payment(amount: Amount) -> Payment {
    Payment {
        funding: Funding::Card(token(1)),
        merchant: Some(merchant().id),
        amount,
        scene: Scene::Purchase,
        mode: PaymentMode::MerchantQr,
        code: None,
    }
}

/// Facts that no rung of `Authorise` objects to.
pub(in crate::rules) fn payment_facts(merchant: &Merchant) -> authorise::Facts<'_> {
    authorise::Facts {
        rolled_out: true,
        client: None,
        credential: authorise::Credential::Password { matches: true },
        merchant: Some(merchant),
        risk: None,
        reversed_ahead: false,
        quote: authorise::Quote::Absent,
    }
}

/// An application that no rung of `Bind` objects to, once phone 1 has a code.
pub(in crate::rules) fn application(card: u8) -> bind::Application {
    bind::Application {
        region: WalletRegion::Mainland,
        client: None,
        agreements_accepted: true,
        document: Some(DocumentType::TaiwanTravelPermit),
        issuing_country: CountryCode::MAINLAND,
        document_fingerprints: person(1).into(),
        document_expires_on: Day::from_civil(2033, 12, 31).unwrap(),
        card_fingerprints: card_number(card).into(),
        card_scheme: Some(Scheme::Visa),
        chosen_scheme: Scheme::Visa,
        card_expiry: CardExpiry::new(2033, 12).unwrap(),
        phone: phone(1),
    }
}

/// Facts that no rung of `Bind` objects to.
pub(in crate::rules) fn bind_facts() -> bind::Facts {
    bind::Facts {
        rolled_out: true,
        identity_confirmed: true,
        phone_code_matches: true,
        password_matches: true,
    }
}

/// Why the first half of a bind was refused; None if it holds a slot.
pub(in crate::rules) fn bind_refusal(event: &Event) -> Option<Refused<BindRefusal>> {
    if let Event::BindDecided(decided) = event {
        decided.outcome.as_ref().err().copied()
    } else {
        assert!(matches!(event, Event::BindReserved(_)), "{event:?}");
        None
    }
}

/// One wallet, the policy and the clock of a test, and every event so far.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Wallet {
    pub(in crate::rules) account: Account,
    pub(in crate::rules) policy: Policy,
    pub(in crate::rules) now: Timestamp,
    opened_in: WalletRegion,
    history: Vec<(Event, Timestamp)>,
}

impl Wallet {
    /// At first contact.
    pub(in crate::rules) fn open(region: WalletRegion) -> Self {
        Self {
            account: Account::open(region),
            policy: Policy::weixin_2023(),
            now: at("2024-01-10 12:00"),
            opened_in: region,
            history: Vec::new(),
        }
    }

    /// With card 1 bound by a person who needs no review, and password 1.
    pub(in crate::rules) fn verified() -> Self {
        let mut wallet = Self::open(WalletRegion::Mainland);
        let card = bound_card(1, wallet.now);
        wallet.bound(
            card,
            identity(DocumentType::TaiwanTravelPermit),
            Review::NotRequired,
        );
        wallet
    }

    /// Makes an event part of the account; its sequence.
    pub(in crate::rules) fn record(&mut self, event: Event) -> u64 {
        let sequence = self.history.len() as u64 + 1;
        self.account.apply(&event, sequence, self.now);
        self.history.push((event, self.now));
        sequence
    }

    /// The account that a restart would make of the same events.
    pub(in crate::rules) fn replayed(&self) -> Account {
        let mut account = Account::open(self.opened_in);
        for ((event, time), sequence) in self.history.iter().zip(1..) {
            account.apply(event, sequence, *time);
        }
        account
    }

    /// Binds a card without climbing the ladder; the first one sets password 1.
    pub(in crate::rules) fn bound(&mut self, card: BoundCard, identity: Identity, review: Review) {
        let password_set = self.account.password().is_none().then(|| verifier(1));
        self.record(Event::BindDecided(Box::new(BindDecided {
            region: self.opened_in,
            reserved_by: None,
            phone_code: PhoneCodeEffect::Untouched,
            password: PasswordEffect::Untouched,
            outcome: Ok(Binding {
                card,
                identity,
                password_set,
                older: OlderOfBinding::default(),
            }),
            review,
            debit: None,
        })));
    }

    /// A code that went to a phone at this instant.
    pub(in crate::rules) fn code_sent(&mut self, phone: Fingerprint) {
        let rule = self.policy.phone_code;
        self.record(Event::PhoneCode(PhoneCodeDecided {
            region: self.opened_in,
            phone,
            outcome: Ok(PhoneCodeSent {
                nonce: 7,
                resend_at: self.now.plus_seconds(rule.resend_seconds),
                expires_at: self.now.plus_seconds(rule.valid_seconds),
            }),
        }));
    }

    /// A payment that was approved at an instant without climbing the ladder.
    pub(in crate::rules) fn paid(&mut self, amount: Amount, when: Timestamp) {
        let reservation = Reservation {
            payment: payment(amount),
            fee: Fen::ZERO,
            month: when.month(),
            year: when.year(),
            windows: Windows {
                month_limit: self.policy.limits.month,
                month_used: Fen::ZERO,
                year_limit: self.policy.limits.year,
                year_used: Fen::ZERO,
            },
            balance_left: None,
            settles_at: settles_at(when, &self.policy),
            password: PasswordEffect::Untouched,
            spent: None,
            policy: self.policy.name.clone(),
            receipt: None,
            transaction: None,
        };
        self.record(Event::Posted(Box::new(Posted {
            reserved_by: None,
            reservation,
            approval_code: ApprovalCode(*b"A1B2C3"),
            stand_in: None,
        })));
    }

    /// A payment that was declined without climbing the ladder, and what it did on its way.
    pub(in crate::rules) fn declined(&mut self, password: PasswordEffect, spent: Option<Spent>) {
        self.record(Event::Declined(Box::new(Declined {
            payment: payment(amount("1.00")),
            decline: Decline::because(DeclineReason::PasswordWrong),
            password,
            spent,
            policy: self.policy.name.clone(),
            receipt: None,
        })));
    }

    /// Five wrong tries, and a lock until the end of 2024.
    pub(in crate::rules) fn password_locked(&mut self) {
        let wrong = PasswordEffect::Wrong {
            tries: 5,
            locked_until: Some(at("2024-12-31 00:00")),
        };
        self.declined(wrong, None);
    }

    /// A transfer that came in, whoever the wallet belongs to.
    pub(in crate::rules) fn received(&mut self, amount: Amount) {
        self.record(Event::FundsReceived(FundsReceived {
            kind: FundsKind::Transfer,
            amount,
            outcome: Ok(self.account.balance().plus(amount.fen())),
        }));
    }
}
