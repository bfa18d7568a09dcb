//! Service messages: what a person is told of because it happened, without having asked (R50,
//! R53). Each follows from one event of the account, so nothing is stored beside the event.

use crate::decline::Text;
use crate::event::{Event, PasswordTicketState, ResetStep, Review};

macro_rules! notices {
    ($($(#[$rule:meta])* $variant:ident = $number:literal, $name:literal, $zh:literal, $en:literal;)*) => {
        /// What a person is told of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Notice {
            $($(#[$rule])* $variant = $number,)*
        }

        impl Notice {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name in the contract.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Its number in the contract; never renumbered.
            pub const fn number(self) -> i32 {
                self as i32
            }

            /// For the person.
            pub const fn text(self) -> Text {
                match self { $(Self::$variant => Text { zh: $zh, en: $en },)* }
            }
        }
    };
}

notices! {
    /// A passport holder has to send in photos (R49, R50).
    ReviewNeeded = 1, "REVIEW_NEEDED",
        "请上传护照资料页照片并完成人脸识别。", "Upload a photo of your passport's information page and complete the facial verification.";
    /// The review was approved (R53).
    ReviewApproved = 2, "REVIEW_APPROVED",
        "您的补充验证已通过审核。", "Your supplementary verification was approved.";
    /// The review was rejected (R53).
    ReviewRejected = 3, "REVIEW_REJECTED",
        "您的补充验证未通过审核，请重新提交。", "Your supplementary verification was rejected. Submit it again.";
    /// Customer service approved a request to reset the password (R46).
    PasswordTicketApproved = 4, "PASSWORD_TICKET_APPROVED",
        "您的找回密码申请已通过，请设置新的支付密码。", "Your request was approved. Set a new payment password.";
    /// Customer service rejected a request to reset the password (R46).
    PasswordTicketRejected = 5, "PASSWORD_TICKET_REJECTED",
        "您的找回密码申请未通过审核。", "Your request to reset the payment password was rejected.";
    /// The password was reset (R47).
    PasswordReset = 6, "PASSWORD_RESET",
        "支付密码重置成功。", "The payment password was reset.";
    /// The password was changed.
    PasswordChanged = 7, "PASSWORD_CHANGED",
        "支付密码修改成功。", "The payment password was changed.";
    /// Customer service unlocked the password (D7).
    PasswordUnlocked = 8, "PASSWORD_UNLOCKED",
        "支付密码已解锁。", "The payment password was unlocked.";
    /// A risk of a card was cleared (R68).
    RiskCleared = 9, "RISK_CLEARED",
        "您的银行卡交易限制已解除。", "The restriction on payments with your card was lifted.";
    /// A risk of a card was upheld (R68).
    RiskUpheld = 10, "RISK_UPHELD",
        "经核实，您的银行卡交易限制继续保留。", "The restriction on payments with your card remains.";
    /// Money came into the balance (R72).
    FundsReceived = 11, "FUNDS_RECEIVED",
        "您收到一笔款项，已存入零钱。", "You received money into your balance.";
}

impl Notice {
    /// What a person is told of because of an event, if anything.
    pub fn of(event: &Event) -> Option<Self> {
        match event {
            Event::BindDecided(decided) => {
                // With the first card, which sets the password too, and not with each.
                let bound = decided.outcome.as_ref();
                let first = bound.is_ok_and(|binding| binding.password_set.is_some());
                (first && decided.review == Review::Required).then_some(Self::ReviewNeeded)
            }
            Event::ReviewResolved(resolved) if resolved.resolved => Some(if resolved.approve {
                Self::ReviewApproved
            } else {
                Self::ReviewRejected
            }),
            Event::PasswordTicketResolved(resolved) if resolved.resolved => {
                match resolved.ticket.state {
                    PasswordTicketState::Approved => Some(Self::PasswordTicketApproved),
                    PasswordTicketState::Rejected => Some(Self::PasswordTicketRejected),
                    PasswordTicketState::Open => None,
                }
            }
            Event::PasswordResetDecided(decided) => match decided.outcome {
                Ok(ResetStep::Reset(_)) => Some(Self::PasswordReset),
                Ok(ResetStep::TicketOpened { .. }) | Err(_) => None,
            },
            Event::PasswordChanged(changed) => {
                changed.outcome.is_ok().then_some(Self::PasswordChanged)
            }
            Event::PasswordUnlocked(unlocked) => {
                unlocked.was_locked.then_some(Self::PasswordUnlocked)
            }
            Event::RiskResolved(resolved) => Some(if resolved.cleared {
                Self::RiskCleared
            } else {
                Self::RiskUpheld
            }),
            Event::FundsReceived(received) => {
                received.outcome.is_ok().then_some(Self::FundsReceived)
            }
            Event::ReviewResolved(_)
            | Event::PasswordTicketResolved(_)
            | Event::PhoneCode(_)
            | Event::BindReserved(_)
            | Event::UnbindDecided(_)
            | Event::Reserved(_)
            | Event::Posted(_)
            | Event::Voided(_)
            | Event::Declined(_)
            | Event::ReversalDecided(_)
            | Event::SettleDecided(_)
            | Event::ReversedAhead(_)
            | Event::MerchantPut(_)
            | Event::CardStatusSet(_)
            | Event::ClockSet(_)
            | Event::PasswordVerified(_)
            | Event::VerificationSubmitted(_)
            | Event::RegionSwitched(_)
            | Event::PaymentCodeDecided(_)
            | Event::PolicyPut(_)
            | Event::PolicyActivated(_)
            | Event::PolicyShadowed(_)
            | Event::AdviceTaken(_)
            | Event::StandInReconciled(_)
            | Event::IssuerLate(_)
            | Event::AccountClosed(_)
            | Event::ErasureBegun(_)
            | Event::ErasureEnded => None,
        }
    }
}
