#!/usr/bin/env python3
"""What traces cost: processor time a call without them, with none sampled, and with one call in a hundred.

    python3 tests/tracing_cost.py [--rounds N] [--seconds N] [--rate N] [--before BINARY]

A server of the release build on one core under an open loop, the generator and a collector that takes all spans (an
example of the server) on the other; the arms take turns, every second time backwards, and each round gives ratios. With
--before an older build is one more arm, which shows what the question alone costs. Tells the median ratio of the server's
processor time a call and where the rounds lie.
Exit codes: 0 one in a hundred costs less than 3 %, 1 more, or spans were dropped, 64 usage, 69 a program is missing.
"""
import contextlib
import os
import statistics
import subprocess
import sys

import measuring
from measuring import Parser, in_turns, measure, need_binaries, pinned

COLLECTOR = f"{measuring.BINARIES}/examples/collector"
MOST = 1.03
DROPPED = "waika_spans_dropped_total"


@contextlib.contextmanager
def collector():
    """Where it listens."""
    process = subprocess.Popen(pinned("1", [COLLECTOR]), stdout=subprocess.PIPE)
    try:
        yield "http://" + process.stdout.readline().decode().split()[-1]
    finally:
        process.terminate()
        process.wait()


def main():
    parser = Parser(__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--before", metavar="BINARY")
    arguments = parser.parse_args()
    need_binaries()
    for program in [COLLECTOR, *([arguments.before] if arguments.before else [])]:
        if not os.path.exists(program):
            print(f"{program} is not there: cargo build --release -p waika-server --example collector",
                  file=sys.stderr)
            sys.exit(69)
    flags = ["--rate", str(arguments.rate), "--duration", f"{arguments.seconds}s"]
    with collector() as endpoint:
        def arm(name, more=(), binary=None):
            def measured():
                kept, measuring.SERVER = measuring.SERVER, binary or measuring.SERVER
                try:
                    return measure(name, flags, more=more, counted=[DROPPED])
                finally:
                    measuring.SERVER = kept
            return name, measured

        def traced(share):
            return ["--otlp-endpoint", endpoint, "--trace-sample", share]

        arms = [arm("off"), arm("none sampled", traced("0")), arm("1 % sampled", traced("0.01")),
                arm("all sampled", traced("1"))]
        if arguments.before:
            arms.insert(0, arm("before", binary=arguments.before))
        told = in_turns(arms, arguments.rounds)
    costs = {name: [one["cpu_us"] for one in runs] for name, runs in told.items()}
    print(f"\n{'':<14} {'CPU a call':>11} {'over off':>9}   rounds from, to")
    for name, runs in costs.items():
        ratios = sorted(one / off for one, off in zip(runs, costs["off"]))
        print(f"{name:<14} {statistics.median(runs):>8.2f} us {statistics.median(ratios):>9.3f}   "
              f"{ratios[0]:.3f}, {ratios[-1]:.3f}")
    dropped = sum(one[DROPPED] for runs in told.values() for one in runs)
    if dropped:
        print(f"{dropped:,.0f} spans were dropped: this is not what traces cost", file=sys.stderr)
        sys.exit(1)
    ratio = statistics.median(one / off for one, off in zip(costs["1 % sampled"], costs["off"]))
    met = ratio < MOST
    print(f"one call in a hundred costs {100 * (ratio - 1):+.1f} %: {'met' if met else 'MISSED'} (less than 3 % is wanted)")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
