#!/usr/bin/env bash
# Searches the capacity of one server twice, and holds the two against each other: they must agree
# within 10 %. A machine that others use may need several rounds; each is told.
#
#   bash tests/capacity.sh [ROUNDS] [SLOS]     ROUNDS searches follow each other (2), and all must agree
#
# Needs release builds of waika-server and waika-loadgen; BIN names another folder than target/release.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-2}
slos=${2:-p99<25ms,p99.9<100ms,errors<0.1%}
bin=${BIN:-target/release}
loadgen=${LOADGEN:-$bin/waika-loadgen}
out=${OUT:-$(mktemp -d)}
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true; rm -rf "$folder"' EXIT

"$bin/waika-server" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 \
    --store "journal:$folder/data" --key-file "$folder/key" --log-level warn >"$folder/line" &
server=$!
for _ in $(seq 100); do
    [ -s "$folder/line" ] && break
    sleep 0.1
done
read -r _ _ _ public _ admin _ <"$folder/line"

for round in $(seq "$rounds"); do
    echo "== search $round of $rounds: $slos"
    code=0
    "$loadgen" capacity --slo "$slos" --target "http://$public" --admin "http://$admin" \
        --server-pid "$server" --accounts 2000 --json "$out/capacity-$round.json" "${@:3}" \
        >"$out/capacity-$round.txt" || code=$?
    sed -n '1,2p;$p' "$out/capacity-$round.txt"
    if [ "$code" != 0 ]; then
        echo "FAIL: search $round ended with exit code $code; see $out/capacity-$round.txt"
        exit "$code"
    fi
done

python3 - "$out" "$rounds" <<'PYTHON'
import json, sys
folder, rounds = sys.argv[1], int(sys.argv[2])
found = []
for number in range(1, rounds + 1):
    with open(f"{folder}/capacity-{number}.json") as file:
        report = json.load(file)
    found.append(report["together"]["per_second"])
    print(f"search {number}: {found[-1]:,.0f}/s in {report['plan']['took_ns'] / 1e9:.0f} s, {len(report['steps'])} steps")
ratio = max(found) / min(found)
print(f"highest over lowest: {ratio:.3f} ({folder})")
if ratio > 1.1:
    sys.exit("FAIL: more than 10 % apart")
print("PASS: within 10 %")
PYTHON
