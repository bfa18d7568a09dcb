#!/usr/bin/env python3
"""A model of many servers over many databases, fitted here and held against what it was not fitted to.

    python3 tests/scale_model.py [--seconds N] [--rounds N] [--accounts N] [--out DIR]     (DIR/scale.svg; server/docs)
    python3 tests/scale_model.py --points FILE [--out DIR]                                 (as --keep has written it)

Measures one server over one PostgreSQL (both its own, with the package's settings) at 4 to 1,024 open calls, and two
at 16 to 1,024: rate, median, processor time of the server, the database and the load generator, and how many
transactions the database committed for it. What a decision costs is then what a row costs and its share of a batch, for
each of the three; how full batches are follows from the calls open and the lanes. Lanes take turns at the cores, wait
for the disk and rest, as the customers of a closed network. Two figures more are fitted to rates: what goes one after
the other in a server, and what a commit waits longer beside another server's. All of it is fitted to every second
point, and held against the others. The best of several rounds counts. Then it is asked how many shards and servers 10^8
accounts and 10^6 authorisations a second take, with one account that is hot.

Needs release builds and Debian's postgresql. Exit codes: 0 told, 64 usage, 69 a program is missing, 70 one failed.
"""
import itertools
import json
import math
import os
import statistics
import tempfile
from contextlib import ExitStack

from measuring import Parser, need_binaries
from postgres_cluster import cluster, need_programs, psql, worked_in
from postgres_nodes import Nodes

OPEN = (4, 8, 16, 32, 64, 128, 256, 512, 1024)
OPEN_OF_TWO = (16, 64, 256, 1024)
LANES = 4
MOST_ROWS = 256
# A lane rests after a batch of so many rows, half as long as it took, and this long at most.
SEVERAL, LONGEST_REST_MS = 8, 5.0
TICKS = os.sysconf("SC_CLK_TCK")
# Cores that all of it shares here.
HERE = os.cpu_count()
# What the projection takes: cores of a database, cores of a server, whose lanes have one thread, and how full they may
# be.
CORES, OF_SERVER, FULL = 16, 4, 0.6


