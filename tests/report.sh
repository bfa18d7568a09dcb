#!/usr/bin/env bash
# Runs the quickstart for a few seconds and looks at its report with a browser without a screen, in
# light and dark and on a narrow screen: no console message, no request that leaves the page.
#
#   bash tests/report.sh [FOLDER]     keeps page and pictures there (default target/report)
#
# Exit codes: 0 all is well, 1 the page is at fault, 69 there is no browser.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly FOLDER="${1:-$PWD/target/report}" BINARIES="${CARGO_TARGET_DIR:-$PWD/target}/debug"

if ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "chromium is not installed: apt-get install -y chromium" >&2
    exit 69
  fi
  echo "installing chromium"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
fi

mkdir -p "$FOLDER"
"$BINARIES/waika-loadgen" quickstart --rate 200 --duration 4s --accounts 100 \
  --html "$FOLDER/waika-report.html" >"$FOLDER/quickstart.txt" 2>&1 || {
  cat "$FOLDER/quickstart.txt" >&2
  exit 1
}
bash tests/report_page.sh "$FOLDER/waika-report.html" "$FOLDER/light.png" 1280 3600 light
bash tests/report_page.sh "$FOLDER/waika-report.html" "$FOLDER/dark.png" 1280 3600 dark
bash tests/report_page.sh "$FOLDER/waika-report.html" "$FOLDER/narrow.png" 390 6000 light
echo "the page is sound; pictures of it are in $FOLDER"
