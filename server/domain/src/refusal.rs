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
        /// Not the mainland wallet, which shows "¥" or "待认证" (R30, R31, R32, R33).
        WalletRegion = 2, "WALLET_REGION", "57", Wallet, FixData,
            "当前不是中国大陆地区钱包（钱包下方应显示“¥”或“待认证”），请切换钱包地区；如没有切换选项，请开通大陆地区钱包。", "This is not a Chinese mainland wallet, which shows \"¥\" or pending verification. Switch the wallet region, or open a mainland wallet if there is no such option.";
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
        /// The details are not those of the document (R36); it takes the person (R9).
        IdentityRejected = 8, "IDENTITY_REJECTED", "57", Wallet, FixData,
            "填写的信息与证件卡面不一致，请由本人核对后操作。", "The details do not match the document. Check them: this must be done by the card holder in person.";
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
            "银行卡已过期，请联系发卡行。", "The card has expired. Contact the issuing bank.";
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
            "发卡行拒绝：余额不足，请联系发卡行。", "Declined by the issuer: not enough funds for the verification debit. Contact the issuing bank.";
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

reasons! {
    /// Why a password was not verified or changed.
    pub enum PasswordRefusal {
        /// Nobody is verified by real name, so none is set.
        WalletNotVerified = 1, "WALLET_NOT_VERIFIED", "57", Wallet, FixData,
            "请先完成实名认证并绑定银行卡。", "Complete real-name authentication and bind a card first.";
        /// Too many wrong passwords (D7).
        PasswordLocked = 2, "PASSWORD_LOCKED", "75", Wallet, Later,
            "支付密码错误次数过多，已被锁定，请稍后再试或重置密码。", "Too many wrong passwords: the payment password is locked. Wait or reset it.";
        /// The password is wrong (R69).
        PasswordWrong = 3, "PASSWORD_WRONG", "55", Wallet, FixData,
            "支付密码错误，请输入微信支付密码，而非银行卡密码。", "The password is wrong. Enter the Weixin Pay payment password, not the bank card's.";
        /// The two new ones are not the same (R47).
        PasswordsDiffer = 4, "PASSWORDS_DIFFER", "57", Wallet, FixData,
            "两次输入的新密码不一致。", "The two new passwords are not the same. Enter the new password twice.";
    }
}

reasons! {
    /// Why a forgotten password was not reset (R45 to R47, D23).
    pub enum ResetRefusal {
        /// Nobody is verified by real name, so none is set.
        WalletNotVerified = 1, "WALLET_NOT_VERIFIED", "57", Wallet, FixData,
            "请先完成实名认证并绑定银行卡。", "Complete real-name authentication and bind a card first.";
        /// Customer service is looking at an earlier request (R46).
        TicketOpen = 2, "TICKET_OPEN", "57", Wallet, Later,
            "您的申请正在处理中，请等待客服处理。", "Your request is being looked at. Wait for customer service.";
        /// A card is bound: it proves more than a form (R47).
        CardBound = 3, "CARD_BOUND", "57", Wallet, FixData,
            "您已绑定银行卡，请通过已绑定的银行卡找回密码。", "A card is bound to this wallet: reset the password with its data.";
        /// Too many wrong card data, or wrong documents.
        ResetLocked = 4, "RESET_LOCKED", "75", Wallet, Later,
            "验证信息错误次数过多，请稍后再试。", "Too many wrong details. Wait before you try again.";
        /// The card that was chosen is not bound here.
        CardNotBound = 5, "CARD_NOT_BOUND", "14", Wallet, FixData,
            "该银行卡未绑定在此账户。", "This card is not bound to the wallet.";
        /// What was entered is not that card's (R47).
        CardDataWrong = 6, "CARD_DATA_WRONG", "57", Wallet, FixData,
            "银行卡信息不正确，请核对卡号、卡组织、有效期及绑卡时的手机号。",
            "The card details are wrong. Check number, scheme, expiry and the phone it was bound with.";
        /// No code is outstanding for the phone (D8).
        PhoneCodeNone = 7, "PHONE_CODE_NONE", "57", Wallet, FixData,
            "请先获取短信验证码。", "Ask for an SMS code first.";
        /// The code was used, or tried too often (D8).
        PhoneCodeSpent = 8, "PHONE_CODE_SPENT", "57", Wallet, FixData,
            "短信验证码已失效，请重新获取。", "The SMS code was used or tried too often. Ask for another.";
        /// Not the code that was sent (D8).
        PhoneCodeWrong = 9, "PHONE_CODE_WRONG", "57", Wallet, FixData,
            "短信验证码错误。", "The SMS code is wrong.";
        /// The code is too old (D8).
        PhoneCodeExpired = 10, "PHONE_CODE_EXPIRED", "57", Wallet, FixData,
            "短信验证码已过期，请重新获取。", "The SMS code has expired. Ask for another.";
        /// The two new ones are not the same (R47).
        PasswordsDiffer = 11, "PASSWORDS_DIFFER", "57", Wallet, FixData,
            "两次输入的新密码不一致。", "The two new passwords are not the same. Enter the new password twice.";
        /// Not the document that the approved request was made with.
        IdentityDiffers = 12, "IDENTITY_DIFFERS", "57", Wallet, FixData,
            "与申请时提交的证件不一致。", "This is not the document that the request was made with.";
        /// Customer service said no; told once, then another request can be made.
        TicketRejected = 13, "TICKET_REJECTED", "57", Wallet, FixData,
            "您的申请未通过审核，请核对身份信息后重新提交。", "Your request was rejected. Check your identity details and make another.";
    }
}

