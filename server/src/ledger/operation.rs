//! What can be asked of a ledger that changes something. Parsed and complete: nothing in here
//! can be malformed. Secrets are wiped when dropped and never printed.

mod reversal;

use std::sync::Arc;
use std::time::Instant;

use waika_domain::card::{Bin, BoundCard, IssuerCardReference};
use waika_domain::event::{
    CardStatus, Funding, FundsKind, IssuerKind, Material, Payment, WalletRegion,
};
use waika_domain::fingerprints::Fingerprints;
use waika_domain::identifiers::{AuthorisationId, CardToken, Fingerprint, TicketId};
use waika_domain::identity::Identity;
use waika_domain::merchant::Merchant;
use waika_domain::money::Amount;
use waika_domain::period::Timestamp;
use waika_domain::policy::Policy;
use waika_domain::rules::bind::Application;
use waika_domain::rules::password::Intent;
use waika_domain::rules::phone_code::SendFacts;
use waika_domain::rules::reset::Proof;
use waika_domain::version::Client;
use zeroize::Zeroizing;

pub use self::reversal::{OriginalNamed, ReverseOperation};
use crate::clock::ClockAsked;
use crate::pan::Pan;
use crate::quote_token::QuoteToken;

/// A secret text: wiped when dropped.
pub type Secret = Zeroizing<String>;

/// One thing to do.
#[derive(Debug)]
pub enum Operation {
    /// Send a phone code.
    SendPhoneCode(PhoneCodeOperation),
    /// Bind a card.
    Bind(Box<BindOperation>),
    /// Unbind a card.
    Unbind(UnbindOperation),
    /// Decide a payment.
    Authorise(AuthoriseOperation),
    /// Give a payment back, before it settles or after.
    Reverse(ReverseOperation),
    /// Settle a payment early.
    Settle(AuthorisationId),
    /// Verify a password for a payment.
    VerifyPassword(VerifyOperation),
    /// Change a password.
    ChangePassword(ChangeOperation),
    /// Reset a forgotten password.
    ResetPassword(Box<ResetOperation>),
    /// Resolve a request to reset a password.
    ResolvePasswordTicket {
        /// The ticket.
        ticket: TicketId,
        /// Approve rather than reject.
        approve: bool,
    },
    /// Unlock a password.
    UnlockPassword,
    /// Take a photo for a review.
    SubmitVerification(VerificationOperation),
    /// Close the account.
    CloseAccount,
    /// Erase what is personal in a closed account.
    EraseAccount,
    /// Switch the wallet's region.
    SwitchRegion(WalletRegion),
    /// Make a payment code.
    CreatePaymentCode(PaymentCodeOperation),
    /// Take money into the balance.
    ReceiveFunds {
        /// What it is.
        kind: FundsKind,
        /// How much.
        amount: Amount,
    },
    /// Close a risk ticket.
    ResolveRisk {
        /// The ticket.
        ticket: TicketId,
        /// The card is the person's own; otherwise the risk stands.
        cleared: bool,
    },
    /// Resolve a review.
    ResolveReview {
        /// Approve rather than reject.
        approve: bool,
    },
    /// Tell the sandbox issuer what to think of a card.
    SetCardStatus {
        /// The card.
        card: CardToken,
        /// Its status from now on.
        status: CardStatus,
    },
}

impl Operation {
    /// How it names a payment that was made before, if it does.
    pub(super) fn original(&self) -> Option<OriginalNamed> {
        if let Self::Reverse(asked) = self {
            Some(asked.original.clone())
        } else if let Self::Settle(id) = self {
            Some(OriginalNamed::Id(*id))
        } else {
            None
        }
    }

    /// What is needed of it after its first entry: the card to bind, if it is one.
    pub(super) fn goes_on_with(self) -> Option<Box<BindOperation>> {
        match self {
            Self::Bind(bind) => Some(bind),
            _ => None,
        }
    }

    /// The payment to decide, if it is one.
    pub(super) fn payment(&self) -> Option<&Payment> {
        if let Self::Authorise(asked) = self {
            Some(&asked.payment)
        } else {
            None
        }
    }
}

/// One thing to do that concerns no one account.
#[derive(Debug, Clone)]
pub enum GlobalOperation {
    /// Add a merchant or replace one.
    PutMerchant(Merchant),
    /// Set the sandbox's clock.
    SetClock(ClockAsked),
    /// Store a policy.
    PutPolicy(Arc<Policy>),
    /// Let a stored policy hold.
    ActivatePolicy(Box<str>),
    /// Evaluate a stored policy beside the one that holds, or none.
    SetShadow(Option<Box<str>>),
}

/// A phone code to send.
#[derive(Debug)]
pub struct PhoneCodeOperation {
    /// The wallet's region, for an account that this opens.
    pub region: WalletRegion,
    /// The phone's digests.
    pub phones: Fingerprints,
    /// Random.
    pub nonce: u64,
    /// The gateway takes messages for this number.
    pub deliverable: bool,
}

impl PhoneCodeOperation {
    /// As the rules take it: by that of the phone's digests which it is known by.
    pub(crate) fn facts(&self, phone: Fingerprint) -> SendFacts {
        let Self {
            region,
            phones: _,
            nonce,
            deliverable,
        } = *self;
        SendFacts {
            region,
            phone,
            nonce,
            deliverable,
        }
    }
}

