//! Pure: what an arrival is there for, and the calls that it is made of.
//!
//! Most arrivals are one payment. The others are errands of several calls, of which the next is due
//! as soon as the one before has been answered, or a pause later. All that an errand needs of the
//! outside, such as an authorisation's id, comes from its own earlier answers, so it stays a function
//! of (seed, index).

/// What an arrival is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// One payment.
    Pay,
    /// The payer makes a payment code, and the merchant is paid with it (R56, D10).
    PayByCode,
    /// A payment that is given back before it settles, this much of it in fen (D13).
    PayAndReverse {
        /// Principal to give back, in fen, at least 1.
        back_fen: u64,
    },
    /// A payment that is settled early and then refunded, this much of it in fen (D13, D25).
    PayAndRefund {
        /// Principal to give back, in fen, at least 1.
        back_fen: u64,
    },
    /// The account's second card is bound and unbound again (R39, R40).
    Churn,
}

/// The calls that errands are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Rpc {
    /// `AuthorisationService.Authorise`, or one payment of an `AuthoriseStream`.
    Authorise,
    /// `CardService.CreatePaymentCode`.
    CreatePaymentCode,
    /// `AuthorisationService.Reverse`.
    Reverse,
    /// `AuthorisationService.Settle`.
    Settle,
    /// `AuthorisationService.Refund`.
    Refund,
    /// `CardService.SendPhoneCode`.
    SendPhoneCode,
    /// `CardService.Bind`.
    Bind,
    /// `CardService.Unbind`.
    Unbind,
}

impl Errand {
    /// The call that it begins with.
    pub(crate) fn first(self) -> Rpc {
        match self {
            Self::Pay | Self::PayAndReverse { .. } | Self::PayAndRefund { .. } => Rpc::Authorise,
            Self::PayByCode => Rpc::CreatePaymentCode,
            Self::Churn => Rpc::SendPhoneCode,
        }
    }

    /// Principal that it gives back, in fen; `None` if it gives nothing back.
    pub(crate) fn back_fen(self) -> Option<u64> {
        match self {
            Self::PayAndReverse { back_fen } | Self::PayAndRefund { back_fen } => Some(back_fen),
            Self::Pay | Self::PayByCode | Self::Churn => None,
        }
    }

    /// The call that follows one that went well; `None` after the last.
    pub(crate) fn after(self, rpc: Rpc) -> Option<Rpc> {
        match (self, rpc) {
            (Self::PayByCode, Rpc::CreatePaymentCode) => Some(Rpc::Authorise),
            (Self::PayAndReverse { .. }, Rpc::Authorise) => Some(Rpc::Reverse),
            (Self::PayAndRefund { .. }, Rpc::Authorise) => Some(Rpc::Settle),
            (Self::PayAndRefund { .. }, Rpc::Settle) => Some(Rpc::Refund),
            (Self::Churn, Rpc::SendPhoneCode) => Some(Rpc::Bind),
            (Self::Churn, Rpc::Bind) => Some(Rpc::Unbind),
            _ => None,
        }
    }
}

impl Rpc {
    /// Every one, the measured one first.
    pub(crate) const ALL: [Self; 8] = [
        Self::Authorise,
        Self::CreatePaymentCode,
        Self::Reverse,
        Self::Settle,
        Self::Refund,
        Self::SendPhoneCode,
        Self::Bind,
        Self::Unbind,
    ];

    /// Its name in the contract.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Authorise => "Authorise",
            Self::CreatePaymentCode => "CreatePaymentCode",
            Self::Reverse => "Reverse",
            Self::Settle => "Settle",
            Self::Refund => "Refund",
            Self::SendPhoneCode => "SendPhoneCode",
            Self::Bind => "Bind",
            Self::Unbind => "Unbind",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_errand_ends() {
        let check = |errand: Errand, expected: &[Rpc]| {
            let mut calls = vec![errand.first()];
            while let Some(next) = calls.last().and_then(|last| errand.after(*last)) {
                calls.push(next);
            }
            assert_eq!(calls, expected);
        };
        check(Errand::Pay, &[Rpc::Authorise]);
        check(Errand::PayByCode, &[Rpc::CreatePaymentCode, Rpc::Authorise]);
        check(
            Errand::PayAndReverse { back_fen: 1 },
            &[Rpc::Authorise, Rpc::Reverse],
        );
        check(
            Errand::PayAndRefund { back_fen: 1 },
            &[Rpc::Authorise, Rpc::Settle, Rpc::Refund],
        );
        check(Errand::Churn, &[Rpc::SendPhoneCode, Rpc::Bind, Rpc::Unbind]);
    }
}
