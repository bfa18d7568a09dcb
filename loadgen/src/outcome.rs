//! What became of a request, and under which name it is counted.

use waika::v1::{
    BindRefusalReason, DeclineReason, PhoneCodeRefusalReason, ReversalRefusalReason,
    UnbindRefusalReason,
};

use crate::errand::Rpc;

/// What became of a request that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Outcome {
    /// Approved.
    Approved,
    /// Answered before under the same key.
    Replayed,
    /// Declined, with the number of its reason: a newer server may have reasons unknown here.
    Declined(i32),
    /// Done as asked: what another call than a payment can say.
    Done,
    /// Another call than a payment was refused, with the number of its reason.
    Refused(Rpc, i32),
    /// A gRPC status other than OK: an error, and no decision.
    Grpc(GrpcCode),
    /// An answer that is no answer to what was asked, or an HTTP error without a gRPC status.
    Malformed,
    /// The connection broke.
    TransportError,
    /// No answer before its deadline.
    TimedOut,
    /// Still open when the run ended.
    Unfinished,
}

impl Outcome {
    /// Its name in reports: approved, a decline reason, a gRPC code, or one of the generator's own.
    pub(crate) fn label(self) -> String {
        match self {
            Self::Approved => "approved".to_owned(),
            Self::Replayed => "replayed".to_owned(),
            Self::Declined(reason) => reason_name(reason),
            Self::Done => "done".to_owned(),
            Self::Refused(rpc, reason) => refusal_name(rpc, reason),
            Self::Grpc(code) => code.label().to_owned(),
            Self::Malformed => "malformed_answer".to_owned(),
            Self::TransportError => "transport_error".to_owned(),
            Self::TimedOut => "timed_out".to_owned(),
            Self::Unfinished => "unfinished".to_owned(),
        }
    }

    /// Which kind of outcome it is: the word before its name.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Approved | Self::Replayed | Self::Done => "answer",
            Self::Declined(_) | Self::Refused(..) => "decline",
            Self::Grpc(_) => "grpc",
            Self::Malformed | Self::TransportError => "failure",
            Self::TimedOut | Self::Unfinished => "open",
        }
    }

    /// The server did what it is there for: it said yes or no, now or before. Only this counts as
    /// answered.
    pub(crate) fn is_decided(self) -> bool {
        match self {
            Self::Approved
            | Self::Replayed
            | Self::Declined(_)
            | Self::Done
            | Self::Refused(..) => true,
            Self::Grpc(_)
            | Self::Malformed
            | Self::TransportError
            | Self::TimedOut
            | Self::Unfinished => false,
        }
    }

    /// It ended without a decision. How fast says nothing of the service, so its times are in no
    /// headline; those of a request that nobody answered are, at its age.
    pub(crate) fn is_error(self) -> bool {
        match self {
            Self::Grpc(_) | Self::Malformed | Self::TransportError => true,
            Self::Approved
            | Self::Replayed
            | Self::Declined(_)
            | Self::Done
            | Self::Refused(..)
            | Self::TimedOut
            | Self::Unfinished => false,
        }
    }

    /// The measurement has failed and not the service: exit code 1.
    pub(crate) fn is_tool_failure(self) -> bool {
        match self {
            Self::Malformed | Self::TransportError => true,
            Self::Grpc(code) => code == GrpcCode::Unimplemented,
            Self::Approved
            | Self::Replayed
            | Self::Declined(_)
            | Self::Done
            | Self::Refused(..)
            | Self::TimedOut
            | Self::Unfinished => false,
        }
    }
}

fn reason_name(reason: i32) -> String {
    let name = DeclineReason::try_from(reason).map(|known| known.as_str_name());
    short("DECLINE_REASON_", name.ok(), reason)
}

fn refusal_name(rpc: Rpc, reason: i32) -> String {
    match rpc {
        Rpc::Authorise | Rpc::CreatePaymentCode => reason_name(reason),
        Rpc::Reverse | Rpc::Settle | Rpc::Refund if reason == 0 => "RECORDED_AHEAD".to_owned(),
        Rpc::Reverse | Rpc::Settle | Rpc::Refund => {
            let name = ReversalRefusalReason::try_from(reason).map(|known| known.as_str_name());
            short("REVERSAL_REFUSAL_REASON_", name.ok(), reason)
        }
        Rpc::SendPhoneCode => {
            let name = PhoneCodeRefusalReason::try_from(reason).map(|known| known.as_str_name());
            short("PHONE_CODE_REFUSAL_REASON_", name.ok(), reason)
        }
        Rpc::Bind => {
            let name = BindRefusalReason::try_from(reason).map(|known| known.as_str_name());
            short("BIND_REFUSAL_REASON_", name.ok(), reason)
        }
        Rpc::Unbind => {
            let name = UnbindRefusalReason::try_from(reason).map(|known| known.as_str_name());
            short("UNBIND_REFUSAL_REASON_", name.ok(), reason)
        }
    }
}

/// A reason's name without its prefix, or its number with it where there is no name.
fn short(prefix: &str, name: Option<&str>, number: i32) -> String {
    name.map_or_else(
        || format!("{prefix}{number}"),
        |name| name.strip_prefix(prefix).unwrap_or(name).to_owned(),
    )
}

