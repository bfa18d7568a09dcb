#!/usr/bin/env python3
"""How processor time a call and p99 grow: with accounts, connections, calls in flight, payments in a message,
skew, history, cores, the spacing of commits and the time of a sync. Prints a table and writes growth.json and
growth.svg.

    python3 tests/growth.py [CURVE...] [--rounds N] [--seconds N] [--out FOLDER]

Curves: accounts, connections, in-flight, batch, skew, history, cores, spacing, sync (all, if none is named). Every
point is a fresh server with a fresh journal (of sync: in memory) on core 0 (of two, where it says so) and a closed
loop from core 1; the points of a curve are measured in turns, every second round backwards. One round of 3 s takes about six minutes.

Needs release builds of waika-server and waika-loadgen. Exit codes: 0 measured, 1 the load generator found something
wrong, 64 usage, 69 a program is missing.
"""
import json
import os
import sys
import tempfile

from measuring import Parser, in_turns, measure, median, need_binaries, run, serving, waika

DEFAULTS = {"accounts": 10_000, "connections": 4, "closed": 256, "zipf": 0}
WIDTH, HEIGHT, LEFT, TOP, GAP = 300, 130, 46, 34, 62


def flags(seconds, more=(), **changes):
    """A closed loop with one thing changed."""
    values = {**DEFAULTS, **changes}
    words = ["--merchants", "100", "--seed", "1", "--no-oracle", "--duration", f"{seconds}s", *more]
    for name, value in values.items():
        words += [f"--{name}", str(value)]
    return words


def after(history, seconds):
    """The same after so many payments on the same server: their keys, their entries and their accounts' history."""
    def measured():
        with tempfile.TemporaryDirectory() as folder, serving(waika(folder), "0", folder) as (pid, addresses):
            admin = ["--admin", f"http://{addresses[1]}"]
            if history:
                before = flags(600, [*admin, "--stream", "--requests", str(history), "--run-id", "b"], closed=2048)
                run(addresses[0], pid, "1", without(before, "--duration", "--warm-up"), folder)
            report = run(addresses[0], pid, "1", flags(seconds, admin), folder)
        return {"cpu_us": report["server"]["cpu_ns_per_call"] / 1e3, "p99_ms": report["response"]["p99_ns"] / 1e6,
                "rate": report["rates"]["achieved_per_second"], "valid": report["verdict"]["valid"]}
    return measured


def without(words, *names):
    """A command line without these flags and their values."""
    kept, skip = [], False
    for word in words:
        if skip or word in names:
            skip = not skip
        else:
            kept.append(word)
    return kept


def curves(seconds):
    """Each curve: what it is over, and its points as a place, a label and what measures it."""
    def point(place, **changes):
        more = changes.pop("more", ())
        arm = changes.pop("arm", {})
        label = f"{place:g}" if place < 10_000 else f"{place:.0e}".replace("e+0", "e")
        return place, label, lambda: measure(label, flags(seconds, more, **changes), **arm)

    both = {"server_cores": "0,1", "generator_cores": "0,1"}
    return {
        "accounts": ("accounts", [point(n, accounts=n) for n in (10_000, 100_000, 1_000_000)]),
        "connections": ("connections, 256 calls in flight at least",
                        [point(n, connections=n, closed=max(256, n)) for n in (1, 4, 16, 64, 256, 1000)]),
        "in-flight": ("calls in flight", [point(n, closed=n) for n in (4, 16, 64, 256, 1024)]),
        "batch": ("payments in a streamed message, 2,048 in flight",
                  [point(n, closed=2048, more=["--stream", "--batch", str(n)]) for n in (1, 4, 16, 64, 100)]),
        "skew": ("Zipf's exponent over 10,000 accounts", [point(x, zipf=x) for x in (0, 0.5, 1, 1.5, 2)]),
        "history": ("payments before, on the same server",
                    [(n, f"{n:.0e}".replace("e+0", "e"), after(n, seconds)) for n in (0, 100_000, 1_000_000, 4_000_000)]),
        "cores": ("cores; on two the generator shares them",
                  [point(1), point(2, arm=both)]),
        "spacing": ("least milliseconds from one sync to the next",
                    [point(n, arm={"more": ["--commit-spacing", f"{n * 1000:.0f}us"]}) for n in (0, 0.25, 0.5, 1, 2, 4)]),
        "sync": ("milliseconds of a sync, without a disk",
                 [point(n, arm={"store": f"memory:delay={n * 1000:.0f}us"}) for n in (0, 0.1, 0.3, 1, 3, 10)]),
    }


