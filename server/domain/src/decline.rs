//! Why a payment is declined: one enum in the order of the ladder, and all that follows from a
//! reason (RULES C1).

use crate::card::CardExpiry;
use crate::money::Fen;
use crate::period::{Day, Timestamp};
use crate::version::Version;

/// Who said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// The wallet's own rules.
    Wallet,
    /// The merchant, or how it is set up.
    Merchant,
    /// Risk control.
    Risk,
    /// The bank that issued the card (R70).
    Issuer,
}

/// What would help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Mend the data that was sent.
    FixData,
    /// Try a smaller amount (R66).
    ReduceAmount,
    /// Try later.
    Later,
    /// Use another card or method.
    OtherMethod,
    /// Do not try again.
    Never,
}

/// A sentence for the person, in the languages of the guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// Simplified Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

/// Writes an enum of reasons from one table, so that order, name, layer, response code, retry
/// class and texts of a reason stand in one place and cannot drift apart.
macro_rules! reasons {
    (
        $(#[$doc:meta])*
        pub enum $name:ident {
            $(
                $(#[$rule:meta])*
                $variant:ident = $number:literal, $wire:literal, $code:literal, $layer:ident,
                $retry:ident, $zh:literal, $en:literal;
            )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$rule])* $variant = $number,)*
        }

        impl $name {
            /// Every reason, in the order of the ladder.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name in documents and metrics.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $wire,)* }
            }

            /// Its number in the contract and in the journal; never renumbered.
            pub const fn number(self) -> i32 {
                self as i32
            }

            /// Undoes [`Self::number`].
            pub const fn from_number(number: i32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }

            /// ISO 8583 response code (DE39).
            pub const fn response_code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Who said no.
            pub const fn layer(self) -> $crate::decline::Layer {
                match self { $(Self::$variant => $crate::decline::Layer::$layer,)* }
            }

            /// What helps as a rule; the numbers of the case may say otherwise.
            pub const fn usual_retry(self) -> $crate::decline::Retry {
                match self { $(Self::$variant => $crate::decline::Retry::$retry,)* }
            }

            /// For the person.
            pub const fn text(self) -> $crate::decline::Text {
                match self { $(Self::$variant => $crate::decline::Text { zh: $zh, en: $en },)* }
            }
        }
    };
}
pub(crate) use reasons;

