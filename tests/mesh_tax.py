#!/usr/bin/env python3
"""What a proxy costs each call: waika-loadgen mesh-tax before a server, directly and through haproxy.

    python3 tests/mesh_tax.py [--rounds N] [--block TIME] [--rate N] [--binaries DIR] [--json FILE] [--html FILE]

A server with a fresh journal on core 0, haproxy (Debian's package; HTTP/2 to both sides) and the generator on core 1. The
report is mesh-tax's own. A machine that others use can make it INVALID, which is told and is not this script's failure;
that a block had no approvals, or anything but decisions, or no time of the server's, is.
Exit codes: 0 every round was measured, 1 one was not, 64 usage, 69 a program is missing.
"""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import measuring
from measuring import Parser, need_binaries, pinned, serving, waika

HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend callers
  bind 127.0.0.1:{proxy} proto h2
  default_backend waika
backend waika
  server one {server} proto h2
"""


@contextlib.contextmanager
def haproxy(server, folder):
    """Its process number and where it listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = f"{folder}/haproxy.cfg"
    with open(config, "w") as file:
        file.write(HAPROXY.format(proxy=port, server=server))
    process = subprocess.Popen(pinned("1", ["haproxy", "-db", "-q", "-f", config]))
    try:
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    sys.exit("haproxy does not listen")
                time.sleep(0.02)
        yield process.pid, f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wrong_with(report, rounds):
    """What a report lacks that any machine can give."""
    told = report["rounds"]
    if len(told) != rounds:
        yield f"{len(told)} of {rounds} rounds were measured"
    for number, one in enumerate(told, 1):
        for way in ("direct", "through"):
            side = one[way]
            if not side["approved"]:
                yield f"round {number}, {way}: nothing was approved"
            if side["others"]:
                yield f"round {number}, {way}: {side['others']}"
            if side["untimed"]:
                yield f"round {number}, {way}: {side['untimed']} answers without the server's time"


def main():
    parser = Parser(__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--block", default="500ms")
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--binaries", default=measuring.BINARIES)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--html", metavar="FILE")
    arguments = parser.parse_args()
    measuring.SERVER = f"{arguments.binaries}/waika-server"
    measuring.LOADGEN = f"{arguments.binaries}/waika-loadgen"
    need_binaries()
    if not shutil.which("haproxy"):
        print("haproxy is not installed: apt-get install haproxy", file=sys.stderr)
        sys.exit(69)
    with tempfile.TemporaryDirectory() as folder:
        with serving(waika(folder), "0", folder) as (server, addresses), \
                haproxy(addresses[0], folder) as (proxy, through):
            report = arguments.json or f"{folder}/report.json"
            page = ["--html", arguments.html] if arguments.html else []
            command = [measuring.LOADGEN, "mesh-tax", "--target", f"http://{addresses[0]}",
                       "--through", f"http://{through}", "--admin", f"http://{addresses[1]}",
                       "--server-pid", str(server), "--proxy-pid", str(proxy), "--rounds", str(arguments.rounds),
                       "--block", arguments.block, "--rate", str(arguments.rate), "--json", report, *page]
            ended = subprocess.run(pinned("1", command))
        if ended.returncode not in (0, 5) or not os.path.exists(report):
            sys.exit(f"mesh-tax ended with {ended.returncode}")
        with open(report) as file:
            wrong = list(wrong_with(json.load(file), arguments.rounds))
    for one in wrong:
        print(one, file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
