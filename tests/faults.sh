#!/usr/bin/env bash
# The load generator against servers that lie on purpose: it must notice, and the honest one be cleared.
#
#   bash tests/faults.sh                        every fault
#   bash tests/faults.sh forgotten-reservation  an approved amount that is not used of the limits
#   bash tests/faults.sh replay-counted         a repeated answer that is used of the limits again
#   bash tests/faults.sh wrong-month            a reversal that gives back to another month
#   bash tests/faults.sh lost-authorisation     an approval that is in no list
#
# For each fault three runs, each on a fresh server: with the fault, which must end with code 4, a
# certificate that names the violation and a trace; the trace again with the fault, which must end
# with 4 too; and without the fault, which must end with 0, or with 5 where the machine was busy.
# Build first: cargo build --release. The faulty server is built here, into target/faults.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly HONEST="$PWD/target/release/waika-server"
readonly FAULTY="$PWD/target/faults/release/waika-server"
readonly LOADGEN="$PWD/target/release/waika-loadgen"
FOLDER=$(mktemp -d)
readonly FOLDER
server="" rpc="" admin=""
trap 'cat "$FOLDER"/*-log >&2' ERR
set -E
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true; rm -rf "$FOLDER"' EXIT

fail() {
  echo "$*" >&2
  false
}

# The unit tests share their dependencies with all others; the binary must not take the place of the honest one.
build_faulty() {
  cargo test --quiet -p waika-server --features planted-faults --lib planted
  cargo build --quiet --locked --release -p waika-server --features planted-faults --target-dir target/faults
  # The name of the variable is in every build that has the faults, and in no other.
  grep -q WAIKA_PLANTED_FAULT "$FAULTY" || fail "$FAULTY has no faults"
  ! grep -q WAIKA_PLANTED_FAULT "$HONEST" || fail "$HONEST was built with planted faults"
}

# start_server BINARY [VARIABLE=VALUE...]: fresh data, fresh key.
start_server() {
  local binary=$1
  shift
  rm -rf "$FOLDER/data" "$FOLDER/key"
  : >"$FOLDER/server-line"
  env "$@" "$binary" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 \
    --store "journal:$FOLDER/data" --key-file "$FOLDER/key" --log-level warn \
    >"$FOLDER/server-line" 2>"$FOLDER/server-log" &
  server=$!
  for _ in $(seq 200); do
    [ -s "$FOLDER/server-line" ] && break
    sleep 0.05
  done
  [ -s "$FOLDER/server-line" ] || fail "the server does not start"
  read -r _ _ _ rpc _ admin _ <"$FOLDER/server-line"
}

stop_server() {
  kill -TERM "$server"
  wait "$server" || true
  server=""
}

# load NAME [FLAG...]: leaves NAME.json, NAME.text and, in exit_code, how it ended.
exit_code=0
load() {
  local name=$1
  shift
  exit_code=0
  "$LOADGEN" run --target "http://$rpc" --admin "http://$admin" --json "$FOLDER/$name.json" "$@" \
    >"$FOLDER/$name.text" 2>"$FOLDER/load-log" || exit_code=$?
}

certificate() {
  sed -n '/^Certificate:/,/^$/p' "$FOLDER/$1.text"
}

# expect_blame NAME WORDS: ended with 4, and the certificate says in such words what is wrong.
expect_blame() {
  local name=$1 words=$2
  if [ "$exit_code" != 4 ]; then
    cat "$FOLDER/$name.text" >&2
    fail "$name: exit code $exit_code, and 4 was to be expected"
  fi
  certificate "$name" | grep -Eiq "$words" || {
    cat "$FOLDER/$name.text" >&2
    fail "$name: the certificate says nothing of $words"
  }
}

# expect_cleared NAME TRACE: ended with 0 or 5, and nothing was held against the server.
expect_cleared() {
  local name=$1 trace=$2
  if [ "$exit_code" != 0 ] && [ "$exit_code" != 5 ]; then
    cat "$FOLDER/$name.text" >&2
    fail "$name: exit code $exit_code, and 0 or 5 was to be expected"
  fi
  [ -n "$(certificate "$name")" ] || fail "$name: there is no certificate"
  [ ! -s "$trace" ] || fail "$name: a trace was written although nothing was wrong"
}

# prove FAULT ONE_IN WORDS [FLAG...]
prove() {
  local fault=$1 one_in=$2 words=$3
  shift 3
  # The same keys in every run, so that the same requests meet the fault.
  local flags=(--run-id 1 --trace "$FOLDER/$fault.trace" "$@")
  local faulty=("$FAULTY" "WAIKA_PLANTED_FAULT=$fault" "WAIKA_PLANTED_FAULT_ONE_IN=$one_in")
  echo "== $fault, one key in $one_in"

  start_server "${faulty[@]}"
  grep -q "lies on purpose.*fault=\"$fault\"" "$FOLDER/server-log" || fail "the server does not say that it lies"
  load "$fault" "${flags[@]}"
  expect_blame "$fault" "$words"
  certificate "$fault"
  [ -s "$FOLDER/$fault.trace" ] || fail "$fault: no trace was written"
  stop_server

  start_server "${faulty[@]}"
  load "$fault-again" --replay "$FOLDER/$fault.trace" --trace "$FOLDER/$fault-again.trace"
  expect_blame "$fault-again" "$words"
  echo "its trace of $(wc -l <"$FOLDER/$fault.trace") lines shows it again"
  stop_server

  rm "$FOLDER/$fault.trace"
  start_server "$HONEST"
  load "$fault-honest" "${flags[@]}"
  expect_cleared "$fault-honest" "$FOLDER/$fault.trace"
  echo "the honest server is cleared (exit code $exit_code)"
  stop_server
}

prove_one() {
  case $1 in
    # About ten of the hundred thousand meet it.
    forgotten-reservation)
      prove "$1" 10000 'used' --preset steady --rate 5000 --duration 20s --warm-up 0s --accounts 20000
      ;;
    lost-authorisation)
      prove "$1" 10000 'list' --preset steady --rate 5000 --duration 20s --warm-up 0s --accounts 20000
      ;;
    # All requests go under a hundred keys.
    replay-counted) prove "$1" 10 'used' --preset retry-storm --rate 2000 --duration 10s --warm-up 0s ;;
    # Few payments are reversed, and fewer in another month.
    wrong-month) prove "$1" 10 'used|month' --preset month-end --rate 2000 --duration 20s --warm-up 0s ;;
    *)
      sed -n '2,14p' "${BASH_SOURCE[0]}"
      exit 64
      ;;
  esac
}

readonly FAULTS=(forgotten-reservation replay-counted wrong-month lost-authorisation)
if [ $# -gt 0 ]; then
  wanted=("$@")
else
  wanted=("${FAULTS[@]}")
fi
for fault in "${wanted[@]}"; do
  [[ " ${FAULTS[*]} " == *" $fault "* ]] || prove_one "$fault"
done
build_faulty
for fault in "${wanted[@]}"; do
  prove_one "$fault"
done
echo "every fault was noticed"
