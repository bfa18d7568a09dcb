#!/usr/bin/env python3
"""A model of many servers over many databases, fitted here and held against what it was not fitted to.

    python3 tests/scale_model.py [--seconds N] [--accounts N] [--out DIR]     (writes DIR/scale.svg; server/docs)

Measures one server over one PostgreSQL (both its own, with the package's settings) at 4 to 1,024 open calls: rate,
median, processor time of the server, the database and the load generator, and how many transactions the database
committed for it. What a decision costs is then what a row costs and its share of a batch, for the server and for the
database; how long a batch takes is so much and so much a row. From these: rate and latency at any number of calls,
by lanes that each send one batch at a time until the machine's cores are full. It is fitted to every second point and
two lines of the median, and held against the other points and two servers at the same time. Then it is asked how many
shards and servers 10^8 accounts and 10^6 authorisations a second take, with one account that is hot.

Needs release builds and Debian's postgresql. Exit codes: 0 told, 64 usage, 69 a program is missing, 70 one failed.
"""
import json
import math
import os
import statistics
import sys
import tempfile
from contextlib import ExitStack

from measuring import LOADGEN, Parser, need_binaries, serving, waika
from postgres_cluster import cluster, find, need_programs, run
from postgres_nodes import Nodes

OPEN = (4, 8, 16, 32, 64, 128, 256, 512, 1024)
LANES = 4
MOST_ROWS = 256
TICKS = os.sysconf("SC_CLK_TCK")
# What the projection takes: cores of a database and of a server, and how full they may be.
CORES, FULL = 16, 0.6


def commits(port):
    said = run([find("psql"), "--quiet", "--no-align", "--tuples-only", "--host=127.0.0.1", f"--port={port}",
                "--username=waika", "--command",
                "select pg_stat_force_next_flush(), sum(xact_commit) from pg_stat_database", "postgres"])
    return int(said.strip().rsplit("|", 1)[1])


def database_cpu_s():
    """Processor time of every process of the user that PostgreSQL runs as, also of those that ended."""
    total = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                name, rest = file.read().rsplit(")", 1)
            words = rest.split()
            if name.endswith("(postgres"):
                # Those that a parent has waited for are in its own figures.
                total += sum(int(word) for word in words[11:13]) + (sum(int(word) for word in words[13:15])
                                                                     if words[1] == "1" else 0)
        except (OSError, ValueError):
            continue
    return total / TICKS


