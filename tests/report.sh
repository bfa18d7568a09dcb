#!/usr/bin/env bash
# Looks at the page of every kind of result with a browser without a screen: in light and dark, 1280
# and 390 pixels wide, and printed. No console message, no request that leaves the page, no serious
# finding of axe-core, nothing wider than the screen, letters that can be read and labels apart.
#
#   bash tests/report.sh [FOLDER]     keeps pages, pictures and prints there (default target/report)
#
# A run is measured now; results that take minutes are stored ones, shown again. First faults of each
# kind are planted and must be found. What it installs goes to target/tools/pages, or below
# $WAIKA_TOOLS, but for Debian's packages where they are missing, and apt-get and the rights are there.
# Exit codes: 0 all is well, 1 a page is at fault, 69 something is missing and cannot be installed.
set -euo pipefail
folder=$(realpath -m -- "${1:-target/report}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly FOLDER=$folder HERE="$PWD/tests/pages"
readonly LOADGEN="${CARGO_TARGET_DIR:-$PWD/target}/debug/waika-loadgen"
mkdir -p "$FOLDER" "${WAIKA_TOOLS:-target/tools}/pages"
TOOLS=$(realpath "${WAIKA_TOOLS:-target/tools}/pages")
readonly TOOLS

fail() {
  printf 'report: %s\n' "$2" >&2
  exit "$1"
}

install_packages() {
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    fail 69 "install what Debian has as: $*"
  fi
  echo "installing $*"
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@"; } \
    >"$FOLDER/apt.txt" 2>&1 || fail 69 "apt-get could not install $*: $FOLDER/apt.txt"
}

find_browser() {
  command -v chromium || command -v chromium-browser || command -v google-chrome || true
}

CHROME=$(find_browser)
if [ -z "$CHROME" ]; then
  install_packages chromium
  CHROME=$(find_browser)
fi
export CHROME
if ! node --version >/dev/null 2>&1 || ! npm --version >/dev/null 2>&1; then
  install_packages nodejs npm ca-certificates
fi
if ! cksum "$HERE/package.json" "$HERE/package-lock.json" | cmp -s - "$TOOLS/installed-from"; then
  echo "installing Node's packages"
  cp "$HERE/package.json" "$HERE/package-lock.json" "$TOOLS"
  # None of the packages needs its scripts to run, and no browser is fetched.
  (cd "$TOOLS" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) \
    >"$FOLDER/npm.txt" 2>&1 || fail 69 "Node's packages could not be installed: $FOLDER/npm.txt"
  cksum "$HERE/package.json" "$HERE/package-lock.json" >"$TOOLS/installed-from"
fi

check() {
  (cd "$TOOLS" && node "$HERE/check.mjs" "$@")
}

check --self-check

# A page or a picture of an earlier time must not pass for one of this.
rm -f "$FOLDER"/*.html "$FOLDER"/*.png "$FOLDER"/*.pdf
"$LOADGEN" quickstart --rate 200 --duration 4s --accounts 100 --timing --by-scheme \
  --html "$FOLDER/run.html" >"$FOLDER/quickstart.txt" 2>&1 || {
  cat "$FOLDER/quickstart.txt" >&2
  exit 1
}
for stored in loadgen/tests/samples/*.json; do
  name=$(basename "$stored" .json)
  "$LOADGEN" report "$stored" --format html --output "$FOLDER/$name.html"
done
check "$FOLDER" "$FOLDER"/*.html
echo "the pages are sound; pictures and prints of them are in $FOLDER"
