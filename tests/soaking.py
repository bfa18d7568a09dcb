"""What a soak's samples say, for tests/soak.py: which figures are flat, and a picture of all."""
import dataclasses
import statistics

MIB = 2**20
SEGMENT_BYTES = 1 << 20
# A line through the last three quarters may rise by so much of the mean in the time of the run.
RISE = 0.05
# So much above its greatest figure of the second quarter may be that of the last, where a figure comes and goes.
ABOVE = 1.25
# So many more there may be for a moment: a segment that is prepared and a snapshot that is written have a thread or a
# file each, and one quarter's samples may meet both where the other's did not.
PASSING = 2
# So much more or less than in the second quarter may the journal take in the last for each decision.
DRIFT = 0.05
# What grows besides, and is named: the server knows for ever of each authorisation that was given back or settled by
# a call. 65 bytes a place in tables that are at least 7/16 full, and in each of two snapshots less than half of that.
KNOWN_BYTES, STORED_BYTES = 150, 64


@dataclasses.dataclass
class Row:
    name: str
    found: str
    must: str
    held: bool


def judge(found, rise=RISE):
    """A row for each figure that must be flat, or grow no faster than is named."""
    samples, seconds, met = found["samples"], found["seconds"], found["met"]
    known = met.get("reversals", 0) + met.get("settled", 0)
    quarter = lambda number: [one for one in samples if number - 1 <= one["at"] / seconds * 4 < number]
    second, last = quarter(2), quarter(4)
    if len(second) < 10 or len(last) < 10:
        return [Row("samples", f"{len(samples)}, too few", "be one a second", False)]
    rows = [rises([one for one in samples if one["at"] >= seconds / 4], seconds, known, rise)]
    for name in ("descriptors", "threads"):
        rows.append(grows(name, second, last, 1, PASSING))
    for name in ("keys_in_memory", "keys_on_disk", "keys_memory", "connections"):
        rows.append(grows(name, second, last, ABOVE))
    # From the end of the second quarter to that of the last.
    rows.append(grows("other_files", second, last, ABOVE, known // 2 * STORED_BYTES))
    return [*rows, drifts(second, last)]


def rises(samples, seconds, known, share):
    """Least squares through the resident memory."""
    line = statistics.linear_regression([one["at"] for one in samples], [one["rss"] for one in samples])
    mean = statistics.fmean(one["rss"] for one in samples)
    rise, named = line.slope * seconds, known * KNOWN_BYTES
    found = f"{mean / MIB:.1f} MiB in the mean, a line through it rises by {rise / MIB:+.2f} MiB in the time of the run"
    must = f"rise by less than {share * mean / MIB:.2f} MiB ({share:.0%}) and {named / MIB:.2f} MiB that are named"
    return Row("memory", found, must, rise < share * mean + named)


def grows(name, second, last, factor, named=0):
    before, after = (max(one[name] for one in part) for part in (second, last))
    must = f"be at most {'that' if factor == 1 else f'{factor} times that'}{f' and {named:,}' if named else ''}"
    found = f"at most {before:,.0f} in the second quarter, {after:,.0f} in the last"
    return Row(name.replace("_", " "), found, must, after <= before * factor + named)


def drifts(second, last):
    """The journal grows, but by the same for each decision, to a segment."""
    grown = lambda part, name: part[-1][name] - part[0][name]
    bytes_then, bytes_now = grown(second, "journal"), grown(last, "journal")
    decided_then, decided_now = (max(1, grown(part, "decided")) for part in (second, last))
    then, now = bytes_then / decided_then, bytes_now / decided_now
    held = abs(now - then) * decided_now <= DRIFT * bytes_now + 2 * SEGMENT_BYTES
    found = f"{then:.0f} bytes a decision in the second quarter, {now:.0f} in the last"
    return Row("journal", found, f"differ by less than {DRIFT:.0%}, to a segment", held)


WIDTH, HEIGHT, LEFT, TOP, GAP, POINTS = 860, 84, 64, 44, 34, 240
STYLE = """
  text { font: 11px sans-serif; fill: #333 } .title { font-weight: 600 } .end { text-anchor: end }
  .middle { text-anchor: middle } .axis { stroke: #999; fill: none } .month { stroke: #ccc; stroke-dasharray: 2 3 }
  .line { fill: none; stroke-width: 1.3; stroke: #0b6e99 } .line.other { stroke: #b3541e } .name { fill: #b3541e }
  .ground { fill: #fff }
  @media (prefers-color-scheme: dark) { text { fill: #ddd } .ground { fill: #16191d } .axis { stroke: #777 }
    .month { stroke: #444 } .line { stroke: #5bb8de } .line.other { stroke: #e8935a } .name { fill: #e8935a } }
"""


def rate(*names):
    """The change of counters in a second, over one point of the picture; None if they were not read again."""
    def of(part, before):
        begin, end = before[-1] if before else part[0], part[-1]
        seconds = end["counted_at"] - begin["counted_at"]
        return sum(end[name] - begin[name] for name in names) / seconds if seconds else None
    return of


def most(name, unit=1):
    return lambda part, before: max(one[name] for one in part) / unit


PANELS = [
    ("approved a second", rate("approved"), "declined by a limit", rate("month_declined", "year_declined")),
    ("resident memory, MiB", most("rss", MIB), None, None),
    ("open descriptors", most("descriptors"), None, None),
    ("threads", most("threads"), None, None),
    ("disk, MiB: the journal", most("journal", MIB), None, None),
    ("disk, MiB: snapshots, keys, watermark", most("other_files", MIB), None, None),
    ("idempotency keys on the disk", most("keys_on_disk"), "in memory", most("keys_in_memory")),
]


def picture(samples, month_ends, seconds):
    """One panel below the other over the same time, with the ends of months."""
    size = max(1, len(samples) // POINTS)
    parts = [samples[begin:begin + size] for begin in range(0, len(samples), size)]
    x = lambda at: LEFT + at / seconds * WIDTH
    height = TOP + len(PANELS) * (HEIGHT + GAP)
    drawn = []
    for at, month in month_ends:
        drawn.append(f'<path d="M{x(at):.1f} {TOP - 8}V{height - GAP}" class="month"/>')
        drawn.append(f'<text x="{x(at):.1f}" y="{TOP - 24}" class="middle">{month}</text>')
    for number, panel in enumerate(PANELS):
        drawn += draw(panel, parts, x, TOP + number * (HEIGHT + GAP))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 30} {height}" role="img" '
            f'aria-label="A year in {seconds / 60:.0f} minutes"><style>{STYLE}</style><rect class="ground" '
            f'width="{LEFT + WIDTH + 30}" height="{height}"/>\n' + "\n".join(drawn) + "\n</svg>\n")


def draw(panel, parts, x, top):
    title, of, other_title, other_of = panel
    lines = [("line", of)] + ([("line other", other_of)] if other_of else [])
    series = [(kind, [(part[-1]["at"], of(part, before)) for before, part in zip([[], *parts], parts)])
              for kind, of in lines]
    series = [(kind, [(at, value) for at, value in line if value is not None]) for kind, line in series]
    highest = max(1e-9, max((value for _, line in series for _, value in line), default=0) * 1.1)
    drawn = [f'<text x="{LEFT}" y="{top - 6}" class="title">{title}</text>',
             f'<text x="{LEFT - 6}" y="{top + 8}" class="end">{highest:,.4g}</text>',
             f'<text x="{LEFT - 6}" y="{top + HEIGHT}" class="end">0</text>',
             f'<path d="M{LEFT} {top}v{HEIGHT}h{WIDTH}" class="axis"/>']
    if other_title:
        drawn.append(f'<text x="{LEFT + 190}" y="{top - 6}" class="name">{other_title}</text>')
    for kind, line in series:
        points = " ".join(f"{x(at):.1f},{top + HEIGHT * (1 - value / highest):.1f}" for at, value in line)
        drawn.append(f'<polyline points="{points}" class="{kind}"/>')
    return drawn