def commits(port):
    said = psql(port, "select pg_stat_force_next_flush(), sum(xact_commit) from pg_stat_database")
    return int(said.rsplit("|", 1)[1])


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
    """One measurement: rates a second, milliseconds, microseconds a call. A short run goes before it: what both do to
    find their people is in neither's difference."""
    # Few enough that each is in memory before it is measured.
    accounts = min(nodes.asked.accounts, max(64, 4 * open_calls))
    flags = ["--accounts", str(accounts), "--closed", str(open_calls // servers), "--deadline", "10s"]
    # Each with accounts of its own: what they share they decide again and again.
    each = [[*flags, "--seed", str(number + 1)] for number in range(servers)]

    def counted(seconds):
        before, cpu = commits(port), database_cpu_s()
        told = nodes.turn(f"{open_calls} open, {servers} server(s)", each, seconds=seconds)
        return told, (told["decided"], commits(port) - before, (database_cpu_s() - cpu) * 1e6)

    _, short = counted(1)
    told, long = counted(1 + nodes.asked.seconds)
    decided, batches, database_us = (more - less for less, more in zip(short, long))
    return {"open": open_calls, "servers": servers, "rate": told["rate"], "p50_ms": told["p50_ms"],
            "node_us": told["cpu_us"], "generator_us": told["generator_us"], "database_us": database_us / decided,
            "batches": batches / decided}


def line(points, x, y):
    """y = a + b x by least squares of what it is off as a share of y, with b not below 0."""
    xs, ys = [one[x] for one in points], [one[y] for one in points]
    weights = [1 / y ** 2 for y in ys]
    mx, my = statistics.fmean(xs, weights), statistics.fmean(ys, weights)
    spread = sum(w * (value - mx) ** 2 for w, value in zip(weights, xs))
    along = sum(w * (a - mx) * (b - my) for w, a, b in zip(weights, xs, ys))
    slope = max(along / spread, 0.0) if spread else 0.0
    return my - slope * mx, slope


def rows_of(open_calls, servers, share, most, bend):
    """Rows of a batch: this share of a lane's calls, since those of the batch before it call again while the lane
    rests. It has one row at least, and `most` where calls wait for a core before they come to a lane. `bend` is how
    sharply."""
    own = share * open_calls / (LANES * servers)
    at_least = (1 + own ** bend) ** (1 / bend)
    return (at_least ** -bend + (most / servers) ** -bend) ** (-1 / bend)


def rest_of(rows, took_ms):
    """How long a lane rests on the mean: batches are of fewer rows and of more than theirs."""
    return min(took_ms / 2, LONGEST_REST_MS) * rows ** 4 / (rows ** 4 + SEVERAL ** 4)


class Model:
    """What a decision costs, in microseconds of processor time, how full batches are, and how busy the cores."""

    def __init__(self, points):
        self.node = line(points, "batches", "node_us")
        # Of one server: see split().
        self.database, self.shared_us = self.split(points)
        self.generator = line(points, "batches", "generator_us")
        self.batches = self.fill(points)
        # One call a lane waits for little but its own commit.
        alone = min(points, key=lambda one: one["open"])
        self.flush_ms = alone["p50_ms"] - self.used_us(alone) / 1e3
        self.serial_us = self.beside_ms = 0.0
        self.fitting([one for one in points if one["servers"] == 1], "serial_us", range(80))
        self.fitting([one for one in points if one["servers"] == 2], "beside_ms", [ms / 20 for ms in range(60)])

    @staticmethod
    def used_us(one):
        return one["node_us"] + one["database_us"] + one["generator_us"]

    @staticmethod
    def fill(points):
        def off(fill):
            return sum(math.log(rows_of(one["open"], one["servers"], *fill) * one["batches"]) ** 2 for one in points)

        tried = itertools.product((share / 20 for share in range(10, 21)), range(4, MOST_ROWS + 1, 4),
                                  (bend / 5 for bend in range(5, 21)))
        return min(tried, key=off)

    @staticmethod
    def split(points):
        """What a row and a transaction cost the database; and what of the latter those share that are under way
        together: so much by itself, and the rest by how many lanes there are."""
        each, alone = line([one for one in points if one["servers"] == 1], "batches", "database_us")
        two = statistics.median((one["database_us"] - each) / one["batches"] for one in points if one["servers"] == 2)
        return (each, alone), min(max(2 * (alone - two), 0.0), alone)

    def database_us(self, rows, servers):
        each, of_batch = self.database
        return each + (of_batch - self.shared_us + self.shared_us / servers) / rows

    def cost_us(self, rows, servers):
        others = sum(each + of_batch / rows for each, of_batch in (self.node, self.generator))
        return self.database_us(rows, servers) + others

    def rate(self, open_calls, servers=1):
        """Decisions a second of so many calls, and how long one takes, in milliseconds: lanes as the customers of a
        closed network (mean value analysis), which take turns at the cores, as one queue and what is left of Seidmann's
        delay, and wait for the disk and while they rest besides."""
        rows = rows_of(open_calls, servers, *self.batches)
        work_ms = rows * self.cost_us(rows, servers) / 1e3
        serial_ms = rows * self.serial_us / 1e3
        # Of the cores, one has all of it and the others are a delay; and each server has something of its own.
        queues_ms = [work_ms / HERE] + [serial_ms / servers] * servers
        delay_ms = self.flush_ms + self.beside_ms * (servers - 1) + work_ms - work_ms / HERE - serial_ms
        rest_ms = 0.0
        for _ in range(50):
            queued = [0.0] * len(queues_ms)
            for lanes in range(1, LANES * servers + 1):
                stay_ms = [one * (1 + before) for one, before in zip(queues_ms, queued)]
                took_ms = max(delay_ms, 0) + sum(stay_ms)
                per_ms = lanes / (took_ms + rest_ms)
                queued = [per_ms * one for one in stay_ms]
            rest_ms = rest_of(rows, took_ms)
        rate = per_ms * rows * 1e3
        return rate, open_calls / rate * 1e3

    def fitting(self, points, name, values):
        """The value with which the rates of these points are nearest."""
        def off(value):
            setattr(self, name, value)
            return sum(math.log(self.rate(one["open"], one["servers"])[0] / one["rate"]) ** 2 for one in points)

        setattr(self, name, min(values, key=off))

    def batch_of(self, rate, lanes):
        """Rows of a batch and milliseconds that it takes, of a database with cores to spare that takes so many
        decisions a second: as many rows as come while one is under way and while its lane rests after it."""
        each, of_batch = self.database
        rows = 1.0
        for _ in range(200):
            took = self.flush_ms + (of_batch + each * rows) / 1e3
            rows = min(max(rate / lanes * (took + rest_of(rows, took)) / 1e3, 1.0), MOST_ROWS)
        return rows, took


def projection(model, accounts, rate, exponent):
    """The fewest cores of shards and servers for so many accounts whose popularity follows Zipf's law, with one lane of
    every server to every shard, since four have batches of few rows, and calls of one account at one server."""
    # The most popular account's share; the sum of n^-s is taken as an integral from its hundredth on.
    head = sum(n ** -exponent for n in range(1, 101))
    rest = (accounts ** (1 - exponent) - 100.5 ** (1 - exponent)) / (1 - exponent) if exponent != 1 else 0
    hottest = 1 / (head + rest)
    found = []
    for shards, servers in itertools.product(range(1, 65), range(1, 65)):
        # The shard with the hottest account has its share of all others, too.
        hot = rate * (hottest + (1 - hottest) / shards)
        rows, batch_ms = model.batch_of(hot, servers)
        shard = FULL * CORES / model.database_us(rows, servers) * 1e6
        server = FULL * OF_SERVER / (model.node[0] + model.node[1] / rows) * 1e6
        if hot <= shard and rate <= servers * server:
            found.append({"shards": shards, "servers": servers, "hottest": hottest, "hot_shard": hot,
                          "per_shard": shard, "per_server": server, "rows": rows, "batch_ms": batch_ms})
    return min(found, key=lambda one: CORES * one["shards"] + OF_SERVER * one["servers"])


def picture(points, model, fitted):
    """Rates by open calls: measured, and as the model has them, of one server and of two."""
    width, height, left, bottom, top = 720, 420, 70, 370, 40
    most = math.ceil(max(one["rate"] for one in points) * 1.15 / 5_000) * 5_000
    colours = {1: "#1f5fa8", 2: "#b3541e"}

    def at(open_calls, rate):
        x = left + (math.log2(open_calls) - 2) / 8 * (width - left - 30)
        return x, bottom - rate / most * (bottom - top)

    drawn = []
    for rate in range(0, most + 1, 5_000):
        _, y = at(4, rate)
        drawn.append(f'<line x1="{left}" x2="{width - 30}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
                     f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{rate:,}</text>')
    drawn += [f'<text x="{at(n, 0)[0]:.1f}" y="{bottom + 20}" text-anchor="middle">{n}</text>' for n in OPEN]
    for servers, colour in colours.items():
        steps = range(16 if servers == 1 else 32, 81)
        curve = " ".join("%.1f,%.1f" % at(2 ** (step / 8), model.rate(2 ** (step / 8), servers)[0]) for step in steps)
        drawn.append(f'<polyline points="{curve}" fill="none" stroke="{colour}" stroke-width="2"/>')
    for one in points:
        x, y = at(one["open"], one["rate"])
        colour = colours[one["servers"]]
        drawn.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y:.1f}" y2="{at(4, one["worst"])[1]:.1f}" '
                     f'stroke="{colour}"/>')
        drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour if one in fitted else "#ffffff"}" '
                     f'stroke="{colour}" stroke-width="2"/>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            f'font-family="sans-serif" font-size="12">\n<title>Decisions a second by open calls: measured, and the '
            f'model</title>\n<rect width="{width}" height="{height}" fill="#fff"/>\n' + "\n".join(drawn)
            + f'\n<text x="{left}" y="20">decisions a second: one server blue, two brown, '
            f'curves the model, full dots fitted, lines to the worst round</text>\n'
            f'<text x="{(left + width) / 2}" y="{height - 8}" '
            f'text-anchor="middle">calls open</text>\n</svg>\n')


