#!/usr/bin/env python3
"""What many accounts and many used keys cost: memory, processor time a call, and how long a start takes.

    python3 tests/many.py accounts [--accounts N] [--rounds N] [--folder DIR]
    python3 tests/many.py keys [--keys N] [--rounds N] [--folder DIR]

accounts  creates N accounts (10,000,000: about twelve minutes, and 12 GB of disk), prints the memory of the server,
          its processor time a call beside that of a server with 10,000 accounts in turns, and how long it takes to
          be ready after a clean stop, and after a kill.
keys      makes N payments (100,000,000: about fifteen minutes, and 24 GB of disk), each under a key of its own, and
          prints how many keys are where, the memory of those on the disk, the processor time of a call beside that
          of a server without used keys, and whether the first payments' keys have their answers, also after a kill.

Both servers take turns, of keys on core 0, of accounts on both: the load generator that is not measured is stopped.
Needs release builds of waika-server and waika-loadgen. Exit codes: 0 measured, 1 something was wrong, 64 usage, 69 a
program is missing.
"""
import contextlib
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from measuring import LOADGEN, Parser, figures, need_binaries, pinned, run, serving, waika

TICKS = os.sysconf("SC_CLK_TCK")
LOOP = ["--merchants", "100", "--seed", "1", "--connections", "4", "--no-oracle", "--allow-limits", "--closed", "256"]


def cpu_seconds(pid):
    """Processor time: of the threads that answer, and of those in the background (snapshots, keys, segments)."""
    told = [0.0, 0.0]
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{pid}/task/{thread}/stat") as stat:
            name, fields = stat.read().rsplit(")", 1)
            fields = fields.split()
            behind = name.split("(", 1)[1] in ("waika-snapshot", "waika-keys", "waika-prepare")
            told[behind] += (int(fields[11]) + int(fields[12])) / TICKS
    return told


def resident_bytes(pid, which="VmRSS"):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(rf"{which}:\s+(\d+) kB", status.read()).group(1)) * 1024


class Loaded:
    """A server and a closed loop against it, from these cores, that can be held."""

    def __init__(self, pid, addresses, folder, flags, cores="1"):
        self.pid, self.metrics, self.log = pid, addresses[2], f"{folder}/load.log"
        target = ["--target", f"http://{addresses[0]}", "--admin", f"http://{addresses[1]}"]
        with open(self.log, "wb") as log:
            command = pinned(cores, [LOADGEN, "run", *target, *LOOP, "--duration", "2h", *flags])
            self.load = subprocess.Popen(command, stdout=log, stderr=log)
        while self.decisions() < 1_000:
            if self.load.poll() is not None:
                sys.exit(f"the load generator has ended: see {self.log}")
            time.sleep(1)

    def decisions(self):
        return figures(self.metrics).get("waika_decisions_total", 0)

    def hold(self):
        self.load.send_signal(signal.SIGSTOP)
        time.sleep(0.2)

    def measured(self, seconds=4.0):
        """Microseconds of processor time a call, of threads that answer and of others, and calls a second."""
        self.load.send_signal(signal.SIGCONT)
        time.sleep(0.5)
        cpu, calls, at = cpu_seconds(self.pid), self.decisions(), time.monotonic()
        time.sleep(seconds)
        used, calls = cpu_seconds(self.pid), self.decisions() - calls
        rate = calls / (time.monotonic() - at)
        self.hold()
        answering, behind = ((after - before) / calls * 1e6 for before, after in zip(cpu, used))
        return answering, behind, rate

    def rested(self):
        """Waits until the threads in the background have nothing to do."""
        before, (_, now) = -1.0, cpu_seconds(self.pid)
        while now > before + 0.02:
            time.sleep(3)
            before, (_, now) = now, cpu_seconds(self.pid)

    def end(self):
        for number in (signal.SIGCONT, signal.SIGKILL):
            self.load.send_signal(number)
        self.load.wait()


def compare(full, empty, rounds, what):
    """Both in turns, every second time backwards; prints each round, and the medians of ratio and difference within
    a round: the machine is as busy for the one as for the other."""
    told = {full: [], empty: []}
    full.rested()
    for number in range(rounds):
        for one in (full, empty) if number % 2 == 0 else (empty, full):
            told[one].append(one.measured())
        shown = [f"{cost:6.2f} us a call (and {behind:.2f} in the background) at {rate:,.0f}/s"
                 for cost, behind, rate in (told[full][-1], told[empty][-1])]
        print(f"  {shown[0]}; {shown[1]} {what}", flush=True)
    costs = [[cost for cost, _, _ in told[one]] for one in (full, empty)]
    ratios = [one / other for one, other in zip(*costs)]
    more = [one - other for one, other in zip(*costs)]
    print(f"in the median {statistics.median(costs[0]):.2f} us a call, {statistics.median(costs[1]):.2f} us {what}; within a "
          f"round {statistics.median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f}), "
          f"{statistics.median(more):+.2f} us ({min(more):+.2f} to {max(more):+.2f})", flush=True)


