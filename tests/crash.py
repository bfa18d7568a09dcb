#!/usr/bin/env python3
"""Proof that nothing is lost: servers and journals that are killed, cut off, filled up, slowed and damaged.

    python3 tests/crash.py [FIGURE...] [--short] [--seed N] [--keep DIR] [--markdown FILE]
    python3 tests/crash.py planted [FAULT...] [--keep DIR]

The first runs the figures of server/docs/reliability.md in their long forms, all or those that are named (F1 F2 ...),
and ends with a table: trials and seeds, the kind of crash, time, verdict. --short runs what CI runs; WAIKA_KILLS=100 and
the like before the command set how much one figure tries. What a figure says is kept in DIR/FIGURE (target/crash), and
so is the data folder of one that fails; --seed gives it its seed again. --markdown writes the table into a file.

The second builds servers and journals that are wrong on purpose, one class each: they must be found out within a
minute, and the same run without the fault must pass.

Release builds are made where they are missing. As root and with strace (Debian's package) nothing is left out.
Exit codes: 0 all held, 1 something was lost or a fault was not found, 64 usage, 69 a program is missing.
"""
import contextlib
import dataclasses
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from measuring import LOADGEN, SERVER, Parser, serving, waika

KILL = "process crash"
POWER = "simulated power loss"
# What each test says in one line for the table.
SAID = re.compile(r"^(F\d+|SIM): (.*)$")
PLANTED = "target/faults"
FAULTY = ["--features", "planted-faults", "--target-dir", PLANTED]
# As the tests themselves ask for it, so that nothing is built anew while they are timed.
SERVER_ALONE = ["--bin", "waika-server", "--example", "journal_bench"]


@dataclasses.dataclass
class Part:
    """A run of cargo test: its target, what the test's name has in it, and the variables of its long form."""
    words: str
    crash: str
    long: dict = dataclasses.field(default_factory=dict)
    # The long form in so many runs, each with the next seed, where one run would take ever longer.
    runs: int = 1

    def command(self, profile="--release"):
        """As a person would run it."""
        target, name = self.words.rsplit(" ", 1)
        profile = [profile] if profile else []
        return ["cargo", "test", *profile, *target.split(), name, "--", "--nocapture"]

    def program(self, profile="--release", more=()):
        """The same without cargo in between, which would build anew what the tests build with other features."""
        target, name = self.words.rsplit(" ", 1)
        return [executable(target, profile, tuple(more)), name, "--nocapture"]


@functools.cache
def executable(target, profile, more):
    """Builds a test target and says where it is; ends if it does not build."""
    told(f"building {target}")
    command = ["cargo", "test", "--quiet", "--locked", *([profile] if profile else []), *target.split(), *more,
               "--no-run", "--message-format", "json-render-diagnostics"]
    built = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    told("")
    if built.returncode != 0:
        sys.exit(1)
    words = target.split()
    # A library's own tests are named like its crate.
    name = words[-1] if words[-2] == "--test" else words[words.index("-p") + 1].replace("-", "_")
    messages = map(json.loads, built.stdout.splitlines())
    return next(message["executable"] for message in messages
                if message.get("executable") and message["target"]["name"] == name)


E2E = "--test e2e"
JOURNAL = "--test journal_crash"
# Its test lies among the unit tests, beside what it steps by hand.
SIMULATION = "-p waika-server --lib"
FIGURES = {
    # After each kill all that ever happened is compared, so four runs of 250 take far less than one of 1,000.
    "F1": [Part("--test crash that_is_killed", KILL, {"WAIKA_KILLS": "250"}, runs=4)],
    "F2": [Part(f"{JOURNAL} f2_", f"{KILL} and {POWER}", {"WAIKA_POINTS": "2000"}),
           Part(f"{E2E} crash_points", KILL, {"WAIKA_CALLS": "200"})],
    "F3": [Part(f"{JOURNAL} no_crash_loses", POWER, {"WAIKA_CRASHES": "100000"})],
    "F4": [Part(f"{E2E} crash_syncs", "EIO of a sync", {"WAIKA_SYNCS": "500"})],
    "F5": [Part(f"{E2E} crash_full", "ENOSPC")],
    "F6": [Part(f"{JOURNAL} f6_", "damage", {"WAIKA_FLIPS": "100000"})],
    "F8": [],
    "F9": [Part(f"{E2E} storm_under", "none", {"WAIKA_STORM": "1000000"})],
    "F10": [Part(f"{E2E} sixty_four_callers", "none")],
    "F11": [Part(f"{E2E} f11_nothing", f"{KILL}, connections cut, clocks apart", {"WAIKA_KILLS": "100"})],
    "F12": [Part(f"{E2E} f12_what_operators", "none", {"WAIKA_CHANGES": "40"})],
    "F14": [Part("-p waika-domain --test model random_sequences", "none", {"WAIKA_SEQUENCES": "1000000"}),
            Part("--test models f14_", "connections lost, nodes crashed", {"WAIKA_MODEL": "large"}),
            Part("-p waika-schedules --test pipeline f14_", "a write or a sync fails", {"WAIKA_SCHEDULES": "1000000"})],
    "SIM": [Part(f"{SIMULATION} no_end_of_a_server", f"{KILL} and {POWER}", {"WAIKA_HISTORIES": "10000"})],
}
# Each fault, and the run that must find it. The last ones are of the real server.
FAULTS = {
    "sync-skipped": Part(f"{JOURNAL} no_crash_loses", POWER),
    "sync-error-ignored": Part(f"{E2E} crash_syncs", "EIO of a sync"),
    "told-early": Part(f"{E2E} no_answer_leaves", "slow syncs"),
    "event-skipped": Part("--test crash that_is_killed", KILL),
    "wrong-period": Part("--test crash that_is_killed", KILL),
    "forgotten-reservation": Part(f"{E2E} memory_and_store", "none"),
}


