#!/usr/bin/env bash
# Decides whether a change may go in: is it fast enough, and is it as fast as what it is based on?
#
#   bash loadgen/ci/gate.sh BASE [HEAD]
#
# BASE is a branch or commit; what is compared is the server of its merge base with HEAD. HEAD is a
# commit too, or the one that is checked out if it is not given. Both servers are measured here, in
# turns, and both are built of their commits in the same way and place: cargo gives a server that is
# built beside the generator other features of their dependencies, and it may cost more or less for
# that alone.
#
# It can be told otherwise by the environment:
#
#   WAIKA_THRESHOLDS   what the quickstart must keep, by spaces  (p(99)<250ms rate(approved)>0.9)
#   WAIKA_TOLERANCE    how much more a request may cost          (5%)
#   WAIKA_BUDGET       how long the comparison may take          (3m)
#   WAIKA_RESULTS      where the reports go                      (waika-results)
#   WAIKA_BINARIES     ready binaries, instead of building them; without a HEAD this server is what is
#                      compared: build it alone, as the base is (cargo build --release -p waika-server)
#   WAIKA_CACHE        where built servers of commits are kept   (.cache at home)
#   WAIKA_KEEP_CODES   if it is set, 5 and 6 are exit codes; otherwise they are warnings and end with 0
#
# Exit codes are those of waika-loadgen: 1 the tool failed, 2 a threshold was missed, 3 it costs more
# than the base, 4 the ledger is wrong, 64 usage; 5 the measurement is not to be trusted and 6 there is
# no verdict, which say nothing against the change. If several hold: 4, 64, 1, 3, 2, then 5 and 6.
set -euo pipefail
cd "$(git -C "$(dirname "${BASH_SOURCE[0]}")" rev-parse --show-toplevel)"

readonly RESULTS="${WAIKA_RESULTS:-waika-results}"
readonly BINARIES="${WAIKA_BINARIES:-target/release}"
readonly LOADGEN="$BINARIES/waika-loadgen"
readonly TOLERANCE="${WAIKA_TOLERANCE:-5%}" BUDGET="${WAIKA_BUDGET:-3m}"

# say KIND WORDS: an error or a warning, which GitHub shows at the change.
say() {
  if [ -n "${GITHUB_ACTIONS:-}" ]; then
    echo "::$1 title=Waika::$2"
  else
    echo "$1: $2" >&2
  fi
}

usage() {
  say error "$1"
  exit 64
}

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  usage "usage: bash loadgen/ci/gate.sh BASE [HEAD]"
fi

# commit_of WORD: the commit that it names.
commit_of() {
  git rev-parse --quiet --verify "$1^{commit}" ||
    usage "$1 is no commit here: fetch it (fetch-depth: 0 on GitHub, GIT_DEPTH: \"0\" on GitLab)"
}

base=$(commit_of "$1")
head=$(commit_of "${2:-HEAD}")
merge_base=$(git merge-base "$base" "$head") ||
  usage "$1 and ${2:-HEAD} have no commit in common here: fetch the whole history (fetch-depth: 0 on GitHub, GIT_DEPTH: \"0\" on GitLab)"
readonly base head merge_base

if [ -z "${WAIKA_BINARIES:-}" ]; then
  # This server is for the quickstart only.
  cargo build --release --locked -p waika-server -p waika-loadgen
fi
mkdir -p "$RESULTS"

# reports NAME: the flags that write every form of report.
reports() {
  local path="$RESULTS/$1"
  printf '%s\n' --json "$path.json" --html "$path.html" --junit "$path.xml" --markdown "$path.md"
}

# meaning CODE: what an exit code says, in words.
meaning() {
  case $1 in
    0) echo "passed" ;;
    1) echo "the tool or the transport failed" ;;
    2) echo "a threshold was missed" ;;
    3) echo "it costs more than its base" ;;
    4) echo "the server has broken a rule of its ledger" ;;
    5) echo "the measurement is not to be trusted: the machine was too busy, or too noisy for this tolerance" ;;
    6) echo "there is no verdict: more time would be needed" ;;
    64) echo "the command line is wrong" ;;
    *) echo "it ended with $1" ;;
  esac
}

# weight CODE: which of two codes is told. A threshold that was missed is not undone by a busy machine
# in another measurement.
weight() {
  case $1 in
    0) echo 0 ;;
    6) echo 1 ;;
    5) echo 2 ;;
    2) echo 3 ;;
    3) echo 4 ;;
    4) echo 8 ;;
    64) echo 7 ;;
    *) echo 6 ;;
  esac
}

worst=0
# measure NAME FLAG...: runs it with all reports, and remembers how it ended.
measure() {
  local name=$1 code=0 kind=error
  shift
  local -a forms
  mapfile -t forms < <(reports "$name")
  # A report of an earlier run must not pass for one of this.
  rm -f "$RESULTS/$name".*
  "$LOADGEN" "$@" "${forms[@]}" || code=$?
  case $code in 0) kind=notice ;; 5 | 6) kind=warning ;; esac
  say "$kind" "$name: $(meaning "$code") (exit code $code)"
  if [ -s "$RESULTS/$name.md" ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    cat "$RESULTS/$name.md" >>"$GITHUB_STEP_SUMMARY"
  fi
  if [ "$(weight "$code")" -gt "$(weight "$worst")" ]; then worst=$code; fi
}

read -ra wanted <<<"${WAIKA_THRESHOLDS:-p(99)<250ms rate(approved)>0.9}"
thresholds=()
for threshold in "${wanted[@]}"; do
  thresholds+=(--threshold "$threshold")
done
measure quickstart quickstart --rate 500 --duration 10s "${thresholds[@]}"

against=(--a "git:$merge_base" --tolerance "$TOLERANCE" --budget "$BUDGET")
if [ $# -eq 2 ] || [ -z "${WAIKA_BINARIES:-}" ]; then
  against+=(--b "git:$head")
else
  against+=(--b "$BINARIES/waika-server")
fi
if [ -n "${WAIKA_CACHE:-}" ]; then
  mkdir -p "$WAIKA_CACHE"
  against+=(--cache "$WAIKA_CACHE")
fi
measure gate gate "${against[@]}"

case $worst in
  5 | 6) [ -n "${WAIKA_KEEP_CODES:-}" ] || worst=0 ;;
esac
exit "$worst"
