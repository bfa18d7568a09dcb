#!/usr/bin/env python3
"""How long commits take beside the disk's own sync, and whether anybody notices a snapshot.

    python3 tests/commits.py [--rounds N] [--seconds N] [--rate N] [--accounts N]

Open loop at --rate (default: half of what a closed loop of 256 calls reaches) against a server on core 0 with
--accounts accounts, in turns without a snapshot and with one after the other, and between them the disk alone
(fsync-probe, writes as long as a batch). The kernel tells when each sync of the thread that commits began and ended
(perf's tracepoints, which need root), so that no clock of the server is believed. Prints the percentiles of syncs and
of responses.

Needs release builds of waika-server and waika-loadgen, and perf (Debian's linux-perf). Exit codes: 0 measured, 1 the
load generator found something wrong, 64 usage, 69 a program is missing.
"""
import contextlib
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from measuring import SERVER, Parser, measure, need_binaries, run, serving, waika

EVENTS = "syscalls:sys_enter_fdatasync,syscalls:sys_exit_fdatasync"
LOOP = ["--merchants", "100", "--seed", "1", "--connections", "4", "--no-oracle"]
# What a payment takes in the journal, about.
ENTRY_BYTES = 200


def percentile(values, part):
    """The smallest that at least this part of them does not pass."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * part) - 1)] if ordered else float("nan")


def committer(pid):
    """The thread that commits."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm") as name:
            if name.read().strip() == "waika-commit":
                return thread
    sys.exit("the server has no thread waika-commit")


def syncs_ms(recording, seconds):
    """How long each sync took in so many seconds at the end of a recording: what was before them is warm-up."""
    script = subprocess.run(["perf", "script", "-i", recording, "-F", "time,event"], check=True, capture_output=True)
    begun, told = None, []
    for line in script.stdout.decode().splitlines():
        at = float(re.search(r"(\d+\.\d+):", line).group(1))
        if "sys_enter" in line:
            begun = at
        elif begun is not None:
            told.append((begun, (at - begun) * 1e3))
            begun = None
    return [took for begun, took in told if begun >= told[-1][0] - seconds]


@contextlib.contextmanager
def recording(pid, into):
    """The kernel's word on the syncs of the thread that commits, while this is open."""
    perf = subprocess.Popen(["perf", "record", "-q", "-e", EVENTS, "-t", committer(pid), "-o", into],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        time.sleep(1)
        if perf.poll() is not None:
            sys.exit(f"perf cannot record system calls here (it needs root): {perf.stderr.read().decode()[-300:]}")
        yield
    finally:
        perf.terminate()
        perf.wait()


def taken(log):
    """How many snapshots a log tells of."""
    with open(log, errors="replace") as lines:
        return lines.read().count("snapshot taken")


def loaded(arguments, rate, snapshots):
    """Syncs of the thread that commits, response percentiles, and snapshots taken, in one run."""
    with tempfile.TemporaryDirectory() as folder:
        command = waika(folder, more=["--snapshot-every", "1" if snapshots else "0"])
        command[command.index("warn")] = "info"
        with serving(command, "0", folder) as (pid, addresses):
            admin = ["--admin", f"http://{addresses[1]}", *LOOP, "--accounts", str(arguments.accounts)]
            # Everybody is created here; the run that counts finds them.
            run(addresses[0], pid, "1", [*admin, "--closed", "256", "--requests", "10000", "--run-id", "a"], folder)
            before, kept = taken(f"{folder}/log"), f"{folder}/perf.data"
            load = ["--rate", f"{rate:.0f}", "--duration", f"{arguments.seconds}s", "--run-id", "b"]
            with recording(pid, kept):
                report = run(addresses[0], pid, "1", [*admin, *load], folder)
            found, count = syncs_ms(kept, arguments.seconds), taken(f"{folder}/log") - before
    response = {part: (report["response"][name] or 0) / 1e6 for part, name in
                ((0.5, "p50_ns"), (0.99, "p99_ns"), (0.999, "p99.9_ns"))}
    return {"sync": {part: percentile(found, part) for part in response}, "syncs": len(found), "response": response,
            "snapshots": count, "valid": report["verdict"]["valid"], "cpu": report["server"]["cpu_ns_per_call"] / 1e3}


def alone(size, seconds):
    """The disk's own syncs, with nothing beside them."""
    with tempfile.TemporaryDirectory() as folder:
        command = [SERVER, "fsync-probe", "--store", f"journal:{folder}/data", "--bytes", str(size), "--duration",
                   f"{seconds}s", "--json", "-"]
        found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["sizes"][0]
    sync = {0.5: found["p50_ns"] / 1e6, 0.99: found["p99_ns"] / 1e6, 0.999: found["p99.9_ns"] / 1e6}
    return {"sync": sync, "syncs": found["syncs"]}


def shown(figures):
    return "p50 {:.2f}, p99 {:.2f}, p99.9 {:.2f} ms".format(*figures.values())


def main():
    parser = Parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--accounts", type=int, default=100_000)
    arguments = parser.parse_args()
    need_binaries()
    if not shutil.which("perf"):
        print("perf is not there: install Debian's linux-perf", file=sys.stderr)
        sys.exit(69)
    rate = arguments.rate
    if rate is None:
        closed = [*LOOP, "--accounts", "10000", "--closed", "256", "--duration", "5s"]
        rate = measure("closed loop", closed)["rate"] / 2
    # The first arm tells how long a batch is.
    told = {"no snapshot": [], "snapshots": [], "disk alone": []}
    size = ENTRY_BYTES
    for number in range(arguments.rounds):
        for name in list(told) if number % 2 == 0 else list(reversed(told)):
            if name == "disk alone":
                one = alone(size, arguments.seconds)
                print(f"{name:<12} {one['syncs']:>7,} syncs of {size} bytes: {shown(one['sync'])}", flush=True)
            else:
                one = loaded(arguments, rate, name == "snapshots")
                size = int(rate * arguments.seconds / max(1, one["syncs"]) * ENTRY_BYTES)
                print(f"{name:<12} {one['syncs']:>7,} syncs: {shown(one['sync'])}; responses: {shown(one['response'])}; "
                      f"{one['cpu']:.1f} us a call, {one['snapshots']} snapshots"
                      f"{'' if one['valid'] else ' INVALID'}", flush=True)
            told[name].append(one)
    middle = lambda name, what: statistics.median(one[what][0.999] for one in told[name])
    without, beside, disk = (middle(name, "sync") for name in told)
    print(f"at {rate:,.0f}/s, medians of p99.9: a sync of the disk alone {disk:.2f} ms; of a commit {without:.2f} ms "
          f"({without / disk:.2f} times), beside snapshots {beside:.2f} ms ({beside / disk:.2f} times); responses "
          f"{middle('no snapshot', 'response'):.2f} ms, beside snapshots {middle('snapshots', 'response'):.2f} ms")


if __name__ == "__main__":
    main()
