"""Servers and runs of the load generator for scripts that measure: each a process of its own, pinned."""
import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import urllib.request

BINARIES = "target/release"
SERVER = f"{BINARIES}/waika-server"
LOADGEN = f"{BINARIES}/waika-loadgen"


# A script that is ended by a signal, too, ends its servers and removes its folders.
for ending in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(ending, lambda number, _: sys.exit(128 + number))


class Parser(argparse.ArgumentParser):
    """A command line: the script's documentation is its help, and wrong usage ends with 64."""

    def __init__(self, documentation):
        super().__init__(description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message):
        print(f"{self.prog}: {message}", file=sys.stderr)
        sys.exit(64)


def need_binaries():
    """Ends with 69 if there are no release builds."""
    for program in (SERVER, LOADGEN):
        if not os.path.exists(program):
            print(f"{program} is not there: cargo build --release", file=sys.stderr)
            sys.exit(69)


def pinned(cores, command):
    return ["taskset", "-c", cores, *command]


@contextlib.contextmanager
def serving(command, cores, folder):
    """A server on these cores; gives its process number and its addresses."""
    with open(f"{folder}/log", "ab") as log:
        process = subprocess.Popen(pinned(cores, command), stdout=subprocess.PIPE, stderr=log)
    try:
        words = process.stdout.readline().decode().split()
        yield process.pid, [word for word in words if ":" in word and word[0].isdigit()]
    finally:
        process.terminate()
        process.wait()


def waika(folder, cores="1", store=None, more=()):
    """The server with a fresh journal, or another store."""
    everywhere = [word for name in ("", "admin-", "metrics-") for word in (f"--{name}listen", "127.0.0.1:0")]
    store = ["--store", store or f"journal:{folder}/data", "--key-file", f"{folder}/key", "--log-level", "warn"]
    return [SERVER, *everywhere, *store, "--cores", cores, *more]


def echo():
    """The floor: a tonic echo with a runtime on each core, of which it has one."""
    return [LOADGEN, "floor", "--runtime", "per-core", "--cores", "1", "--listen", "127.0.0.1:0"]


def figures(address):
    """The metrics page: the sum of each name's samples, and each sample by its name and labels."""
    told = {}
    with urllib.request.urlopen(f"http://{address}/metrics") as page:
        for line in page.read().decode().splitlines():
            if line and line[0] != "#":
                name, value = line.rsplit(" ", 1)
                told[name] = float(value)
                if "{" in name:
                    bare = name.split("{")[0]
                    told[bare] = told.get(bare, 0.0) + float(value)
    return told


def run(target, pid, core, flags, folder):
    """A run of the load generator; gives its report. One that doubts its times is shown with that word."""
    report = f"{folder}/report.json"
    # So many requests are all of them measured.
    warm_up = [] if "--requests" in flags else ["--warm-up", "1s"]
    command = [LOADGEN, "run", "--target", f"http://{target}", "--server-pid", str(pid), "--allow-limits",
               *warm_up, "--json", report, *flags]
    with open(f"{folder}/log", "ab") as log:
        ended = subprocess.run(pinned(core, command), stdout=log, stderr=log)
    if ended.returncode not in (0, 5):
        with open(f"{folder}/log") as log:
            sys.exit(f"the load generator ended with {ended.returncode}: {log.read()[-2000:]}")
    with open(report) as file:
        return json.load(file)


def measure(name, flags, kind="waika", server_cores="0", generator_cores="1", counted=(), **server):
    """One arm: a rate, processor time a call in microseconds, latencies in milliseconds, and these metrics at its end."""
    with tempfile.TemporaryDirectory() as folder:
        cores = str(len(server_cores.split(",")))
        command = echo() if kind == "echo" else waika(folder, cores, **server)
        with serving(command, server_cores, folder) as (pid, addresses):
            people = ["--no-provision"] if kind == "echo" else ["--admin", f"http://{addresses[1]}"]
            report = run(addresses[0], pid, generator_cores, [*people, *flags], folder)
            page = figures(addresses[2]) if counted else {}
    told = {
        **{metric: page.get(metric, 0) for metric in counted},
        "rate": report["rates"]["achieved_per_second"],
        "cpu_us": report["server"]["cpu_ns_per_call"] / 1e3,
        "p50_ms": report["response"]["p50_ns"] / 1e6,
        "p99_ms": report["response"]["p99_ns"] / 1e6,
        "valid": report["verdict"]["valid"],
    }
    print(f"{name:<24} {told['rate']:>10,.0f}/s {told['cpu_us']:>7.1f} us a call, p50 {told['p50_ms']:>7.2f} ms, "
          f"p99 {told['p99_ms']:>7.2f} ms {'VALID' if told['valid'] else 'INVALID'}", flush=True)
    return told


def median(told, figure):
    return statistics.median(one[figure] for one in told)


def in_turns(arms, rounds):
    """Measures arms, each a name and what measures it, in turns: every second time backwards."""
    told = {name: [] for name, _ in arms}
    for number in range(rounds):
        for name, measured in arms if number % 2 == 0 else arms[::-1]:
            told[name].append(measured())
    return told