reasons! {
    /// Why a payment is declined, in the order in which the rungs are tried.
    pub enum DeclineReason {
        /// A reversal for this key came first (D31).
        ReversedBeforeArrival = 1, "REVERSED_BEFORE_ARRIVAL", "94", Wallet, Never,
            "该交易在到达前已被撤销。", "This payment was reversed before it arrived.";
        /// The feature is not rolled out to this wallet (R3, D21).
        NotRolledOut = 2, "NOT_ROLLED_OUT", "57", Wallet, Later,
            "国际银行卡功能正在逐步开放，您的账户暂未开通。", "International cards are being rolled out gradually and are not open to your wallet yet.";
        /// Not the mainland wallet, which shows "¥" or "待认证" (R30, R31, R32, R33).
        WalletRegion = 3, "WALLET_REGION", "57", Wallet, FixData,
            "当前不是中国大陆地区钱包（钱包下方应显示“¥”或“待认证”），请切换钱包地区；如没有切换选项，请开通大陆地区钱包。", "This is not a Chinese mainland wallet, which shows \"¥\" or pending verification. Switch the wallet region, or open a mainland wallet if there is no such option.";
        /// The app is too old (R7, R25 to R27).
        ClientTooOld = 4, "CLIENT_TOO_OLD", "57", Wallet, FixData,
            "微信版本过低，请更新至最新版本。", "Your app is out of date. Update it to the latest version.";
        /// Nobody is verified by real name (R29).
        WalletNotVerified = 5, "WALLET_NOT_VERIFIED", "57", Wallet, FixData,
            "请先完成实名认证并绑定银行卡。", "Complete real-name authentication and bind a card first.";
        /// The document is out of date (R5, D29).
        IdentityExpired = 6, "IDENTITY_EXPIRED", "57", Wallet, FixData,
            "身份证件已过有效期，请更新证件信息。", "Your identification document is out of date. Renew its details.";
        /// Too many wrong passwords (D7).
        PasswordLocked = 7, "PASSWORD_LOCKED", "75", Wallet, Later,
            "支付密码错误次数过多，已被锁定，请稍后再试或重置密码。", "Too many wrong passwords: the payment password is locked. Wait or reset it.";
        /// The password is wrong (R42, R69).
        PasswordWrong = 8, "PASSWORD_WRONG", "55", Wallet, FixData,
            "支付密码错误，请输入微信支付密码，而非银行卡密码。", "The password is wrong. Enter the Weixin Pay payment password, not the bank card's.";
        /// The token is not one of ours.
        PaymentTokenInvalid = 9, "PAYMENT_TOKEN_INVALID", "55", Wallet, FixData,
            "支付凭证无效，请重新验证密码。", "The payment token is not valid. Verify the password again.";
        /// The token is too old.
        PaymentTokenExpired = 10, "PAYMENT_TOKEN_EXPIRED", "55", Wallet, FixData,
            "支付凭证已过期，请重新验证密码。", "The payment token has expired. Verify the password again.";
        /// The token was used.
        PaymentTokenUsed = 11, "PAYMENT_TOKEN_USED", "55", Wallet, FixData,
            "支付凭证已被使用，请重新验证密码。", "The payment token was used. Verify the password again.";
        /// A passport holder is not reviewed yet (R49, R51, D5).
        ReviewRequired = 12, "REVIEW_REQUIRED", "57", Wallet, FixData,
            "请按服务通知补充护照照片及人脸验证，审核通过后即可支付。", "Upload your passport page and complete the facial verification first; you can pay once it is approved.";
        /// The review was rejected (D5).
        ReviewRejected = 13, "REVIEW_REJECTED", "57", Wallet, FixData,
            "补充验证未通过审核，请重新提交。", "The supplementary verification was rejected. Submit it again.";
        /// No such card here.
        CardNotBound = 14, "CARD_NOT_BOUND", "14", Wallet, FixData,
            "该银行卡未绑定在此账户。", "This card is not bound to the wallet.";
        /// The card, or the balance, cannot fund this scene (R72).
        SceneNotPermitted = 15, "SCENE_NOT_PERMITTED", "57", Wallet, OtherMethod,
            "国际银行卡不能用于发红包、转账、充值零钱或购买理财；零钱不能用于充值或购买理财。", "An international card cannot send red packets or transfers, top up the balance or buy wealth products; nor can the balance do the last two.";
        /// No such merchant (D11).
        MerchantUnknown = 16, "MERCHANT_UNKNOWN", "03", Merchant, OtherMethod,
            "商户不存在。", "There is no such merchant.";
        /// The merchant is outside the mainland (R2, R61).
        MerchantOverseas = 17, "MERCHANT_OVERSEAS", "58", Merchant, OtherMethod,
            "境外商户暂不支持使用国际银行卡支付。", "Merchants outside the Chinese mainland do not take international cards.";
        /// The merchant does not take international cards (R60).
        MerchantNotEnabled = 18, "MERCHANT_NOT_ENABLED", "58", Merchant, OtherMethod,
            "该商户暂不支持使用国际银行卡支付。", "This merchant does not take international cards yet.";
        /// The code is not one of ours (D10).
        PaymentCodeInvalid = 19, "PAYMENT_CODE_INVALID", "12", Merchant, FixData,
            "付款码无效，请刷新后重试。", "The payment code is not valid. Refresh it.";
        /// The code is too old (D10).
        PaymentCodeExpired = 20, "PAYMENT_CODE_EXPIRED", "12", Merchant, FixData,
            "付款码已过期，请刷新后重试。", "The payment code has expired. Refresh it.";
        /// The code was used (R57).
        PaymentCodeUsed = 21, "PAYMENT_CODE_USED", "12", Merchant, FixData,
            "付款码已被使用，请刷新后重试。", "The payment code was used. Refresh it.";
        /// Risk A: another person has bound this card (R67, R68, D9).
        RiskCardShared = 22, "RISK_CARD_SHARED", "59", Risk, OtherMethod,
            "交易有风险：该卡已被添加在他人账户。如有疑问请致电 95017 或 +86 571 95017，正常情况 24 小时内可处理完成。", "Transaction involves risks: this card is on another person's account. Call 95017 or +86 571 95017; it is normally settled within 24 hours.";
        /// Risk B: the card is in another person's name (R6, R67, R68, D9).
        RiskHolderMismatch = 23, "RISK_HOLDER_MISMATCH", "59", Risk, OtherMethod,
            "交易有风险：该卡并非本人所有。如有疑问请致电 95017 或 +86 571 95017，正常情况 24 小时内可处理完成。", "Transaction involves risks: this card is in another person's name. Call 95017 or +86 571 95017; it is normally settled within 24 hours.";
        /// The quote is too old (D32).
        QuoteExpired = 24, "QUOTE_EXPIRED", "12", Wallet, FixData,
            "报价已过期，请重新确认金额。", "The quote has expired. Ask for a new one.";
        /// The quote is for something else (D32).
        QuoteMismatch = 25, "QUOTE_MISMATCH", "12", Wallet, FixData,
            "交易与报价不一致，请重新确认金额。", "The payment differs from its quote. Ask for a new one.";
        /// Above the limit for one payment (R63).
        LimitSingle = 26, "LIMIT_SINGLE", "61", Wallet, ReduceAmount,
            "超过单笔交易限额，请减少金额或改用其他支付方式。", "Above the limit for one payment. Reduce the amount or use another method.";
        /// Above the month's limit (R64).
        LimitMonth = 27, "LIMIT_MONTH", "61", Wallet, ReduceAmount,
            "超过月累计交易限额，请减少金额或改用其他支付方式。", "Above the month's limit. Reduce the amount or use another method.";
        /// Above the year's limit (R65).
        LimitYear = 28, "LIMIT_YEAR", "61", Wallet, ReduceAmount,
            "超过年累计交易限额，请减少金额或改用其他支付方式。", "Above the year's limit. Reduce the amount or use another method.";
        /// The balance cannot fund this (R72).
        BalanceNotPermitted = 29, "BALANCE_NOT_PERMITTED", "57", Wallet, OtherMethod,
            "零钱不能用于此交易。", "The balance cannot be used for this.";
        /// The balance is too small (D12).
        BalanceInsufficient = 30, "BALANCE_INSUFFICIENT", "51", Wallet, ReduceAmount,
            "零钱余额不足。", "The balance is too small.";
        /// The card has expired.
        IssuerExpiredCard = 31, "ISSUER_EXPIRED_CARD", "54", Issuer, FixData,
            "发卡行拒绝：银行卡已过期，请联系发卡行。", "Declined by the issuer: the card has expired. Contact the issuing bank.";
        /// The card is locked.
        IssuerLockedCard = 32, "ISSUER_LOCKED_CARD", "62", Issuer, OtherMethod,
            "发卡行拒绝：银行卡已锁定，请联系发卡行。", "Declined by the issuer: the card is locked. Contact the issuing bank.";
        /// The card was reported lost (R70).
        IssuerLostCard = 33, "ISSUER_LOST_CARD", "41", Issuer, Never,
            "发卡行拒绝：银行卡已挂失，请联系发卡行。", "Declined by the issuer: the card was reported lost. Contact the issuing bank.";
        /// The card was reported stolen (R70).
        IssuerStolenCard = 34, "ISSUER_STOLEN_CARD", "43", Issuer, Never,
            "发卡行拒绝：银行卡为被盗卡，请联系发卡行。", "Declined by the issuer: the card was reported stolen. Contact the issuing bank.";
        /// The card is to be picked up (R70).
        IssuerPickupCard = 35, "ISSUER_PICKUP_CARD", "04", Issuer, Never,
            "发卡行拒绝：银行卡为没收卡，请联系发卡行。", "Declined by the issuer: the card is to be confiscated. Contact the issuing bank.";
        /// Not enough funds.
        IssuerInsufficientFunds = 36, "ISSUER_INSUFFICIENT_FUNDS", "51", Issuer, Later,
            "发卡行拒绝：余额不足，请联系发卡行。", "Declined by the issuer: not enough funds. Contact the issuing bank.";
        /// No reason given.
        IssuerDoNotHonour = 37, "ISSUER_DO_NOT_HONOUR", "05", Issuer, OtherMethod,
            "发卡行拒绝了该交易，并非微信支付阻止，请联系发卡行。", "Declined by the issuer, not by Weixin Pay. Contact the issuing bank.";
        /// No answer in time (D16).
        IssuerUnavailable = 38, "ISSUER_UNAVAILABLE", "91", Issuer, Later,
            "发卡行暂无响应，请稍后再试。", "The issuer did not answer in time. Try again later.";
    }
}