@dataclasses.dataclass
class Row:
    figure: str
    crash: str
    command: str
    said: list
    seconds: float
    held: bool

    def __str__(self):
        """In a line of the table."""
        return f"{self.figure:<4} {'held' if self.held else 'BROKEN':<7} {self.seconds:>7,.0f} s  {self.crash}"


def told(text):
    """Shows on a terminal what goes on; elsewhere nothing."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def watch(command, environment, folder, name):
    """Runs it, with what it says in a file of this folder; gives whether it succeeded, and the seconds."""
    os.makedirs(f"{folder}/left", exist_ok=True)
    began = time.monotonic()
    with open(f"{folder}/said", "ab") as said:
        process = subprocess.Popen(command, env={**environment, "TMPDIR": os.path.abspath(f"{folder}/left")},
                                   stdout=said, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            while True:
                try:
                    process.wait(timeout=1)
                    break
                except subprocess.TimeoutExpired:
                    told(f"{name}: {time.monotonic() - began:,.0f} s")
        finally:
            # One that is interrupted, or whose test has failed, may have left servers.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    told("")
    return process.returncode == 0, time.monotonic() - began


def lines_of(folder, figure):
    """What its tests said for the table."""
    with open(f"{folder}/said", errors="replace") as said:
        found = [SAID.match(line.rstrip()) for line in said]
    return [line[2] for line in found if line and line[1] == figure]


def clean_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("WAIKA_")}


def shown(variables, command):
    return " ".join([*(f"{name}={value}" for name, value in variables.items()), *command])


def run_figure(figure, arguments):
    """The rows of one figure."""
    folder = f"{arguments.keep}/{figure}"
    shutil.rmtree(folder, ignore_errors=True)
    parts = [(part, run) for part in FIGURES[figure] for run in range(1 if arguments.short else part.runs)]
    for number, (part, run) in enumerate(parts):
        variables = {} if arguments.short else {name: os.environ.get(name, most) for name, most in part.long.items()}
        if arguments.seed is not None or part.runs > 1:
            variables["WAIKA_SEED"] = str((arguments.seed or 1) + run)
        profile = None if arguments.short else "--release"
        command = part.command(profile)
        place = f"{folder}/{number}"
        held, seconds = watch(part.program(profile), {**clean_environment(), **variables}, place, figure)
        said = lines_of(place, figure)
        if held and not said:
            held, said = False, ["no test said anything: was it renamed?"]
        if held:
            shutil.rmtree(f"{place}/left")
        else:
            said.append(f"see {place}")
        yield Row(figure, part.crash, shown(variables, command), said, seconds, held)


def recovery(arguments):
    """F8: how many entries of a journal a start replays in a second, after a kill and without a snapshot."""
    payments = 100_000 if arguments.short else 4_000_000
    with tempfile.TemporaryDirectory() as folder:
        flags = ["--snapshot-every", "0"]
        with serving(waika(folder, "2", more=flags), "0,1", folder) as (pid, addresses):
            load = [LOADGEN, "run", "--target", f"http://{addresses[0]}", "--admin", f"http://{addresses[1]}",
                    "--closed", "256", "--connections", "4", "--requests", str(payments), "--accounts", "100000",
                    "--no-oracle", "--allow-limits", "--duplicates", "0", "--view", "off"]
            ended = subprocess.run(load, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            if ended.returncode not in (0, 5):
                sys.exit(f"the load generator ended with {ended.returncode}: {ended.stderr.decode()[-2000:]}")
            os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        command = [*waika(folder, "2", more=flags)]
        command[command.index("warn")] = "info"
        with serving(command, "0,1", folder):
            seconds = time.monotonic() - began
        with open(f"{folder}/log", errors="replace") as log:
            entries = int(re.findall(r"recovered.*?entries=(\d+)", re.sub(r"\x1b\[[0-9;]*m", "", log.read()))[-1])
    said = f"{entries:,} entries replayed, ready after {seconds:.2f} s: {entries / seconds:,.0f} a second"
    return Row("F8", KILL, "python3 tests/crash.py F8", [said], seconds, entries >= payments)


def fsync_probe():
    """The disk's own syncs of 4 KiB, in words."""
    with tempfile.TemporaryDirectory() as folder:
        command = [SERVER, "fsync-probe", "--store", f"journal:{folder}", "--bytes", "4096", "--duration", "2s",
                   "--json", "-"]
        probe = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if probe.returncode != 0:
        return f"fsync-probe ended with {probe.returncode}"
    size = json.loads(probe.stdout)["sizes"][0]
    percentiles = [(name, size[f"{name}_ns"]) for name in ("p50", "p99", "p99.9")]
    return "fdatasync of 4,096 bytes: " + ", ".join(
        f"{name} {nanoseconds / 1e6:.2f} ms" for name, nanoseconds in percentiles if nanoseconds is not None)


