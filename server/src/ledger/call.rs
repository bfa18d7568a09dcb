//! A call that changes something: who made it, under which key, and by what a second call with
//! that key is compared (D18).

use std::sync::Arc;
use std::time::Instant;

use waika_domain::event::{Funding, Payment};
use waika_domain::identifiers::IdempotencyKey;

use crate::caller::Caller;
use crate::stopwatch::Stopwatch;

/// Which RPC a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rpc {
    /// `CardService.SendPhoneCode`.
    SendPhoneCode,
    /// `CardService.Bind`.
    Bind,
    /// `AuthorisationService.Authorise`.
    Authorise,
    /// `AdminService.ResolveReview`.
    ResolveReview,
    /// `AdminService.SetCardStatus`.
    SetCardStatus,
    /// `AdminService.PutMerchant`.
    PutMerchant,
    /// `CardService.Unbind`.
    Unbind,
    /// `AuthorisationService.Reverse`.
    Reverse,
    /// `AdminService.ResolveRiskTicket`.
    ResolveRiskTicket,
    /// `AdminService.SetClock`.
    SetClock,
    /// `CardService.VerifyPassword`.
    VerifyPassword,
    /// `CardService.ChangePassword`.
    ChangePassword,
    /// `CardService.ResetPassword`.
    ResetPassword,
    /// `AdminService.ResolvePasswordTicket`.
    ResolvePasswordTicket,
    /// `AdminService.UnlockPassword`.
    UnlockPassword,
    /// `CardService.SubmitVerification`.
    SubmitVerification,
    /// `CardService.SwitchWalletRegion`.
    SwitchWalletRegion,
    /// `CardService.CreatePaymentCode`.
    CreatePaymentCode,
    /// `CardService.ReceiveFunds`.
    ReceiveFunds,
    /// `AuthorisationService.Refund`.
    Refund,
    /// `AuthorisationService.Settle`.
    Settle,
    /// `AdminService.PutPolicy`.
    PutPolicy,
    /// `AdminService.ActivatePolicy`.
    ActivatePolicy,
    /// `AdminService.SetShadowPolicy`.
    SetShadowPolicy,
    /// `AdminService.CloseAccount`.
    CloseAccount,
    /// `AdminService.EraseAccount`.
    EraseAccount,
}

impl Rpc {
    /// True if it concerns payments of an account, or its end, and so is good once that is closed.
    pub(crate) fn reaches_closed_accounts(self) -> bool {
        matches!(
            self,
            Self::Reverse | Self::Refund | Self::Settle | Self::CloseAccount | Self::EraseAccount
        )
    }
}

/// One call under one key.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which RPC.
    pub rpc: Rpc,
    /// Who calls; empty where callers are not told apart.
    pub caller: Caller,
    /// The caller's name for this call.
    pub key: IdempotencyKey,
    /// What a second call with the key must agree in.
    pub business: Business,
    /// When its caller stops waiting, if it said so.
    pub deadline: Option<Instant>,
    /// Measures where the time goes, if anybody wants to know.
    pub(crate) stopwatch: Option<Arc<Stopwatch>>,
}

impl Call {
    /// A call that may take as long as it takes, and that nobody measures.
    #[inline]
    pub fn new(rpc: Rpc, caller: Caller, key: IdempotencyKey, business: Business) -> Self {
        Self {
            rpc,
            caller,
            key,
            business,
            deadline: None,
            stopwatch: None,
        }
    }
}

/// The business fields of a call. Never a secret: else a used key would tell right passwords
/// from wrong ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Business {
    /// Those of a payment, which stand in its event.
    Payment,
    /// Keyed digests of the fields of any other call, in the order of its message.
    Fields(Vec<(&'static str, u64)>),
}

/// The first field in which two payments differ, by its name in the contract. With a payment code
/// the funding is not compared: it follows from the code (D10).
pub(super) fn first_difference(stored: &Payment, given: &Payment) -> Option<&'static str> {
    let Payment {
        funding,
        merchant,
        amount,
        scene,
        mode,
        code,
    } = stored;
    let pays = |of: Funding| of.card().is_some();
    let other_funding = code.is_none() && *funding != given.funding;
    [
        (
            other_funding && pays(*funding) == pays(given.funding),
            "card_token",
        ),
        (other_funding, "funding"),
        (*merchant != given.merchant, "merchant_id"),
        (*amount != given.amount, "amount_fen"),
        (*scene != given.scene, "scene"),
        (*mode != given.mode, "mode"),
        (*code != given.code, "payment_code"),
    ]
    .into_iter()
    .find_map(|(differs, name)| differs.then_some(name))
}

/// The first field in which a call differs from the digests that were stored for its key.
pub(super) fn first_differing_field(
    stored: &[u64],
    given: &[(&'static str, u64)],
) -> Option<&'static str> {
    let mut stored = stored.iter();
    given
        .iter()
        .find(|(_, digest)| stored.next() != Some(digest))
        .map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use waika_domain::event::{PaymentMode, Scene};
    use waika_domain::identifiers::{CardToken, MerchantId};
    use waika_domain::money::Amount;

    #[test]
    fn d18_the_first_differing_field_is_named() {
        let payment = Payment {
            funding: Funding::Card(CardToken::from_bits(1)),
            merchant: MerchantId::parse("m").ok(),
            amount: Amount::from_fen(1).unwrap(),
            scene: Scene::Purchase,
            mode: PaymentMode::OnlineApp,
            code: None,
        };
        let other = |change: &dyn Fn(&mut Payment)| {
            let mut other = payment.clone();
            change(&mut other);
            first_difference(&payment, &other)
        };
        assert_eq!(other(&|_| ()), None);
        assert_eq!(
            other(&|payment| payment.funding = Funding::Card(CardToken::from_bits(2))),
            Some("card_token")
        );
        assert_eq!(
            other(&|payment| payment.funding = Funding::Balance),
            Some("funding")
        );
        assert_eq!(
            other(&|payment| payment.merchant = None),
            Some("merchant_id")
        );
        assert_eq!(
            other(&|payment| payment.amount = Amount::from_fen(2).unwrap()),
            Some("amount_fen")
        );
        assert_eq!(
            other(&|payment| payment.scene = Scene::Transfer),
            Some("scene")
        );
        assert_eq!(
            other(&|payment| payment.mode = PaymentMode::MerchantQr),
            Some("mode")
        );
        assert_eq!(
            first_differing_field(&[1, 2], &[("a", 1), ("b", 3)]),
            Some("b")
        );
        assert_eq!(
            first_differing_field(&[1], &[("a", 1), ("b", 3)]),
            Some("b")
        );
        assert_eq!(first_differing_field(&[1, 3], &[("a", 1), ("b", 3)]), None);
    }
}