def tell(name, one, model, fitted):
    """Says how far off the model is, and returns that of the rate and of the latency, as shares."""
    rate, ms = model.rate(one["open"], one["servers"])
    off = rate / one["rate"] - 1, ms / one["p50_ms"] - 1
    rows = rows_of(one["open"], one["servers"], *model.batches)
    print(f"{name:<24} {one['rate']:>7,.0f}/s (worst round {one['worst']:>7,.0f}), model {rate:>7,.0f}/s "
          f"{off[0]:>+6.1%}   p50 {one['p50_ms']:>6.2f} ms, mean of the model {ms:>6.2f} ms {off[1]:>+6.1%}   "
          f"{1 / one['batches']:>5.1f} rows, model {rows:>5.1f}  "
          f"{'fitted' if fitted else ''}")
    return tuple(map(abs, off))


def main():
    parser = Parser(__doc__)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", help="writes what was measured to this file")
    parser.add_argument("--accounts", type=int, default=4_096)
    parser.add_argument("--out")
    parser.add_argument("--points", help="takes what was measured from this file")
    asked = parser.parse_args()
    if asked.points:
        with open(asked.points) as file:
            say(json.load(file), asked.out)
        return
    need_binaries()
    need_programs()
    with ExitStack() as stack:
        port = stack.enter_context(cluster())
        worked_in(port)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        nodes = Nodes(f"postgres://waika@127.0.0.1:{port}/postgres", folder, asked)
        nodes.provision(asked.accounts, (1, 2))
        wanted = [(open_calls, 1) for open_calls in OPEN] + [(open_calls, 2) for open_calls in OPEN_OF_TWO]
        rounds = [[point(nodes, port, *one) for one in wanted] for _ in range(asked.rounds)]
    # What else such a machine is at only takes away: the best of each counts, and how far the rounds lie apart is told.
    points = [max(each, key=lambda one: one["rate"]) | {"worst": min(one["rate"] for one in each)}
              for each in zip(*rounds)]
    if asked.keep:
        with open(asked.keep, "w") as file:
            json.dump(points, file, indent=1)
    say(points, asked.out)


