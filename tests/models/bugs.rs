//! The planted bugs: each leaves one guard out, and each must be found.

/// What is wrong with a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// A decision is told as its statement is sent.
    ToldBeforeCommitted,
    /// A decline is told from the cache and not written.
    DeclineFromCache,
    /// An unknown outcome is told as failed at once.
    FailedUnlooked,
    /// An unknown outcome is told as failed because the key was not found.
    FailedAfterLook,
    /// After an unknown outcome a fresh operation is sent, without the unique key.
    RetriedWithoutKey,
    /// After an unknown outcome the old decision is sent again under the version that is there now.
    RetriedUnderNewVersion,
    /// After an unknown outcome a version that is one higher is taken for one's own.
    VersionInferred,
    /// The insert stands although the version did not match.
    KeyOutlivesConflict,
    /// The row is updated although the key was there.
    DuplicateStillCounts,
    /// A refusal is checked without a lock on the row, and written in another step.
    UnlockedDecline,
    /// The delta is not guarded by the control version.
    DeltaWithoutControl,
    /// The delta leaves the version as it is.
    DeltaKeepsVersion,
    /// The delta stores the month of the node's clock, not the one in which the row counted.
    MonthOfTheNode,
    /// A change under the control version writes the counters too, as the node remembers them.
    ControlWritesCounters,
}
