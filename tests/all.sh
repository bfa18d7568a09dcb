#!/usr/bin/env bash
# Checks everything: format, lints, tests, documentation, spelling, licences and sources.
#
#   bash tests/all.sh          what is there, or installs in seconds
#   bash tests/all.sh --full   builds cargo-deny too, if it is not there (three to seven minutes)
#
# What it installs goes to target/tools, or to $WAIKA_TOOLS, and nowhere else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly TYPOS_VERSION=1.52.0
readonly CARGO_DENY_VERSION=0.20.2
readonly TOOLS="${WAIKA_TOOLS:-$PWD/target/tools}"

full=no
case "${1:-}" in
  "") ;;
  --full) full=yes ;;
  *)
    echo "usage: bash tests/all.sh [--full]" >&2
    exit 64
    ;;
esac

mkdir -p "$TOOLS"
export PATH="$TOOLS/bin:$TOOLS/venv/bin:$PATH"

step() {
  printf '\n== %s (after %d s)\n' "$*" "$SECONDS"
}

# Its wheel installs in seconds; where there is no Python it is built, in two to three minutes.
install_typos() {
  step "installing typos $TYPOS_VERSION"
  if python3 -m venv "$TOOLS/venv" && "$TOOLS/venv/bin/pip" install --quiet "typos==$TYPOS_VERSION"; then
    return
  fi
  cargo install --locked --root "$TOOLS" "typos-cli@$TYPOS_VERSION"
}

# Unoptimised and without its own network stack: it only reads what cargo has fetched.
install_cargo_deny() {
  step "installing cargo-deny $CARGO_DENY_VERSION"
  cargo install --locked --debug --no-default-features --root "$TOOLS" "cargo-deny@$CARGO_DENY_VERSION"
}

for component in fmt clippy; do
  if ! cargo "$component" --version >/dev/null 2>&1; then
    step "installing cargo $component"
    rustup component add "${component/fmt/rustfmt}"
  fi
done

# With strace tests/e2e/crash_syncs.rs makes the syncs of the real server fail; promtool, which comes with Prometheus, reads
# the alerts; server/tests/postgres.rs starts a PostgreSQL for each test, tests/e2e/postgres_f11.rs servers whose clocks are
# wrong, and tests/e2e/postgres_affinity.rs a haproxy before two. None is started with its package, where services are started at all.
missing=()
command -v strace >/dev/null || missing+=(strace)
command -v promtool >/dev/null || missing+=(prometheus)
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null || missing+=(faketime)
command -v haproxy >/dev/null || missing+=(haproxy)
if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "not installed: apt-get install ${missing[*]}" >&2
    exit 69
  fi
  step "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# What is left by a test that fails or is killed: all of it is below one folder, to be looked at or to go.
TMPDIR=$(mktemp -d -t waika-all.XXXXXX)
export TMPDIR
# PostgreSQL does not work for root: its folders below belong to another user, who has to reach them.
chmod 711 "$TMPDIR"
leave() {
  local status=$?
  [ "$status" -ne 0 ] || rm -rf "$TMPDIR"
  [ ! -d "$TMPDIR" ] || rmdir "$TMPDIR" 2>/dev/null || echo "left behind: $TMPDIR" >&2
}
trap leave EXIT

step "format"
cargo fmt --all --check

step "lints"
cargo clippy --all-targets --locked -- -D warnings

step "tests"
cargo test --locked 2>&1 | tee "$TOOLS/test-output.txt"
tests=$(awk '/^test result: ok\./ { sum += $4 } END { print sum + 0 }' "$TOOLS/test-output.txt")
if [ "$tests" -eq 0 ]; then
  echo "no test has run" >&2
  exit 1
fi

step "alerts"
promtool check rules server/deploy/prometheus/rules.yml
promtool test rules server/deploy/prometheus/rules_test.yml

step "other people's clients"
bash tests/interop/run.sh

step "histogram logs, and slices of one plan"
bash tests/hlog.sh

step "every form of a result"
bash tests/forms.sh

step "a run as it is seen on a terminal"
bash tests/view.sh

step "examples of pipelines"
bash tests/ci_examples.sh

step "the report as a page"
bash tests/report.sh

step "what a decision costs"
bash tests/ladder.sh

step "what an authorisation costs the server, and a call the generator"
bash tests/guard.sh

step "documentation"
# With examples cargo gives dependencies the features that tests ask for: they have been checked with those.
RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --locked --lib --examples

step "spelling"
command -v typos >/dev/null || install_typos
typos

step "licences, duplicates and sources of dependencies"
if ! command -v cargo-deny >/dev/null && [ "$full" = yes ]; then
  install_cargo_deny
fi
not_checked=""
if command -v cargo-deny >/dev/null; then
  cargo-deny --workspace --log-level error check bans licenses sources
  cargo-deny --manifest-path server/fuzz/Cargo.toml --config server/fuzz/.deny.toml --log-level error \
    check bans licenses sources
else
  not_checked="; NOT CHECKED: licences and sources of dependencies (bash tests/all.sh --full)"
  echo "cargo-deny is not installed: not checked"
fi

printf '\nall checks passed: %d tests%s\n' "$tests" "$not_checked"
