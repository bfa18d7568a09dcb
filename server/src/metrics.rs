//! What Prometheus can scrape: the recorder, what each figure means, and those of connections.

use std::fmt::{self, Write as _};

use metrics::{
    Counter, Gauge, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::exit::{Failure, Reason};

/// Upper ends of the buckets of whatever is measured in seconds: from 10 µs, where a commit in
/// memory is, to 10 s, where every deadline is over.
pub(crate) const SECONDS: [f64; 19] = [
    10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3,
    250e-3, 500e-3, 1.0, 2.5, 5.0, 10.0,
];

/// Upper ends of the buckets of a batch's entries.
const ENTRIES: [f64; 13] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0, 2_048.0, 4_096.0,
];

/// Begins to count, once in a process, and gives what renders the counts.
pub fn install() -> Result<PrometheusHandle, Failure> {
    let failure = |error: metrics_exporter_prometheus::BuildError| {
        Failure::new(Reason::System, format!("metrics cannot begin: {error}"))
    };
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(|builder| {
            let batches = Matcher::Full("waika_commit_batch_size".to_owned());
            builder.set_buckets_for_metric(batches, &ENTRIES)
        })
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(failure)?;
    describe();
    gauge!("waika_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    // From the start, so that the first panic is a rise.
    panics().increment(0);
    Ok(handle)
}

/// Calls that ended with a panic.
pub(crate) fn panics() -> Counter {
    counter!("waika_rpc_panics_total")
}

/// Begins a family on a page that is written beside the recorder.
pub(crate) fn head(page: &mut String, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

fn describe_traces() {
    describe_counter!(
        "waika_spans_exported_total",
        Unit::Count,
        "Spans that the collector of --otlp-endpoint has taken"
    );
    describe_counter!(
        "waika_spans_dropped_total",
        Unit::Count,
        "Spans that were not told, because the collector takes none or is slow"
    );
}

fn describe() {
    describe_traces();
    describe_gauge!("waika_build_info", "Always 1; the labels say what runs");
    describe_gauge!(
        "waika_connections_open",
        Unit::Count,
        "Connections that are open"
    );
    describe_counter!(
        "waika_connections_accepted_total",
        Unit::Count,
        "Connections accepted, refused ones included"
    );
    describe_counter!(
        "waika_connections_refused_total",
        Unit::Count,
        "Connections closed at once, because as many were open as may be"
    );
    describe_counter!(
        "waika_connections_not_http2_total",
        Unit::Count,
        "Connections closed because they did not begin to speak HTTP/2 in time, or at all"
    );
    describe_counter!(
        "waika_tls_handshakes_failed_total",
        Unit::Count,
        "Connections closed because their TLS handshake failed, or took too long"
    );
    describe_counter!(
        "waika_control_frame_pauses_total",
        Unit::Count,
        "Pauses of 10 ms in which a connection was not read that had sent too many frames that lead to no call"
    );
    describe_counter!(
        "waika_calls_denied_total",
        Unit::Count,
        "Calls whose caller was unknown, may not make them, or makes too many, by reason"
    );
    describe_counter!(
        "waika_credentials_read_total",
        Unit::Count,
        "Files of certificates and callers that changed and were read again, by outcome"
    );
    describe_gauge!(
        "waika_certificate_expiry_timestamp_seconds",
        Unit::Seconds,
        "When the certificate that a listener shows ends, in seconds since 1970"
    );
    describe_counter!(
        "waika_admission_refused_total",
        Unit::Count,
        "Calls refused before anything was written, since more waited than can be told in time, by class and bound"
    );
    describe_counter!(
        "waika_accept_errors_total",
        Unit::Count,
        "Connections that could not be accepted"
    );
    describe_counter!(
        "waika_rpc_panics_total",
        Unit::Count,
        "RPCs that ended in a panic, which is a bug"
    );
    describe_the_ledger();
    describe_the_store();
    describe_nodes();
    describe_keys();
    describe_the_partners();
    describe_hops();
}

fn describe_hops() {
    describe_gauge!(
        "waika_advices_owed",
        Unit::Count,
        "Advices that issuers are owed and have not taken yet"
    );
    describe_counter!(
        "waika_advices_sent_total",
        Unit::Count,
        "Advices sent to issuers, by outcome"
    );
    describe_counter!(
        "waika_advices_short_total",
        Unit::Count,
        "Advices for which an issuer gave back less than it was told to"
    );
    describe_counter!(
        "waika_issuer_late_total",
        Unit::Count,
        "Approvals of issuers that came when the payment was declined already"
    );
    describe_counter!(
        "waika_deadline_budget_refusals_total",
        Unit::Count,
        "Calls refused because their deadline left no time to ask the issuer"
    );
    describe_counter!(
        "waika_issuer_nonsense_total",
        Unit::Count,
        "Answers of issuers that cannot be believed, by kind"
    );
    describe_counter!(
        "waika_stand_ins_total",
        Unit::Count,
        "Payments approved in an issuer's place, and what the issuer said of them later"
    );
    describe_counter!(
        "waika_stand_in_fen_total",
        "Principal approved in an issuer's place, and of that what the issuer would have declined, in fen"
    );
}

fn describe_keys() {
    describe_gauge!(
        "waika_live_keys",
        Unit::Count,
        "Data keys that something may be under: more than one while keys are rotated"
    );
    describe_counter!(
        "waika_moved_passwords_total",
        Unit::Count,
        "Passwords that moved to the active data key when they were used"
    );
}

fn describe_the_ledger() {
    describe_counter!(
        "waika_decisions_total",
        Unit::Count,
        "Payments decided, by decision, reason, layer and scene; replays not included"
    );
    describe_counter!(
        "waika_shadow_decisions_total",
        Unit::Count,
        "Payments that a shadow policy decided too, by whether it decided the same"
    );
    describe_counter!(
        "waika_binds_total",
        Unit::Count,
        "Binds decided, by outcome and reason; replays not included"
    );
    describe_counter!(
        "waika_replays_total",
        Unit::Count,
        "Calls whose key was used before, told their stored answer"
    );
    describe_counter!(
        "waika_older_key_searches_total",
        Unit::Count,
        "Looks at the disk for an idempotency key that may have been used long ago, by whether it was"
    );
    describe_gauge!(
        "waika_idempotency_keys",
        Unit::Count,
        "Idempotency keys that are kept, by where: in memory, or on the disk with a filter in memory"
    );
    describe_gauge!(
        "waika_older_keys_memory_bytes",
        Unit::Bytes,
        "Memory of the filters of idempotency keys on the disk"
    );
}

fn describe_nodes() {
    describe_gauge!(
        "waika_node_number",
        Unit::Count,
        "Which of the servers over one database this is"
    );
    describe_counter!(
        "waika_store_not_durable_total",
        Unit::Count,
        "Decisions that a database did not take, by outcome: most of them were made again"
    );
    describe_counter!(
        "waika_accounts_loaded_total",
        Unit::Count,
        "Accounts asked for from the database, whether they were newer than in memory or not"
    );
    describe_counter!(
        "waika_accounts_let_go_total",
        Unit::Count,
        "Accounts that left the memory since others needed the room"
    );
    describe_counter!(
        "waika_accounts_held_total",
        Unit::Count,
        "Rows of accounts that other servers decide over too, held before it was decided, by how they were found"
    );
}

fn describe_the_store() {
    describe_gauge!(
        "waika_commit_queue_age_seconds",
        Unit::Seconds,
        "How long what is not durable yet has waited for the commit that is going on; 0 if nothing waits"
    );
    describe_gauge!(
        "waika_store_free_bytes",
        Unit::Bytes,
        "Room on the store's disk: below --min-free-bytes nothing new is begun"
    );
    describe_counter!(
        "waika_scrubbed_accounts_total",
        Unit::Count,
        "Accounts that were compared with what the store holds, and were the same"
    );
    describe_counter!(
        "waika_backups_total",
        Unit::Count,
        "Backups of the journal by how they ended: taken or failed"
    );
    describe_gauge!(
        "waika_backup_sequence",
        Unit::Count,
        "Last entry of the newest backup that this process took"
    );
    describe_gauge!(
        "waika_backup_timestamp_seconds",
        Unit::Seconds,
        "When that was taken, since 1970"
    );
    describe_gauge!(
        "waika_journal_first_sequence",
        Unit::Count,
        "First entry that the journal still has"
    );
    describe_counter!(
        "waika_journal_pruned_segments_total",
        Unit::Count,
        "Segments of the journal that were pruned"
    );
    describe_counter!(
        "waika_journal_pruned_bytes_total",
        Unit::Bytes,
        "What they had held"
    );
    describe_gauge!(
        "waika_erasures_waiting",
        Unit::Count,
        "Closed accounts of which what is personal is to be erased, and is not yet"
    );
    describe_counter!(
        "waika_erased_entries_total",
        Unit::Count,
        "Entries of which what is personal was erased"
    );
    describe_counter!("waika_commits_total", Unit::Count, "Batches made durable");
    describe_histogram!("waika_commit_batch_size", Unit::Count, "Entries in a batch");
    describe_histogram!(
        "waika_commit_flush_seconds",
        Unit::Seconds,
        "From the write of a batch to the end of its sync"
    );
}

fn describe_the_partners() {
    describe_counter!(
        "waika_issuer_requests_total",
        Unit::Count,
        "Calls to the issuer, by scheme, operation and outcome: answered, failed, not_sent, given_up"
    );
    describe_histogram!(
        "waika_issuer_seconds",
        Unit::Seconds,
        "How long calls to the issuer took, given up ones included; not what was never sent"
    );
    describe_gauge!(
        "waika_issuer_in_flight",
        Unit::Count,
        "Places taken of --issuer-in-flight"
    );
    describe_gauge!(
        "waika_issuer_connections",
        Unit::Count,
        "Connections to the issuer that take calls"
    );
    describe_gauge!(
        "waika_issuer_breaker_state",
        "0: it is asked; 1: it is asked a few times, to see; 2: it is left alone"
    );
    describe_counter!(
        "waika_issuer_breaker_opened_total",
        Unit::Count,
        "Times that an issuer began to be left alone"
    );
    describe_counter!(
        "waika_issuer_turned_away_total",
        Unit::Count,
        "Calls that were not made, by reason: breaker_open, too_many_in_flight"
    );
    describe_counter!(
        "waika_partner_requests_total",
        Unit::Count,
        "Calls to the SMS gateway and the identity verifier, by outcome: yes, no, failed, not_sent, \
         timed_out"
    );
}

/// The figures of one listener, found once and kept.
#[derive(Clone)]
pub(crate) struct ListenerMetrics {
    pub(crate) open: Gauge,
    pub(crate) accepted: Counter,
    pub(crate) refused: Counter,
    pub(crate) not_http2: Counter,
    pub(crate) tls_failed: Counter,
    pub(crate) control_frame_pauses: Counter,
    pub(crate) accept_errors: Counter,
}

impl ListenerMetrics {
    pub(crate) fn of(listener: &'static str) -> Self {
        Self {
            open: gauge!("waika_connections_open", "listener" => listener),
            accepted: counter!("waika_connections_accepted_total", "listener" => listener),
            refused: counter!("waika_connections_refused_total", "listener" => listener),
            not_http2: counter!("waika_connections_not_http2_total", "listener" => listener),
            tls_failed: counter!("waika_tls_handshakes_failed_total", "listener" => listener),
            control_frame_pauses: counter!("waika_control_frame_pauses_total", "listener" => listener),
            accept_errors: counter!("waika_accept_errors_total", "listener" => listener),
        }
    }
}
