#!/usr/bin/env bash
# Runs the load generator in a terminal of its own (tmux), and looks at what it shows: a screen in the
# middle of a run, another size of it, the report after it, and a terminal that is as it was before.
#
#   bash tests/view.sh [FOLDER]     keeps what was seen there (default target/view)
#
# Takes about half a minute. Build first: cargo build
# Exit codes: 0 all is well, 1 something is amiss, 69 there is no tmux.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly FOLDER="${1:-$PWD/target/view}" BINARIES="${CARGO_TARGET_DIR:-$PWD/target}/debug"
readonly LOADGEN="$BINARIES/waika-loadgen" SERVER="${SERVER:-$BINARIES/waika-server}"
socket="waika-view-$$"

if ! command -v tmux >/dev/null; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "tmux is not installed: apt-get install -y tmux" >&2
    exit 69
  fi
  echo "installing tmux"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq tmux >/dev/null
fi

mkdir -p "$FOLDER"
rm -f "$FOLDER"/*.txt
WORK=$(mktemp -d)
readonly WORK
server="" terminals=0
cleanup() {
  tmux -L "$socket" kill-server 2>/dev/null || true
  # It writes until it has ended.
  [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true
  rm -rf "$WORK"
}
trap cleanup EXIT

terminal() {
  LC_ALL=C.UTF-8 tmux -u -L "$socket" "$@"
}

fail() {
  echo "$*" >&2
  echo "--- the terminal:" >&2
  terminal capture-pane -p -t view >&2 || true
  exit 1
}

# open_terminal COLUMNS LINES [VARIABLE=VALUE...]
open_terminal() {
  local columns=$1 lines=$2
  shift 2
  terminal kill-server 2>/dev/null || true
  # One that is ending would take the next window with it.
  terminals=$((terminals + 1))
  socket="waika-view-$$-$terminals"
  terminal -f /dev/null new-session -d -s view -x "$columns" -y "$lines" \
    env -u NO_COLOR "PS1=ready " "$@" bash --norc --noprofile
  until_seen 5 '^ready'
}

# start FLAG...: types the command line.
start() {
  local line="'$LOADGEN'" word
  for word in "$@"; do line+=" '$word'"; done
  terminal send-keys -t view "clear; $line; echo \"ended-\$?.\"" Enter
}

# until_seen SECONDS PATTERN: waits for it on the screen.
until_seen() {
  local _
  for _ in $(seq $(($1 * 10))); do
    if terminal capture-pane -p -t view | grep -Eq "$2"; then return; fi
    sleep 0.1
  done
  fail "not seen in $1 s: $2"
}

# keep NAME: what is on the screen now.
keep() {
  terminal capture-pane -p -t view >"$FOLDER/$1.txt"
}

# expect NAME WORDS...: what was kept under this name has them all.
expect() {
  local name=$1 words
  shift
  for words in "$@"; do
    grep -Fq -- "$words" "$FOLDER/$name.txt" || fail "$FOLDER/$name.txt does not say: $words"
  done
}

# asks FORMAT: what tmux knows of the terminal.
asks() {
  terminal display-message -p -t view "$1"
}

# expect_sane NAME CODES: ended with one of these codes, and left the terminal as it was.
expect_sane() {
  local name=$1 codes=$2 settings="$WORK/$1-stty"
  until_seen 25 'ended-[0-9]+\.'
  terminal capture-pane -p -S - -t view >"$FOLDER/$name.txt"
  grep -Eq "ended-($codes)\." "$FOLDER/$name.txt" || fail "$name: another exit code than $codes"
  [ "$(asks '#{alternate_on}')" = 0 ] || fail "$name: the screen was not given back"
  [ "$(asks '#{cursor_flag}')" = 1 ] || fail "$name: the cursor is still hidden"
  terminal send-keys -t view "stty -a >'$settings'; echo looked" Enter
  until_seen 5 '^looked'
  local word
  for word in icanon echo isig icrnl opost; do
    grep -Eq "(^|[ ;])$word( |;|\$)" "$settings" || fail "$name: stty says -$word"
  done
}

# start_server: one for all runs but the first, which has its own.
start_server() {
  "$SERVER" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 \
    --store "journal:$WORK/data" --key-file "$WORK/key" --log-level warn >"$WORK/line" 2>"$WORK/log" &
  server=$!
  local _
  for _ in $(seq 100); do
    [ -s "$WORK/line" ] && break
    sleep 0.05
  done
  read -r _ _ _ rpc _ admin _ <"$WORK/line" || fail "the server does not start: $(cat "$WORK/log")"
  readonly RUN=(run --target "http://$rpc" --admin "http://$admin" --rate 200 --accounts 100 --merchants 10
    --trace "$WORK/trace.jsonl" --server-pid "$server")
}

a_screen_is_shown_and_the_report_follows() {
  echo "== a screen in the middle of a run, in three sizes, and the report after it"
  open_terminal 100 30
  start quickstart --server "$SERVER" --rate 300 --warm-up 1s --duration 6s --accounts 100 \
    --html "$WORK/report.html"
  until_seen 15 'VALID so far'
  keep screen-100x30
  [ "$(asks '#{alternate_on}')" = 1 ] || fail "the screen is not one of its own"
  expect screen-100x30 'waika-loadgen http://127.0.0.1:' 'measuring' '% ' ' s left' 'per second:' \
    'response ≈' 'p99' 'payments' 'approved' 'open ' 'CPU: generator' 'server' 'q or Ctrl-C'
  terminal resize-window -t view -x 60 -y 14
  sleep 0.7
  keep screen-60x14
  expect screen-60x14 'so far' 's left' 'offered' 'whole' 'approved' 'q or Ctrl-C'
  ! grep -q 'per second:' "$FOLDER/screen-60x14.txt" || fail "there is a chart where there is no room"
  terminal resize-window -t view -x 80 -y 24
  sleep 0.7
  keep screen-80x24
  expect screen-80x24 'per second:' 'response ≈' 'lag p99' 'q or Ctrl-C'
  expect_sane after-quickstart 0
  expect after-quickstart 'response (due-done)' 'VALID' 'The report as a page'
}

# stops NAME HOW: a run that is stopped before its time tells what it has, and ends with 1.
stops() {
  local name=$1
  until_seen 15 'sent [1-9][0-9]*'
  keep "$name"
  case $name in
    q) terminal send-keys -t view q ;;
    ctrl-c) terminal send-keys -t view C-c ;;
    # Nobody else runs against this port.
    sigterm) kill -TERM "$(pgrep -f -n "waika-loadgen run --target http://$rpc")" ;;
  esac
  expect_sane "after-$name" 1
  expect "after-$name" 'response (due-done)' 'Interrupted'
}

keys_and_signals_stop_a_run() {
  local name
  for name in q ctrl-c sigterm; do
    echo "== stopped by $name"
    if [ "$name" = q ]; then
      open_terminal 80 24 NO_COLOR=1
    else
      open_terminal 80 24
    fi
    start "${RUN[@]}" --duration 60s --warm-up 0s
    until_seen 15 'so far|no verdict yet'
    terminal capture-pane -p -e -t view >"$WORK/colours"
    # A colour of letters or of their ground.
    if grep -Eq $'\x1b\\[([0-9]+;)*(3[0-7]|9[0-7]|38|48)[;m]' "$WORK/colours"; then
      [ "$name" != q ] || fail "there are colours with NO_COLOR"
    else
      [ "$name" = q ] || fail "there are no colours"
    fi
    stops "$name"
  done
}

lines_are_shown_where_there_is_no_screen() {
  echo "== lines, and nothing"
  open_terminal 120 24 TERM=dumb
  start "${RUN[@]}" --duration 2s --warm-up 0s
  until_seen 15 'sent: [0-9]+ of [0-9]+, offered [0-9.,]+/s, answered .* p50 '
  [ "$(asks '#{alternate_on}')" = 0 ] || fail "there is a screen on a dumb terminal"
  expect_sane dumb '0|5'
  local code=0
  "$LOADGEN" "${RUN[@]}" --duration 2s --warm-up 0s --view off >"$WORK/out" 2>"$FOLDER/off.txt" || code=$?
  [ "$code" = 0 ] || [ "$code" = 5 ] || fail "--view off: exit code $code"
  ! grep -q '^sent:' "$FOLDER/off.txt" || fail "--view off shows something"
  grep -q 'response (due-done)' "$WORK/out" || fail "--view off tells no report"
}

a_screen_is_shown_and_the_report_follows
start_server
keys_and_signals_stop_a_run
lines_are_shown_where_there_is_no_screen
echo "the view is sound; what was seen is in $FOLDER"