def panel(left, top, title, points, figure):
    """One small picture: medians as a line, and the range of the rounds at each point."""
    most = max(high for _, _, _, high in points) * 1.15
    step = WIDTH / max(1, len(points) - 1)
    place = lambda index, value: (left + index * step, top + HEIGHT * (1 - value / most))
    parts = [f'<text x="{left}" y="{top - 10}" class="title">{title}</text>',
             f'<text x="{left - 6}" y="{top + 4}" class="tick end">{most:.3g}</text>',
             f'<text x="{left - 6}" y="{top + HEIGHT + 4}" class="tick end">0</text>',
             f'<path d="M{left} {top}v{HEIGHT}h{WIDTH}" class="axis"/>']
    line = " ".join("{:.1f},{:.1f}".format(*place(index, middle)) for index, (_, middle, _, _) in enumerate(points))
    parts.append(f'<polyline points="{line}" class="line {figure}"/>')
    for index, (label, middle, low, high) in enumerate(points):
        x, y = place(index, middle)
        _, bottom = place(index, low)
        _, top_of = place(index, high)
        parts.append(f'<path d="M{x:.1f} {bottom:.1f}V{top_of:.1f}" class="range {figure}"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" class="{figure}"><title>{label}: {middle:.2f}'
                     f' ({low:.2f} to {high:.2f})</title></circle>')
        parts.append(f'<text x="{x:.1f}" y="{top + HEIGHT + 16}" class="tick middle">{label}</text>')
    return "\n".join(parts)


STYLE = """
  text { font: 11px sans-serif; fill: #333 } .title { font-weight: 600 } .end { text-anchor: end }
  .middle { text-anchor: middle } .axis { stroke: #999; fill: none } .line { fill: none; stroke-width: 1.5 }
  .line.cpu_us, .range.cpu_us { stroke: #0b6e99 } circle.cpu_us { fill: #0b6e99 }
  .line.p99_ms, .range.p99_ms { stroke: #b3541e } circle.p99_ms { fill: #b3541e }
  .ground { fill: #fff }
  @media (prefers-color-scheme: dark) { text { fill: #ddd } .ground { fill: #16191d } .axis { stroke: #777 }
    .line.cpu_us, .range.cpu_us { stroke: #5bb8de } circle.cpu_us { fill: #5bb8de }
    .line.p99_ms, .range.p99_ms { stroke: #e8935a } circle.p99_ms { fill: #e8935a } }
"""


def picture(found):
    """All curves: processor time at the left, p99 at the right."""
    rows = []
    for number, (_, (over, told)) in enumerate(found.items()):
        top = TOP + number * (HEIGHT + GAP)
        for column, (figure, name) in enumerate([("cpu_us", "CPU us a call"), ("p99_ms", "p99, ms")]):
            points = [(label, one[figure]["median"], one[figure]["min"], one[figure]["max"]) for label, one in told]
            rows.append(panel(LEFT + column * (WIDTH + GAP + 24), top, f"{name}, over {over}", points, figure))
    width, height = LEFT + 2 * (WIDTH + GAP) + 10, TOP + len(found) * (HEIGHT + GAP)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="Curves of growth"><style>{STYLE}</style><rect class="ground" width="{width}" '
            f'height="{height}"/>\n' + "\n".join(rows) + "\n</svg>\n")


def summary(told):
    """Of each figure the median, the least and the most over the rounds."""
    def of(figure):
        values = [one[figure] for one in told]
        return {"median": median(told, figure), "min": min(values), "max": max(values)}
    return {figure: of(figure) for figure in ("cpu_us", "p99_ms", "rate")} | {"valid": sum(one["valid"] for one in told)}


def main():
    parser = Parser(__doc__)
    parser.add_argument("curve", nargs="*", default=[])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--out", default="target/growth")
    arguments = parser.parse_args()
    known = curves(arguments.seconds)
    for name in arguments.curve:
        if name not in known:
            print(f"{name} is no curve: {', '.join(known)}", file=sys.stderr)
            sys.exit(64)
    need_binaries()
    os.makedirs(arguments.out, exist_ok=True)
    found = {}
    for name in arguments.curve or known:
        over, points = known[name]
        print(f"== {over}")
        told = in_turns([(label, measured) for _, label, measured in points], arguments.rounds)
        found[name] = (over, [(label, summary(told[label])) for _, label, _ in points])
        for label, one in found[name][1]:
            print(f"{label:>8}: {one['cpu_us']['median']:.1f} us a call, p99 {one['p99_ms']['median']:.2f} ms, "
                  f"{one['rate']['median']:,.0f}/s, {one['valid']} of {arguments.rounds} valid", flush=True)
        with open(f"{arguments.out}/growth.json", "w") as file:
            json.dump({key: {"over": over, "points": dict(points)} for key, (over, points) in found.items()}, file, indent=1)
        with open(f"{arguments.out}/growth.svg", "w") as file:
            file.write(picture(found))


if __name__ == "__main__":
    main()
