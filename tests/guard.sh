#!/usr/bin/env bash
# What one authorisation costs the server, and one call the load generator, in instructions
# (callgrind) and in memory that is asked for: counts and no times, so a noisy machine does not change
# them. They are held to tests/guard/limits.toml.
#
#   bash tests/guard.sh              counts, compares, and says which limits could be lower
#   bash tests/guard.sh --update     writes what was found into the file
#   bash tests/guard.sh --spread N   counts N times and tells how far the counts lie apart
#
# Exit codes: 0 all is well, 1 a limit is passed, 64 usage, 69 there is no valgrind, 70 nothing was
# counted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly LIMITS=tests/guard/limits.toml
# Authorisations that are counted, and calls of the generator's longer run beyond its shorter one.
readonly CALLS=2048

usage() {
  echo "usage: bash tests/guard.sh [--update | --spread N]" >&2
  exit 64
}

update=no rounds=1
case "${1:-} ${2:-}" in
  " ") ;;
  "--update ") update=yes ;;
  "--spread "[2-9] | "--spread "[1-9][0-9]) rounds=$2 ;;
  *) usage ;;
esac
[ $# -le 2 ] || usage

bash tests/valgrind.sh

FOLDER=$(mktemp -d)
readonly FOLDER
floor=""
trap '[ -z "$floor" ] || kill "$floor" 2>/dev/null; rm -rf "$FOLDER"' EXIT

# Both benches at once: what they have in common is built once, and nothing waits for the longest crate alone.
build() {
  cargo build --profile guard --locked --bench authorise --bench send \
    --message-format json-render-diagnostics >"$FOLDER/built"
}

# built BENCH: where it is.
built() {
  sed -n '/"kind":\["bench"\].*"name":"'"$1"'"/s/.*"executable":"\([^"]*\)".*/\1/p' "$FOLDER/built"
}

# counting COMMAND...: runs it under callgrind, with what it says in $FOLDER/out and $FOLDER/log.
counting() {
  rm -f "$FOLDER"/counted*
  # A run that ends with 5 doubts its times, which nobody asks for here.
  valgrind --quiet --tool=callgrind --callgrind-out-file="$FOLDER/counted" "$@" \
    >"$FOLDER/out" 2>"$FOLDER/log" || [ $? -eq 5 ] || {
    cat "$FOLDER/out" "$FOLDER/log" >&2
    echo "not counted: $*" >&2
    exit 70
  }
}

# instructions FILE: all that one of callgrind's files has.
instructions() {
  sed -n 's/^totals: //p' "$1"
}

# found WHAT INSTRUCTIONS ALLOCATIONS REALLOCATIONS BYTES: of CALLS calls together; keeps them for one.
found() {
  if [ "${2:-0}" -lt "$CALLS" ]; then
    echo "no instructions of $1 were counted" >&2
    exit 70
  fi
  awk -v calls="$CALLS" -v what="$1" -v all="$2 $3 $4 $5" 'BEGIN {
    split("instructions allocations reallocations bytes", names)
    split(all, sums)
    for (i = 1; i <= 4; i++)
      printf "%s %s %.*f\n", what, names[i], i == 1 || i == 4 ? 0 : 2, sums[i] / calls
  }' >>"$FOLDER/found"
}

# The server's bench marks where the count begins and ends; what it has counted by the end is dumped.
count_server() {
  local way allocations reallocations bytes batches
  for way in unary stream batch; do
    counting --zero-before='authorise::serving::marks::begin' \
      --dump-before='authorise::serving::marks::end' "$authorise" "$way" "$CALLS"
    read -r _ _ allocations reallocations bytes batches <"$FOLDER/out"
    found "server.$way" "$(instructions "$FOLDER/counted.1")" \
      "$allocations" "$reallocations" "$bytes"
    echo "server.$way: $batches batches of the journal" >&2
  done
}

# The generator's run is counted as a whole: once with some calls, and once with more of them.
count_generator() {
  local rpc way factor before now
  : >"$FOLDER/floor"
  "$send" floor --runtime per-core --cores 1 --listen 127.0.0.1:0 >"$FOLDER/floor" 2>/dev/null &
  floor=$!
  until [ -s "$FOLDER/floor" ]; do
    kill -0 "$floor"
    sleep 0.1
  done
  read -r _ _ _ _ rpc <"$FOLDER/floor"
  for way in unary stream; do
    local flags=()
    [ "$way" = stream ] && flags=(--stream)
    for factor in 1 2; do
      counting "$send" run --target "http://$rpc" --no-provision --no-oracle --duplicates 0 \
        "${flags[@]}" --closed 64 --requests $((CALLS * factor)) --connections 1 \
        --deadline 60s --run-id 1 --view off
      now="$(instructions "$FOLDER/counted") $(sed -n 's/^asked for //p' "$FOLDER/log")"
      [ "$factor" -eq 1 ] && before=$now
    done
    # shellcheck disable=SC2046 # Each figure is a word.
    found "generator.$way" $(awk -v before="$before" -v now="$now" 'BEGIN {
      split(before, b)
      n = split(now, a)
      for (i = 1; i <= n; i++) print (a[i] > b[i] ? a[i] - b[i] : 0)
    }')
  done
  kill "$floor"
  wait "$floor" 2>/dev/null || true
  floor=""
}

