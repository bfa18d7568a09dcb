#!/usr/bin/env bash
# Opens a report in a browser without a screen, and fails if the page logs anything to its console
# or asks for anything but itself. Keeps a picture of it.
#
#   bash tests/report_page.sh HTML SCREENSHOT [WIDTH] [HEIGHT] [light|dark]     (1280 2400 light)
#
# Exit codes: 0 all is well, 1 the page is at fault, 64 usage, 69 there is no browser.
set -euo pipefail

if [ $# -lt 2 ] || [ $# -gt 5 ]; then
  echo "usage: bash tests/report_page.sh HTML SCREENSHOT [WIDTH] [HEIGHT] [light|dark]" >&2
  exit 64
fi
readonly HTML=$1 SCREENSHOT=$2 WIDTH=${3:-1280} HEIGHT=${4:-2400} SCHEME=${5:-light}
if [ ! -r "$HTML" ]; then
  echo "$HTML: cannot be read" >&2
  exit 64
fi
case $SCHEME in
  dark) scheme=0 ;;
  light) scheme=1 ;;
  *)
    echo "$SCHEME: must be light or dark" >&2
    exit 64
    ;;
esac

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ]; then
  echo "chromium is not installed: apt-get install -y chromium" >&2
  exit 69
fi

folder=$(mktemp -d)
readonly folder
trap 'rm -rf "$folder"' EXIT

# A picture of an earlier run must not pass for one of this.
rm -f "$SCREENSHOT"
url="file://$(python3 -c 'import pathlib, sys, urllib.parse; print(urllib.parse.quote(str(pathlib.Path(sys.argv[1]).resolve())))' "$HTML")"
readonly url

# As root there is no sandbox to be had. The proxy answers nobody, so that nothing leaves the machine
# even if the page asks for it; what it asks for is in the log all the same.
if ! timeout 120 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars \
  --disable-background-networking --disable-component-update --disable-sync --disable-extensions \
  --no-first-run --no-default-browser-check --disable-default-apps --disable-dev-shm-usage \
  --no-pings \
  --user-data-dir="$folder/profile" --proxy-server=127.0.0.1:9 \
  --blink-settings=preferredColorScheme="$scheme" \
  --enable-logging=stderr --v=0 --log-net-log="$folder/net.json" --net-log-capture-mode=Everything \
  --window-size="$WIDTH,$HEIGHT" --screenshot="$SCREENSHOT" "$url" >"$folder/log" 2>&1; then
  echo "$browser did not end well:" >&2
  tail -n 20 "$folder/log" >&2
  exit 1
fi
if [ ! -s "$SCREENSHOT" ]; then
  echo "$browser took no picture:" >&2
  tail -n 20 "$folder/log" >&2
  exit 1
fi

python3 - "$folder/log" "$folder/net.json" "$url" <<'PYTHON'
import json, re, sys

log, net, page = sys.argv[1:]
faults = [f"console: {line.strip()}" for line in open(log, errors="replace") if re.search(r"\bCONSOLE\b", line)]

text = open(net).read()
try:
    record = json.loads(text)
except json.JSONDecodeError:
    # A browser that ends quickly leaves the list open.
    record = json.loads(text.rstrip().rstrip(",") + "]}")
kinds = record["constants"]["logSourceType"]
asked, own = {}, set()
for event in record["events"]:
    if event["source"]["type"] != kinds["URL_REQUEST"]:
        continue
    said, request = event.get("params") or {}, event["source"]["id"]
    if "url" in said:
        asked.setdefault(request, said["url"])
    # No page has asked for it: the browser itself did, for all that it was told not to.
    if said.get("initiator") == "not an origin" and "file:" not in said.get("network_isolation_key", ""):
        own.add(request)
for request, address in sorted(asked.items()):
    if request not in own and address != page and not address.startswith("data:"):
        faults.append(f"request: {address}")
if not record["events"]:
    faults.append("the network log is empty: nothing was watched")
for fault in faults:
    print(fault, file=sys.stderr)
sys.exit(1 if faults else 0)
PYTHON
echo "$HTML: no message on its console and no request beyond itself; the picture is $SCREENSHOT"
