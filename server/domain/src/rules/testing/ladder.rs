//! Payments with which any choice of things is wrong: the states over which the ladder of
//! `Authorise` is tried (RULES C1).

use super::wallet::{
    Wallet, amount, at, barcode, bound_card, identity, merchant, payment, payment_facts, token,
};
use crate::card::BoundCard;
use crate::decline::{Decline, DeclineReason as Reason};
use crate::event::{
    CodeIssued, Event, Funding, PasswordEffect, PasswordVerified, Payment, PaymentCodeDecided,
    PaymentMode, Review, Scene, Spent, TokenMinted, WalletRegion,
};
use crate::identity::DocumentType;
use crate::merchant::{Merchant, MerchantRegion};
use crate::period::{Day, Timestamp};
use crate::rules::authorise::{Credential, Decision, Facts, Quote, decide};
use crate::rules::risk;
use crate::version::{Channel, Client, Version};

/// The rungs before the issuer, in the order of C1.
pub(in crate::rules) const RUNGS: [Reason; 30] = [
    Reason::ReversedBeforeArrival, // D31
    Reason::NotRolledOut,          // R3, D21
    Reason::WalletRegion,          // R30, R32, D19
    Reason::ClientTooOld,          // R7
    Reason::WalletNotVerified,     // R29
    Reason::IdentityExpired,       // R5
    Reason::PasswordLocked,        // D7
    Reason::PasswordWrong,         // R42, R69
    Reason::PaymentTokenInvalid,
    Reason::PaymentTokenExpired,
    Reason::PaymentTokenUsed,
    Reason::ReviewRequired, // R49, D5
    Reason::ReviewRejected, // D5
    Reason::CardNotBound,
    Reason::SceneNotPermitted,   // R72
    Reason::MerchantUnknown,     // D11
    Reason::MerchantOverseas,    // R2, R61
    Reason::MerchantNotEnabled,  // R60
    Reason::PaymentCodeInvalid,  // D10
    Reason::PaymentCodeExpired,  // D10
    Reason::PaymentCodeUsed,     // R57, D10
    Reason::RiskCardShared,      // R67, D9
    Reason::RiskHolderMismatch,  // R6, R67
    Reason::QuoteExpired,        // D32
    Reason::QuoteMismatch,       // D32
    Reason::LimitSingle,         // R63
    Reason::LimitMonth,          // R64
    Reason::LimitYear,           // R65
    Reason::BalanceNotPermitted, // R72, D12
    Reason::BalanceInsufficient, // D12
];

/// What the payer proves it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rules) enum By {
    Password,
    Token,
    Code,
}

/// From what, and with what proof, a payment is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rules) struct Way {
    pub(in crate::rules) from_balance: bool,
    pub(in crate::rules) by: By,
}

pub(in crate::rules) const BY_CARD_AND_PASSWORD: Way = Way {
    from_balance: false,
    by: By::Password,
};

pub(in crate::rules) const WAYS: [Way; 6] = [
    BY_CARD_AND_PASSWORD,
    way(false, By::Token),
    way(false, By::Code),
    way(true, By::Password),
    way(true, By::Token),
    way(true, By::Code),
];

const fn way(from_balance: bool, by: By) -> Way {
    Way { from_balance, by }
}

/// The nonce of the token, and of the code.
const NONCE: u64 = 5;

impl Way {
    /// False for a rung that such a payment does not meet (C1, D10, D12).
    pub(in crate::rules) fn concerns(self, reason: Reason) -> bool {
        let by_code = self.by == By::Code;
        match reason {
            Reason::ReversedBeforeArrival
            | Reason::NotRolledOut
            | Reason::SceneNotPermitted
            | Reason::MerchantUnknown
            | Reason::MerchantOverseas
            | Reason::QuoteExpired
            | Reason::QuoteMismatch => true,
            Reason::WalletRegion
            | Reason::ClientTooOld
            | Reason::WalletNotVerified
            | Reason::IdentityExpired
            | Reason::PasswordLocked
            | Reason::ReviewRequired
            | Reason::ReviewRejected => !by_code,
            Reason::PasswordWrong => self.by == By::Password,
            Reason::PaymentTokenInvalid
            | Reason::PaymentTokenExpired
            | Reason::PaymentTokenUsed => self.by == By::Token,
            Reason::PaymentCodeInvalid | Reason::PaymentCodeExpired | Reason::PaymentCodeUsed => {
                by_code
            }
            Reason::CardNotBound => !self.from_balance && !by_code,
            Reason::MerchantNotEnabled
            | Reason::RiskCardShared
            | Reason::RiskHolderMismatch
            | Reason::LimitSingle
            | Reason::LimitMonth
            | Reason::LimitYear => !self.from_balance,
            Reason::BalanceNotPermitted | Reason::BalanceInsufficient => self.from_balance,
            Reason::IssuerExpiredCard
            | Reason::IssuerLockedCard
            | Reason::IssuerLostCard
            | Reason::IssuerStolenCard
            | Reason::IssuerPickupCard
            | Reason::IssuerInsufficientFunds
            | Reason::IssuerDoNotHonour
            | Reason::IssuerUnavailable => false,
        }
    }

