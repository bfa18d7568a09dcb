//! End to end: the real binaries, over real sockets, on real disks. One file a promise.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod binary_fields;
#[path = "../shared/environment.rs"]
mod environment;
mod issuer_calls;
mod issuer_support;
mod partners;
mod passports;
mod passwords;
#[path = "../../server/tests/postgres/cluster.rs"]
mod postgres_cluster;
#[path = "../../server/tests/postgres/proxy.rs"]
mod postgres_proxy;
mod postgres_support;
#[path = "../shared/programs.rs"]
mod programs;
mod requests;
mod support;
mod wallet;

mod authorise;
mod balance;
mod balance_more;
mod bind;
mod clock;
mod code;
mod code_ends;
mod code_keys;
mod code_races;
mod code_restart;
mod code_reversal;
mod concurrency;
mod crash_backup;
mod crash_backup_refused;
mod crash_delays;
mod crash_folders;
mod crash_formats;
mod crash_full;
mod crash_points;
mod crash_prune;
mod crash_scrub;
mod crash_soak;
mod crash_strace;
mod crash_support;
mod crash_syncs;
mod guide_1_preparation;
mod guide_2_entrance;
mod guide_3_binding;
mod guide_4_passport;
mod guide_5_declined;
mod guide_5_paying;
mod history;
mod idempotency;
mod issuer_cards;
mod issuer_crash;
mod issuer_nonsense;
mod issuer_outage;
mod issuer_process;
mod issuer_remote;
mod issuer_sandbox;
mod issuer_stand_in;
mod issuer_trouble;
mod load;
mod load_proof;
mod malformed;
mod mesh_age;
mod mesh_cuts;
mod mesh_handed_over;
mod mesh_health;
mod mesh_logs;
mod mesh_metrics;
mod mesh_tax;
mod mesh_traces;
mod notifications;
mod notifications_live;
mod older_keys;
mod operators;
mod partner_identity;
mod partner_sms;
mod password_budget;
mod password_change;
mod password_reset;
mod password_token;
mod policy;
mod policy_reload;
mod policy_time;
mod postgres_affinity;
mod postgres_erasing;
mod postgres_f11;
mod postgres_migrate;
mod postgres_nodes;
mod postgres_owed;
mod postgres_payers;
mod postgres_replica;
mod postgres_shared;
mod postgres_trips;
mod postgres_trouble;
mod quote;
mod quote_token;
mod races;
mod receipt;
mod refund;
mod refund_settle;
mod refund_steps;
mod region;
mod remembered;
mod restart;
mod reversal;
mod reversal_windows;
mod review;
mod review_races;
mod risk;
mod secrets;
mod secrets_beyond;
mod security_audit;
mod security_audit_kept;
mod security_audit_story;
mod security_certificates;
mod security_closing;
mod security_control_frames;
mod security_guesses;
mod security_identity;
mod security_keys;
mod security_keys_kept;
mod security_keys_support;
mod security_load;
mod security_overload;
mod security_proxy;
mod security_rates;
mod security_slow;
mod security_support;
mod settlement;
mod settlement_recount;
mod shadow;
mod shadow_load;
mod stream;
mod stream_bounds;
mod unary_frames;
mod unbind;
mod vectors;
