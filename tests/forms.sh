#!/usr/bin/env bash
# Other people's programs over every form of a report: JSON against its schema, JUnit, Prometheus.
#
#   bash tests/forms.sh [STORED.json...]     measures a floor; stored results are looked at besides
#
# What it installs goes to target/tools/forms, or below $WAIKA_TOOLS, and nowhere else; but for
# Debian's promtool where it is missing, and apt-get and the rights are there.
# Exit codes: 0 all forms are sound, 1 one is not, 69 something is missing and cannot be installed.
set -euo pipefail
stored=()
for file in "$@"; do
  stored+=("$(realpath -- "$file")")
done
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly LOADGEN="${CARGO_TARGET_DIR:-$PWD/target}/debug/waika-loadgen" SCHEMAS="$PWD/loadgen/schema"
FOLDER=$(mktemp -d)
mkdir -p "${WAIKA_TOOLS:-target/tools}/forms"
TOOLS=$(realpath "${WAIKA_TOOLS:-target/tools}/forms")
readonly FOLDER TOOLS
floor=""

clean_up() {
  [ -z "$floor" ] || { kill "$floor" 2>/dev/null && wait "$floor" 2>/dev/null || true; }
  rm -rf "$FOLDER"
}
trap clean_up EXIT

fail() {
  printf 'forms: %s\n' "$2" >&2
  exit "$1"
}

export PATH="$TOOLS/venv/bin:$TOOLS/debian/usr/bin:$PATH"
if ! command -v promtool >/dev/null; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    fail 69 "promtool is not installed: apt-get install prometheus"
  fi
  echo "installing promtool"
  apt-get update -qq >"$FOLDER/apt" 2>&1 || true
  (cd "$FOLDER" && apt-get download -qq prometheus >>"$FOLDER/apt" 2>&1 && dpkg-deb -x prometheus_*.deb "$TOOLS/debian") ||
    { cat "$FOLDER/apt" >&2; fail 69 "apt-get could not fetch promtool"; }
fi

if ! python3 -c 'import sys; sys.exit(0)' 2>/dev/null; then
  fail 69 "python3 is not installed"
fi
if [ ! -e "$TOOLS/venv/whole" ]; then
  echo "installing jsonschema and junitparser"
  python3 -m venv --clear "$TOOLS/venv"
  "$TOOLS/venv/bin/pip" install --quiet jsonschema==4.26.0 junitparser==4.0.2
  touch "$TOOLS/venv/whole"
  # The shell has looked python3 up already, before there was this one.
  hash -r
fi

# Checks the JSON of one result against the schema that it names, and its other forms.
look_at() {
  local json=$1 kind
  kind=$(python3 tests/forms/check.py json "$json" "$SCHEMAS")
  "$LOADGEN" report "$json" --format junit --output "$FOLDER/junit.xml" \
    --markdown "$FOLDER/report.md" --prometheus "$FOLDER/report.prom"
  python3 tests/forms/check.py junit "$FOLDER/junit.xml"
  python3 tests/forms/check.py markdown "$FOLDER/report.md"
  promtool check metrics <"$FOLDER/report.prom" >"$FOLDER/promtool" 2>&1 ||
    { cat "$FOLDER/promtool" >&2; fail 1 "promtool refuses the figures of $json"; }
  echo "sound in every form: $kind ($(basename "$json"))"
}

mkfifo "$FOLDER/said"
"$LOADGEN" floor --cores 1 --listen 127.0.0.1:0 >"$FOLDER/said" &
floor=$!
read -r line <"$FOLDER/said"
readonly URL="http://${line##* }"

measure() {
  local code=0
  "$LOADGEN" run --no-provision --target "$URL" --accounts 100 --warm-up 100ms --deadline 5s \
    --json "$FOLDER/run.json" "$@" >"$FOLDER/run.txt" 2>&1 || code=$?
  case $code in
    0 | 2 | 5 | 6) ;;
    *)
      cat "$FOLDER/run.txt" >&2
      fail 1 "the run ended with $code"
      ;;
  esac
}

measure --rate 300 --duration 2s --timing --by-scheme --rules \
  --threshold 'p(99)<5ms,rate(approved){mode=qr}>0.9,errors<0.1%,throughput>=5000/s'
look_at "$FOLDER/run.json"
measure --closed 4 --duration 1s
look_at "$FOLDER/run.json"
for json in "${stored[@]}"; do
  look_at "$json"
done

# A checker that finds nothing is worth nothing.
python3 tests/forms/check.py spoil "$FOLDER/run.json" "$FOLDER/spoiled.json"
if python3 tests/forms/check.py json "$FOLDER/spoiled.json" "$SCHEMAS" >/dev/null 2>&1; then
  fail 1 "an unknown field was not found"
fi
if printf '# TYPE a gauge\na{b="c} 1\n' | promtool check metrics >/dev/null 2>&1; then
  fail 1 "a label without its end was not found"
fi
echo "all forms are sound"
