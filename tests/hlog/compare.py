"""Reads histogram logs with the Python HdrHistogram library and holds them against reports in JSON.

  python compare.py REPORT.json LOG...   every percentile, maximum and count of the report must be
                                         that of the logs' samples together

Exit codes: 0 all are equal, 1 one is not.
"""

import json
import math
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

LONGEST_NS = 60_000_000_000
QUANTILES = {
    "p50_ns": 0.5,
    "p90_ns": 0.9,
    "p99_ns": 0.99,
    "p99.9_ns": 0.999,
    "p99.99_ns": 0.9999,
}
ERRORS = ("grpc", "failure")


def empty():
    return HdrHistogram(1, LONGEST_NS, 3)


def sums(paths):
    """All intervals of all logs together, by time and outcome."""
    tags = {}
    for path in paths:
        log = HistogramLogReader(path, empty())
        while (interval := log.get_next_interval_histogram()) is not None:
            which, kind, name = interval.get_tag().split(".")
            tags.setdefault((which, kind, name), empty()).add(interval)
        if not log.observed_start_time or log.base_time_sec < 1_700_000_000:
            raise SystemExit(f"{path}: its StartTime or BaseTime was not understood")
    return tags


def together(histograms):
    all_of_them = empty()
    for histogram in histograms:
        all_of_them.add(histogram)
    return all_of_them


def value_at(histogram, quantile):
    """The library's value at a quantile, of the sample that the quantile is of.

    Which of n samples is the p-th percentile's? The Java and Rust libraries round p * n up, and this
    one to the nearest: with few samples that is another one. So it is asked for the very rank.
    """
    count = histogram.get_total_count()
    rank = max(1, math.ceil(quantile * count))
    return histogram.get_value_at_percentile(100.0 * rank / count)


class Comparison:
    """Counts what was compared, and remembers what differs."""

    def __init__(self):
        self.compared = 0
        self.wrong = []

    def equal(self, name, ours, theirs):
        self.compared += 1
        if ours != theirs:
            self.wrong.append(f"{name}: the report says {ours}, the library {theirs}")

    def times(self, name, facts, histogram):
        self.equal(f"{name} count", facts["count"], histogram.get_total_count())
        if facts["count"] == 0:
            return
        self.equal(f"{name} max", facts["max_ns"], histogram.get_max_value())
        for field, quantile in QUANTILES.items():
            # A report has no percentile that its samples do not support.
            if facts[field] is not None:
                theirs = value_at(histogram, quantile)
                self.equal(f"{name} {field}", facts[field], theirs)


def main():
    report_path, *log_paths = sys.argv[1:]
    with open(report_path, encoding="utf-8") as file:
        report = json.load(file)
    tags = sums(log_paths)
    found = Comparison()
    for which in ("response", "service", "lag"):
        no_errors = (
            histogram
            for (tag_which, kind, _), histogram in tags.items()
            if tag_which == which and kind not in ERRORS
        )
        found.times(which, report[which], together(no_errors))
        for outcome in report["outcomes"]:
            key = (which, outcome["kind"], outcome["name"])
            found.times(" ".join(key), outcome[which], tags.pop(key, empty()))
    found.equal("tags that no outcome has", 0, len(tags))
    for line in found.wrong:
        print(line)
    print(f"{found.compared} figures compared, {len(found.wrong)} differ")
    sys.exit(1 if found.wrong else 0)


if __name__ == "__main__":
    main()
