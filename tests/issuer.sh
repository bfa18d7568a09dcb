#!/usr/bin/env bash
# The long proofs of an issuer on the other side, with the release binaries.
#
#   bash tests/issuer.sh outage     5,000/s for 30 s, the issuer away for 5 s in the middle: killed, then silent
#   bash tests/issuer.sh lanes      a slow scheme beside a fast one, in turns with the fast one alone
#   bash tests/issuer.sh stand-in   the same outage while Waika stands in, and what diverged
#   bash tests/issuer.sh cpu        server CPU per call, sandbox inside and issuer of 0 ms, in turns
#   bash tests/issuer.sh split      5,000/s with an issuer of p50 20 ms and p99 80 ms: where the time goes
#   bash tests/issuer.sh memory     20,000 payments held at the same time
#
# Each ends with an error where its figure is not met. Build first: cargo build --release. Kills of either side are in the end-to-end tests:
#   WAIKA_ISSUER_KILLS=50 cargo test --release --test e2e whoever_is_killed -- --nocapture
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly BINARIES="$PWD/target/release"
FOLDER=$(mktemp -d)
readonly FOLDER
# Below the ports that the system gives away, so that nothing else has it when the issuer comes back.
readonly ISSUER_PORT=$((10000 + RANDOM % 20000))
readonly ISSUER="http://127.0.0.1:$ISSUER_PORT"
server="" issuer="" rpc="" admin="" metrics=""
trap 'cat "$FOLDER"/*-log >&2' ERR
set -E
trap 'for process in $server $issuer; do kill -9 "$process" 2>/dev/null || true; done; rm -rf "$FOLDER"' EXIT

wait_for_line() {
  for _ in $(seq 200); do
    [ -s "$1" ] && return
    sleep 0.05
  done
  cat "$2" >&2
  exit 1
}

start_issuer() {
  : >"$FOLDER/issuer-line"
  "$BINARIES/waika-server" issuer-sandbox --listen "127.0.0.1:$ISSUER_PORT" --cores 1 --log-level warn \
    "$@" >"$FOLDER/issuer-line" 2>>"$FOLDER/issuer-log" &
  issuer=$!
  wait_for_line "$FOLDER/issuer-line" "$FOLDER/issuer-log"
}

start_server() {
  : >"$FOLDER/server-line"
  "$BINARIES/waika-server" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 \
    --key-file "$FOLDER/key" --log-level warn "$@" >"$FOLDER/server-line" 2>>"$FOLDER/server-log" &
  server=$!
  wait_for_line "$FOLDER/server-line" "$FOLDER/server-log"
  read -r _ _ _ rpc _ admin _ metrics <"$FOLDER/server-line"
}

stop_all() {
  for process in $server $issuer; do
    kill -TERM "$process" 2>/dev/null && wait "$process" 2>/dev/null || true
  done
  server="" issuer=""
}

gauge() {
  python3 - "$metrics" "$1" <<'PYTHON'
import sys, urllib.request
page = urllib.request.urlopen(f"http://{sys.argv[1]}/metrics").read().decode()
found = [line.split()[1] for line in page.splitlines() if line.startswith(sys.argv[2] + " ")]
print(int(float(found[0])) if found else 0)
PYTHON
}

# Exit 5 says that the figures are doubtful; they are shown with that word.
load() {
  "$BINARIES/waika-loadgen" run --target "http://$rpc" --admin "http://$admin" --merchants 50 \
    --json "$FOLDER/result.json" "$@" >"$FOLDER/report" 2>>"$FOLDER/load-log" || [ $? -eq 5 ]
}

provision() {
  "$BINARIES/waika-loadgen" provision --target "http://$rpc" --admin "http://$admin" --merchants 50 "$@" \
    >>"$FOLDER/load-log" 2>&1
}