def started(folder, words):
    """Starts the server on both cores; prints how long it took until it listened, and from what."""
    size = os.path.getsize(f"{folder}/log")
    command = [word if word != "warn" else "info" for word in waika(folder, "2")]
    stack = contextlib.ExitStack()
    at = time.monotonic()
    pid, addresses = stack.enter_context(serving(command, "0,1", folder))
    took = time.monotonic() - at
    with open(f"{folder}/log", errors="replace") as log:
        log.seek(size)
        line = next(line for line in log if "recovered" in line)
    line = re.sub(r"\x1b\[[0-9;]*m", "", line)
    entries = int(re.search(r"entries=(\d+)", line).group(1))
    print(f"{words}: ready in {took:.1f} s, {entries:,} journal entries replayed; "
          f"{resident_bytes(pid) / 2**30:.2f} GiB (at most {resident_bytes(pid, 'VmHWM') / 2**30:.2f})", flush=True)
    return stack, pid, addresses


def pay(folder, pid, addresses, flags):
    """Some payments as fast as they go; gives the report."""
    return run(addresses[0], pid, "1", ["--admin", f"http://{addresses[1]}", "--no-oracle", *flags], folder)


def accounts(arguments, folder, beside):
    people = arguments.accounts
    begun = time.monotonic()
    both = "0,1"
    with serving(waika(beside, "2"), both, beside) as small, serving(waika(folder, "2"), both, folder) as large:
        empty = Loaded(*small, beside, ["--accounts", "10000"], both)
        empty.hold()
        full = Loaded(*large, folder, ["--accounts", str(people)], both)
        full.hold()
        resident = resident_bytes(full.pid)
        print(f"{people:,} accounts after {time.monotonic() - begun:.0f} s: {resident / 2**30:.2f} GiB resident, "
              f"{resident / people:.0f} bytes an account (keys and all else included)", flush=True)
        compare(full, empty, arguments.rounds, "with 10,000 accounts")
        resident = resident_bytes(full.pid)
        print(f"afterwards {resident / 2**30:.2f} GiB, {resident / people:.0f} bytes an account", flush=True)
        full.end()
        empty.end()
    stack, pid, addresses = started(folder, "after a clean stop")
    with stack:
        flags = ["--accounts", "1000", "--seed", "2", "--stream", "--closed", "2048", "--requests", "1500000"]
        pay(folder, pid, addresses, flags)
        os.kill(pid, signal.SIGKILL)
    stack, _, _ = started(folder, "after a kill")
    stack.close()


def keys(arguments, folder, beside):
    one_fen = ["--preset", "hot-account", "--accounts", "10000", "--run-id", "a"]
    again = [*one_fen, "--requests", "20000", "--closed", "256", "--seed", "1", "--merchants", "100"]
    with serving(waika(beside), "0", beside) as small, serving(waika(folder), "0", folder) as large:
        begun = time.monotonic()
        pid, addresses = large
        first = pay(folder, pid, addresses, again)
        fill = ["--stream", "--closed", "2048", "--seed", "2", "--merchants", "100"]
        pay(folder, pid, addresses, [*one_fen[:-1], "b", *fill, "--requests", str(arguments.keys)])
        while figures(addresses[2])['waika_idempotency_keys{tier="memory"}'] > 13_000_000:
            time.sleep(1)
        print(f"{arguments.keys:,} keys after {time.monotonic() - begun:.0f} s", flush=True)
        tell_keys(addresses)
        empty = Loaded(*small, beside, [*one_fen[:-1], "c"])
        empty.hold()
        full = Loaded(*large, folder, [*one_fen[:-1], "d"])
        full.hold()
        compare(full, empty, arguments.rounds, "without used keys")
        full.end()
        empty.end()
        tell_keys(addresses)
        tell_replays(pay(folder, pid, addresses, again), first)
        os.kill(pid, signal.SIGKILL)
    stack, pid, addresses = started(folder, "after a kill")
    with stack:
        tell_keys(addresses)
        tell_replays(pay(folder, pid, addresses, again), first)


def tell_keys(addresses):
    told = figures(addresses[2])
    recent, older = (told.get(f'waika_idempotency_keys{{tier="{tier}"}}', 0) for tier in ("memory", "disk"))
    memory = told.get("waika_older_keys_memory_bytes", 0)
    searches = [told.get(f'waika_older_key_searches_total{{found="{found}"}}', 0) for found in ("yes", "no")]
    print(f"{recent:,.0f} keys in memory, {older:,.0f} on the disk with {memory / max(older, 1):.2f} bytes of memory "
          f"each; the disk asked {searches[0]:,.0f} times for a key that was there, {searches[1]:,.0f} for none",
          flush=True)


def tell_replays(report, first):
    """The same requests as the first: every one must be told its stored answer."""
    told = {row["name"]: row["count"] for row in report["outcomes"]}
    before = {row["name"]: row["count"] for row in first["outcomes"]}
    print(f"the first keys again: {told} (first: {before})", flush=True)
    if set(told) != {"replayed"}:
        sys.exit("not all of them were told their stored answer")


def main():
    parser = Parser(__doc__)
    parser.add_argument("what", choices=["accounts", "keys"])
    parser.add_argument("--accounts", type=int, default=10_000_000)
    parser.add_argument("--keys", type=int, default=100_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where the data goes (default: a temporary folder)")
    arguments = parser.parse_args()
    need_binaries()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for name in ("full", "beside"):
            os.mkdir(f"{folder}/{name}")
        {"accounts": accounts, "keys": keys}[arguments.what](arguments, f"{folder}/full", f"{folder}/beside")


if __name__ == "__main__":
    main()
