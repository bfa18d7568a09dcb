#!/usr/bin/env bash
# What the load generator itself costs, beside h2load and against a server that does nothing.
#
#   bash tests/generator.sh cpu      processor time a call: h2load, open loop, closed loop, in turns
#   bash tests/generator.sh oracle   the same calls to a real server with the oracle on and off, in turns
#   bash tests/generator.sh rate     how many calls and streamed payments one core sends
#   bash tests/generator.sh pacing   how late requests leave at 20,000 a second
#   bash tests/generator.sh memory   resident memory of runs of one and ten minutes at 30,000 a second
#
# ROUNDS (4) and SECONDS_EACH (5) can be set. The server on core 0 and the generator on core 1, where
# the machine has two. h2load is nghttp2's (Debian: nghttp2-client). Build first: cargo build --release
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly ROUNDS=${ROUNDS:-4} SECONDS_EACH=${SECONDS_EACH:-5}
readonly LOADGEN="$PWD/target/release/waika-loadgen" SERVER="$PWD/target/release/waika-server"
FOLDER=$(mktemp -d)
readonly FOLDER
process=""
trap '[ -z "$process" ] || { kill "$process" && wait "$process"; } 2>/dev/null || true; rm -rf "$FOLDER"' EXIT

server_core=() generator_core=()
if [ "$(nproc)" -gt 1 ]; then
  server_core=(taskset -c 0) generator_core=(taskset -c 1)
fi

# start COMMAND...: in the background, until it says on its first line where it listens.
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

stop() {
  kill "$process"
  wait "$process" 2>/dev/null || true
  process=""
}

start_floor() {
  start "$LOADGEN" floor --runtime per-core --cores 1 --listen 127.0.0.1:0
  read -r _ _ _ _ rpc <"$FOLDER/line"
}

# load FLAG...: a run whose report is in result.json. Exit 5 says that the figures are doubtful.
load() {
  "${generator_core[@]}" "$LOADGEN" run --target "http://$rpc" --connections 4 --json "$FOLDER/result.json" \
    --warm-up 1s "$@" >"$FOLDER/text" 2>>"$FOLDER/log" || [ $? -eq 5 ] || { cat "$FOLDER/text" "$FOLDER/log" >&2; exit 1; }
}

# field PATH: a figure of the last report.
field() {
  python3 -c 'import json,sys,functools
v=functools.reduce(lambda v,k: v[int(k)] if isinstance(v,list) else v[k], sys.argv[2].split("/"), json.load(open(sys.argv[1])))
print(v if v is not None else "-")' "$FOLDER/result.json" "$1"
}

verdict() {
  [ "$(field verdict/valid)" = True ] && echo VALID || echo INVALID
}

us() {
  awk -v ns="$1" 'BEGIN { printf "%.2f", ns / 1000 }'
}

# A framed request of the size of ours, for h2load, which can only repeat one.
write_body() {
  python3 - "$FOLDER/body" <<'PYTHON'
import struct, sys
text = lambda field, value: bytes([field << 3 | 2, len(value)]) + value
def number(field, value):
    out = bytes([field << 3])
    while value >= 128:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])
message = (text(1, b"0" * 16 + b"-" + b"0" * 16) + text(2, b"acct-1-1234") + text(3, b"card_0123456789ABC")
           + text(4, b"merchant-1-17") + number(5, 7500) + text(6, b"CNY") + number(7, 1) + number(8, 3) + text(9, b"123456"))
open(sys.argv[1], "wb").write(b"\0" + struct.pack(">I", len(message)) + message)
PYTHON
}

# Processor time of h2load for each call, in nanoseconds, warm-up included in both.
h2load_ns() {
  "${generator_core[@]}" /usr/bin/time -f '%U %S' -o "$FOLDER/time" \
    h2load -D "$SECONDS_EACH" -c 4 -m 64 -t 1 -H 'te: trailers' -H 'content-type: application/grpc' \
    -d "$FOLDER/body" "http://$rpc/waika.v1.AuthorisationService/Authorise" >"$FOLDER/h2load"
  awk 'NR == FNR { used = ($1 + $2) * 1e9; next } /^requests:/ { printf "%d", used / $8 }' "$FOLDER/time" "$FOLDER/h2load"
}

