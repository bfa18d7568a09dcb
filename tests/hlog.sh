#!/usr/bin/env bash
# Histogram logs: read by the Python HdrHistogram library, and three slices merged against one run.
#
#   bash tests/hlog.sh
#
# One run of a plan, and the same plan in three slices that begin together, each on a fresh server.
# The library must find every percentile of each report; the merged report must have the counts, the
# outcomes and the decisions of the one run, and the percentiles of the three logs together.
# What it installs goes to target/tools/hlog, or below $WAIKA_TOOLS. Build first: cargo build.
# Exit codes: 0 all is equal, 1 it is not, 69 Python's package cannot be installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly BINARIES="${CARGO_TARGET_DIR:-$PWD/target}/debug"
readonly TOOLS="${WAIKA_TOOLS:-$PWD/target/tools}/hlog"
# Twelve seconds: enough intervals to hold hosts against each other, on a machine that others use.
readonly PLAN=(--rate 150 --duration 12s --warm-up 1s --accounts 300 --merchants 10 --seed 7 --deadline 5s
  --run-id 51a7e)
FOLDER=$(mktemp -d)
readonly FOLDER
server="" rpc="" admin=""

clean_up() {
  # It writes until it has ended.
  [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true
  rm -rf "$FOLDER"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
  printf 'hlog: %s\n' "$1" >&2
  exit "${2:-1}"
}

install_python() {
  cmp -s tests/hlog/requirements.txt "$TOOLS/installed-from" && return
  echo "installing Python's HdrHistogram"
  if ! python3 -m venv --clear "$TOOLS" ||
    ! "$TOOLS/bin/pip" install --quiet --requirement tests/hlog/requirements.txt; then
    fail "Python's package could not be installed: tests/hlog/requirements.txt" 69
  fi
  cp tests/hlog/requirements.txt "$TOOLS/installed-from"
}

# Fresh data in a folder of this name, on free ports.
start_server() {
  mkdir "$FOLDER/$1"
  : >"$FOLDER/line"
  "$BINARIES/waika-server" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 \
    --store "journal:$FOLDER/$1/data" --key-file "$FOLDER/$1/key" --log-level warn \
    >"$FOLDER/line" 2>"$FOLDER/server-log" &
  server=$!
  for _ in $(seq 400); do
    [ -s "$FOLDER/line" ] && break
    sleep 0.05
  done
  read -r _ _ _ rpc _ admin _ <"$FOLDER/line" || {
    cat "$FOLDER/server-log" >&2
    fail "the server does not start"
  }
}

stop_server() {
  kill -TERM "$server"
  wait "$server" || true
  server=""
}

# load NAME [FLAG...]: leaves NAME.json and NAME.hlog. A busy machine may make it INVALID.
load() {
  local name=$1 status=0
  shift
  "$BINARIES/waika-loadgen" run --target "http://$rpc" --admin "http://$admin" "${PLAN[@]}" "$@" \
    --json "$FOLDER/$name.json" --hlog "$FOLDER/$name.hlog" --trace "$FOLDER/$name.trace" \
    >"$FOLDER/$name.text" 2>&1 || status=$?
  [ "$status" -eq 0 ] || [ "$status" -eq 5 ] || {
    cat "$FOLDER/$name.text" >&2
    fail "$name ended with exit code $status"
  }
}

python() {
  "$TOOLS/bin/python" "$@"
}

install_python

echo "== one run of the plan"
start_server whole
load whole
stop_server
python tests/hlog/compare.py "$FOLDER/whole.json" "$FOLDER/whole.hlog"

echo "== the same plan in three slices that begin together"
start_server slices
"$BINARIES/waika-loadgen" provision --target "http://$rpc" --admin "http://$admin" --accounts 300 \
  --merchants 10 --seed 7 >"$FOLDER/provision.text" 2>&1
start_at=$(date -u -d '+6 seconds' +%Y-%m-%dT%H:%M:%SZ)
slices=()
for number in 1 2 3; do
  load "slice-$number" --slice "$number/3" --start-at "$start_at" &
  slices+=($!)
done
for slice in "${slices[@]}"; do
  wait "$slice" || fail "a slice failed"
done
stop_server
for number in 1 2 3; do
  python tests/hlog/compare.py "$FOLDER/slice-$number.json" "$FOLDER/slice-$number.hlog"
done

echo "== merged"
status=0
"$BINARIES/waika-loadgen" merge "$FOLDER"/slice-{3,1,2}.hlog --json "$FOLDER/merged.json" \
  --hlog "$FOLDER/merged.hlog" >"$FOLDER/merged.text" 2>&1 || status=$?
cat "$FOLDER/merged.text"
[ "$status" -eq 0 ] || [ "$status" -eq 5 ] || fail "merge ended with exit code $status"
python tests/hlog/compare.py "$FOLDER/merged.json" "$FOLDER"/slice-{1,2,3}.hlog
python tests/hlog/compare.py "$FOLDER/merged.json" "$FOLDER/merged.hlog"

echo "== the one run against the three slices"
python - "$FOLDER/whole.json" "$FOLDER/merged.json" <<'PYTHON'
import json
import sys

whole, merged = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:])


def alike(report):
    outcomes = {f'{one["kind"]} {one["name"]}': one["count"] for one in report["outcomes"]}
    # Whichever of two requests under one key comes first is decided, and the other one replayed.
    return {
        **{name: report["counts"][name] for name in ("planned", "sent", "answered", "errors", "warm_up_sent")},
        **outcomes,
        "decided alike": report["decided_alike"],
    }


one, three = alike(whole), alike(merged)
for name in one | three:
    print(f"{name:<20}{one.get(name)!s:>20}{three.get(name)!s:>20}")
sys.exit(one != three)
PYTHON
echo "the logs are what the reports say, and three slices are one plan"