/// A card to bind.
pub struct BindOperation {
    /// What was asked, without any secret.
    pub application: Application,
    /// The phone's digests, in the order of the card's.
    pub phones: Fingerprints,
    /// The card's number: in memory until the issuer has answered, and nowhere else (D28).
    pub pan: Pan,
    /// The code that was sent to the phone.
    pub phone_code: Secret,
    /// The payment password.
    pub password: Secret,
    /// Random; used if this bind sets the password.
    pub password_salt: [u8; 8],
    /// The details match the document (R36).
    pub identity_confirmed: bool,
    /// The name on the card is the name on the document (D9).
    pub holder_matches: bool,
    /// Random; names the card once it is bound.
    pub token: CardToken,
    /// The card's security code: in memory until the issuer has answered, and nowhere else.
    pub cvv: Secret,
    /// When the caller stops waiting, if it said so.
    pub deadline: Option<Instant>,
}

impl std::fmt::Debug for BindOperation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("BindOperation")
            .finish_non_exhaustive()
    }
}

impl BindOperation {
    /// Who the wallet will be verified as; None for a document that is not on the list.
    pub(crate) fn identity(&self) -> Option<Identity> {
        Some(Identity {
            document: self.application.document?,
            fingerprint: self.application.document_fingerprints.active(),
            expires_on: self.application.document_expires_on,
        })
    }

    /// The card as it will be kept (D28).
    pub(crate) fn bound_card(
        &self,
        issuer_reference: IssuerCardReference,
        issuer: IssuerKind,
        now: Timestamp,
    ) -> BoundCard {
        let Application {
            card_fingerprints,
            chosen_scheme,
            card_expiry,
            ..
        } = self.application;
        BoundCard {
            token: self.token,
            fingerprint: card_fingerprints.active(),
            issuer_reference,
            issuer,
            bin: Bin::new(self.pan.bin()),
            phone: self.phones.active().mark(),
            last_four: self.pan.last_four(),
            scheme: chosen_scheme,
            expiry: card_expiry,
            holder_matches: self.holder_matches,
            bound_at: now,
            bound_by: 0,
        }
    }
}

/// A payment to decide.
pub struct AuthoriseOperation {
    /// Its business fields.
    pub payment: Payment,
    /// The payer's app; None for a server-side caller.
    pub client: Option<Client>,
    /// What proves that the payer is who pays.
    pub credential: CredentialGiven,
    /// The quote token that came with it, sealed by us.
    pub quote: Option<QuoteToken>,
    /// Every rung shall be told.
    pub want_receipt: bool,
    /// When the caller stops waiting, if it said so.
    pub deadline: Option<Instant>,
}

/// What proves that the payer is who pays (R42).
pub enum CredentialGiven {
    /// The payment password.
    Password(Secret),
    /// A payment token.
    Token(Secret),
    /// The payment code of the payment (D10).
    Code,
}

impl std::fmt::Debug for AuthoriseOperation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AuthoriseOperation")
            .field("payment", &self.payment)
            .finish_non_exhaustive()
    }
}

/// A card to unbind.
pub struct UnbindOperation {
    /// The card.
    pub card: CardToken,
    /// The payment password.
    pub password: Secret,
}

impl std::fmt::Debug for UnbindOperation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("UnbindOperation")
            .field("card", &self.card)
            .finish_non_exhaustive()
    }
}

/// A password to verify for a payment.
pub struct VerifyOperation {
    /// What the payment will be paid from, how much, and what the token follows from.
    pub intent: Intent,
    /// The payment password.
    pub password: Secret,
}

/// A password to change.
pub struct ChangeOperation {
    /// The payment password as it is.
    pub old: Secret,
    /// The new one.
    pub new: NewSecret,
}

/// A new password, as it was given twice.
pub struct NewSecret {
    /// The first time.
    pub password: Secret,
    /// It was the same the second time.
    pub agree: bool,
    /// Random.
    pub salt: [u8; 8],
}

/// A forgotten password to reset.
pub struct ResetOperation {
    /// What proves who asks; whether the phone code is right is not known yet.
    pub proof: Proof,
    /// The code that was sent to the phone; empty by route 1.
    pub phone_code: Secret,
    /// The new one.
    pub new: NewSecret,
}

/// A photo for a review.
#[derive(Debug, Clone, Copy)]
pub struct VerificationOperation {
    /// What it shows.
    pub material: Material,
    /// Its digest.
    pub digest: Fingerprint,
    /// Its length.
    pub bytes: u32,
    /// The verifier's word on a face.
    pub face_matches: bool,
}

/// A payment code to make.
pub struct PaymentCodeOperation {
    /// What payments with it are paid from.
    pub funding: Funding,
    /// Random; the code follows from it.
    pub nonce: u64,
    /// The payer's app; None for a server-side caller.
    pub client: Option<Client>,
    /// The payment password.
    pub password: Secret,
}

macro_rules! says_nothing {
    ($($operation:ident),*) => {
        $(
            /// Carries a secret: prints its name only.
            impl std::fmt::Debug for $operation {
                fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    formatter.debug_struct(stringify!($operation)).finish_non_exhaustive()
                }
            }
        )*
    };
}

says_nothing!(
    CredentialGiven,
    VerifyOperation,
    ChangeOperation,
    NewSecret,
    ResetOperation,
    PaymentCodeOperation
);
