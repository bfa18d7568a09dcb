#!/usr/bin/env bash
# What one decision of Authorise's ladder costs, in instructions (callgrind) and in allocations: both
# are counts, so a noisy machine does not change them.
#
#   bash tests/ladder.sh [DECISIONS]     of each case (1000)
#
# An approval without receipt is held to its limits; the other cases are shown beside it.
# Exit codes: 0 all is well, 1 a limit is passed, 64 usage, 69 there is no valgrind, 70 nothing was
# counted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly DECISIONS=${1:-1000}
readonly MOST_INSTRUCTIONS=3000 # An approval takes fewer.
readonly MOST_ALLOCATIONS=0
if ! [[ $DECISIONS =~ ^[1-9][0-9]{0,6}$ ]]; then
  echo "usage: bash tests/ladder.sh [DECISIONS]" >&2
  exit 64
fi

bash tests/valgrind.sh

FOLDER=$(mktemp -d)
readonly FOLDER
trap 'rm -rf "$FOLDER"' EXIT

# Of all packages, as tests/guard.sh builds: what both need is built once.
bench=$(cargo build --profile guard --locked --bench ladder --message-format json-render-diagnostics |
  sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')

# CASE DECISIONS ALLOCATIONS BYTES, a line each. The binary fails if a case is decided otherwise than meant.
"$bench" >"$FOLDER/cases"

verdict=0
printf '%-24s %14s %13s   %s\n' 'one decision' instructions allocations limits
while read -r -u 3 name _; do
  # Only what runs inside the functions of that module is counted.
  valgrind --tool=callgrind --toggle-collect='ladder::measured::*' \
    --callgrind-out-file="$FOLDER/counted" "$bench" "$name" "$DECISIONS" \
    >"$FOLDER/case" 2>"$FOLDER/log" || {
    cat "$FOLDER/case" "$FOLDER/log" >&2
    exit 70
  }
  total=$(sed -n 's/^totals: //p' "$FOLDER/counted")
  read -r _ _ allocated _ <"$FOLDER/case"
  if [ "${total:-0}" -lt "$DECISIONS" ]; then
    echo "nothing of $name was counted: is benches/ladder.rs without its module measured?" >&2
    exit 70
  fi
  limits=-
  case $name in
    approval | approval-without-fee | approval-by-* | approval-from-*)
      limits="< $MOST_INSTRUCTIONS, $MOST_ALLOCATIONS   PASS"
      if [ "$total" -ge $((MOST_INSTRUCTIONS * DECISIONS)) ] ||
        [ "$allocated" -gt $((MOST_ALLOCATIONS * DECISIONS)) ]; then
        limits="${limits/PASS/FAIL}"
        verdict=1
      fi
      ;;
  esac
  # Rounded up, so that no allocation hides.
  printf '%-24s %14d %13d   %s\n' "$name" "$(((total + DECISIONS - 1) / DECISIONS))" \
    "$(((allocated + DECISIONS - 1) / DECISIONS))" "$limits"
done 3<"$FOLDER/cases"
exit "$verdict"