reasons! {
    /// Why a photo for the passport holder's review was not taken (R49 to R55).
    pub enum VerificationRefusal {
        /// No passport, or nobody verified yet.
        NotRequired = 1, "NOT_REQUIRED", "57", Wallet, Never,
            "您无需补充验证信息。", "No supplementary verification is required of you.";
        /// This photo is not the next step.
        OutOfOrder = 2, "OUT_OF_ORDER", "57", Wallet, FixData,
            "请按顺序提交：护照资料页、人脸识别；人脸识别失败后可提交手持护照照片。", "Send the passport page first, then the face; the photo of you holding the page once the face check has failed.";
        /// Everything is there (R53).
        UnderReview = 3, "UNDER_REVIEW", "57", Wallet, Later,
            "您提交的信息正在审核中，请等待审核结果通知。", "What you sent is being reviewed. Look out for the notification of the result.";
        /// It was approved.
        AlreadyApproved = 4, "ALREADY_APPROVED", "57", Wallet, Never,
            "您的补充验证已通过审核。", "Your supplementary verification is approved already.";
    }
}

reasons! {
    /// Why money did not come into the balance (R72, D12).
    pub enum ReceiveRefusal {
        /// Nobody is verified by real name.
        WalletNotVerified = 1, "WALLET_NOT_VERIFIED", "57", Wallet, FixData,
            "请先完成实名认证。", "Complete real-name authentication first.";
        /// Verified with a passport (R72).
        IdentityNotPermitted = 2, "IDENTITY_NOT_PERMITTED", "57", Wallet, Never,
            "使用护照认证的用户暂不能接收红包、转账。", "Users registered with a passport cannot receive red packets or transfers.";
        /// No card is bound (R72).
        NoBoundCard = 3, "NO_BOUND_CARD", "57", Wallet, FixData,
            "请先绑定银行卡。", "Bind a card first.";
    }
}

reasons! {
    /// Why an account was not closed (decision 0042).
    pub enum ClosingRefusal {
        /// It is closed.
        AlreadyClosed = 1, "ALREADY_CLOSED", "57", Wallet, Never,
            "该账户已注销。", "The account is closed already.";
        /// A card is being bound.
        BindUnderWay = 2, "BIND_UNDER_WAY", "57", Wallet, Later,
            "正在绑定银行卡，请稍后再试。", "A card is being bound. Try again in a moment.";
        /// There is money in the balance.
        BalanceLeft = 3, "BALANCE_LEFT", "57", Wallet, FixData,
            "账户零钱尚有余额，请先用完或提现。", "There is money in the balance. Spend it or pay it out first.";
        /// A payment was approved in the issuer's place, and the issuer has not agreed yet (D17).
        StandInOpen = 4, "STAND_IN_OPEN", "57", Wallet, Later,
            "尚有代授权交易待发卡行确认，请稍后再试。", "A payment was approved in the issuer's place and is not agreed to yet. Try again later.";
    }
}

reasons! {
    /// Why personal data were not erased (decision 0042).
    pub enum ErasureRefusal {
        /// The account is open.
        NotClosed = 1, "NOT_CLOSED", "57", Wallet, FixData,
            "请先注销该账户。", "Close the account first.";
        /// It was begun before.
        AlreadyBegun = 2, "ALREADY_BEGUN", "57", Wallet, Never,
            "个人信息已删除或正在删除。", "The personal data are erased, or being erased.";
        /// They are to be kept for some time yet.
        RetentionNotOver = 3, "RETENTION_NOT_OVER", "57", Wallet, Later,
            "个人信息仍在法定保存期限内。", "The personal data are to be kept until the retention is over.";
        /// A refund has come into the balance since.
        BalanceLeft = 4, "BALANCE_LEFT", "57", Wallet, FixData,
            "账户零钱尚有退款余额，请先处理。", "A refund has come into the balance since the account was closed. Pay it out first.";
    }
}

/// What spoke against a phone code, whatever call it came with (D8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneCodeObjection {
    /// None is outstanding for the phone.
    NotSent,
    /// It was used, or tried too often.
    Spent,
    /// It is not the one that was sent.
    Wrong,
    /// It is too old.
    Expired,
}

macro_rules! phone_code_objections {
    ($($refusal:ident),*) => {
        $(
            impl From<PhoneCodeObjection> for $refusal {
                fn from(objection: PhoneCodeObjection) -> Self {
                    match objection {
                        PhoneCodeObjection::NotSent => Self::PhoneCodeNone,
                        PhoneCodeObjection::Spent => Self::PhoneCodeSpent,
                        PhoneCodeObjection::Wrong => Self::PhoneCodeWrong,
                        PhoneCodeObjection::Expired => Self::PhoneCodeExpired,
                    }
                }
            }
        )*
    };
}

phone_code_objections!(BindRefusal, ResetRefusal);

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
        macro_rules! check {
            ($($refusal:ident),*) => {
                $(
                    let numbers = $refusal::ALL.iter().map(|reason| reason.number());
                    assert!(numbers.eq((1..).take($refusal::ALL.len())), stringify!($refusal));
                    for &reason in $refusal::ALL {
                        assert_eq!($refusal::from_number(reason.number()), Some(reason));
                        assert!(!reason.text().zh.is_empty() && !reason.text().en.is_empty());
                    }
                )*
            };
        }
        check!(
            BindRefusal,
            PhoneCodeRefusal,
            UnbindRefusal,
            ReversalRefusal,
            PasswordRefusal,
            ResetRefusal,
            VerificationRefusal,
            ReceiveRefusal
        );
    }
}
