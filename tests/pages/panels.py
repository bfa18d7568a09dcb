"""Draws a dashboard's panels from what Prometheus answered: one picture of small graphs, for people to look at."""
import html
import math
import os
import shutil
import subprocess
import sys
import tempfile

COLUMNS, WIDTH, HEIGHT, GAP = 3, 420, 150, 14
TITLE, LEGEND = 22, 34
# Series that are named.
NAMED = 4
COLOURS = ["#1f6f8b", "#b04a2f", "#6a8f2f", "#7a4f9a", "#c28a1c", "#3f3f8f", "#2f8f7a", "#8f2f5f"]
UNITS = {"s": [(1, "s"), (1e-3, "ms"), (1e-6, "µs")], "bytes": [(2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")]}
STYLE = """<style>text{font:11px sans-serif;fill:#333}.title{font-weight:bold}.frame{fill:#fafafa;stroke:#ddd}
.grid{stroke:#e6e6e6}path{fill:none;stroke-width:1.4}</style>"""


def words(value, unit):
    """A number as its panel's axis tells it."""
    for size, name in UNITS.get(unit, []):
        if abs(value) >= size:
            return f"{value / size:.3g} {name}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def legend(template, labels):
    text = template
    for name, value in labels.items():
        text = text.replace("{{%s}}" % name, value)
    return text or "value"


def graph(panel, series, span, place):
    """One panel, at this place of the picture."""
    left, top = place
    unit = panel["fieldConfig"]["defaults"]["unit"]
    lines = [(name, labels, [point for point in points if not math.isnan(point[1])]) for name, labels, points in series]
    # The largest first: of many only those are named.
    lines.sort(key=lambda line: -max((value for _, value in line[2]), default=0))
    most = max((value for _, _, points in lines for _, value in points), default=0) or 1
    inner, base = HEIGHT - TITLE - LEGEND, top + HEIGHT - LEGEND
    drawn = [f'<rect class="frame" x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}"/>',
             f'<text class="title" x="{left + 8}" y="{top + 15}">{html.escape(panel["title"])}</text>']
    for share in (0, 0.5, 1):
        y = base - share * inner
        drawn.append(f'<line class="grid" x1="{left + 62}" x2="{left + WIDTH - 8}" y1="{y:.1f}" y2="{y:.1f}"/>'
                     f'<text x="{left + 58}" y="{y + 4:.1f}" text-anchor="end">{words(share * most, unit)}</text>')
    names = []
    for number, (name, labels, points) in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        steps = [(left + 62 + (at - span[0]) / (span[1] - span[0]) * (WIDTH - 70), base - value / most * inner) for at, value in points]
        if steps:
            drawn.append(f'<path stroke="{colour}" d="M' + "L".join(f"{x:.1f} {y:.1f}" for x, y in steps) + '"/>')
        if number < NAMED:
            names.append(f'<tspan style="fill:{colour}">{html.escape(legend(name, labels)[:22])}  </tspan>')
    half = (len(names) + 1) // 2
    for row, some in enumerate((names[:half], names[half:])):
        drawn.append(f'<text x="{left + 8}" y="{base + 13 + 14 * row}" xml:space="preserve">{"".join(some)}</text>')
    return drawn


def draw(panels, span):
    """The picture of all of them, each with its series: legends, labels and points in time."""
    rows = (len(panels) + COLUMNS - 1) // COLUMNS
    width, height = COLUMNS * (WIDTH + GAP) + GAP, rows * (HEIGHT + GAP) + GAP
    drawn = []
    for number, (panel, series) in enumerate(panels):
        place = (GAP + number % COLUMNS * (WIDTH + GAP), GAP + number // COLUMNS * (HEIGHT + GAP))
        drawn += graph(panel, series, span, place)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
            f'role="img" aria-label="Waika\'s dashboard">{STYLE}<rect width="{width}" height="{height}" fill="#fff"/>\n'
            + "\n".join(drawn) + "\n</svg>\n", (width, height))


def screenshot(page, path):
    """Writes it as PNG by Chromium, or as SVG where the name says so."""
    svg, (width, height) = page
    if path.endswith(".svg"):
        with open(path, "w", encoding="utf-8") as file:
            file.write(svg)
        return
    chromium = shutil.which("chromium")
    if chromium is None:
        print("chromium is missing: apt-get install --no-install-recommends chromium, or name a .svg", file=sys.stderr)
        sys.exit(69)
    with tempfile.TemporaryDirectory() as folder:
        shown = f"{folder}/dashboard.html"
        with open(shown, "w", encoding="utf-8") as file:
            file.write(f'<!doctype html><meta charset="utf-8"><body style="margin:0">{svg}')
        subprocess.run([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}/profile",
                        f"--screenshot={os.path.abspath(path)}", f"--window-size={width},{height}", f"file://{shown}"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
