#!/usr/bin/env bash
# The gate against servers of which the truth is known: itself, and itself made slower by a tenth.
#
#   bash tests/gate.sh aa [RUNS] [BUDGET]    A against itself: false alarms are counted
#   bash tests/gate.sh slow [RUNS] [BUDGET]  B takes 10 % more processor time: is it found at 5 %?
#
# Eight runs of three minutes unless it is said otherwise; the seeds differ, so each has people,
# amounts and an order of its own. How much a tenth is, a run against itself tells first. The slow
# server is the same program with a planted slowness, so that nothing else differs. Ends with 1 if
# more than one alarm in eight is false, if fewer than seven regressions in eight are found, or if
# more than one run in eight came to no verdict (an exit code that is neither 0 nor 3): a gate that
# never decides raises no false alarm.
# Build first: cargo build --release. The slow server is built here, into target/faults.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly SLOW="$PWD/target/faults/release/waika-server"
readonly LOADGEN="$PWD/target/release/waika-loadgen"
readonly KIND=${1:-} RUNS=${2:-8} BUDGET=${3:-3m}
FOLDER=$(mktemp -d)
readonly FOLDER
trap 'rm -rf "$FOLDER"' EXIT

# gate NAME [FLAG...]: leaves NAME.json and NAME.text and, in exit_code, how it ended.
exit_code=0
gate() {
  local name=$1
  shift
  exit_code=0
  "$LOADGEN" gate --a "$SLOW" --tolerance 5% --json "$FOLDER/$name.json" "$@" >"$FOLDER/$name.text" 2>"$FOLDER/$name.log" ||
    exit_code=$?
  if [ ! -s "$FOLDER/$name.json" ]; then
    cat "$FOLDER/$name.log" >&2
  fi
}

# row NUMBER NAME: what a run found, in a line.
row() {
  local number=$1 name=$2
  if [ ! -s "$FOLDER/$name.json" ]; then
    printf '%-4s %5s  %s\n' "$number" "$exit_code" "$(grep -m1 '^error' "$FOLDER/$name.log")"
    return
  fi
  jq -r --arg number "$number" --arg code "$exit_code" '
    def percent: if . == null then "-" else (. * 10000 | round / 100 | tostring) + " %" end;
    .metrics[0] as $m | [$number, $code, .verdict, ($m.estimate | percent), ($m.low | percent), ($m.high | percent),
      ($m.detectable | percent), $m.used, .noise.discarded, (.noise.others | percent), (.plan.took_ns / 1e9 | round)]
    | @tsv' "$FOLDER/$name.json" |
    awk -F'\t' '{printf "%-4s %5s  %-13s %9s %9s %9s %9s %6s %9s %9s %6s s\n", $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11}'
}

head_row() {
  printf '%-4s %5s  %-13s %9s %9s %9s %9s %6s %9s %9s %8s\n' run exit verdict change low high "could see" pairs discarded \
    others took
}

build_slow() {
  cargo build --quiet --locked --release -p waika-server --features planted-faults --target-dir target/faults
  grep -q WAIKA_PLANTED_FAULT_NS "$SLOW"
}

case $KIND in
  aa | slow) ;;
  *)
    sed -n '2,15p' "${BASH_SOURCE[0]}"
    exit 64
    ;;
esac
build_slow
flags=(--aa)
if [ "$KIND" = slow ]; then
  gate calibration --aa --budget 60s --seed 1000
  # The median over all pairs of both arms, which are one program.
  cpu=$(jq '[.metrics[0].pairs[] | .a, .b] | sort | .[length / 2 | floor] | round' "$FOLDER/calibration.json")
  burn=$((cpu / 10))
  echo "a payment costs the server $cpu ns; B takes $burn ns more"
  flags=(--b "$SLOW" "--b-arg=--planted-fault=slow" "--b-arg=--planted-fault-ns=$burn")
fi

found=0
passed=0
declare -A others=()
head_row | tee "$FOLDER/table"
for number in $(seq "$RUNS"); do
  gate "$number" "${flags[@]}" --budget "$BUDGET" --seed "$number"
  row "$number" "$number" | tee -a "$FOLDER/table"
  case $exit_code in
    0) passed=$((passed + 1)) ;;
    3) found=$((found + 1)) ;;
    *) others[$exit_code]=$((${others[$exit_code]:-0} + 1)) ;;
  esac
done

undecided=$((RUNS - passed - found))
if [ "$KIND" = aa ]; then
  echo "false alarms: $found of $RUNS"
else
  echo "regressions found: $found of $RUNS"
fi
echo "without a verdict: $undecided of $RUNS"
for code in "${!others[@]}"; do
  echo "  exit code $code: ${others[$code]}"
done
[ $((undecided * 8)) -le "$RUNS" ]
if [ "$KIND" = aa ]; then
  [ $((found * 8)) -le "$RUNS" ]
else
  [ $((found * 8)) -ge $((RUNS * 7)) ]
fi