def heading():
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], stdout=subprocess.PIPE, text=True)
    return [f"commit {commit.stdout.strip() or 'unknown'}, {time.strftime('%Y-%m-%d')}, store journal:",
            fsync_probe()]


def figures(arguments):
    wanted = arguments.names or list(FIGURES)
    unknown = [name for name in wanted if name not in FIGURES]
    if unknown:
        usage(f"no figure is named {', '.join(unknown)}: there are {' '.join(FIGURES)}, and planted")
    build(*SERVER_ALONE, *(["--bin", "waika-loadgen"] if "F8" in wanted else []))
    rows = []
    for figure in wanted:
        for row in [recovery(arguments)] if figure == "F8" else run_figure(figure, arguments):
            rows.append(row)
            print(row)
            for line in row.said:
                print(f"     {line}")
            sys.stdout.flush()
    head = heading()
    print("\n" + "\n".join(head))
    print(f"\n{'':<4} {'verdict':<7} {'time':>9}  kind of crash")
    print(*rows, sep="\n")
    if arguments.markdown:
        write_markdown(arguments.markdown, head, rows)
    return all(row.held for row in rows)


def write_markdown(path, head, rows):
    with open(path, "w") as file:
        file.write("\n".join(head) + "\n\n| | kind of crash | trials and findings | seconds | command |\n"
                   "|---|---|---|---|---|\n")
        for row in rows:
            said = "; ".join(row.said).replace("|", "\\|")
            file.write(f"| {row.figure} | {row.crash} | {said} | {row.seconds:,.0f} | `{row.command}` |\n")


def build(*what):
    told(f"building {' '.join(what)}")
    command = ["cargo", "build", "--quiet", "--locked", "--release", *what]
    if subprocess.run(command).returncode != 0:
        sys.exit(1)
    told("")


def planted(arguments):
    wanted = arguments.names or list(FAULTS)
    unknown = [name for name in wanted if name not in FAULTS]
    if unknown:
        usage(f"no fault is named {', '.join(unknown)}: there are {' '.join(FAULTS)}")
    if any(JOURNAL not in FAULTS[fault].words for fault in wanted):
        build(*SERVER_ALONE)
        build(*SERVER_ALONE, *FAULTY)
    found = [find(fault, FAULTS[fault], arguments) for fault in wanted]
    return all(found)


def find(fault, part, arguments):
    """Whether the run fails with the fault within a minute, and holds without it."""
    honest = clean_environment()
    # Built before it is timed.
    if JOURNAL in part.words:
        command = part.program(more=FAULTY)
        lie = {"WAIKA_PLANTED_FAULT": fault}
    else:
        command = part.program()
        honest["WAIKA_CRASH_SERVER"] = os.path.abspath(f"{PLANTED}/release/waika-server")
        lie = {"WAIKA_CRASH_ARGUMENTS": f"--planted-fault {fault} --planted-fault-one-in 20"}
    folder = f"{arguments.keep}/planted-{fault}"
    shutil.rmtree(folder, ignore_errors=True)
    held, seconds = watch(command, {**honest, **lie}, f"{folder}/with", fault)
    blamed = blame(f"{folder}/with/said")
    clear, clear_seconds = watch(command, honest, f"{folder}/without", fault)
    is_found = not held and blamed != "" and seconds < 60 and clear
    print(f"{fault:<20} {'found' if is_found else 'NOT FOUND':<10} after {seconds:.1f} s by {part.words}: {blamed}")
    print(f"{'':<20} {'held' if clear else 'BROKEN':<10} without it, {clear_seconds:.1f} s", flush=True)
    return is_found


def blame(path):
    """The test's own word of what was wrong; nothing if it never came to judge."""
    with open(path, errors="replace") as said:
        lines = said.read().splitlines()
    for number, line in enumerate(lines):
        if "panicked at" in line:
            return " ".join(lines[number + 1:number + 3])[:160]
    return ""


def usage(text):
    print(text, file=sys.stderr)
    sys.exit(64)


def main():
    parser = Parser(__doc__)
    parser.add_argument("names", nargs="*", metavar="FIGURE")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--keep", default="target/crash")
    parser.add_argument("--markdown")
    arguments = parser.parse_intermixed_args()
    if shutil.which("strace") is None:
        print("strace is not installed: apt-get install strace", file=sys.stderr)
        sys.exit(69)
    if arguments.names[:1] == ["planted"]:
        arguments.names = arguments.names[1:]
        return planted(arguments)
    return figures(arguments)


if __name__ == "__main__":
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    sys.exit(0 if main() else 1)
