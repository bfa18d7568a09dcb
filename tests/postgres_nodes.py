#!/usr/bin/env python3
"""What servers over one PostgreSQL decide in a second, through gRPC, beside what pgbench makes of the same machine.

    python3 tests/postgres_nodes.py [--rounds N] [--seconds N] [--accounts N] [--open N] [--json FILE]

Starts a PostgreSQL of its own from the installed package, with the package's own settings, so that every commit is on
the disk, and has it write 1.6 GB first, so that its log's files are there to be used again. In turns, backwards in
every second round: naive and combined as `postgres_commits.py` has them, by pgbench with 16, 64 and 256 clients of
which the best counts, and payments by the load generator through one server, with --open calls open. What is held to
is the median over rounds of the ratio of one round: at least 4 times naive, at least 2 times combined. Then, once
each: a server at half of that rate, whose response p99 is to be under 4 times what a commit alone takes; one whose
memory holds a quarter of the accounts; two servers, each with accounts of its own and both with the same; accounts by
Zipf's law with 0.99, and one account alone, by one server and by two. Decided again are those that another server was
faster with; read and held are accounts, of which several decisions may follow.

Needs release builds and Debian's postgresql. Exit codes: 0 both ratios and the p99 are met, 1 one is not, 64 usage,
69 a program is missing, 70 a program failed.
"""
import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack

from measuring import LOADGEN, Parser, figures, need_binaries, serving, waika
from postgres_cluster import cluster, need_programs, probe, psql, run, worked_in
from postgres_commits import CLIENTS, SCHEMA, WANTED, pgbench

MOST_COMMITS = 4.0
CONFLICTS = 'waika_store_not_durable_total{outcome="conflict"}'


