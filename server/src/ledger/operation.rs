//! What can be asked of a ledger that changes something. Parsed and complete: nothing in here
//! can be malformed. Secrets are wiped when dropped and never printed.

use waika_domain::card::{BoundCard, IssuerCardReference};
use waika_domain::event::{CardStatus, Payment, WalletRegion};
use waika_domain::identifiers::{
    AuthorisationId, CardToken, Fingerprint, IdempotencyKey, TicketId,
};
use waika_domain::identity::Identity;
use waika_domain::merchant::Merchant;
use waika_domain::money::Amount;
use waika_domain::period::Timestamp;
use waika_domain::rules::bind::Application;
use waika_domain::rules::phone_code::SendFacts;
use waika_domain::version::Client;
use zeroize::Zeroizing;

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
    /// Give a payment back.
    Reverse(ReverseOperation),
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

/// One thing to do that concerns no one account.
#[derive(Debug, Clone)]
pub enum GlobalOperation {
    /// Add a merchant or replace one.
    PutMerchant(Merchant),
    /// Set the sandbox's clock.
    SetClock(ClockAsked),
}

/// A phone code to send.
#[derive(Debug)]
pub struct PhoneCodeOperation {
    /// The wallet's region, for an account that this opens.
    pub region: WalletRegion,
    /// The phone's digest.
    pub phone: Fingerprint,
    /// Random.
    pub nonce: u64,
    /// The gateway takes messages for this number.
    pub deliverable: bool,
}

impl PhoneCodeOperation {
    /// As the rules take it.
    pub(crate) fn facts(&self) -> SendFacts {
        let Self {
            region,
            phone,
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
            fingerprint: self.application.document_fingerprint,
            expires_on: self.application.document_expires_on,
        })
    }

    /// The card as it will be kept (D28).
    pub(crate) fn bound_card(
        &self,
        issuer_reference: IssuerCardReference,
        now: Timestamp,
    ) -> BoundCard {
        let Application {
            card_fingerprint,
            chosen_scheme,
            card_expiry,
            ..
        } = self.application;
        BoundCard {
            token: self.token,
            fingerprint: card_fingerprint,
            issuer_reference,
            bin: self.pan.bin(),
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
    /// The payment password.
    pub password: Secret,
    /// The quote token that came with it, sealed by us.
    pub quote: Option<QuoteToken>,
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

/// A payment to give back.
#[derive(Debug, Clone)]
pub struct ReverseOperation {
    /// Which.
    pub original: OriginalNamed,
    /// How much of its principal; None for all that remains.
    pub amount: Option<Amount>,
}

/// How a payment is named that is to be given back.
#[derive(Debug, Clone)]
pub enum OriginalNamed {
    /// By its id.
    Id(AuthorisationId),
    /// By the key that it was or will be asked for with (D31).
    Key(IdempotencyKey),
}