median() {
  printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

cpu() {
  command -v h2load >/dev/null || { echo "h2load is missing: apt-get install nghttp2-client" >&2; exit 1; }
  write_body
  start_floor
  local opens=() closeds=() rate
  printf '%-6s %12s %14s %14s %14s %12s %12s\n' round 'h2load us' 'open us' 'closed us' 'open rate' 'open ratio' 'closed ratio'
  for round in $(seq "$ROUNDS"); do
    local peer open closed
    peer=$(h2load_ns)
    # As many calls a second as h2load made, less a tenth: at the server's limit an open loop only measures its queue.
    rate=$(awk '/^finished/ { printf "%d", $4 * 0.9 }' "$FOLDER/h2load")
    load --no-provision --accounts 20000 --rate "$rate" --duration "${SECONDS_EACH}s"
    open=$(field generator/cpu_ns_per_call)
    load --no-provision --accounts 20000 --closed 256 --duration "${SECONDS_EACH}s"
    closed=$(field generator/cpu_ns_per_call)
    opens+=("$(awk -v a="$open" -v b="$peer" 'BEGIN { print a / b }')")
    closeds+=("$(awk -v a="$closed" -v b="$peer" 'BEGIN { print a / b }')")
    printf '%-6s %12s %14s %14s %14s %12.2f %12.2f\n' "$round" "$(us "$peer")" "$(us "$open")" "$(us "$closed")" "$rate/s" "${opens[-1]}" "${closeds[-1]}"
  done
  stop
  echo "median ratio: open loop $(median "${opens[@]}"), closed loop $(median "${closeds[@]}") (limit 2.0, aim 1.5)"
  awk -v ratio="$(median "${opens[@]}")" 'BEGIN { exit ratio > 2.0 }' || { echo "above the limit" >&2; exit 1; }
}

oracle() {
  start "$SERVER" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 \
    --store "journal:$FOLDER/data" --key-file "$FOLDER/key"
  read -r _ _ _ rpc _ admin _ <"$FOLDER/line"
  local ratios=()
  printf '%-6s %12s %12s %8s\n' round 'off us' 'on us' ratio
  for round in $(seq "$ROUNDS"); do
    local off on flags=(--admin "http://$admin" --accounts 20000 --rate 8000 --duration "${SECONDS_EACH}s")
    load "${flags[@]}" --no-oracle
    off=$(field generator/cpu_ns_per_call)
    load "${flags[@]}"
    on=$(field generator/cpu_ns_per_call)
    [ "$(field certificate/proven)" = True ] || { cat "$FOLDER/text" >&2; exit 1; }
    ratios+=("$(awk -v a="$on" -v b="$off" 'BEGIN { print a / b }')")
    printf '%-6s %12s %12s %8.2f\n' "$round" "$(us "$off")" "$(us "$on")" "${ratios[-1]}"
  done
  stop
  echo "median ratio: $(median "${ratios[@]}") (limit 1.5)"
  awk -v ratio="$(median "${ratios[@]}")" 'BEGIN { exit ratio > 1.5 }' || { echo "above the limit" >&2; exit 1; }
}

# What one core sends: the share of a core that the generator needed tells how many it could send.
rate() {
  start_floor
  printf '%-6s %-14s %12s %14s %18s\n' round arm calls/s 'generator us' 'one core could'
  for round in $(seq "$ROUNDS"); do
    local arm
    for arm in unary stream stream-64; do
      local flags=(--closed 256)
      [ "$arm" = stream ] && flags=(--closed 2048 --stream)
      [ "$arm" = stream-64 ] && flags=(--closed 2048 --stream --batch 64)
      load --no-provision --accounts 20000 --duration "${SECONDS_EACH}s" "${flags[@]}"
      printf '%-6s %-14s %12.0f %14s %18.0f\n' "$round" "$arm" "$(field rates/achieved_per_second)" \
        "$(us "$(field generator/cpu_ns_per_call)")" "$(awk -v ns="$(field generator/cpu_ns_per_call)" 'BEGIN { print 1e9 / ns }')"
    done
  done
  stop
}

pacing() {
  start_floor
  printf '%-6s %10s %10s %10s %10s %s\n' round 'lag p50' p99 p99.9 stolen verdict
  for round in $(seq "$ROUNDS"); do
    load --no-provision --accounts 20000 --rate 20000 --duration "${SECONDS_EACH}s" --pacing hybrid
    printf '%-6s %8s us %7s us %7s us %9.1f%% %s\n' "$round" "$(us "$(field lag/p50_ns)")" "$(us "$(field lag/p99_ns)")" \
      "$(us "$(field lag/p99.9_ns)")" "$(awk -v s="$(field host/stolen)" 'BEGIN { print s * 100 }')" "$(verdict)"
  done
  stop
}

memory() {
  start_floor
  local minutes
  for minutes in 1 10; do
    /usr/bin/time -f '%M' -o "$FOLDER/time" "${generator_core[@]}" "$LOADGEN" run --target "http://$rpc" --no-provision --accounts 20000 \
      --connections 4 --rate 30000 --duration "${minutes}m" --json "$FOLDER/result.json" >"$FOLDER/text" 2>>"$FOLDER/log" || true
    echo "$minutes minute(s): $(tail -n 1 "$FOLDER/time") kB at most, $(field counts/sent) requests, $(verdict)"
  done
  stop
}

case "${1:-}" in
  cpu | oracle | rate | pacing | memory) "$1" ;;
  *)
    sed -n '2,11p' "${BASH_SOURCE[0]}"
    exit 64
    ;;
esac
