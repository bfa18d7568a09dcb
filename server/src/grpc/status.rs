//! The one place that knows gRPC codes: accidents become statuses with `google.rpc` details.

use std::any::Any;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, ErrorInfo, FieldViolation, LocalizedMessage, StatusExt as _};

use super::outcome::timestamp;
use crate::identity::Denied;
use crate::ledger::{KeptFrom, LedgerError};
use crate::metrics::panics;
use crate::partner::NoAnswer;

/// Who says so, in `ErrorInfo`.
const DOMAIN: &str = "waika";
/// When a client may try again, in milliseconds (gRFC A6).
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// The request is malformed; every bad field is named.
pub(super) fn malformed(violations: Vec<(String, &'static str)>) -> Status {
    let violations = violations.into_iter();
    malformed_in_words(
        violations
            .map(|(field, expected)| (field, expected.to_owned()))
            .collect(),
    )
}

/// The same, where what is wrong is told in words of its own.
pub(super) fn malformed_in_words(violations: Vec<(String, String)>) -> Status {
    let text: Vec<_> = violations
        .iter()
        .map(|(field, expected)| format!("{field} {expected}"))
        .collect();
    let violations: Vec<_> = violations
        .into_iter()
        .map(|(field, expected)| FieldViolation::new(field, expected))
        .collect();
    let details = ErrorDetails::with_bad_request(violations);
    Status::with_error_details(Code::InvalidArgument, text.join("; "), details)
}

/// The server is starting or stopping: nothing was applied.
pub(super) fn not_serving(why: &str) -> Status {
    let details = with_info("NOT_SERVING", []);
    Status::with_error_details(
        Code::Unavailable,
        format!("{why}: nothing was applied"),
        details,
    )
}

/// The caller's stream broke off before its end: whatever it began was not done.
pub(crate) fn broken_off() -> Status {
    let details = with_info("BROKEN_OFF", []);
    let text = "the stream broke off before its end: nothing was applied";
    Status::with_error_details(Code::Aborted, text, details)
}

/// A panic ends its own call and nothing else. Its caller learns that it was an error inside, and
/// not, as from a stream that breaks off, that the call was cancelled, which meshes try again.
pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Status {
    panics().increment(1);
    internal("internal error")
}

/// Somebody calls what it may not call, or nobody knows who it is. Nothing was applied.
pub(crate) fn denied(denied: &Denied) -> Status {
    let code = match denied {
        Denied::Unknown(_) => Code::Unauthenticated,
        Denied::NotAllowed { .. } => Code::PermissionDenied,
        Denied::TooOften { wait, .. } => {
            return refused_for_now(denied.reason(), &denied.to_string(), *wait);
        }
    };
    Status::with_error_details(code, denied.to_string(), with_info(denied.reason(), []))
}

/// Refused before anything was written: how long to wait stands in `RetryInfo`, and where clients that retry
/// by themselves look for it.
pub(super) fn refused_for_now(reason: &str, text: &str, wait: Duration) -> Status {
    let mut details = with_info(reason, []);
    details.set_retry_info(Some(wait));
    let mut status = Status::with_error_details(Code::ResourceExhausted, text, details);
    let milliseconds = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).max(1);
    status.metadata_mut().insert(PUSHBACK, milliseconds.into());
    status
}

/// As many streams of payments are open as may be.
pub(super) fn too_many_streams() -> Status {
    let details = with_info("TOO_MANY_STREAMS", []);
    let text = "too many streams are open on this server: nothing was applied; use one that is open, or try later";
    Status::with_error_details(Code::ResourceExhausted, text, details)
}

/// As many callers wait for service messages as may.
pub(super) fn too_many_watchers() -> Status {
    let details = with_info("TOO_MANY_WATCHERS", []);
    let text = "too many callers watch notifications on this server: list them, or try later";
    Status::with_error_details(Code::ResourceExhausted, text, details)
}

/// Whoever verifies people did not say yes or no. A yes is never taken for granted.
pub(super) fn verifier_unavailable(_: NoAnswer) -> Status {
    let details = with_info("IDENTITY_VERIFIER_UNAVAILABLE", []);
    let text = "the identity verifier did not answer: nothing was applied; try again later";
    Status::with_error_details(Code::Unavailable, text, details)
}