def say(points, out):
    fitted = points[::2]
    model = Model(fitted)
    print(f"\nserver {model.node[0]:.1f} us a decision and {model.node[1]:.0f} a transaction; database "
          f"{model.database[0]:.1f} and {model.database[1]:.0f} ({model.shared_us:.0f} of it shared by servers); "
          f"generator {model.generator[0]:.1f} and {model.generator[1]:.0f}; {model.batches[0]:.0%} of a lane's calls "
          f"in a batch, {model.batches[1]} rows at most; a commit waits {model.flush_ms:.2f} ms, "
          f"{model.beside_ms:.2f} more beside another server; {model.serial_us} us a decision one after the other\n")
    held = []
    for one in points:
        off = tell(f"{one['open']:.0f} open, {one['servers']:.0f} server(s)", one, model, one in fitted)
        held += [off] * (one not in fitted)
    for what, off in zip(("rate", "latency"), zip(*held)):
        print(f"{what} of what it was not fitted to: {statistics.median(off):.1%} off at the median, {max(off):.1%} at "
              f"most")
    for exponent in (0.0, 0.9, 0.99):
        one = projection(model, 1e8, 1e6, exponent)
        print(f"10^8 accounts, 10^6/s, Zipf {exponent:g}: {one['shards']} shards of {CORES} cores "
              f"({one['per_shard']:,.0f}/s each at {FULL:.0%}), {one['servers']} servers of {OF_SERVER} "
              f"({one['per_server']:,.0f}/s each); batches of {one['rows']:.0f} rows in {one['batch_ms']:.1f} ms; the "
              f"hottest account {one['hottest'] * 1e6:,.0f}/s, its shard {one['hot_shard']:,.0f}/s")
    if out:
        with open(f"{out}/scale.svg", "w") as file:
            file.write(picture(points, model, fitted))


if __name__ == "__main__":
    main()
