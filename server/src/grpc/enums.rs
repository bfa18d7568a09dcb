//! Enums of the contract and of the domain, both ways. A domain enum that grows breaks the
//! build here, where its name on the wire must be decided.

use waika::v1;
use waika_domain::card::Scheme;
use waika_domain::decline::{Layer, Retry};
use waika_domain::event::{
    CardStatus, FundsKind, Material, PasswordTicketState, PaymentMode, Review, Scene, WalletRegion,
};
use waika_domain::identity::DocumentType;
use waika_domain::merchant::MerchantRegion;
use waika_domain::receipt::Verdict;
use waika_domain::version::Channel;

use crate::ledger::StepKind;

/// Writes both directions of a mapping; UNSPECIFIED and what is unknown map to None.
macro_rules! both_ways {
    ($($from:ident $to:ident: $wire:ident <=> $domain:ident { $($w:ident = $d:ident),* $(,)? })*) => {
        $(
            pub(super) fn $from(wire: v1::$wire) -> Option<$domain> {
                match wire {
                    v1::$wire::Unspecified => None,
                    $(v1::$wire::$w => Some($domain::$d),)*
                }
            }

            pub(super) fn $to(domain: $domain) -> v1::$wire {
                match domain { $($domain::$d => v1::$wire::$w,)* }
            }
        )*
    };
}

both_ways! {
    scheme to_scheme: Scheme <=> Scheme {
        Visa = Visa, Mastercard = Mastercard, DinersClub = DinersClub, Discover = Discover,
        Jcb = Jcb,
    }
    scene to_scene: Scene <=> Scene {
        Purchase = Purchase, RedPacket = RedPacket, Transfer = Transfer, TopUp = TopUp,
        WealthProduct = WealthProduct,
    }
    mode to_mode: PaymentMode <=> PaymentMode {
        OnlineApp = OnlineApp, OnlineMiniProgram = OnlineMiniProgram, MerchantQr = MerchantQr,
        PaymentCode = PaymentCode,
    }
    material to_material: VerificationMaterial <=> Material {
        PassportPage = PassportPage, Face = Face, HandHeldPage = HandHeldPage,
    }
    funds_kind to_funds_kind: FundsKind <=> FundsKind {
        RedPacket = RedPacket, Transfer = Transfer,
    }
    card_status to_card_status: CardStatus <=> CardStatus {
        Normal = Normal, Expired = Expired, Locked = Locked, Lost = Lost, Stolen = Stolen,
        Pickup = Pickup, NoFunds = NoFunds,
    }
    merchant_region to_merchant_region: MerchantRegion <=> MerchantRegion {
        Mainland = Mainland, Overseas = Overseas,
    }
}

pub(super) fn channel(wire: v1::ClientChannel) -> Option<Channel> {
    match wire {
        v1::ClientChannel::Unspecified => None,
        v1::ClientChannel::Android => Some(Channel::Android),
        v1::ClientChannel::Ios => Some(Channel::Ios),
        v1::ClientChannel::GooglePlay => Some(Channel::GooglePlay),
    }
}

/// Not given means the mainland wallet.
pub(super) fn wallet_region(wire: v1::WalletRegion) -> WalletRegion {
    match wire {
        v1::WalletRegion::Unspecified | v1::WalletRegion::Mainland => WalletRegion::Mainland,
        v1::WalletRegion::HongKong => WalletRegion::HongKong,
        v1::WalletRegion::Malaysia => WalletRegion::Malaysia,
        v1::WalletRegion::Other => WalletRegion::Other,
    }
}

pub(super) fn to_wallet_region(domain: WalletRegion) -> v1::WalletRegion {
    match domain {
        WalletRegion::Mainland => v1::WalletRegion::Mainland,
        WalletRegion::HongKong => v1::WalletRegion::HongKong,
        WalletRegion::Malaysia => v1::WalletRegion::Malaysia,
        WalletRegion::Other => v1::WalletRegion::Other,
    }
}

