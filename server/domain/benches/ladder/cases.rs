//! The payments that are counted. Each climbs all rungs that concern it, on an account that has
//! what makes them work: three cards and the last of them paying, a passport that was reviewed, an
//! app whose version is compared, a quote.

use waika_domain::account::{Account, AccountParts, PaymentCode, PaymentToken, PhoneCodes, Rare};
use waika_domain::card::{BoundCard, CardExpiry, IssuerCardReference, Scheme};
use waika_domain::decline::DeclineReason;
use waika_domain::event::{
    Funding, IssuerKind, PasswordVerifier, Payment, PaymentMode, Review, Scene, WalletRegion,
};
use waika_domain::identifiers::{CardToken, CodeDigest, Fingerprint, MerchantId};
use waika_domain::identity::{DocumentType, Identity};
use waika_domain::merchant::{CategoryCode, Merchant, MerchantRegion};
use waika_domain::money::{Amount, Fen};
use waika_domain::period::{Day, Timestamp};
use waika_domain::policy::Policy;
use waika_domain::rules::authorise::{Credential, Decision, Facts, Quote};
use waika_domain::usage::Usage;
use waika_domain::version::{Channel, Client, Version};

const NONCE: u64 = 7;
const DIGEST: CodeDigest = CodeDigest(8);
const CARD: CardToken = CardToken::from_bits(3);
const FINGERPRINT: Fingerprint = Fingerprint([1; 16]);

/// What is asked, and what it comes to.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) with_receipt: bool,
    fen: i64,
    funding: Funding,
    credential: Credential,
    used_in_year: i64,
    declined: Option<DeclineReason>,
}

const APPROVAL: Case = Case {
    name: "approval",
    with_receipt: false,
    fen: 25_000,
    funding: Funding::Card(CARD),
    credential: Credential::Password { matches: true },
    used_in_year: 1_000_000,
    declined: None,
};

/// Every case, the one with the limit first.
pub(crate) const CASES: [Case; 8] = [
    APPROVAL,
    Case {
        name: "approval-without-fee",
        fen: 3_800,
        ..APPROVAL
    },
    Case {
        name: "approval-by-token",
        credential: Credential::Token(Some(NONCE)),
        ..APPROVAL
    },
    Case {
        name: "approval-by-code",
        credential: Credential::Code(Some(DIGEST)),
        ..APPROVAL
    },
    Case {
        name: "approval-from-balance",
        funding: Funding::Balance,
        ..APPROVAL
    },
    Case {
        name: "approval-with-receipt",
        with_receipt: true,
        ..APPROVAL
    },
    Case {
        name: "decline-at-year-limit",
        used_in_year: 5_990_000,
        declined: Some(DeclineReason::LimitYear),
        ..APPROVAL
    },
    Case {
        name: "decline-with-receipt",
        with_receipt: true,
        used_in_year: 5_990_000,
        declined: Some(DeclineReason::LimitYear),
        ..APPROVAL
    },
];

impl Case {
    /// True if a decision is what the case comes to: else something else was counted.
    pub(crate) fn is_outcome(&self, decision: &Decision) -> bool {
        let (declined, receipt) = match decision {
            Decision::Decline(declined) => (Some(declined.decline.reason), &declined.receipt),
            Decision::Reserve(reservation) => (None, &reservation.receipt),
        };
        declined == self.declined && receipt.is_some() == self.with_receipt
    }
}

/// All that a case is decided by.
pub(crate) struct Scenario {
    pub(crate) account: Account,
    pub(crate) policy: Policy,
    pub(crate) now: Timestamp,
    pub(crate) payment: Payment,
    merchant: Merchant,
    credential: Credential,
}

impl Scenario {
    pub(crate) fn of(case: &Case) -> Self {
        let now = day(2024, 5, 17).start().plus_seconds(45_000);
        let merchant = Merchant {
            id: MerchantId::parse("noodle-bar-0042").expect("a merchant's id"),
            name: "Noodle Bar".into(),
            region: MerchantRegion::Mainland,
            category: CategoryCode(5812),
            international_cards: true,
        };
        let by_code = matches!(case.credential, Credential::Code(_));
        let mode = if by_code {
            PaymentMode::PaymentCode
        } else {
            PaymentMode::MerchantQr
        };
        Self {
            account: account(case, now),
            policy: Policy::weixin_2023(),
            now,
            payment: Payment {
                funding: case.funding,
                merchant: Some(merchant.id.clone()),
                amount: Amount::from_fen(case.fen).expect("an amount"),
                scene: Scene::Purchase,
                mode,
                code: by_code.then_some(DIGEST),
            },
            merchant,
            credential: case.credential,
        }
    }

    /// Nothing that a rung objects to.
    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts {
            rolled_out: true,
            client: Some(Client {
                channel: Channel::GooglePlay,
                version: Version::new(8, 0, 37),
            }),
            credential: self.credential,
            merchant: Some(&self.merchant),
            risk: None,
            reversed_ahead: false,
            quote: Quote::Holds,
        }
    }
}

fn account(case: &Case, now: Timestamp) -> Account {
    let from_balance = case.funding == Funding::Balance;
    // A passport's balance pays nothing (R72).
    let (document, review) = if from_balance {
        (DocumentType::TaiwanTravelPermit, Review::NotRequired)
    } else {
        (DocumentType::Passport, Review::Approved)
    };
    let mut rare = Rare::default();
    match case.credential {
        Credential::Password { .. } => {}
        Credential::Token(_) => rare.tokens.push(PaymentToken {
            nonce: NONCE,
            funding: case.funding,
            expires_at: now.plus_seconds(60),
            used: false,
        }),
        Credential::Code(_) => rare.codes.push(PaymentCode {
            nonce: NONCE,
            digest: DIGEST,
            funding: case.funding,
            expires_at: now.plus_seconds(60),
            used: false,
        }),
    }
    if from_balance {
        rare.balance = Fen::new(100_000);
    }
    Account::from_parts(AccountParts {
        region: WalletRegion::Mainland,
        review,
        identity: Some(Identity {
            document,
            fingerprint: FINGERPRINT,
            expires_on: day(2033, 12, 31),
        }),
        password: Some(PasswordVerifier {
            salt: [0; 8],
            digest: [0; 16],
        }),
        cards: (1..=3).map(|number| card(number, now)).collect(),
        phone_codes: PhoneCodes::default(),
        usage: Usage {
            month: now.month(),
            in_month: Fen::new(500_000),
            year: now.year(),
            in_year: Fen::new(case.used_in_year),
        },
        last_sequence: 12,
        rare,
    })
}

fn card(number: u64, now: Timestamp) -> BoundCard {
    BoundCard {
        token: CardToken::from_bits(number),
        fingerprint: FINGERPRINT,
        issuer_reference: IssuerCardReference("reference".into()),
        issuer: IssuerKind::Sandbox,
        bin: waika_domain::card::Bin::new(411_111),
        phone: FINGERPRINT.mark(),
        last_four: 1111,
        scheme: Scheme::Visa,
        expiry: CardExpiry::new(2033, 12).expect("a month"),
        holder_matches: true,
        bound_at: now,
        bound_by: 1,
    }
}

fn day(year: i32, month: u8, day: u8) -> Day {
    Day::from_civil(year, month, day).expect("a day")
}