/// The gRPC status codes but OK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum GrpcCode {
    Cancelled,
    Unknown,
    InvalidArgument,
    DeadlineExceeded,
    NotFound,
    AlreadyExists,
    PermissionDenied,
    ResourceExhausted,
    FailedPrecondition,
    Aborted,
    OutOfRange,
    Unimplemented,
    Internal,
    Unavailable,
    DataLoss,
    Unauthenticated,
}

impl GrpcCode {
    /// The code with this number; `None` for 0, which is OK. Numbers without a name are UNKNOWN.
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => return None,
            1 => Self::Cancelled,
            3 => Self::InvalidArgument,
            4 => Self::DeadlineExceeded,
            5 => Self::NotFound,
            6 => Self::AlreadyExists,
            7 => Self::PermissionDenied,
            8 => Self::ResourceExhausted,
            9 => Self::FailedPrecondition,
            10 => Self::Aborted,
            11 => Self::OutOfRange,
            12 => Self::Unimplemented,
            13 => Self::Internal,
            14 => Self::Unavailable,
            15 => Self::DataLoss,
            16 => Self::Unauthenticated,
            _ => Self::Unknown,
        })
    }

    /// The contract promises that nothing was written where this is told.
    pub(crate) fn says_nothing_was_done(self) -> bool {
        match self {
            Self::InvalidArgument
            | Self::NotFound
            | Self::AlreadyExists
            | Self::PermissionDenied
            | Self::ResourceExhausted
            | Self::Unimplemented
            | Self::Unauthenticated => true,
            Self::Cancelled
            | Self::Unknown
            | Self::DeadlineExceeded
            | Self::FailedPrecondition
            | Self::Aborted
            | Self::OutOfRange
            | Self::Internal
            | Self::Unavailable
            | Self::DataLoss => false,
        }
    }

    /// What a stream means that the server reset with this HTTP/2 error code. gRPC would make more of
    /// two of them, but what a connection says is no promise of the service's that nothing was
    /// written.
    pub(crate) fn from_reset(code: u32) -> Self {
        const REFUSED_STREAM: u32 = 0x7;
        const CANCEL: u32 = 0x8;
        const ENHANCE_YOUR_CALM: u32 = 0xb;
        match code {
            REFUSED_STREAM | ENHANCE_YOUR_CALM => Self::Unavailable,
            CANCEL => Self::Cancelled,
            _ => Self::Internal,
        }
    }

    /// What gRPC makes of an HTTP status without a gRPC status.
    pub(crate) fn from_http(status: http::StatusCode) -> Self {
        match status.as_u16() {
            400 => Self::Internal,
            401 => Self::Unauthenticated,
            403 => Self::PermissionDenied,
            404 => Self::Unimplemented,
            429 | 502 | 503 | 504 => Self::Unavailable,
            _ => Self::Unknown,
        }
    }

    /// Its name as gRPC writes it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::DataLoss => "DATA_LOSS",
            Self::Unauthenticated => "UNAUTHENTICATED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_have_the_names_of_the_contract() {
        let check = |outcome: Outcome, label: &str| assert_eq!(outcome.label(), label);
        check(Outcome::Approved, "approved");
        check(
            Outcome::Declined(DeclineReason::LimitMonth.into()),
            "LIMIT_MONTH",
        );
        check(
            Outcome::Declined(DeclineReason::PasswordWrong.into()),
            "PASSWORD_WRONG",
        );
        check(Outcome::Declined(777), "DECLINE_REASON_777");
        check(
            Outcome::Refused(Rpc::Bind, 9_999),
            "BIND_REFUSAL_REASON_9999",
        );
        check(Outcome::Refused(Rpc::Reverse, 0), "RECORDED_AHEAD");
        check(
            Outcome::Refused(Rpc::Settle, ReversalRefusalReason::AlreadySettled.into()),
            "ALREADY_SETTLED",
        );
        check(
            Outcome::Refused(Rpc::Bind, BindRefusalReason::CardCapReached.into()),
            "CARD_CAP_REACHED",
        );
        check(Outcome::Done, "done");
        check(
            Outcome::Grpc(GrpcCode::ResourceExhausted),
            "RESOURCE_EXHAUSTED",
        );
        check(Outcome::TimedOut, "timed_out");
    }

    #[test]
    fn every_grpc_number_has_its_code() {
        assert_eq!(GrpcCode::from_number(0), None);
        for number in 1..=16 {
            let code = GrpcCode::from_number(number).unwrap();
            let tonic = tonic::Code::from_i32(i32::try_from(number).unwrap());
            let ours = code.label().replace('_', "").to_lowercase();
            assert_eq!(ours, format!("{tonic:?}").to_lowercase());
        }
        assert_eq!(GrpcCode::from_number(99), Some(GrpcCode::Unknown));
    }

    #[test]
    fn http_errors_and_resets_become_codes() {
        let not_found = http::StatusCode::NOT_FOUND;
        assert_eq!(GrpcCode::from_http(not_found), GrpcCode::Unimplemented);
        assert_eq!(GrpcCode::from_reset(0x7), GrpcCode::Unavailable);
        assert_eq!(GrpcCode::from_reset(0x1), GrpcCode::Internal);
        assert!(Outcome::Grpc(GrpcCode::Unimplemented).is_tool_failure());
        assert!(!Outcome::Grpc(GrpcCode::Unavailable).is_tool_failure());
    }
}
