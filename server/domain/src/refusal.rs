//! Why other calls than a payment are refused, each in the order of its own ladder (RULES C1b).

use crate::decline::{Evidence, IssuerRefusal, reasons};

reasons! {
    /// Why no code was sent.
    pub enum PhoneCodeRefusal {
        /// A code went to this phone a moment ago (R19, D8).
        ResendTooSoon = 1, "RESEND_TOO_SOON", "65", Wallet, Later,
            "验证码已发送，请在倒计时结束后重试。", "A code was sent. Wait for the countdown before you ask for another.";
        /// It could not be sent: no code is outstanding (R24).
        SendFailed = 2, "SEND_FAILED", "96", Wallet, Later,
            "验证码未能发出，请核对手机号或重新登录后再试。", "The code could not be sent. Check the number, or sign in again and retry.";
    }
}

reasons! {
    /// Why a card was not bound.
    pub enum BindRefusal {
        /// The feature is not rolled out to this wallet (R3, D21).
        NotRolledOut = 1, "NOT_ROLLED_OUT", "57", Wallet, Later,
            "国际银行卡功能正在逐步开放，您的账户暂未开通。", "International cards are being rolled out gradually and are not open to your wallet yet.";
        /// Not the mainland wallet (R30, R32).
        WalletRegion = 2, "WALLET_REGION", "57", Wallet, FixData,
            "当前不是中国大陆地区钱包，请切换钱包地区后再试。", "This is not a Chinese mainland wallet. Switch the wallet region and try again.";
        /// The app is too old (R7, R25 to R27).
        ClientTooOld = 3, "CLIENT_TOO_OLD", "57", Wallet, FixData,
            "微信版本过低，请更新至最新版本。", "Your app is out of date. Update it to the latest version.";
        /// Agreement or policy not accepted (R34, R35).
        AgreementNotAccepted = 4, "AGREEMENT_NOT_ACCEPTED", "57", Wallet, FixData,
            "请先阅读并同意用户服务协议及隐私政策。", "Accept the User Service Agreement and the Privacy Policy first.";
        /// The document is not on the list (R1, R10).
        IdentityTypeUnsupported = 5, "IDENTITY_TYPE_UNSUPPORTED", "57", Wallet, FixData,
            "暂不支持此类证件。", "This type of document is not supported.";
        /// Not issued by the mainland (R12 to R16).
        IdentityIssuerInvalid = 6, "IDENTITY_ISSUER_INVALID", "57", Wallet, FixData,
            "该证件须由中国大陆签发。", "This document must have been issued by the Chinese mainland.";
        /// The document is out of date (R5, D29).
        IdentityExpired = 7, "IDENTITY_EXPIRED", "57", Wallet, FixData,
            "身份证件已过有效期。", "The identification document is out of date.";
        /// The details are not those of the document (R36).
        IdentityRejected = 8, "IDENTITY_REJECTED", "57", Wallet, FixData,
            "填写的信息与证件卡面不一致，请核对。", "The details do not match the document. Check them.";
        /// The wallet was verified with another document.
        IdentityDiffers = 9, "IDENTITY_DIFFERS", "57", Wallet, FixData,
            "与此账户已认证的证件不一致。", "This is not the document that the wallet was verified with.";
        /// No scheme of the list (R17, R18).
        SchemeUnsupported = 10, "SCHEME_UNSUPPORTED", "57", Wallet, OtherMethod,
            "暂不支持此卡组织的银行卡。", "Cards of this scheme are not supported.";
        /// The number is another scheme's than the one chosen.
        SchemeMismatch = 11, "SCHEME_MISMATCH", "57", Wallet, FixData,
            "卡号与所选卡组织不一致。", "The card number is not of the scheme that was chosen.";
        /// The card has expired (R38, D29).
        CardExpired = 12, "CARD_EXPIRED", "54", Wallet, OtherMethod,
            "银行卡已过期。", "The card has expired.";
        /// Bound already, or being bound (D23).
        CardAlreadyBound = 13, "CARD_ALREADY_BOUND", "57", Wallet, FixData,
            "该银行卡已绑定。", "This card is bound already.";
        /// Three are bound or being bound (R39, R40).
        CardCapReached = 14, "CARD_CAP_REACHED", "57", Wallet, FixData,
            "最多可同时绑定 3 张国际银行卡，请先解绑不用的旧卡。", "Up to three international cards can be bound at a time. Unbind one you do not use first.";
        /// No code is outstanding for the phone (D8).
        PhoneCodeNone = 15, "PHONE_CODE_NONE", "57", Wallet, FixData,
            "请先获取短信验证码。", "Ask for an SMS code first.";
        /// The code was used, or tried too often (D8).
        PhoneCodeSpent = 16, "PHONE_CODE_SPENT", "57", Wallet, FixData,
            "短信验证码已失效，请重新获取。", "The SMS code was used or tried too often. Ask for another.";
        /// Not the code that was sent (D8).
        PhoneCodeWrong = 17, "PHONE_CODE_WRONG", "57", Wallet, FixData,
            "短信验证码错误。", "The SMS code is wrong.";
        /// The code is too old (D8).
        PhoneCodeExpired = 18, "PHONE_CODE_EXPIRED", "57", Wallet, FixData,
            "短信验证码已过期，请重新获取。", "The SMS code has expired. Ask for another.";
        /// Too many wrong passwords (D7).
        PasswordLocked = 19, "PASSWORD_LOCKED", "75", Wallet, Later,
            "支付密码错误次数过多，已被锁定，请稍后再试或重置密码。", "Too many wrong passwords: the payment password is locked. Wait or reset it.";
        /// A password is set, and this is not it (D7).
        PasswordWrong = 20, "PASSWORD_WRONG", "55", Wallet, FixData,
            "支付密码错误，请输入微信支付密码，而非银行卡密码。", "The password is wrong. Enter the Weixin Pay payment password, not the bank card's.";
        /// The card has expired (R38).
        IssuerExpiredCard = 21, "ISSUER_EXPIRED_CARD", "54", Issuer, FixData,
            "发卡行拒绝：银行卡已过期，请联系发卡行。", "Declined by the issuer: the card has expired. Contact the issuing bank.";
        /// The card is locked (R38).
        IssuerLockedCard = 22, "ISSUER_LOCKED_CARD", "62", Issuer, OtherMethod,
            "发卡行拒绝：银行卡已锁定，请联系发卡行。", "Declined by the issuer: the card is locked. Contact the issuing bank.";
        /// The card was reported lost (R38).
        IssuerLostCard = 23, "ISSUER_LOST_CARD", "41", Issuer, Never,
            "发卡行拒绝：银行卡已挂失，请联系发卡行。", "Declined by the issuer: the card was reported lost. Contact the issuing bank.";
        /// The card was reported stolen.
        IssuerStolenCard = 24, "ISSUER_STOLEN_CARD", "43", Issuer, Never,
            "发卡行拒绝：银行卡为被盗卡，请联系发卡行。", "Declined by the issuer: the card was reported stolen. Contact the issuing bank.";
        /// The card is to be picked up.
        IssuerPickupCard = 25, "ISSUER_PICKUP_CARD", "04", Issuer, Never,
            "发卡行拒绝：银行卡为没收卡，请联系发卡行。", "Declined by the issuer: the card is to be confiscated. Contact the issuing bank.";
        /// Not enough funds for the debit (R37, R38).
        IssuerInsufficientFunds = 26, "ISSUER_INSUFFICIENT_FUNDS", "51", Issuer, Later,
            "发卡行拒绝：余额不足。", "Declined by the issuer: not enough funds for the verification debit.";
        /// No reason given.
        IssuerDoNotHonour = 27, "ISSUER_DO_NOT_HONOUR", "05", Issuer, OtherMethod,
            "发卡行拒绝了该交易，请联系发卡行。", "Declined by the issuer. Contact the issuing bank.";
        /// No answer in time (D6).
        IssuerUnavailable = 28, "ISSUER_UNAVAILABLE", "91", Issuer, Later,
            "发卡行暂无响应，请稍后再试。", "The issuer did not answer in time. Try again later.";
    }
}

