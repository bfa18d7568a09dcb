#!/usr/bin/env bash
# The end-to-end tests over a PostgreSQL instead of a journal, but for those that speak of a journal's files, snapshots
# and commands.
#
#     bash tests/on_postgres.sh [FILTER...] [-- OPTION...]
#
# Starts a PostgreSQL of its own from the installed package, in which every server of a test has a database of its own.
# Filters and options are cargo test's. Exit codes: cargo test's, 69 a program is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort --version-sort | tail -1 || true)
if [ -z "$programs" ] || ! command -v psql >/dev/null; then
  echo "PostgreSQL is not installed: apt-get install postgresql" >&2
  exit 69
fi
as_owner() {
  # initdb refuses root.
  if [ "$(id -u)" -eq 0 ]; then
    setpriv --reuid=postgres --regid=postgres --clear-groups "$@"
  else
    "$@"
  fi
}

home=$(mktemp -d -t waika-on-postgres.XXXXXX)
[ "$(id -u)" -ne 0 ] || chown postgres "$home"
leave() {
  (cd / && as_owner "$programs/pg_ctl" --pgdata "$home/data" --mode immediate stop >/dev/null 2>&1) || true
  rm -rf "$home"
}
trap leave EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
(
  cd /
  as_owner "$programs/initdb" --pgdata "$home/data" --auth=trust --username=waika --no-sync --encoding=UTF8 --locale=C
  as_owner "$programs/pg_ctl" --pgdata "$home/data" --wait --log "$home/log" \
    --options "-p $port -k $home -c listen_addresses=127.0.0.1 -c max_connections=600" start
) >/dev/null

# Of a journal: its files, snapshots, backups, pruning, runs of keys, what is read of its folder, and its sequences.
skipped=(
  crash_ older_keys security_keys security_closing::a_closed security_closing::what_is security_audit_kept issuer_nonsense issuer_outage issuer_remote
  issuer_stand_in issuer_crash code_restart remembered restart:: secrets load mesh_ postgres_
  balance_more::d12_the_balance_outlives_a_restart_with_and_without_a_snapshot
  code_keys::d18_a_replay_is_the_same_answer_also_once_the_code_is_forgotten
  code_reversal::d31_d10_a_payment_with_a_code_is_reversed_by_code_and_key
  issuer_cards::d16_a_server_that_is_killed_in_the_hop_ends_it_at_the_next_start
  policy_time::d24_a_policy_holds_from_its_date_on_and_lapses_to_the_one_before
  quote::r62_a_quote_spends_nothing
  receipt::a_receipt_comes_only_when_it_was_asked_for
  refund_steps::d18_refunds_and_settlements_are_replayed_after_a_restart_from_a_snapshot
  refund_steps::d25
  security_audit::who_is_denied_and_who_reads_is_a_line_of_the_log_and_no_action
  settlement::d25_a_day_s_settlement_is_the_same_from_the_server_the_command_and_the_journal
  shadow::a_shadow_stands_through_a_restart_and_a_snapshot_and_counts_anew
  shadow::d24_a_shadow_report_is_what_the_journal_says
)
filters=()
while [ "$#" -gt 0 ] && [ "$1" != -- ]; do
  filters+=("$1")
  shift
done
[ "$#" -eq 0 ] || shift
options=()
for name in "${skipped[@]}"; do
  options+=(--skip "$name")
done
WAIKA_E2E_POSTGRES="postgres://waika@127.0.0.1:$port" \
  cargo test --locked --test e2e -- "${filters[@]}" "${options[@]}" "$@"