/// No such thing as was asked for.
pub(super) fn not_found(what: &str) -> Status {
    Status::with_error_details(Code::NotFound, what.to_owned(), with_info("NOT_FOUND", []))
}

/// The sandbox's issuer gives no answer.
pub(super) fn issuer_unavailable(why: &str) -> Status {
    let details = with_info("ISSUER_UNAVAILABLE", []);
    Status::with_error_details(Code::Unavailable, why, details)
}

/// The name of an advice was used for another one already.
pub(super) fn advice_taken() -> Status {
    let details = with_info("REVERSAL_ID_TAKEN", [("field", "reversal_id")]);
    let text = "reversal_id was used for another transaction or amount: nothing was given back; \
                send the same fields, or choose another id";
    Status::with_error_details(Code::AlreadyExists, text, details)
}

/// The server cannot go on with this call, and applied nothing.
pub(super) fn internal(what: &'static str) -> Status {
    Status::with_error_details(Code::Internal, what, with_info("INTERNAL", []))
}

/// After this long another server has mostly decided.
const CONTENDED_WAIT: Duration = Duration::from_millis(20);

impl From<LedgerError> for Status {
    fn from(error: LedgerError) -> Self {
        let text = error.to_string();
        let (code, reason, mend) = match error {
            LedgerError::UnknownAccount
            | LedgerError::UnknownCard
            | LedgerError::UnknownAuthorisation
            | LedgerError::UnknownTicket
            | LedgerError::UnknownPasswordTicket
            | LedgerError::UnknownCode
            | LedgerError::UnknownPolicy => return not_found(&text),
            LedgerError::AuthorisationPruned(from) => return authorisation_pruned(&text, from),
            LedgerError::DayPruned(from) => return day_pruned(&text, from),
            LedgerError::AccountClosed => return account_closed(&text),
            LedgerError::Stopped => return not_serving(&text),
            LedgerError::KeyConflict { field } => return key_conflict(&text, field),
            LedgerError::PolicyNameTaken => (
                Code::FailedPrecondition,
                "POLICY_NAME_TAKEN",
                ": give this one another name; nothing has changed",
            ),
            LedgerError::TooManyWrongPasswords => (
                Code::ResourceExhausted,
                "TOO_MANY_WRONG_PASSWORDS",
                " in this minute: nothing was written; try again later",
            ),
            LedgerError::KeysFull => (
                Code::ResourceExhausted,
                "IDEMPOTENCY_KEYS_FULL",
                ": nothing was written; there is room again when the oldest are a day old, or \
                 operators raise idempotency.most_keys",
            ),
            LedgerError::Overloaded { wait } => {
                let mend = ": nothing was written; the same key is safe to send again later";
                return refused_for_now("OVERLOADED", &(text + mend), wait);
            }
            LedgerError::DeadlineBudget | LedgerError::DeadlineTooShort => (
                Code::DeadlineExceeded,
                "DEADLINE_BUDGET",
                ": nothing was written; give the call more time",
            ),
            LedgerError::IssuerIsRemote => (
                Code::FailedPrecondition,
                "ISSUER_IS_REMOTE",
                ": ask that issuer to change the card's status",
            ),
            LedgerError::AheadFull => (
                Code::ResourceExhausted,
                "REVERSED_AHEAD_FULL",
                ": nothing was written; reverse by id, or after it came",
            ),
            LedgerError::PoliciesFull => (
                Code::ResourceExhausted,
                "POLICIES_FULL",
                ": nothing was written; activate one that is stored",
            ),
            LedgerError::NoDatabase
            | LedgerError::Contended
            | LedgerError::DiskShort
            | LedgerError::NotOfThisStore
            | LedgerError::NoSnapshot
            | LedgerError::NoBackup
            | LedgerError::NoBackupFolder => return of_the_store(error, text),
            LedgerError::Unreadable => (Code::Unavailable, "STORE_UNREADABLE", ""),
            LedgerError::OutcomeUnknown => {
                let mend = ": the same key is safe to send again";
                (Code::Unavailable, "OUTCOME_UNKNOWN", mend)
            }
        };
        Status::with_error_details(code, text + mend, with_info(reason, []))
    }
}