until_nothing_owed() {
  local since=$SECONDS
  while [ "$(gauge waika_advices_owed)" != 0 ]; do
    sleep 0.2
    if [ $((SECONDS - since)) -gt 120 ]; then
      echo "advices are owed still after 120 s" >&2
      exit 1
    fi
  done
}

reconcile() {
  "$BINARIES/waika-server" reconcile --store "journal:$FOLDER/data" --issuer "$ISSUER" 2>/dev/null
}

sample_owed() {
  local line="advices owed, twice a second:"
  while [ ! -e "$FOLDER/ended" ]; do
    line="$line $(gauge waika_advices_owed)"
    sleep 0.5
  done
  echo "$line" | fold -s -w 110
}

outcomes() {
  python3 - "$FOLDER/result.json" <<'PYTHON'
import json, sys
result = json.load(open(sys.argv[1]))
outcomes = result["outcomes"]
print("outcomes:", json.dumps(outcomes))
print("rates:", json.dumps(result["rates"]), "VALID" if result["verdict"]["valid"] else "INVALID")
PYTHON
}

# One outage in the middle of a load: killed and started again, or silent by schedule.
one_outage() {
  local kind=$1 accounts=20000
  shift
  rm -rf "$FOLDER/data" "$FOLDER/books" "$FOLDER/ended"
  local latency=(--latency p50=5ms,p99=20ms --books "journal:$FOLDER/books")
  start_issuer "${latency[@]}"
  start_server --store "journal:$FOLDER/data" --issuer "$ISSUER" "$@"
  provision --accounts "$accounts"
  until_nothing_owed
  if [ "$kind" = silent ]; then
    kill -9 "$issuer" && wait "$issuer" 2>/dev/null || true
    start_issuer "${latency[@]}" --outage 22s..27s=mute
  fi
  sample_owed >"$FOLDER/owed" &
  local sampler=$!
  load --accounts "$accounts" --rate 5000 --duration 30s --warm-up 0s --in-flight 8000 \
    --connections 16 --duplicates 1% &
  local running=$!
  if [ "$kind" = killed ]; then
    sleep 12
    kill -9 "$issuer" && wait "$issuer" 2>/dev/null || true
    sleep 5
    start_issuer "${latency[@]}"
  fi
  wait "$running"
  until_nothing_owed
  sleep 0.6
  touch "$FOLDER/ended"
  wait "$sampler"
  echo "== issuer $kind for 5 s in the middle of 5,000/s"
  outcomes
  cat "$FOLDER/owed"
  reconcile
  stop_all
}

# The median of the rounds' ratios of two arms, held below a limit.
ratio_of_rounds() {
  python3 - "$@" <<'PYTHON'
import statistics, sys
path, above, below, of, limit, complaint = sys.argv[1:]
arms = {}
for line in open(path):
    arm, figure = line.split()
    arms.setdefault(arm, []).append(float(figure))
ratios = [high / low for high, low in zip(arms[above], arms[below])]
median = statistics.median(ratios)
print(f"{of} {above} / {below}: median {median:.2f}, each {[round(r, 2) for r in ratios]}")
sys.exit(median > float(limit) and f"{complaint} more than {limit} times")
PYTHON
}

# p99 of the fast scheme's responses in milliseconds.
fast_p99() {
  python3 - "$FOLDER/result.json" <<'PYTHON'
import json, sys
result = json.load(open(sys.argv[1]))
visa = next(scheme for scheme in result["schemes"] if scheme["scheme"] == "visa")
response = visa.get("response") or visa.get("latency")
print(f'{response["p50_ns"] / 1e6:.2f} {response["p99_ns"] / 1e6:.2f} {result["verdict"]["valid"]}')
PYTHON
}

