#!/usr/bin/env python3
"""The server's fuzz targets under libFuzzer, in their full length: one table.

    python3 tests/fuzz.py [TARGET...] [--share 0.01] [--seconds N] [--seed N] [--markdown FILE]

Targets (all, or those that are named) and their inputs: decoder, 10,000,000 messages of calls through parse, rules and a
ledger in memory; http2, 1,000,000 byte streams on connections; policy, 2,000,000 texts of policies; journal, 2,000,000
parts of journals. This is figure S1 of server/docs/security.md. With --share a part of them, with --seconds at most so long
for each, which is then told as stopped. None may panic, hang, or take more than 2 GiB. What a target does with its bytes is in
server/src/fuzzing.rs; `cargo test -p waika-server --lib fuzzing` does the same on stable Rust with the kept inputs and
some changes to them (WAIKA_FUZZED=N for so many).

New inputs go to target/fuzz/corpus, and server/fuzz/corpus stays as it is. Needs a nightly compiler, a C++ compiler and
cargo-fuzz. Exit codes: 0 nothing was found, 1 something was (the input's file is named), 64 usage, 69 a program is missing.
"""
import dataclasses
import os
import re
import shutil
import subprocess
import sys
import time

from measuring import Parser

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILT = os.path.join(ROOT, "target", "fuzz")
CARGO_FUZZ_VERSION = "0.13.2"
RUNS = {"decoder": 10_000_000, "http2": 1_000_000, "policy": 2_000_000, "journal": 2_000_000}
# The longest input in bytes. A policy has at most 32,768, and what matters of it is said in fewer.
LONGEST = {"decoder": 4_096, "http2": 4_096, "policy": 4_096, "journal": 4_096}
TIMEOUT_SECONDS, MOST_MIB = 25, 2_048


@dataclasses.dataclass
class Row:
    target: str
    runs: int
    wanted: int
    seconds: float
    peak_mib: int
    edges: tuple
    kept: int
    exit_code: int

    def verdict(self):
        if self.exit_code:
            return "FOUND"
        return "held" if self.runs >= self.wanted else "held (stopped)"

    def cells(self):
        rate = self.runs / self.seconds if self.seconds else 0
        return [self.target, f"{self.runs:,}", f"{self.seconds:,.0f} s", f"{rate:,.0f}", f"{self.peak_mib:,} MiB",
                f"{self.edges[0]:,} to {self.edges[1]:,}", f"{self.kept:,}", self.verdict()]


HEADS = ["target", "inputs", "took", "inputs a second", "peak memory", "edges reached", "inputs kept", ""]


def environment():
    tools = os.environ.get("WAIKA_TOOLS", os.path.join(ROOT, "target", "tools"))
    path = os.pathsep.join([os.path.join(tools, "bin"), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path}


def need_programs():
    """Says which program is missing and how it comes, and ends with 69."""
    def works(*command):
        run = subprocess.run(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return run.returncode == 0

    missing = []
    if not shutil.which("cargo") or not works("cargo", "+nightly", "--version"):
        missing.append("a nightly compiler: rustup toolchain install nightly")
    elif not works("cargo", "fuzz", "--version"):
        missing.append(f"cargo-fuzz: cargo install --locked cargo-fuzz@{CARGO_FUZZ_VERSION}")
    if not any(shutil.which(compiler) for compiler in ("c++", "g++", "clang++")):
        missing.append("a C++ compiler, for libFuzzer: apt-get install g++")
    for program in missing:
        print(f"fuzz: missing: {program}", file=sys.stderr)
    if missing:
        sys.exit(69)


def cargo_fuzz(command, target, after=()):
    # No code here is unsafe, so that an address sanitizer would only look at dependencies, four times slower.
    return ["cargo", "+nightly", "fuzz", command, "--fuzz-dir", "server/fuzz", "--target-dir", BUILT, "--sanitizer", "none",
            target, *after]


def fuzz(target, arguments):
    kept = os.path.join(BUILT, "corpus", target)
    found = os.path.join(BUILT, "found", target, "")
    for folder in (kept, found):
        os.makedirs(folder, exist_ok=True)
    wanted = max(1, int(RUNS[target] * arguments.share))
    # libFuzzer's zero is a seed of its own choice.
    flags = [f"-runs={wanted}", f"-seed={arguments.seed}", f"-timeout={TIMEOUT_SECONDS}", f"-rss_limit_mb={MOST_MIB}",
             f"-max_len={LONGEST[target]}", "-print_final_stats=1", f"-artifact_prefix={found}", "-len_control=10"]
    dictionary = os.path.join("server", "fuzz", "dictionaries", f"{target}.dict")
    if os.path.exists(os.path.join(ROOT, dictionary)):
        flags.append(f"-dict={dictionary}")
    if arguments.seconds:
        flags.append(f"-max_total_time={arguments.seconds}")
    command = cargo_fuzz("run", target, [kept, f"server/fuzz/corpus/{target}", "--", *flags])
    log = os.path.join(BUILT, f"{target}.log")
    before, began = len(os.listdir(kept)), time.monotonic()
    with open(log, "w", encoding="utf-8") as told:
        run = subprocess.run(command, cwd=ROOT, env=environment(), stdout=told, stderr=told, check=False)
    seconds = time.monotonic() - began
    with open(log, encoding="utf-8", errors="replace") as told:
        text = told.read()
    if run.returncode:
        print("".join(text.splitlines(keepends=True)[-40:]), file=sys.stderr)
        print(f"fuzz: {target}: see {log}, and {found} for the input", file=sys.stderr)
    return row(target, wanted, text, (seconds, run.returncode, len(os.listdir(kept)) - before))


def row(target, wanted, text, ended):
    def number(name):
        found = re.findall(rf"^stat::{name}:\s*(\d+)", text, re.MULTILINE)
        return int(found[-1]) if found else 0

    edges = [int(cov) for cov in re.findall(r"\bcov: (\d+)", text)]
    seconds, exit_code, kept = ended
    return Row(target, number("number_of_executed_units"), wanted, seconds, number("peak_rss_mb"),
               (edges[0], edges[-1]) if edges else (0, 0), kept, exit_code)


def table(rows):
    lines = ["| " + " | ".join(HEADS) + " |", "|" + "---|" * len(HEADS)]
    return "\n".join([*lines, *("| " + " | ".join(row.cells()) + " |" for row in rows)])


def main():
    parser = Parser(__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(RUNS))
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markdown")
    arguments = parser.parse_args()
    unknown = [target for target in arguments.targets if target not in RUNS]
    if unknown or arguments.share <= 0 or arguments.seconds < 0:
        parser.error(f"no target: {', '.join(unknown)}" if unknown else "--share and --seconds are above zero")
    need_programs()
    targets = arguments.targets or list(RUNS)
    for target in targets:
        if subprocess.run(cargo_fuzz("build", target), cwd=ROOT, env=environment(), check=False).returncode:
            sys.exit(1)
    rows = []
    for target in targets:
        print(f"{target}: {int(RUNS[target] * arguments.share):,} inputs", file=sys.stderr)
        rows.append(fuzz(target, arguments))
    print(table(rows))
    if arguments.markdown:
        with open(arguments.markdown, "w", encoding="utf-8") as written:
            written.write(table(rows) + "\n")
    sys.exit(1 if any(row.exit_code for row in rows) else 0)


if __name__ == "__main__":
    main()