    /// The rungs of such a payment, in the order of C1.
    pub(in crate::rules) fn rungs(self) -> Vec<Reason> {
        let rungs = RUNGS.into_iter();
        rungs.filter(|&reason| self.concerns(reason)).collect()
    }

    fn funding(self, wrong: &[Reason]) -> Funding {
        if self.from_balance {
            Funding::Balance
        } else if wrong.contains(&Reason::CardNotBound) {
            Funding::Card(token(9))
        } else {
            Funding::Card(token(1))
        }
    }
}

/// One payment, its wallet, and all that is true of it.
pub(in crate::rules) struct Scenario {
    pub(in crate::rules) wallet: Wallet,
    pub(in crate::rules) payment: Payment,
    merchant: Merchant,
    wrong: Vec<Reason>,
    credential: Credential,
}

impl Scenario {
    /// A payment with which all of that is wrong. Where two reasons exclude each other the
    /// earlier one is made true.
    pub(in crate::rules) fn of(way: Way, wrong: &[Reason]) -> Self {
        let mut wallet = wallet_with(way, wrong);
        let (payment, merchant) = payment_with(way, wrong);
        let credential = credential_with(way, wrong, &mut wallet);
        Self {
            wallet,
            payment,
            merchant,
            wrong: wrong.to_vec(),
            credential,
        }
    }

    pub(in crate::rules) fn facts(&self) -> Facts<'_> {
        let is = |reason| self.wrong.contains(&reason);
        let mut facts = payment_facts(&self.merchant);
        facts.reversed_ahead = is(Reason::ReversedBeforeArrival);
        facts.rolled_out = !is(Reason::NotRolledOut);
        facts.credential = self.credential;
        let account = &self.wallet.account;
        let card = account.card(token(1));
        facts.risk =
            card.and_then(|card| risk::of_card(account, card, |_| is(Reason::RiskCardShared)));
        if is(Reason::ClientTooOld) {
            let version = Version::new(8, 0, 9);
            let channel = Channel::Ios;
            facts.client = Some(Client { channel, version });
        }
        if is(Reason::MerchantUnknown) {
            facts.merchant = None;
        }
        if is(Reason::QuoteExpired) {
            facts.quote = Quote::Expired;
        } else if is(Reason::QuoteMismatch) {
            facts.quote = Quote::Differs;
        }
        facts
    }

    pub(in crate::rules) fn decision(&self) -> Decision {
        let Wallet {
            account,
            policy,
            now,
            ..
        } = &self.wallet;
        decide(account, self.payment.clone(), &self.facts(), policy, *now)
    }

    pub(in crate::rules) fn decline(&self) -> Option<Decline> {
        match self.decision() {
            Decision::Decline(declined) => Some(declined.decline),
            Decision::Reserve(_) => None,
        }
    }
}

/// A wallet about which all of that is wrong.
fn wallet_with(way: Way, wrong: &[Reason]) -> Wallet {
    let is = |reason| wrong.contains(&reason);
    let region = if is(Reason::WalletRegion) {
        WalletRegion::HongKong
    } else {
        WalletRegion::Mainland
    };
    let mut wallet = Wallet::open(region);
    let now = wallet.now;
    if !is(Reason::WalletNotVerified) {
        verify(&mut wallet, way, wrong);
    }
    if is(Reason::PasswordLocked) {
        wallet.password_locked();
    }
    if way.from_balance {
        let too_little = is(Reason::BalanceInsufficient);
        wallet.received(amount(if too_little { "4.99" } else { "10000.00" }));
    }
    if is(Reason::LimitYear) {
        let last_month = at("2024-01-10 12:00");
        wallet.now = at("2024-02-10 12:00");
        wallet.paid(amount("60000.00"), last_month);
        // A window that is full takes the place of one that is over.
        if is(Reason::LimitMonth) {
            wallet.paid(amount("50000.00"), wallet.now);
        }
    } else if is(Reason::LimitMonth) {
        wallet.paid(amount("50000.00"), now);
    }
    wallet
}