lanes() {
  echo "== fast scheme (2 ms) alone and beside a slow one (600 ms), 1,500/s each, ${ROUNDS:=3} rounds"
  printf '%-6s %-8s %10s %10s %s\n' round arm 'p50 ms' 'p99 ms' valid
  for round in $(seq "$ROUNDS"); do
    for arm in alone beside; do
      rm -rf "$FOLDER/data"
      start_issuer --books memory: --latency 2ms --latency jcb:600ms
      start_server --store memory: --issuer "$ISSUER"
      local shares=visa=1 rate=1500
      [ "$arm" = beside ] && shares=visa=1,jcb=1 rate=3000
      load --accounts 20000 --scheme "$shares" --by-scheme --rate "$rate" --duration 10s --warm-up 2s \
        --in-flight 8000 --connections 8 --deadline 2s
      read -r p50 p99 valid < <(fast_p99)
      printf '%-6s %-8s %10s %10s %s\n' "$round" "$arm" "$p50" "$p99" "$valid"
      echo "$arm $p99" >>"$FOLDER/lanes"
      stop_all
    done
  done
  ratio_of_rounds "$FOLDER/lanes" beside alone p99 1.5 "the slow scheme costs the fast one"
}

stand_in() {
  cat >"$FOLDER/policy.toml" <<'POLICY'
name = "standing-in"
[issuer]
stand_in = true
stand_in_single_fen = 20000
stand_in_outstanding_fen = 50000
POLICY
  local accounts=20000
  rm -rf "$FOLDER/data" "$FOLDER/books"
  local issues=(--latency p50=5ms,p99=20ms --errors 2%=51 --errors 0.5%=05 --books "journal:$FOLDER/books")
  start_issuer --latency 1ms --books "journal:$FOLDER/books"
  start_server --store "journal:$FOLDER/data" --issuer "$ISSUER" --policy "$FOLDER/policy.toml"
  provision --accounts "$accounts"
  until_nothing_owed
  kill -9 "$issuer" && wait "$issuer" 2>/dev/null || true
  start_issuer "${issues[@]}"
  load --accounts "$accounts" --rate 3000 --duration 20s --warm-up 0s --in-flight 8000 \
    --connections 16 &
  local running=$!
  sleep 8
  kill -9 "$issuer" && wait "$issuer" 2>/dev/null || true
  sleep 5
  start_issuer "${issues[@]}"
  wait "$running"
  until_nothing_owed
  echo "== standing in for an issuer that is away for 5 s of 20 s at 3,000/s"
  outcomes
  reconcile
  stop_all
}

cpu() {
  echo "== server CPU per unary call, closed loop, 256 in flight over 4 connections, ${ROUNDS:=4} rounds"
  printf '%-6s %-8s %12s %14s %10s %s\n' round arm calls/s 'server us' p99 valid
  for round in $(seq "$ROUNDS"); do
    for arm in inside outside; do
      rm -rf "$FOLDER/data"
      local remote=()
      if [ "$arm" = outside ]; then
        start_issuer --books memory:
        remote=(--issuer "$ISSUER")
      fi
      start_server --store "journal:$FOLDER/data" --cores 1 "${remote[@]}"
      load --closed 256 --connections 4 --accounts 20000 --duration 6s --warm-up 1s --server-pid "$server"
      python3 - "$round" "$arm" "$FOLDER/result.json" "$FOLDER/cpu" <<'PYTHON'
import json, sys
round_, arm, path, log = sys.argv[1:]
result = json.load(open(path))
cpu = result["server"]["cpu_ns_per_call"] / 1e3
print(f'{round_:<6} {arm:<8} {result["rates"]["achieved_per_second"]:>12,.0f} {cpu:>14.1f} '
      f'{result["response"]["p99_ns"] / 1e6:>7.1f} ms {result["verdict"]["valid"]}')
open(log, "a").write(f"{arm} {cpu}\n")
PYTHON
      stop_all
    done
  done
  ratio_of_rounds "$FOLDER/cpu" outside inside CPU 2.6 "an issuer outside costs"
}

