//! What became of a request, and under which name it is counted.

use waika::v1::DeclineReason;

/// What became of a request that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Outcome {
    /// Approved.
    Approved,
    /// Answered before under the same key.
    Replayed,
    /// Declined, with the number of its reason: a newer server may have reasons unknown here.
    Declined(i32),
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
            Self::Approved | Self::Replayed => "answer",
            Self::Declined(_) => "decline",
            Self::Grpc(_) => "grpc",
            Self::Malformed | Self::TransportError => "failure",
            Self::TimedOut | Self::Unfinished => "open",
        }
    }

    /// The server did what it is there for: it said yes or no, now or before. Only this counts as
    /// answered.
    pub(crate) fn is_decided(self) -> bool {
        match self {
            Self::Approved | Self::Replayed | Self::Declined(_) => true,
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
            | Self::TimedOut
            | Self::Unfinished => false,
        }
    }
}

fn reason_name(reason: i32) -> String {
    const PREFIX: &str = "DECLINE_REASON_";
    match DeclineReason::try_from(reason) {
        Ok(known) => {
            let name = known.as_str_name();
            name.strip_prefix(PREFIX).unwrap_or(name).to_owned()
        }
        Err(_) => format!("DECLINE_REASON_{reason}"),
    }
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

    /// What gRPC makes of a stream that the server reset with this HTTP/2 error code.
    pub(crate) fn from_reset(reason: h2::Reason) -> Self {
        match reason {
            h2::Reason::REFUSED_STREAM => Self::Unavailable,
            h2::Reason::CANCEL => Self::Cancelled,
            h2::Reason::ENHANCE_YOUR_CALM => Self::ResourceExhausted,
            h2::Reason::INADEQUATE_SECURITY => Self::PermissionDenied,
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
        assert_eq!(
            GrpcCode::from_reset(h2::Reason::REFUSED_STREAM),
            GrpcCode::Unavailable
        );
        assert!(Outcome::Grpc(GrpcCode::Unimplemented).is_tool_failure());
        assert!(!Outcome::Grpc(GrpcCode::Unavailable).is_tool_failure());
    }
}
