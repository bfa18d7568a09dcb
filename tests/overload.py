#!/usr/bin/env python3
"""What the server still decides when more comes than it can: up to three times its capacity.

    python3 tests/overload.py [--seconds N] [--rounds N] [--disk-ms N] [--max-pending N] [--accounts N] [--out DIR]

First the peak is found, by a closed loop. Then an open loop offers 0.5, 1, 1.5, 2, 2.5 and 3 times as much, each for so many
seconds and in so many rounds, forwards and backwards, on a fresh server each: what was decided (goodput), what was refused,
and within which time, and response times of what was decided. With --disk-ms 20 each sync takes so much longer, in the
store (memory:delay), so that the disk is what it lacks and not processor time. DIR (server/docs) gets overload.svg.

Needs release builds of waika-server and waika-loadgen. The server has one core, the generator the other. Exit codes: 0
goodput at twice the peak is 90 % of it or better, and refusals' p99 below 10 ms; 1 one is not; 64 usage, 69 a program is
missing.
"""
import json
import statistics
import sys
import tempfile

from measuring import Parser, need_binaries, run, serving, waika

STEPS = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
PEOPLE = ["--merchants", "100", "--connections", "8", "--no-oracle"]
# A refusal is an answer as soon as it comes.
REFUSED = "RESOURCE_EXHAUSTED"


def once(arguments, flags):
    with tempfile.TemporaryDirectory() as folder:
        store = f"memory:delay={arguments.disk_ms}ms" if arguments.disk_ms else None
        pending = ["--max-pending", str(arguments.max_pending)]
        with serving(waika(folder, "1", store, pending), "0", folder) as (pid, addresses):
            people = ["--admin", f"http://{addresses[1]}", "--accounts", str(arguments.accounts), *PEOPLE, "--duration", f"{arguments.seconds}s"]
            return run(addresses[0], pid, "1", [*people, *flags], folder)


def point(report):
    counts = report["counts"]
    refused = [outcome for outcome in report["outcomes"] if outcome["name"] == REFUSED]
    return {
        "goodput": report["rates"]["achieved_per_second"],
        "refused": sum(outcome["count"] for outcome in refused),
        "dropped": counts["dropped"],
        "sent": counts["sent"],
        "refused_p99_ms": max((outcome["service"]["p99_ns"] / 1e6 for outcome in refused), default=0.0),
        "p50_ms": (report["service"]["p50_ns"] or 0) / 1e6,
        "p99_ms": (report["service"]["p99_ns"] or 0) / 1e6,
    }


def curve(arguments):
    peak = statistics.median(point(once(arguments, ["--closed", "1024"]))["goodput"] for _ in range(arguments.rounds))
    print(f"peak, closed loop of 1,024: {peak:,.0f} decisions a second", flush=True)
    found = {step: [] for step in STEPS}
    for number in range(arguments.rounds):
        for step in STEPS if number % 2 == 0 else STEPS[::-1]:
            told = point(once(arguments, ["--rate", f"{peak * step:.0f}", "--in-flight", "8000"]))
            found[step].append(told)
            print(f"{step:.1f} times: goodput {told['goodput'] / peak:6.1%} of the peak, {told['refused']:,} refused within "
                  f"{told['refused_p99_ms']:.1f} ms (p99), {told['dropped']:,} not sent for want of room, answers p50 "
                  f"{told['p50_ms']:.1f} ms, p99 {told['p99_ms']:.1f} ms", flush=True)
    return peak, {step: {name: statistics.median(one[name] for one in told) for name in told[0]}
                  for step, told in found.items()}


WIDTH, HEIGHT, LEFT, TOP = 520, 240, 70, 40
STYLE = """<style>
text{font:12px sans-serif;fill:#333}.grid{stroke:#ddd}.goodput{stroke:#1f6f8b;fill:none;stroke-width:2}
.wanted{stroke:#b04a2f;stroke-dasharray:5 4}.dot{fill:#1f6f8b}
@media (prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#444}}</style>"""


def picture(found, peak, words):
    """Goodput against what was offered, both in peaks."""
    def place(step, share):
        return LEFT + step / 3 * WIDTH, TOP + HEIGHT - share / 1.2 * HEIGHT
    rows = []
    for share in (0, 0.25, 0.5, 0.75, 1.0):
        _, y = place(0, share)
        rows.append(f'<line class="grid" x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.0f}" y2="{y:.0f}"/>'
                    f'<text x="{LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{share:.0%}</text>')
    for step in (0, *STEPS):
        x, y = place(step, 0)
        rows.append(f'<text x="{x:.0f}" y="{y + 18:.0f}" text-anchor="middle">{step:g}</text>')
    _, y = place(0, 0.9)
    rows.append(f'<line class="wanted" x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.0f}" y2="{y:.0f}"/>')
    points = [place(step, told["goodput"] / peak) for step, told in found.items()]
    rows.append('<polyline class="goodput" points="' + " ".join(f"{x:.1f},{y:.1f}" for x, y in points) + '"/>')
    rows += [f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in points]
    width, height = LEFT + WIDTH + 30, TOP + HEIGHT + 60
    title = f"Decisions a second against payments offered, both as shares of {peak:,.0f} a second ({words})"
    rows.append(f'<text x="{LEFT}" y="20">{title}</text><text x="{LEFT + WIDTH / 2}" y="{height - 8}" '
                f'text-anchor="middle">offered, in peaks; dashed: 90 %</text>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="{title}">{STYLE}\n' + "\n".join(rows) + "\n</svg>\n")


def main():
    parser = Parser(__doc__)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--disk-ms", type=int, default=0)
    parser.add_argument("--max-pending", type=int, default=32_768)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--out", default="server/docs")
    arguments = parser.parse_args()
    need_binaries()
    peak, found = curve(arguments)
    words = f"a disk of {arguments.disk_ms} ms a sync" if arguments.disk_ms else "this disk"
    with open(f"{arguments.out}/overload.svg", "w") as file:
        file.write(picture(found, peak, words))
    print(json.dumps({"peak": peak, "steps": found}))
    share, refusals = found[2.0]["goodput"] / peak, found[2.0]["refused_p99_ms"]
    print(f"at twice the peak: goodput {share:.1%} (90 % wanted), refusals' p99 {refusals:.1f} ms (10 wanted)")
    return share >= 0.9 and refusals < 10


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