split() {
  echo "== 5,000/s for 20 s, issuer log-normal with p50 20 ms and p99 80 ms"
  rm -rf "$FOLDER/data"
  start_issuer --books memory: --latency p50=20ms,p99=80ms
  start_server --store "journal:$FOLDER/data" --issuer "$ISSUER"
  load --accounts 50000 --rate 5000 --duration 20s --warm-up 3s --timing --in-flight 4000 --connections 8
  cat "$FOLDER/report"
  stop_all
  python3 - "$FOLDER/result.json" <<'PYTHON'
import json, sys
own = json.load(open(sys.argv[1]))["timing"]["server_own"]["p99_ns"] / 1e6
print(f"what Waika adds: p99 {own:.2f} ms")
sys.exit(own >= 5 and "that is not under 5 ms")
PYTHON
}

resident() {
  awk '/VmRSS/ {print $2}' "/proc/$server/status"
}

memory() {
  echo "== 20,000 payments held while their issuer takes 25 s"
  rm -rf "$FOLDER/data"
  start_issuer --books memory: --latency 1ms
  cat >"$FOLDER/policy.toml" <<'POLICY'
name = "patient"
[issuer]
timeout_ms = 60000
POLICY
  start_server --store "journal:$FOLDER/data" --issuer "$ISSUER" --policy "$FOLDER/policy.toml" \
    --issuer-in-flight 30000
  provision --accounts 30000
  until_nothing_owed
  # The callers' connections and what the server keeps for each are there before.
  load --accounts 30000 --rate 2000 --duration 4s --warm-up 1s --in-flight 24000 --connections 24
  # As many payments that nobody holds: what each leaves behind, held or not.
  local decided
  decided=$(resident)
  load --accounts 30000 --rate 2000 --duration 10s --warm-up 0s --in-flight 24000 --connections 24
  echo "$(( ($(resident) - decided) / 1024 )) MiB more after 20,000 payments that were decided at once"
  kill -9 "$issuer" && wait "$issuer" 2>/dev/null || true
  start_issuer --books memory: --latency 25s
  sleep 1
  local before most=0 more=0 held now
  before=$(resident)
  load --accounts 30000 --rate 2000 --duration 11s --warm-up 0s --in-flight 24000 \
    --connections 24 --deadline 60s &
  local running=$!
  for _ in $(seq 100); do
    sleep 0.25
    held=$(gauge_sum waika_issuer_in_flight)
    now=$(resident)
    if [ "$held" -gt "$most" ]; then
      most=$held more=$((now - before))
      echo "$held held: $(((now - before) / 1024)) MiB more than before"
    fi
    if [ "$most" -gt 20000 ]; then break; fi
  done >"$FOLDER/held"
  tail -4 "$FOLDER/held"
  wait "$running" || true
  stop_all
  python3 - "$most" "$more" <<'PYTHON'
import sys
held, kib = map(int, sys.argv[1:])
each, of_all = kib * 1024 / max(held, 1), kib * 1024 / max(held, 1) * 20_000 / 1e6
print(f"{held} held: {each:,.0f} bytes each, {of_all:.0f} MB for 20,000")
sys.exit(held < 20_000 and "not as many were held" or of_all >= 100 and "that is not under 100 MB")
PYTHON
}

gauge_sum() {
  python3 - "$metrics" "$1" <<'PYTHON'
import sys, urllib.request
page = urllib.request.urlopen(f"http://{sys.argv[1]}/metrics").read().decode()
print(int(sum(float(line.split()[-1]) for line in page.splitlines() if line.startswith(sys.argv[2] + "{"))))
PYTHON
}

case ${1:-} in
  outage)
    one_outage killed
    one_outage silent
    ;;
  lanes) lanes ;;
  stand-in) stand_in ;;
  cpu) cpu ;;
  split) split ;;
  memory) memory ;;
  *)
    sed -n '2,14p' "${BASH_SOURCE[0]}"
    exit 64
    ;;
esac
