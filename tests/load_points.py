#!/usr/bin/env python3
"""What the server does at half of its capacity, with one hot account, on two cores, and beside a full stream.

    python3 tests/load_points.py [half | hot | cores | fair] [--rounds N] [--seconds N] [--rate N]

half   open loop at --rate (default: half of what a closed loop of 256 calls reaches): response times of the
       server and of a per-core echo in turns, and what a sync of this disk takes.
hot    closed loop of 256 calls on one account, and on 10,000 in turn, with the oracle beside them, which
       accuses a limit that is passed or a sum that is wrong: rates.
cores  closed loop of 256 calls against a server on one core, and on two that the generator shares.
fair   1,000 unary calls a second alone, and beside another generator that keeps 2,048 payments of streams
       open on the same core of the server: the rate that was reached, and response times. Both generators share
       a core, so that these times have some of that in them.

Needs release builds of waika-server and waika-loadgen. Prints one line a measurement and the medians at the
end; every arm is a fresh process with a fresh journal. Exit codes: 0 measured, 1 the load generator found something
wrong, 69 a program is missing.
"""
import json
import subprocess
import sys
import tempfile
import time

from measuring import (LOADGEN, SERVER, Parser, figures, in_turns, measure, median, need_binaries, pinned, run, serving,
                       waika)

ACCOUNTS = ["--accounts", "10000", "--merchants", "100", "--seed", "1", "--connections", "4"]
# The oracle takes processor time of the generator, which only tells what it finds.
UNWATCHED = [*ACCOUNTS, "--no-oracle"]


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
        closed = measure("closed loop", [*UNWATCHED, "--closed", "256", "--duration", seconds])
        rate = closed["rate"] / 2
    flags = [*UNWATCHED, "--rate", f"{rate:.0f}", "--duration", seconds]
    told = in_turns([("echo", lambda: measure("echo", flags, "echo")), ("waika", lambda: measure("waika", flags))],
                    arguments.rounds)
    sync = sync_p99_ms()
    waika, floor = median(told["waika"], "p99_ms"), median(told["echo"], "p99_ms")
    print(f"at {rate:,.0f}/s: p99 of waika {waika:.2f} ms; of the echo {floor:.2f} ms, of a sync {sync:.2f} ms, so "
          f"{floor + 4 * sync:.2f} ms are allowed")


def hot(arguments):
    seconds = ["--duration", f"{arguments.seconds}s", "--closed", "256"]
    one = ["--preset", "hot-account", "--connections", "4", *seconds]
    told = in_turns([("uniform", lambda: measure("uniform", [*ACCOUNTS, *seconds])),
                     ("one account", lambda: measure("one account", one))], arguments.rounds)
    uniform, single = median(told["uniform"], "rate"), median(told["one account"], "rate")
    print(f"one account {single:,.0f}/s, uniform {uniform:,.0f}/s: {single / uniform:.2f} of it")


def cores(arguments):
    flags = [*UNWATCHED, "--closed", "256", "--duration", f"{arguments.seconds}s"]
    two_cores = {"server_cores": "0,1", "generator_cores": "0,1"}
    told = in_turns([("one core", lambda: measure("one core", flags)),
                     ("two cores", lambda: measure("two cores", flags, **two_cores))], arguments.rounds)
    one, two = median(told["one core"], "rate"), median(told["two cores"], "rate")
    print(f"two cores {two:,.0f}/s (the generator on the same two), one core {one:,.0f}/s: {two / one:.2f} times")


def check_runs(load):
    if load and load.poll() is not None:
        sys.exit(f"the generator of the streams has ended with {load.returncode}")


def beside(streams, seconds):
    """Unary calls at 1,000 a second, beside streams if there are any."""
    with tempfile.TemporaryDirectory() as folder, serving(waika(folder), "0", folder) as (pid, addresses):
        target = ["--target", f"http://{addresses[0]}", "--admin", f"http://{addresses[1]}"]
        full = [*UNWATCHED, "--stream", "--closed", "2048", "--duration", "1h", "--allow-limits", "--run-id", "b"]
        load = subprocess.Popen(pinned("1", [LOADGEN, "run", *target, *full]), stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL) if streams else None
        try:
            # By then everybody is created, and the streams are full.
            while load and figures(addresses[2]).get("waika_decisions_total", 0) < 500_000:
                check_runs(load)
                time.sleep(0.5)
            flags = [*UNWATCHED, "--rate", "1000", "--duration", f"{seconds}s", "--run-id", "a"]
            report = run(addresses[0], pid, "1", [*target[2:], *flags], folder)
            check_runs(load)
        finally:
            if load:
                load.kill()
                load.wait()
    told = {"rate": report["rates"]["achieved_per_second"], "p50_ms": report["response"]["p50_ns"] / 1e6,
            "p99_ms": report["response"]["p99_ns"] / 1e6}
    print(f"{'beside streams' if streams else 'alone':<24} {told['rate']:>10,.0f}/s, p50 {told['p50_ms']:>7.2f} ms, p99 "
          f"{told['p99_ms']:>7.2f} ms {'VALID' if report['verdict']['valid'] else 'INVALID'}", flush=True)
    return told


def fair(arguments):
    told = in_turns([("alone", lambda: beside(False, arguments.seconds)),
                     ("beside", lambda: beside(True, arguments.seconds))], arguments.rounds)
    for name, words in (("alone", "alone"), ("beside", "beside full streams")):
        print(f"unary calls {words}: {median(told[name], 'rate'):,.0f}/s of 1,000, p50 {median(told[name], 'p50_ms'):.2f} "
              f"ms, p99 {median(told[name], 'p99_ms'):.2f} ms")


def main():
    parser = Parser(__doc__)
    parser.add_argument("what", nargs="*", metavar="half|hot|cores|fair", default=[])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rate", type=float)
    arguments = parser.parse_args()
    need_binaries()
    known = {"half": half, "hot": hot, "cores": cores, "fair": fair}
    for what in arguments.what or known:
        if what not in known:
            parser.error(f"{what} is none of half, hot, cores and fair")
        print(f"== {what}")
        known[what](arguments)


if __name__ == "__main__":
    main()