/// The outer None means malformed, the inner one a document that is not on the list (R10).
#[expect(
    clippy::option_option,
    reason = "not given and not on the list are different things"
)]
pub(super) fn document(wire: v1::IdentityDocumentType) -> Option<Option<DocumentType>> {
    use v1::IdentityDocumentType as Wire;
    match wire {
        Wire::Unspecified => None,
        Wire::Other => Some(None),
        Wire::Passport => Some(Some(DocumentType::Passport)),
        Wire::HongKongMacaoTravelPermit => Some(Some(DocumentType::HongKongMacaoTravelPermit)),
        Wire::TaiwanTravelPermit => Some(Some(DocumentType::TaiwanTravelPermit)),
        Wire::HongKongMacaoResidencePermit => {
            Some(Some(DocumentType::HongKongMacaoResidencePermit))
        }
        Wire::TaiwanResidencePermit => Some(Some(DocumentType::TaiwanResidencePermit)),
        Wire::ForeignPermanentResidentCard => {
            Some(Some(DocumentType::ForeignPermanentResidentCard))
        }
    }
}

pub(super) fn to_document(domain: DocumentType) -> v1::IdentityDocumentType {
    use v1::IdentityDocumentType as Wire;
    match domain {
        DocumentType::Passport => Wire::Passport,
        DocumentType::HongKongMacaoTravelPermit => Wire::HongKongMacaoTravelPermit,
        DocumentType::TaiwanTravelPermit => Wire::TaiwanTravelPermit,
        DocumentType::HongKongMacaoResidencePermit => Wire::HongKongMacaoResidencePermit,
        DocumentType::TaiwanResidencePermit => Wire::TaiwanResidencePermit,
        DocumentType::ForeignPermanentResidentCard => Wire::ForeignPermanentResidentCard,
    }
}

pub(super) fn to_review(domain: Review) -> v1::ReviewState {
    match domain {
        Review::NotRequired => v1::ReviewState::NotRequired,
        Review::Required => v1::ReviewState::Required,
        Review::Approved => v1::ReviewState::Approved,
        Review::Rejected => v1::ReviewState::Rejected,
        Review::PageReceived => v1::ReviewState::PageReceived,
        Review::FaceFailed => v1::ReviewState::FaceFailed,
        Review::UnderReview => v1::ReviewState::UnderReview,
    }
}

pub(super) fn to_layer(domain: Layer) -> v1::DeclineLayer {
    match domain {
        Layer::Wallet => v1::DeclineLayer::Wallet,
        Layer::Merchant => v1::DeclineLayer::Merchant,
        Layer::Risk => v1::DeclineLayer::Risk,
        Layer::Issuer => v1::DeclineLayer::Issuer,
    }
}

pub(super) fn to_retry(domain: Retry) -> v1::RetryClass {
    match domain {
        Retry::FixData => v1::RetryClass::FixData,
        Retry::ReduceAmount => v1::RetryClass::ReduceAmount,
        Retry::Later => v1::RetryClass::Later,
        Retry::OtherMethod => v1::RetryClass::OtherMethod,
        Retry::Never => v1::RetryClass::Never,
    }
}

pub(super) fn to_password_ticket_state(domain: PasswordTicketState) -> v1::PasswordTicketState {
    match domain {
        PasswordTicketState::Open => v1::PasswordTicketState::Open,
        PasswordTicketState::Approved => v1::PasswordTicketState::Approved,
        PasswordTicketState::Rejected => v1::PasswordTicketState::Rejected,
    }
}

pub(super) fn to_verdict(domain: Verdict) -> v1::RungVerdict {
    match domain {
        Verdict::Passed => v1::RungVerdict::Passed,
        Verdict::Rejected => v1::RungVerdict::Rejected,
        Verdict::Skipped => v1::RungVerdict::Skipped,
    }
}

pub(super) fn to_step(domain: StepKind) -> v1::AuthorisationStepKind {
    match domain {
        StepKind::Reserved => v1::AuthorisationStepKind::Reserved,
        StepKind::Approved => v1::AuthorisationStepKind::Approved,
        StepKind::Declined => v1::AuthorisationStepKind::Declined,
        StepKind::Reversed => v1::AuthorisationStepKind::Reversed,
        StepKind::Settled => v1::AuthorisationStepKind::Settled,
        StepKind::Refunded => v1::AuthorisationStepKind::Refunded,
        StepKind::IssuerLate => v1::AuthorisationStepKind::IssuerLate,
        StepKind::StandInConfirmed => v1::AuthorisationStepKind::StandInConfirmed,
        StepKind::StandInDiverged => v1::AuthorisationStepKind::StandInDiverged,
    }
}
