#!/usr/bin/env python3
"""What the server does at half of its capacity, with one hot account, and on two cores.

    python3 tests/load_points.py [half | hot | cores] [--rounds N] [--seconds N] [--rate N]

half   open loop at --rate (default: half of what a closed loop of 256 calls reaches): response times of the
       server and of a per-core echo in turns, and what a sync of this disk takes.
hot    closed loop of 256 calls on one account, and on 10,000 in turn, with the oracle beside them, which
       accuses a limit that is passed or a sum that is wrong: rates.
cores  closed loop of 256 calls against a server on one core, and on two that the generator shares.

Needs release builds of waika-server and waika-loadgen. Prints one line a measurement and the medians at the
end; every arm is a fresh process with a fresh journal. Exit codes: 0 measured, 1 the load generator found something
wrong, 69 a program is missing.
"""
import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile

BINARIES = "target/release"
SERVER = f"{BINARIES}/waika-server"
LOADGEN = f"{BINARIES}/waika-loadgen"
ACCOUNTS = ["--accounts", "10000", "--merchants", "100", "--seed", "1"]
# The oracle takes processor time of the generator, which only tells what it finds.
UNWATCHED = [*ACCOUNTS, "--no-oracle"]


def pinned(cores, command):
    return ["taskset", "-c", cores, *command]


@contextlib.contextmanager
def serving(command, cores, folder):
    """A server on these cores; gives its addresses."""
    with open(f"{folder}/log", "ab") as log:
        process = subprocess.Popen(pinned(cores, command), stdout=subprocess.PIPE, stderr=log)
    try:
        words = process.stdout.readline().decode().split()
        yield process.pid, [word for word in words if ":" in word and word[0].isdigit()]
    finally:
        process.terminate()
        process.wait()


def waika(folder, cores="1"):
    everywhere = [word for name in ("", "admin-", "metrics-") for word in (f"--{name}listen", "127.0.0.1:0")]
    store = ["--store", f"journal:{folder}/data", "--key-file", f"{folder}/key", "--log-level", "warn"]
    return [SERVER, *everywhere, *store, "--cores", cores]


def echo():
    return [LOADGEN, "floor", "--runtime", "per-core", "--cores", "1", "--listen", "127.0.0.1:0"]


def run(target, pid, core, flags, folder):
    """A run of the load generator; gives its report. One that doubts its times is shown with that word."""
    report = f"{folder}/report.json"
    command = [LOADGEN, "run", "--target", f"http://{target}", "--server-pid", str(pid), "--allow-limits", "--connections", "4", "--warm-up", "1s", "--json", report, *flags]
    with open(f"{folder}/log", "ab") as log:
        ended = subprocess.run(pinned(core, command), stdout=log, stderr=log)
    if ended.returncode not in (0, 5):
        sys.exit(f"the load generator ended with {ended.returncode}: {open(f'{folder}/log').read()[-2000:]}")
    with open(report) as file:
        return json.load(file)


def measure(arm, flags, server_core="0", generator_core="1", cores="1"):
    """One arm: what is told of it is a rate, processor time a call in microseconds, and latencies in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        command = echo() if arm == "echo" else waika(folder, cores)
        with serving(command, server_core, folder) as (pid, addresses):
            people = ["--no-provision"] if arm == "echo" else ["--admin", f"http://{addresses[1]}"]
            report = run(addresses[0], pid, generator_core, [*people, *flags], folder)
    told = {
        "rate": report["rates"]["achieved_per_second"],
        "cpu_us": report["server"]["cpu_ns_per_call"] / 1e3,
        "p50_ms": report["response"]["p50_ns"] / 1e6,
        "p99_ms": report["response"]["p99_ns"] / 1e6,
        "answered": report["counts"]["answered"],
        "valid": report["verdict"]["valid"],
    }
    print(f"{arm:<12} {told['rate']:>10,.0f}/s {told['cpu_us']:>7.1f} us a call, p50 {told['p50_ms']:>7.2f} ms, "
          f"p99 {told['p99_ms']:>7.2f} ms {'VALID' if told['valid'] else 'INVALID'}", flush=True)
    return told


def median(told, figure):
    return statistics.median(one[figure] for one in told)


def in_turns(arms, rounds):
    """Measures arms in turns, every second time backwards."""
    told = {name: [] for name, _ in arms}
    for number in range(rounds):
        for name, measured in arms if number % 2 == 0 else arms[::-1]:
            told[name].append(measured())
    return told


def sync_p99_ms():
    """The disk's own: a small append and its sync, in this minute."""
    with tempfile.TemporaryDirectory() as folder:
        command = [SERVER, "fsync-probe", "--store", f"journal:{folder}/data", "--bytes", "4096", "--duration", "5s",
                   "--json", "-"]
        probe = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return probe["sizes"][0]["p99_ns"] / 1e6


def half(arguments):
    seconds = f"{arguments.seconds}s"
    rate = arguments.rate
    if rate is None:
        closed = measure("waika", [*UNWATCHED, "--closed", "256", "--duration", seconds])
        rate = closed["rate"] / 2
    flags = [*UNWATCHED, "--rate", f"{rate:.0f}", "--duration", seconds]
    told = in_turns([("echo", lambda: measure("echo", flags)), ("waika", lambda: measure("waika", flags))],
                    arguments.rounds)
    sync = sync_p99_ms()
    waika, floor = median(told["waika"], "p99_ms"), median(told["echo"], "p99_ms")
    print(f"at {rate:,.0f}/s: p99 of waika {waika:.2f} ms; of the echo {floor:.2f} ms, of a sync {sync:.2f} ms, so "
          f"{floor + 4 * sync:.2f} ms are allowed")


def hot(arguments):
    seconds = ["--duration", f"{arguments.seconds}s", "--closed", "256"]
    one = ["--preset", "hot-account", *seconds]
    told = in_turns([("uniform", lambda: measure("uniform", [*ACCOUNTS, *seconds])),
                     ("one account", lambda: measure("one account", one))], arguments.rounds)
    uniform, single = median(told["uniform"], "rate"), median(told["one account"], "rate")
    print(f"one account {single:,.0f}/s, uniform {uniform:,.0f}/s: {single / uniform:.2f} of it")


def cores(arguments):
    flags = [*UNWATCHED, "--closed", "256", "--duration", f"{arguments.seconds}s"]
    told = in_turns([("one core", lambda: measure("one core", flags)),
                     ("two cores", lambda: measure("two cores", flags, "0,1", "0,1", "2"))], arguments.rounds)
    one, two = median(told["one core"], "rate"), median(told["two cores"], "rate")
    print(f"two cores {two:,.0f}/s (the generator on the same two), one core {one:,.0f}/s: {two / one:.2f} times")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", metavar="half|hot|cores", default=[])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rate", type=float)
    arguments = parser.parse_args()
    for program in (SERVER, LOADGEN):
        if not os.path.exists(program):
            print(f"{program} is not there: cargo build --release", file=sys.stderr)
            sys.exit(69)
    known = {"half": half, "hot": hot, "cores": cores}
    for what in arguments.what or known:
        if what not in known:
            parser.error(f"{what} is none of half, hot and cores")
        print(f"== {what}")
        known[what](arguments)


if __name__ == "__main__":
    main()