reasons! {
    /// Why a card was not unbound.
    pub enum UnbindRefusal {
        /// Nobody is verified by real name.
        WalletNotVerified = 1, "WALLET_NOT_VERIFIED", "57", Wallet, FixData,
            "请先完成实名认证。", "Complete real-name authentication first.";
        /// Too many wrong passwords (D7).
        PasswordLocked = 2, "PASSWORD_LOCKED", "75", Wallet, Later,
            "支付密码错误次数过多，已被锁定，请稍后再试或重置密码。", "Too many wrong passwords: the payment password is locked. Wait or reset it.";
        /// The password is wrong (R48).
        PasswordWrong = 3, "PASSWORD_WRONG", "55", Wallet, FixData,
            "支付密码错误，请输入微信支付密码，而非银行卡密码。", "The password is wrong. Enter the Weixin Pay payment password, not the bank card's.";
        /// No such card here.
        CardNotBound = 4, "CARD_NOT_BOUND", "14", Wallet, FixData,
            "该银行卡未绑定在此账户。", "This card is not bound to the wallet.";
    }
}

reasons! {
    /// Why money was not given back.
    pub enum ReversalRefusal {
        /// It is settled: only a refund can give it back (D25).
        AlreadySettled = 1, "ALREADY_SETTLED", "57", Wallet, OtherMethod,
            "该交易已结算，请使用退款。", "The authorisation is settled. Refund it instead.";
        /// It is not settled: only a reversal can give it back (D25).
        NotSettled = 2, "NOT_SETTLED", "57", Wallet, OtherMethod,
            "该交易尚未结算，请使用撤销。", "The authorisation is not settled. Reverse it instead.";
        /// Nothing remains of it.
        AlreadyReversed = 3, "ALREADY_REVERSED", "94", Wallet, Never,
            "该交易已全部撤销。", "The authorisation was reversed in full.";
        /// More than remains (D13).
        ExceedsRemaining = 4, "EXCEEDS_REMAINING", "61", Wallet, ReduceAmount,
            "金额超过剩余可撤销金额。", "More than what remains of the authorisation.";
        /// It was declined, so there is nothing to give back.
        DeclinedOriginal = 5, "DECLINED_ORIGINAL", "12", Wallet, Never,
            "原交易已被拒绝。", "The authorisation was declined.";
    }
}