/// What the issuer says instead of yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IssuerRefusal {
    /// The card has expired.
    ExpiredCard,
    /// The card is locked.
    LockedCard,
    /// The card was reported lost.
    LostCard,
    /// The card was reported stolen.
    StolenCard,
    /// The card is to be picked up.
    PickupCard,
    /// Not enough funds.
    InsufficientFunds,
    /// No reason given.
    DoNotHonour,
    /// No answer in time (D16).
    Unavailable,
}

impl IssuerRefusal {
    /// Every one, in the order of the ladder.
    pub const ALL: [Self; 8] = [
        Self::ExpiredCard,
        Self::LockedCard,
        Self::LostCard,
        Self::StolenCard,
        Self::PickupCard,
        Self::InsufficientFunds,
        Self::DoNotHonour,
        Self::Unavailable,
    ];
}

impl From<IssuerRefusal> for DeclineReason {
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

/// The numbers behind an amount limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AmountOverLimit {
    /// What the limit was compared with: the principal, or what the window would have held.
    pub observed: Fen,
    /// The limit.
    pub limit: Fen,
    /// What remains in that window before this payment.
    pub remaining: Fen,
    /// The largest amount that all three limits would let pass now.
    pub largest_approvable: Fen,
    /// When the window ends; None for the limit of one payment, which never changes by waiting.
    pub resets_at: Option<Timestamp>,
}

