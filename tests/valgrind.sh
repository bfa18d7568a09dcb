#!/usr/bin/env bash
# Sees to it that valgrind is there: what counts instructions needs it.
#
# Exit codes: 0 it is there, 69 it is not and cannot be installed from here.
set -euo pipefail

command -v valgrind >/dev/null && exit
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "valgrind is not installed: apt-get install -y valgrind" >&2
  exit 69
fi
echo "installing valgrind"
apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq valgrind >/dev/null
