#!/usr/bin/env bash
# Other people's clients against the real server: one walk through the calls in Python and in Node, and in Python
# callers that are known by their certificates, and callers with the service config that try again.
#
#   bash tests/interop/run.sh [SERVER]     (target/debug/waika-server)
#   bash tests/interop/run.sh --rolling RESTARTS [--nodes N] [SERVER]
#
# With --rolling only this: a server is restarted so often under load behind haproxy, its socket handed over (F13); with
# --nodes so many servers over one PostgreSQL, one after the other.
#
# What it installs goes to target/tools/interop, or below $WAIKA_TOOLS, and nowhere else; but for
# Debian's packages of Node or Python where they are missing, and apt-get and the rights are there.
# Exit codes: 0 every step of both walks went well, 1 one did not or did not run, 64 usage,
# 66 no such server, 69 something is missing and cannot be installed.
set -euo pipefail

restarts="" nodes=0
if [ "${1:-}" = --rolling ] && [[ ${2:-} =~ ^[1-9][0-9]*$ ]]; then
  restarts=$2
  shift 2
  if [ "${1:-}" = --nodes ] && [[ ${2:-} =~ ^[1-9][0-9]*$ ]]; then
    nodes=$2
    shift 2
  fi
fi
if [ $# -gt 1 ] || [[ ${1:-} == -* ]]; then
  echo "usage: bash tests/interop/run.sh [--rolling RESTARTS [--nodes N]] [SERVER]" >&2
  exit 64
fi
server=${1:+$(realpath -- "$1")}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly SERVER="${server:-${CARGO_TARGET_DIR:-$PWD/target}/debug/waika-server}"
readonly HERE="$PWD/tests/interop"
readonly WALK_SECONDS=120

fail() {
  printf 'interop: %s\n' "$2" >&2
  exit "$1"
}

[ -x "$SERVER" ] || fail 66 "$SERVER is not there: cargo build -p waika-server"

FOLDER=$(mktemp -d)
mkdir -p "${WAIKA_TOOLS:-target/tools}/interop"
TOOLS=$(realpath "${WAIKA_TOOLS:-target/tools}/interop")
readonly FOLDER TOOLS
serving="" walking=""

clean_up() {
  for process in $walking $serving; do
    kill "$process" 2>/dev/null && wait "$process" 2>/dev/null || true
  done
  rm -rf "$FOLDER"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Debian's packages for a command that is missing; never skips what it cannot install.
install_packages() {
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    fail 69 "install what Debian has as: $*"
  fi
  echo "installing $*"
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@")
  "${install[@]}" >"$FOLDER/apt" 2>&1 && return
  { apt-get update -q && "${install[@]}"; } >"$FOLDER/apt" 2>&1 && return
  cat "$FOLDER/apt" >&2
  fail 69 "apt-get could not install $*"
}

# Whether a folder was installed whole from these files; if not, it is emptied to be made anew.
installed() {
  local folder=$1
  shift
  cksum "$@" >"$FOLDER/wanted"
  cmp -s "$FOLDER/wanted" "$folder/installed-from" && return
  rm -rf "$folder"
  mkdir -p "$folder"
  return 1
}

install_python() {
  command -v openssl >/dev/null || install_packages openssl
  python3 -c 'import ensurepip, venv' 2>/dev/null ||
    install_packages python3 python3-venv ca-certificates
  installed "$TOOLS/python" "$HERE/python/requirements.txt" &&
    "$TOOLS/python/bin/python" --version >/dev/null && return
  echo "installing Python's packages"
  if ! python3 -m venv --clear "$TOOLS/python" ||
    ! "$TOOLS/python/bin/pip" install --quiet --requirement "$HERE/python/requirements.txt"; then
    fail 69 "Python's packages could not be installed: $HERE/python/requirements.txt"
  fi
  mv "$FOLDER/wanted" "$TOOLS/python/installed-from"
}

install_node() {
  if ! node --version >/dev/null 2>&1 || ! npm --version >/dev/null 2>&1; then
    install_packages nodejs npm ca-certificates
  fi
  installed "$TOOLS/node" "$HERE/node/package.json" "$HERE/node/package-lock.json" && return
  echo "installing Node's packages"
  cp "$HERE"/node/package*.json "$TOOLS/node"
  # None of the packages needs its scripts to run.
  local quietly=(--ignore-scripts --no-audit --no-fund --loglevel=error)
  if ! (cd "$TOOLS/node" && npm ci "${quietly[@]}" >"$FOLDER/npm" 2>&1); then
    cat "$FOLDER/npm" >&2
    fail 69 "Node's packages could not be installed: $HERE/node/package-lock.json"
  fi
  mv "$FOLDER/wanted" "$TOOLS/node/installed-from"
}

# A fresh one for each walk, which moves its clock and changes its policy. On free ports, in a
# folder of its own, with nothing of this shell's environment.
start_server() {
  local home="$FOLDER/$1.server"
  mkdir "$home"
  mkfifo "$home/line"
  env -i PATH="$PATH" HOME="$home" "$SERVER" \
    --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 \
    --store "journal:$home/data" --key-file "$home/keys/waika.key" \
    >"$home/line" 2>"$home/log" &
  serving=$!
  exec {from_server}<"$home/line"
  # waika-server listening on RPC admin ADMIN metrics METRICS
  if ! read -r -t 60 -u "$from_server" _ _ _ rpc _ admin _; then
    cat "$home/log" >&2
    fail 1 "$SERVER did not say where it listens"
  fi
}

stop_server() {
  local stopped=0
  kill -TERM "$serving" && wait "$serving" || stopped=$?
  serving=""
  exec {from_server}<&-
  if [ "$stopped" -ne 0 ]; then
    well=no
    printf '\nthe server of the walk in %s stopped with exit code %s\n' "$1" "$stopped"
  fi
}

# Runs a walk in the background, so that a signal is heard at once. Its lines become a column below.
walk() {
  local language=$1 status=0
  shift
  # Proxies are not for this machine itself.
  no_grpc_proxy=127.0.0.1 timeout "$WALK_SECONDS" "$@" \
    >"$FOLDER/$language.steps" 2>"$FOLDER/$language.log" &
  walking=$!
  wait "$walking" || status=$?
  walking=""
  case $status in
    0) return ;;
    1) ;; # A step failed: the table says which.
    124) printf '\nthe walk in %s took longer than %s seconds and was ended\n' "$language" "$WALK_SECONDS" ;;
    *) printf '\nthe walk in %s ended with exit code %s\n' "$language" "$status" ;;
  esac
  well=no
  cat "$FOLDER/$language.log"
}

