#!/usr/bin/env bash
# CPU per call of the server and of both floors, in turns, so that a noisy machine is noisy to all.
#
#   bash tests/pairs.sh [ROUNDS] [IN_FLIGHT] [SECONDS]     (3 rounds, 256 in flight, 5 seconds)
#
# Closed loop over 4 connections, distinct accounts and keys; the server on core 0, the generator
# on core 1 where the machine has two. Build first: cargo build --release
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly ROUNDS=${1:-3} IN_FLIGHT=${2:-256} SECONDS_EACH=${3:-5}
readonly BINARIES="$PWD/target/release"
FOLDER=$(mktemp -d)
readonly FOLDER
process=""
trap '[ -z "$process" ] || { kill "$process" && wait "$process"; } 2>/dev/null || true; rm -rf "$FOLDER"' EXIT

# taskset becomes what it starts, so that a process in the background has the number that bash tells.
server_core=() generator_core=()
if [ "$(nproc)" -gt 1 ]; then
  server_core=(taskset -c 0) generator_core=(taskset -c 1)
fi

# Starts an arm in the background and waits for the line that says where it listens.
start() {
  : >"$FOLDER/line"
  "${server_core[@]}" "$@" >"$FOLDER/line" 2>"$FOLDER/log" &
  process=$!
  for _ in $(seq 100); do
    [ -s "$FOLDER/line" ] && return
    sleep 0.1
  done
  cat "$FOLDER/log" >&2
  exit 1
}

measure() {
  local target=$1
  shift
  # Exit 5 says that the figures are doubtful; they are shown with that word.
  "${generator_core[@]}" "$BINARIES/waika-loadgen" run --target "http://$target" "$@" \
    --closed "$IN_FLIGHT" --connections 4 --duration "${SECONDS_EACH}s" --warm-up 1s \
    --accounts 20000 --merchants 50 --server-pid "$process" \
    --json "$FOLDER/result.json" >"$FOLDER/text" 2>>"$FOLDER/log" || [ $? -eq 5 ]
}

printf '%-5s %-22s %12s %16s %14s %10s %s\n' \
  round arm calls/s 'generator us/call' 'server us/call' p99 verdict
for round in $(seq "$ROUNDS"); do
  for arm in floor-multi floor-per-core server-memory server-journal; do
    case $arm in
      floor-*)
        start "$BINARIES/waika-loadgen" floor --runtime "${arm#floor-}" --cores 1 --listen 127.0.0.1:0
        read -r _ _ _ _ rpc <"$FOLDER/line"
        measure "$rpc" --no-provision
        ;;
      server-*)
        store=memory:
        [ "$arm" = server-journal ] && store="journal:$FOLDER/data-$round"
        start "$BINARIES/waika-server" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 \
          --metrics-listen 127.0.0.1:0 --store "$store" --key-file "$FOLDER/key" --cores 1 --log-level warn
        read -r _ _ _ rpc _ admin _ <"$FOLDER/line"
        measure "$rpc" --admin "http://$admin"
        ;;
    esac
    kill -TERM "$process" && wait "$process" || true
    process=""
    python3 - "$round" "$arm" "$FOLDER/result.json" <<'PYTHON'
import json, sys
round_, arm, path = sys.argv[1:]
result = json.load(open(path))
cpu = lambda who: result[who]["cpu_ns_per_call"] / 1e3
print(f'{round_:<5} {arm:<22} {result["rates"]["achieved_per_second"]:>12,.0f} '
      f'{cpu("generator"):>16.1f} {cpu("server"):>14.1f} '
      f'{result["response"]["p99_ns"] / 1e6:>7.1f} ms {"VALID" if result["verdict"]["valid"] else "INVALID"}')
PYTHON
  done
done