/// What a store cannot do, or not now.
fn of_the_store(error: LedgerError, text: String) -> Status {
    const MEND: &str = ": nothing was written; the same key is safe to send again";
    match error {
        LedgerError::Contended => refused_for_now("CONTENDED", &(text + MEND), CONTENDED_WAIT),
        LedgerError::NotOfThisStore => no_copy(text, "NOT_OF_THIS_STORE"),
        LedgerError::NoSnapshot => no_copy(text, "NO_SNAPSHOT"),
        LedgerError::NoBackup => no_copy(text, "NO_BACKUP"),
        LedgerError::NoBackupFolder => no_copy(text, "NO_BACKUP_FOLDER"),
        LedgerError::DiskShort => {
            let mend = ": nothing was written; what is there can be read, and the same key is safe to send \
                        again once there is room";
            let details = with_info("DISK_SHORT", []);
            Status::with_error_details(Code::Unavailable, text + mend, details)
        }
        _ => {
            let details = with_info("STORE_UNAVAILABLE", []);
            Status::with_error_details(Code::Unavailable, text + MEND, details)
        }
    }
}

/// What was decided before what is kept, whoever's it was: nobody here can tell any more.
fn authorisation_pruned(text: &str, from: KeptFrom) -> Status {
    let at = timestamp(from.at).to_string();
    let en = format!(
        "{text}, of {at}: operators find it with `waika-server journal export` in the backup folder, which is \
         the archive"
    );
    let zh = format!(
        "本服务器已不再保留该授权：它早于现存最早的记录（{at}）。运营人员可在备份目录（归档）中用 \
         `waika-server journal export` 查询。"
    );
    pruned("AUTHORISATION_PRUNED", from, [en, zh])
}

/// A copy of the state was not made: nothing else is affected.
fn no_copy(text: String, reason: &str) -> Status {
    Status::with_error_details(Code::FailedPrecondition, text, with_info(reason, []))
}

/// It is gone for its owner; its payments can be read, and given back.
fn account_closed(text: &str) -> Status {
    let details = vec![
        ErrorInfo::new("ACCOUNT_CLOSED", DOMAIN, []).into(),
        LocalizedMessage::new("zh-CN", "该账户已注销。").into(),
        LocalizedMessage::new("en", "The account was closed.").into(),
    ];
    let text = format!("{text}: its payments can be read, reversed and refunded, and nothing else");
    Status::with_error_details_vec(Code::NotFound, text, details)
}

fn day_pruned(text: &str, from: KeptFrom) -> Status {
    let at = timestamp(from.at).to_string();
    let en = format!(
        "{text}: the oldest one is of {at}; export it with `waika-server settlement export` from the backup \
         folder, which is the archive"
    );
    let zh = format!(
        "该日结算所需的部分记录已不再保留，现存最早的记录为 {at}。请用 `waika-server settlement export` \
         从备份目录（归档）导出。"
    );
    pruned("DAY_PRUNED", from, [en, zh])
}

fn pruned(reason: &str, from: KeptFrom, [en, zh]: [String; 2]) -> Status {
    let metadata = [
        ("first_kept_sequence", from.sequence.to_string()),
        ("kept_from", timestamp(from.at).to_string()),
    ];
    let metadata = metadata.map(|(name, value)| (name.to_owned(), value));
    let details = vec![
        ErrorInfo::new(reason, DOMAIN, metadata).into(),
        LocalizedMessage::new("zh-CN", zh).into(),
        LocalizedMessage::new("en", en.clone()).into(),
    ];
    Status::with_error_details_vec(Code::NotFound, en, details)
}

fn key_conflict(text: &str, field: &str) -> Status {
    let details = with_info("IDEMPOTENCY_KEY_CONFLICT", [("field", field)]);
    let text = format!("{text}: send the same fields, or choose another key");
    Status::with_error_details(Code::AlreadyExists, text, details)
}

fn with_info<const N: usize>(reason: &str, metadata: [(&str, &str); N]) -> ErrorDetails {
    let metadata = metadata.map(|(name, value)| (name.to_owned(), value.to_owned()));
    ErrorDetails::with_error_info(reason, DOMAIN, metadata)
}
