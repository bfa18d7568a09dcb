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
import json
import subprocess
import tempfile

from measuring import SERVER, in_turns, measure, median, need_binaries

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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", metavar="half|hot|cores", default=[])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rate", type=float)
    arguments = parser.parse_args()
    need_binaries()
    known = {"half": half, "hot": hot, "cores": cores}
    for what in arguments.what or known:
        if what not in known:
            parser.error(f"{what} is none of half, hot and cores")
        print(f"== {what}")
        known[what](arguments)


if __name__ == "__main__":
    main()