/// A call that was refused, and the numbers behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused<R> {
    /// The first rung that said no.
    pub reason: R,
    /// The numbers behind it.
    pub evidence: Evidence,
}

impl<R> Refused<R> {
    /// A refusal whose reason says it all.
    pub const fn because(reason: R) -> Self {
        Self {
            reason,
            evidence: Evidence::None,
        }
    }
}

impl From<IssuerRefusal> for BindRefusal {
    fn from(refusal: IssuerRefusal) -> Self {
        match refusal {
            IssuerRefusal::ExpiredCard => Self::IssuerExpiredCard,
            IssuerRefusal::LockedCard => Self::IssuerLockedCard,
            IssuerRefusal::LostCard => Self::IssuerLostCard,
            IssuerRefusal::StolenCard => Self::IssuerStolenCard,
            IssuerRefusal::PickupCard => Self::IssuerPickupCard,
            IssuerRefusal::InsufficientFunds => Self::IssuerInsufficientFunds,
            IssuerRefusal::DoNotHonour => Self::IssuerDoNotHonour,
            IssuerRefusal::Unavailable => Self::IssuerUnavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_numbered_in_the_order_of_their_ladders() {
        let places = |numbers: Vec<i32>| {
            numbers == (1..=i32::try_from(numbers.len()).unwrap()).collect::<Vec<_>>()
        };
        assert!(places(
            BindRefusal::ALL
                .iter()
                .map(|reason| reason.number())
                .collect()
        ));
        assert!(places(
            PhoneCodeRefusal::ALL
                .iter()
                .map(|reason| reason.number())
                .collect()
        ));
        assert!(places(
            UnbindRefusal::ALL
                .iter()
                .map(|reason| reason.number())
                .collect()
        ));
        assert!(places(
            ReversalRefusal::ALL
                .iter()
                .map(|reason| reason.number())
                .collect()
        ));
    }
}