class Nodes:
    """Servers over one database, each started for a turn."""

    def __init__(self, url, folder, asked):
        self.url, self.folder, self.asked = url, folder, asked
        # A fen each time, as the preset of one account has it: none comes to a limit.
        self.plan = f"{folder}/plan.toml"
        with open(self.plan, "w") as file:
            file.write("version = 1\ntraffic.fixed_fen = 1\n")

    def provision(self, accounts, seeds=(1,)):
        with serving(waika(self.folder, "2", self.url), "0,1", self.folder) as (_, at):
            for seed in seeds:
                run([LOADGEN, "provision", "--target", f"http://{at[0]}", "--admin", f"http://{at[1]}", "--accounts",
                     str(accounts), "--seed", str(seed)])

    def turn(self, name, each, more=(), seconds=None):
        """Each server's load, all at the same time: flags of the load generator."""
        flags = ["--duration", f"{seconds or self.asked.seconds}s"]
        with ExitStack() as stack:
            servers = [stack.enter_context(serving(waika(self.folder, "2", self.url, more), "0,1", self.folder))
                       for _ in each]
            runs = [self.begin(place, server, [*flags, *own]) for place, (server, own) in enumerate(zip(servers, each))]
            for process in runs:
                if process.wait() not in (0, 5):
                    print(f"{name}: {' '.join(process.args)}: exit code {process.returncode}", file=sys.stderr)
                    sys.exit(70)
            pages = [figures(at[2]) for _, at in servers]
        reports = []
        for place, _ in enumerate(each):
            with open(f"{self.folder}/report-{place}.json") as file:
                reports.append(json.load(file))
        decided = sum(page.get("waika_decisions_total", 0) for page in pages)
        approved = sum(value for page in pages for sample, value in page.items()
                       if sample.startswith('waika_decisions_total{decision="APPROVED"'))
        if approved < 0.99 * decided or not decided:
            print(f"{name}: {approved:,.0f} of {decided:,.0f} payments were approved", file=sys.stderr)
            sys.exit(70)
        told = {
            "rate": sum(report["rates"]["achieved_per_second"] for report in reports),
            "cpu_us": statistics.mean(report["server"]["cpu_ns_per_call"] for report in reports) / 1e3,
            "generator_us": statistics.mean(report["generator"]["cpu_ns_per_call"] for report in reports) / 1e3,
            "decided": decided,
            "p50_ms": max(report["response"]["p50_ns"] for report in reports) / 1e6,
            "p99_ms": max(report["response"]["p99_ns"] for report in reports) / 1e6,
            "conflicts": sum(page.get(CONFLICTS, 0) for page in pages) / max(decided, 1),
            "loaded": sum(page.get("waika_accounts_loaded_total", 0) for page in pages) / max(decided, 1),
            "held": sum(page.get("waika_accounts_held_total", 0) for page in pages) / max(decided, 1),
        }
        print(f"{name:<34} {told['rate']:>8,.0f}/s {told['cpu_us']:>6.1f} us a call, p50 {told['p50_ms']:>7.2f} ms, p99 "
              f"{told['p99_ms']:>7.2f} ms; {told['conflicts']:.1%} decided again, {told['loaded']:.1%} read, "
              f"{told['held']:.1%} held", flush=True)
        return told

    def begin(self, place, server, flags):
        pid, at = server
        command = [LOADGEN, "run", "--target", f"http://{at[0]}", "--admin", f"http://{at[1]}", "--server-pid", str(pid),
                   "--allow-limits", "--no-oracle", "--warm-up", "3s", "--json", f"{self.folder}/report-{place}.json",
                   *flags]
        if "--preset" not in flags:
            command += ["--plan", self.plan]
        with open(f"{self.folder}/log", "ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)


def best(port, name, accounts, seconds):
    tried = [pgbench(port, name, accounts, clients, seconds) for clients in CLIENTS]
    told = max(tried, key=lambda one: one["rate"])
    print(f"{name:<34} {told['rate']:>8,.0f}/s with {told['at_once']} clients, p50 {told['p50_ms']:.2f} ms", flush=True)
    return told


def beside(nodes, asked, warm):
    """What is measured once."""
    half = warm / 2
    people = ["--accounts", str(asked.accounts)]
    closed = [*people, "--closed", str(asked.open)]
    shared = [*people, "--closed", str(asked.open // 2)]
    found = {"half": nodes.turn("half of that rate", [[*people, "--rate", f"{half:.0f}", "--in-flight", "4000"]])}
    memory = ["--accounts-in-memory", str(max(asked.accounts // 4, 1_000))]
    found["cold"] = nodes.turn("a quarter in memory, all alike", [[*closed, "--zipf", "0"]], memory)
    found["apart"] = nodes.turn("two servers, accounts apart", [shared, [*shared, "--seed", "2"]])
    found["together"] = nodes.turn("two servers, the same accounts", [shared, shared])
    zipf = [*people, "--zipf", "0.99"]
    found["zipf one"] = nodes.turn("Zipf 0.99, one server", [[*zipf, "--closed", str(asked.open)]])
    found["zipf two"] = nodes.turn("Zipf 0.99, two servers", [[*zipf, "--closed", str(asked.open // 2)]] * 2)
    hot = ["--preset", "hot-account", "--closed", "64"]
    found["hot one"] = nodes.turn("one account, one server", [hot])
    found["hot two"] = nodes.turn("one account, two servers", [hot, hot])
    return found


def main():
    parser = Parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--accounts", type=int, default=4_096)
    parser.add_argument("--open", type=int, default=1_024)
    parser.add_argument("--json")
    asked = parser.parse_args()
    if min(asked.rounds, asked.seconds, asked.accounts, asked.open // 2) < 1:
        parser.error("--rounds, --seconds and --accounts are at least 1, --open at least 2")
    need_binaries()
    need_programs("pgbench")
    rounds = {"naive": [], "combined": [], "warm": []}
    with cluster() as port, tempfile.TemporaryDirectory() as folder:
        worked_in(port)
        # Not by the name of the user, which comes first in its search path.
        psql(port, f"{SCHEMA % asked.accounts} create schema nodes;")
        url = f"postgres://waika@127.0.0.1:{port}/postgres?options=-csearch_path%3Dnodes"
        nodes = Nodes(url, folder, asked)
        nodes.provision(asked.accounts, (1, 2))
        closed = ["--accounts", str(asked.accounts), "--closed", str(asked.open)]
        for number in range(asked.rounds):
            for name in list(rounds) if number % 2 == 0 else list(rounds)[::-1]:
                if name == "warm":
                    rounds[name].append(nodes.turn(f"one server, {asked.open} open", [closed]))
                else:
                    rounds[name].append(best(port, name, asked.accounts, asked.seconds))
        alone = probe(port, asked.seconds, 1, 1)["rows"][1]
        once = beside(nodes, asked, statistics.median(one["rate"] for one in rounds["warm"]))
    print()
    met = True
    for name, least in WANTED.items():
        each = [ours["rate"] / other["rate"] for ours, other in zip(rounds["warm"], rounds[name])]
        ratio = statistics.median(each)
        met &= ratio >= least
        print(f"through gRPC / best {name:<9} {ratio:5.2f} (rounds from {min(each):.2f} to {max(each):.2f}; at least "
              f"{least:g} is wanted): {'met' if ratio >= least else 'MISSED'}")
    commit = alone["p50_ns"] / 1e6
    commits = once["half"]["p99_ms"] / commit
    met &= commits < MOST_COMMITS
    print(f"p99 at half load {once['half']['p99_ms']:.2f} ms, a commit alone {commit:.2f} ms: {commits:.1f} times (under "
          f"{MOST_COMMITS:g} is wanted): {'met' if commits < MOST_COMMITS else 'MISSED'}")
    if asked.json:
        with open(asked.json, "w") as file:
            json.dump({"rounds": rounds, "once": once, "commit_ms": commit}, file, indent=2)
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