# limits: the file's figures, a line each: WHAT NAME FIGURE; WHAT is the table's name.
limits() {
  awk -F ' *= *' '
    /^\[/ { gsub(/[][]/, ""); table = $0; next }
    /^[a-z]/ { sub(/ *#.*/, "", $2); print table, $1, $2 }' "$LIMITS"
}

# compare: what was found beside what the file says. A figure may be as much above the file's as the
# file allows; one that is so far below that a loss of it would not be seen is told.
compare() {
  limits | awk '
    # A table of its own, such as percent.generator, goes before the common one.
    function tolerated(what, name, table) {
      table = "percent." what
      sub(/\.[a-z]*$/, "", table)
      return (table, name) in percent ? percent[table, name] : percent["percent", name]
    }
    function allowed(figure, what, name) {
      return figure * (1 + tolerated(what, name) / 100) + slack[name]
    }
    NR == FNR {
      if ($1 ~ /^percent/) percent[$1, $2] = $3
      else if ($1 == "slack") slack[$2] = $3
      else recorded[$1, $2] = $3
      next
    }
    FNR == 1 { printf "%-32s %10s %10s %10s %7s\n", "for each", "recorded", "limit", "found", "share" }
    {
      what = $1 " " $2
      if (!(($1, $2) in recorded)) { print what " has no limit in '"$LIMITS"'"; failed = 1; next }
      figure = recorded[$1, $2]
      limit = allowed(figure, $1, $2)
      share = figure > 0 ? sprintf("%.1f%%", 100 * $3 / figure) : "-"
      verdict = "PASS"
      if ($3 > limit) { verdict = "FAIL"; failed = 1 }
      else if (figure > allowed($3, $1, $2) && figure > $3 * (1 + percent["percent", "lower"] / 100)) {
        verdict = "PASS, and so far below that the limit should be lowered"; lower = 1
      }
      digits = ($2 == "instructions" || $2 == "bytes") ? 0 : 2
      printf "%-32s %10.*f %10.*f %10.*f %7s %s\n", what, digits, figure, digits, limit, digits, $3, share, verdict
      counted[$1, $2] = 1
    }
    END {
      for (key in recorded) if (!(key in counted)) {
        split(key, name, SUBSEP); print name[1] " " name[2] " has a limit and was not counted"; failed = 1
      }
      if (lower) print "bash tests/guard.sh --update lowers the limits"
      exit failed
    }' - "$FOLDER/found"
}

# rewrite: the file with the figures that were found, and all else in it as it was.
rewrite() {
  awk '
    NR == FNR { found[$1, $2] = $3; next }
    /^\[/ { table = $0; gsub(/[][]/, "", table) }
    /^[a-z]/ && (table, $1) in found { $0 = $1 " = " found[table, $1] }
    { print }' "$FOLDER/found" "$LIMITS" >"$FOLDER/limits"
  cp "$FOLDER/limits" "$LIMITS"
}

# spread: of all rounds, the lowest and the highest figure, and how far they lie apart.
spread() {
  awk '
    !(($1 " " $2) in least) { least[$1 " " $2] = most[$1 " " $2] = $3; order[++n] = $1 " " $2 }
    { key = $1 " " $2; if ($3 < least[key]) least[key] = $3; if ($3 > most[key]) most[key] = $3 }
    END {
      printf "%-32s %10s %10s %7s\n", "for each", "least", "most", "apart"
      for (i = 1; i <= n; i++) {
        key = order[i]
        printf "%-32s %10s %10s %7s\n", key, least[key], most[key],
          least[key] > 0 ? sprintf("%.2f%%", 100 * (most[key] / least[key] - 1)) : "-"
      }
    }' "$FOLDER/found"
}

build
authorise=$(built authorise)
readonly authorise
send=$(built send)
readonly send

for _ in $(seq "$rounds"); do
  count_server
  count_generator
done

if [ "$rounds" -gt 1 ]; then
  spread
  exit
fi
[ "$update" = no ] || rewrite
compare