fn verify(wallet: &mut Wallet, way: Way, wrong: &[Reason]) {
    let is = |reason| wrong.contains(&reason);
    let by_passport = way.from_balance && is(Reason::BalanceNotPermitted);
    let mut holder = identity(if by_passport {
        DocumentType::Passport
    } else {
        DocumentType::TaiwanTravelPermit
    });
    let now = wallet.now;
    if is(Reason::IdentityExpired) {
        holder.expires_on = Day::from_number(now.day().number() - 1);
    }
    let review = if is(Reason::ReviewRequired) {
        Review::Required
    } else if is(Reason::ReviewRejected) {
        Review::Rejected
    } else {
        Review::NotRequired
    };
    let card = BoundCard {
        holder_matches: !is(Reason::RiskHolderMismatch),
        ..bound_card(1, now)
    };
    wallet.bound(card, holder, review);
}

/// A payment with which all of that is wrong, and its merchant.
fn payment_with(way: Way, wrong: &[Reason]) -> (Payment, Merchant) {
    let is = |reason| wrong.contains(&reason);
    let region = if is(Reason::MerchantOverseas) {
        MerchantRegion::Overseas
    } else {
        MerchantRegion::Mainland
    };
    let merchant = Merchant {
        region,
        international_cards: !is(Reason::MerchantNotEnabled),
        ..merchant()
    };
    let mut payment = payment(amount("5.00"));
    payment.funding = way.funding(wrong);
    if is(Reason::SceneNotPermitted) {
        payment.scene = if way.from_balance {
            Scene::TopUp
        } else {
            Scene::Transfer
        };
    }
    if is(Reason::LimitSingle) {
        payment.amount = amount("6000.01");
    }
    if way.by == By::Code {
        payment.mode = PaymentMode::PaymentCode;
        payment.code = Some(barcode(1));
    }
    (payment, merchant)
}

/// What proves who pays. It is made last: nothing that is wrong with the wallet ends it.
fn credential_with(way: Way, wrong: &[Reason], wallet: &mut Wallet) -> Credential {
    let is = |reason| wrong.contains(&reason);
    match way.by {
        By::Password => Credential::Password {
            matches: !is(Reason::PasswordWrong),
        },
        By::Token => {
            mint(wallet, until(wallet, is(Reason::PaymentTokenExpired)));
            if is(Reason::PaymentTokenUsed) {
                wallet.declined(PasswordEffect::Untouched, Some(Spent::Token(NONCE)));
            }
            Credential::Token((!is(Reason::PaymentTokenInvalid)).then_some(NONCE))
        }
        By::Code => {
            let expires_at = until(wallet, is(Reason::PaymentCodeExpired));
            issue(wallet, way.funding(wrong), expires_at);
            if is(Reason::PaymentCodeUsed) {
                wallet.declined(PasswordEffect::Untouched, Some(Spent::Code(NONCE)));
            }
            Credential::Code((!is(Reason::PaymentCodeInvalid)).then_some(barcode(1)))
        }
    }
}

/// A millisecond is left, or none.
fn until(wallet: &Wallet, over: bool) -> Timestamp {
    Timestamp::from_unix_ms(wallet.now.unix_ms() + i64::from(!over))
}

fn mint(wallet: &mut Wallet, expires_at: Timestamp) {
    wallet.record(Event::PasswordVerified(PasswordVerified {
        funding: Funding::Card(token(1)),
        amount: amount("5.00"),
        password: PasswordEffect::Untouched,
        outcome: Ok(TokenMinted {
            nonce: NONCE,
            expires_at,
        }),
    }));
}

fn issue(wallet: &mut Wallet, funding: Funding, expires_at: Timestamp) {
    wallet.record(Event::PaymentCodeDecided(Box::new(PaymentCodeDecided {
        funding,
        password: PasswordEffect::Untouched,
        outcome: Ok(CodeIssued {
            nonce: NONCE,
            digest: barcode(1),
            expires_at,
        }),
    })));
}
