//! The calls that the fuzz target `decoder` makes, and what must be true of the bytes alone.

use prost::Message;
use waika::v1;

use crate::grpc::asked::{Asked, Streamed};

/// A call that bytes are taken for.
pub(crate) struct Rpc {
    pub(crate) path: &'static str,
    /// Says whether bytes can be read as its message.
    pub(super) reads: fn(&[u8]) -> bool,
}

macro_rules! rpcs {
    ($($service:literal: $($method:literal $request:ident),* ;)*) => {
        &[$($(Rpc {
            path: concat!("/waika.v1.", $service, "/", $method),
            reads: reads::<v1::$request>,
        },)*)*]
    };
}

/// Every call but those without a field, and the one that never ends. An input says which by its place:
/// new ones go to the end.
pub(crate) const RPCS: &[Rpc] = rpcs!(
    "AuthorisationService":
        "Authorise" AuthoriseRequest,
        "AuthoriseStream" AuthoriseStreamRequest,
        "Quote" QuoteRequest,
        "Reverse" ReverseRequest,
        "Refund" RefundRequest,
        "Settle" SettleRequest,
        "GetAuthorisation" GetAuthorisationRequest,
        "ListAuthorisations" ListAuthorisationsRequest;
    "CardService":
        "SendPhoneCode" SendPhoneCodeRequest,
        "Bind" BindRequest,
        "Unbind" UnbindRequest,
        "ListCards" ListCardsRequest,
        "GetAccount" GetAccountRequest,
        "SwitchWalletRegion" SwitchWalletRegionRequest,
        "VerifyPassword" VerifyPasswordRequest,
        "ChangePassword" ChangePasswordRequest,
        "ResetPassword" ResetPasswordRequest,
        "SubmitVerification" SubmitVerificationRequest,
        "GetVerification" GetVerificationRequest,
        "ListNotifications" ListNotificationsRequest,
        "CreatePaymentCode" CreatePaymentCodeRequest,
        "ReceiveFunds" ReceiveFundsRequest,
        "GetBalance" GetBalanceRequest;
    "AdminService":
        "PutMerchant" PutMerchantRequest,
        "GetMerchant" GetMerchantRequest,
        "ListMerchants" ListMerchantsRequest,
        "SetCardStatus" SetCardStatusRequest,
        "ListReviews" ListReviewsRequest,
        "ResolveReview" ResolveReviewRequest,
        "ListRiskTickets" ListRiskTicketsRequest,
        "ResolveRiskTicket" ResolveRiskTicketRequest,
        "ListPasswordTickets" ListPasswordTicketsRequest,
        "ResolvePasswordTicket" ResolvePasswordTicketRequest,
        "UnlockPassword" UnlockPasswordRequest,
        "GetPolicy" GetPolicyRequest,
        "PutPolicy" PutPolicyRequest,
        "ActivatePolicy" ActivatePolicyRequest,
        "SetShadowPolicy" SetShadowPolicyRequest,
        "ExportSettlement" ExportSettlementRequest,
        "SetClock" SetClockRequest,
        "ListOwedAdvices" ListOwedAdvicesRequest,
        "CloseAccount" CloseAccountRequest,
        "EraseAccount" EraseAccountRequest,
        "GetClosure" GetClosureRequest,
        "ListOperatorActions" ListOperatorActionsRequest;
);

/// The call that a byte stands for.
pub(crate) fn rpc(byte: u8) -> Option<&'static Rpc> {
    RPCS.get(usize::from(byte) % RPCS.len())
}

impl Rpc {
    /// True if what it asks for may be done in part before the rest is refused.
    pub(super) fn is_in_parts(&self) -> bool {
        self.path.ends_with("/AuthoriseStream")
    }

    /// True if answers may quote what was sent: a policy's mistakes stand in its text.
    pub(super) fn may_quote(&self) -> bool {
        self.path.ends_with("/PutPolicy")
    }

    /// True if it changes what the limits are, or when they begin anew.
    pub(super) fn moves_limits(&self) -> bool {
        ["/ActivatePolicy", "/SetClock"]
            .iter()
            .any(|method| self.path.ends_with(method))
    }

    /// True if nothing is paid from an account after it.
    pub(super) fn ends_accounts(&self) -> bool {
        self.path.ends_with("/CloseAccount")
    }
}

/// Whatever can be read is written as bytes that say the same.
fn reads<M: Message + Default + PartialEq>(bytes: &[u8]) -> bool {
    let Ok(read) = M::decode(bytes) else {
        return false;
    };
    let again = M::decode(&*read.encode_to_vec());
    assert!(
        again.is_ok_and(|again| again == read),
        "it is written as something else"
    );
    true
}

/// What is read where it lies is what prost reads of it.
pub(super) fn is_read_alike(bytes: &[u8]) {
    if let Some(asked) = Asked::read(bytes) {
        let read = v1::AuthoriseRequest::decode(bytes);
        assert!(read.is_ok_and(|read| Asked::from(&read) == asked));
    }
    if let Some(streamed) = Streamed::read_all(bytes, usize::MAX) {
        let read = v1::AuthoriseStreamRequest::decode(bytes).unwrap_or_default();
        assert_eq!(read.requests.len(), streamed.len());
        for (read, streamed) in read.requests.iter().zip(streamed) {
            assert_eq!(read.correlation_id, streamed.correlation_id);
            assert!(read.request.as_ref().map(Asked::from) == streamed.asked);
        }
    }
}