/// What was observed, and what would have been accepted: a refusal carries both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The reason says it all.
    None,
    /// An amount and its limit.
    Amount(AmountOverLimit),
    /// A version and the oldest accepted one.
    Version {
        /// What the caller has.
        observed: Version,
        /// The oldest accepted.
        required: Version,
    },
    /// A document's last day, and today.
    Date {
        /// The document's last day.
        observed: Day,
        /// Today, the earliest that would have been accepted.
        required: Day,
    },
    /// A card's last month.
    Expiry {
        /// The card's last month.
        observed: CardExpiry,
    },
    /// A count and its cap.
    Count {
        /// What there is.
        observed: u32,
        /// The most there may be.
        required: u32,
    },
    /// An instant from which it could pass.
    Until(Timestamp),
}

impl Evidence {
    /// When the same request could pass, where that is known.
    pub fn resets_at(&self) -> Option<Timestamp> {
        match self {
            Self::Amount(amount) => amount.resets_at,
            Self::Until(at) => Some(*at),
            Self::None
            | Self::Version { .. }
            | Self::Date { .. }
            | Self::Expiry { .. }
            | Self::Count { .. } => None,
        }
    }
}

/// A payment that was declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decline {
    /// The first rung that said no.
    pub reason: DeclineReason,
    /// The numbers behind it.
    pub evidence: Evidence,
}

impl Decline {
    /// A decline whose reason says it all.
    pub const fn because(reason: DeclineReason) -> Self {
        Self {
            reason,
            evidence: Evidence::None,
        }
    }

    /// What would help. A window with nothing left cannot be helped by a smaller amount (R66).
    pub fn retry(&self) -> Retry {
        match self.evidence {
            Evidence::Amount(amount)
                if amount.largest_approvable == Fen::ZERO && amount.resets_at.is_some() =>
            {
                Retry::Later
            }
            Evidence::None
            | Evidence::Amount(_)
            | Evidence::Version { .. }
            | Evidence::Date { .. }
            | Evidence::Expiry { .. }
            | Evidence::Count { .. }
            | Evidence::Until(_) => self.reason.usual_retry(),
        }
    }
}

#[cfg(test)]
#[path = "decline_tests.rs"]
mod tests;