def point(nodes, port, open_calls, servers=1):
    """One measurement: rates a second, milliseconds, microseconds a call."""
    before, cpu = commits(port), database_cpu_s()
    # Few enough that each is in memory before it is measured.
    accounts = min(nodes.asked.accounts, max(64, 4 * open_calls))
    flags = ["--accounts", str(accounts), "--closed", str(open_calls // servers), "--deadline", "10s"]
    # Each with accounts of its own: what they share they decide again and again.
    each = [[*flags, "--seed", str(number + 1)] for number in range(servers)]
    told = nodes.turn(f"{open_calls} open, {servers} server(s)", each)
    decided = told["decided"]
    return {"open": open_calls, "servers": servers, "rate": told["rate"], "p50_ms": told["p50_ms"],
            "node_us": told["cpu_us"], "generator_us": told["generator_us"],
            "database_us": (database_cpu_s() - cpu) * 1e6 / decided, "batches": (commits(port) - before) / decided}


def line(points, x, y):
    """y = a + b x by least squares of what it is off as a share of y, with b not below 0."""
    xs, ys = [one[x] for one in points], [one[y] for one in points]
    weights = [1 / y ** 2 for y in ys]
    mx, my = statistics.fmean(xs, weights), statistics.fmean(ys, weights)
    spread = sum(w * (value - mx) ** 2 for w, value in zip(weights, xs))
    along = sum(w * (a - mx) * (b - my) for w, a, b in zip(weights, xs, ys))
    slope = max(along / spread, 0.0) if spread else 0.0
    return my - slope * mx, slope


def rows_of(open_calls, servers=1):
    """In a batch: half of a lane's calls are in the one that is under way, and half wait for the next."""
    return min(max(open_calls / (2 * LANES * servers), 1.0), MOST_ROWS)


class Model:
    """What a decision costs, in microseconds of processor time, and how long a batch takes, in milliseconds."""

    def __init__(self, points):
        self.node = line(points, "batches", "node_us")
        self.database = line(points, "batches", "database_us")
        self.generator = line(points, "batches", "generator_us")
        # As long as cores are free, a call waits for its batch: half of the one before it, and its own.
        quiet = [one for one in points if one["open"] <= 64]
        timed = [{"rows": rows_of(one["open"]), "ms": one["p50_ms"]} for one in quiet]
        self.batch = line(timed, "rows", "ms")

    def cost_us(self, rows):
        return sum(each + of_batch / rows for each, of_batch in (self.node, self.database, self.generator))

    def rate(self, open_calls, servers=1, cores=2):
        """Decisions a second of so many calls, and the median in milliseconds."""
        rows = rows_of(open_calls, servers)
        waits_ms = self.batch[0] + self.batch[1] * rows
        by_waiting = open_calls / waits_ms * 1e3
        by_cores = cores / self.cost_us(rows) * 1e6
        # Neither bound is met while the other is near.
        rate = (by_waiting ** -4 + by_cores ** -4) ** -0.25
        return rate, open_calls / rate * 1e3

    def shard(self, cores=CORES):
        """Decisions a second of a database of so many cores, and of a server, with full batches."""
        database = self.database[0] + self.database[1] / MOST_ROWS
        node = self.node[0] + self.node[1] / MOST_ROWS
        return FULL * cores / database * 1e6, FULL * cores / node * 1e6


def projection(model, accounts, rate, exponent):
    """Shards and servers for so many accounts whose popularity follows Zipf's law."""
    shard, node = model.shard()
    # The most popular account's share; the sum of n^-s is taken as an integral from its hundredth on.
    head = sum(n ** -exponent for n in range(1, 101))
    rest = (accounts ** (1 - exponent) - 100.5 ** (1 - exponent)) / (1 - exponent) if exponent != 1 else 0
    hottest = 1 / (head + rest)
    shards = math.ceil(rate / shard)
    # The shard with the hottest account has its share of all others, too; more shards take the others away only.
    while rate * (hottest + (1 - hottest) / shards) > shard and rate * hottest < shard:
        shards += 1
    hot = rate * (hottest + (1 - hottest) / shards)
    return {"shards": shards, "servers": math.ceil(rate / node), "hottest": hottest, "hot_shard": hot,
            "per_shard": shard, "per_server": node, "fits": hot <= shard}


def picture(points, model, apart):
    """Rates by open calls: measured, and as the model has them."""
    width, height, left, bottom, top = 720, 420, 70, 370, 40
    most = max(one["rate"] for one in points) * 1.15

    def at(open_calls, rate):
        x = left + (math.log2(open_calls) - 2) / 8 * (width - left - 30)
        return x, bottom - rate / most * (bottom - top)

    curve = " ".join("%.1f,%.1f" % at(2 ** (step / 8), model.rate(2 ** (step / 8))[0]) for step in range(16, 81))
    marks = []
    for one in points:
        x, y = at(one["open"], one["rate"])
        fill = "#b3541e" if one["servers"] > 1 else "#ffffff" if one in apart else "#1f5fa8"
        marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{fill}" stroke="#1f5fa8" stroke-width="2"/>')
    grid = []
    for step in range(5):
        rate = most * step / 4
        _, y = at(4, rate)
        grid.append(f'<line x1="{left}" x2="{width - 30}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
                    f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{rate:,.0f}</text>')
    ticks = [f'<text x="{at(n, 0)[0]:.1f}" y="{bottom + 20}" text-anchor="middle">{n}</text>' for n in OPEN]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            f'font-family="sans-serif" font-size="12">\n<title>Decisions a second by open calls: measured, and the '
            f'model</title>\n<rect width="{width}" height="{height}" fill="#fff"/>\n' + "\n".join(grid + ticks)
            + f'\n<polyline points="{curve}" fill="none" stroke="#1f5fa8" stroke-width="2"/>\n' + "\n".join(marks)
            + f'\n<text x="{left}" y="20">decisions a second through gRPC: line the model, full dots fitted, empty ones '
            f'not, brown two servers</text>\n<text x="{(left + width) / 2}" y="{height - 8}" text-anchor="middle">calls '
            f'open</text>\n</svg>\n')


def tell(name, one, model, fitted):
    rate, p50 = model.rate(one["open"], one["servers"])
    error = rate / one["rate"] - 1
    print(f"{name:<26} {one['rate']:>8,.0f}/s  model {rate:>8,.0f}/s {error:>+7.1%}   p50 {one['p50_ms']:>6.2f} ms, model "
          f"{p50:>6.2f} ms  {'fitted' if fitted else ''}")
    return abs(error)


def main():
    parser = Parser(__doc__)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--accounts", type=int, default=4_096)
    parser.add_argument("--out")
    asked = parser.parse_args()
    need_binaries()
    need_programs()
    with ExitStack() as stack:
        port = stack.enter_context(cluster())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        nodes = Nodes(f"postgres://waika@127.0.0.1:{port}/postgres", folder, asked)
        nodes.provision(asked.accounts, (1, 2))
        points = [point(nodes, port, open_calls) for open_calls in OPEN]
        two = [point(nodes, port, open_calls, 2) for open_calls in (64, 512)]
    fitted = points[::2]
    model = Model(fitted)
    print(f"\nserver {model.node[0]:.1f} us a decision and {model.node[1]:.0f} a transaction; database "
          f"{model.database[0]:.1f} and {model.database[1]:.0f}; generator {model.generator[0]:.1f} and "
          f"{model.generator[1]:.0f}; a batch {model.batch[0]:.2f} ms and {model.batch[1]:.4f} a row\n")
    errors = [tell(f"{one['open']} open", one, model, one in fitted) for one in points]
    held = [error for one, error in zip(points, errors) if one not in fitted]
    held += [tell(f"{one['open']} open, two servers", one, model, False) for one in two]
    print(f"\nwhat it was not fitted to: {statistics.median(held):.1%} off at the median, {max(held):.1%} at most")
    for exponent in (0.0, 0.9, 0.99):
        asked_for = projection(model, 1e8, 1e6, exponent)
        print(f"10^8 accounts, 10^6/s, Zipf {exponent:g}: {asked_for['shards']} shards of {CORES} cores "
              f"({asked_for['per_shard']:,.0f}/s each at {FULL:.0%}), {asked_for['servers']} servers of {CORES} "
              f"({asked_for['per_server']:,.0f}/s each); the hottest account {asked_for['hottest']:.2%}, its shard "
              f"{asked_for['hot_shard']:,.0f}/s{'' if asked_for['fits'] else ': TOO MUCH for one'}")
    if asked.out:
        with open(f"{asked.out}/scale.svg", "w") as file:
            file.write(picture(points + two, model, [one for one in points if one not in fitted]))


if __name__ == "__main__":
    main()
