//! Names of our enums in an export. They are part of its format: programs compare them.

use waika_domain::card::Scheme;
use waika_domain::decline::Layer;
use waika_domain::event::{
    CardStatus, FundsKind, Material, PasswordTicketState, PaymentMode, Review, Scene, WalletRegion,
};
use waika_domain::identity::DocumentType;
use waika_domain::merchant::MerchantRegion;

use crate::ledger::Rpc;

macro_rules! names {
    ($($enum:ident { $($variant:ident = $name:literal),* $(,)? })*) => {
        $(
            impl Named for $enum {
                fn name(self) -> &'static str {
                    match self { $($enum::$variant => $name,)* }
                }
            }
        )*
    };
}

/// An enum with names in an export.
pub(super) trait Named: Sized {
    fn name(self) -> &'static str;
}

names! {
    Rpc {
        SendPhoneCode = "send_phone_code",
        Bind = "bind",
        Authorise = "authorise",
        ResolveReview = "resolve_review",
        SetCardStatus = "set_card_status",
        PutMerchant = "put_merchant",
        Unbind = "unbind",
        Reverse = "reverse",
        ResolveRiskTicket = "resolve_risk_ticket",
        SetClock = "set_clock",
        SwitchWalletRegion = "switch_wallet_region",
        VerifyPassword = "verify_password",
        ChangePassword = "change_password",
        ResetPassword = "reset_password",
        SubmitVerification = "submit_verification",
        CreatePaymentCode = "create_payment_code",
        ReceiveFunds = "receive_funds",
        Refund = "refund",
        Settle = "settle",
        ResolvePasswordTicket = "resolve_password_ticket",
        UnlockPassword = "unlock_password",
        PutPolicy = "put_policy",
        ActivatePolicy = "activate_policy",
        SetShadowPolicy = "set_shadow_policy",
        CloseAccount = "close_account",
        EraseAccount = "erase_account",
    }
    Scheme {
        Visa = "visa",
        Mastercard = "mastercard",
        DinersClub = "diners_club",
        Discover = "discover",
        Jcb = "jcb",
    }
    WalletRegion {
        Mainland = "mainland",
        HongKong = "hong_kong",
        Malaysia = "malaysia",
        Other = "other",
    }
    MerchantRegion { Mainland = "mainland", Overseas = "overseas" }
    Review {
        NotRequired = "not_required",
        Required = "required",
        Approved = "approved",
        Rejected = "rejected",
        PageReceived = "page_received",
        FaceFailed = "face_failed",
        UnderReview = "under_review",
    }
    Material {
        PassportPage = "passport_page",
        Face = "face",
        HandHeldPage = "hand_held_page",
    }
    FundsKind { RedPacket = "red_packet", Transfer = "transfer" }
    PasswordTicketState { Open = "open", Approved = "approved", Rejected = "rejected" }
    Scene {
        Purchase = "purchase",
        RedPacket = "red_packet",
        Transfer = "transfer",
        TopUp = "top_up",
        WealthProduct = "wealth_product",
    }
    PaymentMode {
        OnlineApp = "online_app",
        OnlineMiniProgram = "online_mini_program",
        MerchantQr = "merchant_qr",
        PaymentCode = "payment_code",
    }
    CardStatus {
        Normal = "normal",
        Expired = "expired",
        Locked = "locked",
        Lost = "lost",
        Stolen = "stolen",
        Pickup = "pickup",
        NoFunds = "no_funds",
    }
    DocumentType {
        Passport = "passport",
        HongKongMacaoTravelPermit = "hong_kong_macao_travel_permit",
        TaiwanTravelPermit = "taiwan_travel_permit",
        HongKongMacaoResidencePermit = "hong_kong_macao_residence_permit",
        TaiwanResidencePermit = "taiwan_residence_permit",
        ForeignPermanentResidentCard = "foreign_permanent_resident_card",
    }
    Layer { Wallet = "wallet", Merchant = "merchant", Risk = "risk", Issuer = "issuer" }
}
