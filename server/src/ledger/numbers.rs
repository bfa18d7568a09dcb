//! Numbers of enums in the journal: never changed, never reused, never 0.

use waika_domain::card::Scheme;
use waika_domain::event::{
    CardStatus, FundsKind, IssuerKind, Material, PasswordTicketState, PaymentMode, Review, Scene,
    WalletRegion,
};
use waika_domain::identity::DocumentType;
use waika_domain::receipt::Verdict;
use waika_domain::risk::RiskReason;

use super::call::Rpc;

macro_rules! numbers {
    ($($enum:ident { $($variant:ident = $number:literal),* $(,)? })*) => {
        $(
            impl Numbered for $enum {
                fn number(self) -> u32 {
                    match self { $($enum::$variant => $number,)* }
                }

                fn from_number(number: u32) -> Option<Self> {
                    match number { $($number => Some($enum::$variant),)* _ => None }
                }
            }
        )*
    };
}

/// An enum with numbers in the journal.
pub(crate) trait Numbered: Sized {
    fn number(self) -> u32;
    fn from_number(number: u32) -> Option<Self>;
}

numbers! {
    Rpc {
        SendPhoneCode = 1,
        Bind = 2,
        Authorise = 3,
        ResolveReview = 4,
        SetCardStatus = 5,
        PutMerchant = 6,
        Unbind = 7,
        Reverse = 8,
        ResolveRiskTicket = 9,
        SetClock = 10,
        VerifyPassword = 11,
        ChangePassword = 12,
        ResetPassword = 13,
        ResolvePasswordTicket = 14,
        UnlockPassword = 15,
        SubmitVerification = 16,
        SwitchWalletRegion = 17,
        CreatePaymentCode = 18,
        ReceiveFunds = 19,
        Refund = 20,
        Settle = 21,
        PutPolicy = 22,
        ActivatePolicy = 23,
        SetShadowPolicy = 24,
        CloseAccount = 25,
        EraseAccount = 26,
    }
    IssuerKind { Sandbox = 1, Remote = 2 }
    Scheme { Visa = 1, Mastercard = 2, DinersClub = 3, Discover = 4, Jcb = 5 }
    WalletRegion { Mainland = 1, HongKong = 2, Malaysia = 3, Other = 4 }
    Review {
        NotRequired = 1,
        Required = 2,
        Approved = 3,
        Rejected = 4,
        PageReceived = 5,
        FaceFailed = 6,
        UnderReview = 7,
    }
    Material { PassportPage = 1, Face = 2, HandHeldPage = 3 }
    FundsKind { RedPacket = 1, Transfer = 2 }
    PasswordTicketState { Open = 1, Approved = 2, Rejected = 3 }
    Verdict { Passed = 1, Rejected = 2, Skipped = 3 }
    Scene { Purchase = 1, RedPacket = 2, Transfer = 3, TopUp = 4, WealthProduct = 5 }
    PaymentMode { OnlineApp = 1, OnlineMiniProgram = 2, MerchantQr = 3, PaymentCode = 4 }
    RiskReason { CardShared = 1, HolderMismatch = 2 }
    CardStatus {
        Normal = 1, Expired = 2, Locked = 3, Lost = 4, Stolen = 5, Pickup = 6, NoFunds = 7,
    }
    DocumentType {
        Passport = 1,
        HongKongMacaoTravelPermit = 2,
        TaiwanTravelPermit = 3,
        HongKongMacaoResidencePermit = 4,
        TaiwanResidencePermit = 5,
        ForeignPermanentResidentCard = 6,
    }
}