make_stubs() {
  mkdir "$FOLDER/stubs"
  "$TOOLS/python/bin/python" -m grpc_tools.protoc -I proto \
    --python_out="$FOLDER/stubs" --grpc_python_out="$FOLDER/stubs" proto/waika/v1/*.proto
}

walk_in_python() {
  walk python env PYTHONPATH="$FOLDER/stubs" PYTHONDONTWRITEBYTECODE=1 \
    "$TOOLS/python/bin/python" "$HERE/python/walk.py" "$rpc" "$admin"
}

walk_in_node() {
  # Node looks for packages beside the files that it runs.
  cp -r "$HERE/node" "$FOLDER/node"
  ln -s "$TOOLS/node/node_modules" "$FOLDER/node/node_modules"
  walk node node "$FOLDER/node/walk.mjs" "$PWD/proto" "$rpc" "$admin"
}

# Who gets in, and certificates that change under load: a short form of what server/docs/security.md has.
known_callers() {
  printf '\ncallers that are known by their certificates:\n'
  PYTHONPATH="$FOLDER/stubs" PYTHONDONTWRITEBYTECODE=1 no_grpc_proxy=127.0.0.1 timeout "$WALK_SECONDS" \
    "$TOOLS/python/bin/python" "$HERE/python/mtls.py" "$SERVER" --seconds 8 || well=no
}

# What is tried again, how often, and what comes of it when the server is killed.
tried_again() {
  printf '\ncallers with proto/service_config.json:\n'
  PYTHONPATH="$FOLDER/stubs" PYTHONDONTWRITEBYTECODE=1 GRPC_VERBOSITY=NONE no_grpc_proxy=127.0.0.1 timeout "$WALK_SECONDS" \
    "$TOOLS/python/bin/python" "$HERE/python/service_config.py" "$SERVER" proto/service_config.json || well=no
}

# The only part that --rolling asks for: half a second for each restart.
rolling() {
  command -v haproxy >/dev/null || install_packages haproxy
  PYTHONPATH="$FOLDER/stubs:$HERE/python:$PWD/tests" PYTHONDONTWRITEBYTECODE=1 GRPC_VERBOSITY=NONE no_grpc_proxy=127.0.0.1 \
    "$TOOLS/python/bin/python" "$HERE/python/rolling.py" "$SERVER" proto/service_config.json --restarts "$restarts" --nodes "$nodes"
}

# Both walks have the same steps: one that either lacks has not run, and that is a failure too.
table() {
  awk -F '\t' '
    !($2 in known) { known[$2]; steps[++count] = $2 }
    { result[language, $2] = $1; why[language, $2] = $3 }
    END {
      split("python node", languages, " ")
      printf "\n%-52s %-8s %s\n", "step", languages[1], languages[2]
      for (i = 1; i <= count; i++) {
        line = sprintf("%-52s ", steps[i])
        for (j = 1; j <= 2; j++) {
          outcome = result[languages[j], steps[i]]
          if (outcome == "") outcome = "NOT RUN"
          if (outcome != "ok") {
            failures++
            reasons = reasons "\n" languages[j] ", " steps[i] ": " outcome "\n"
            reasons = reasons "  " why[languages[j], steps[i]] "\n"
          }
          line = line sprintf(j == 1 ? "%-8s " : "%s", outcome)
        }
        print line
      }
      printf "%s", reasons
      printf "\n%d steps in each of 2 languages, %d failed\n", count, failures
      exit (failures > 0 || count == 0)
    }' language=python "$FOLDER/python.steps" language=node "$FOLDER/node.steps"
}

well=yes
install_python
make_stubs
if [ -n "$restarts" ]; then
  rolling || fail 1 "FAILED"
  exit 0
fi
install_node
for language in python node; do
  start_server "$language"
  "walk_in_$language"
  stop_server "$language"
done
table || well=no
known_callers
tried_again
if [ "$well" = no ]; then
  for language in python node; do
    printf '\nwhat the server of the walk in %s logged:\n' "$language"
    cat "$FOLDER/$language.server/log"
  done
  fail 1 "FAILED"
fi
