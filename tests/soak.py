#!/usr/bin/env python3
"""A year in an hour: does a server that decides all the time stay right, and as small as it is?

    python3 tests/soak.py [--minutes 60] [--short] [--keep DIR] [--plot FILE] [--markdown FILE] [--binaries DIR]
    python3 tests/soak.py judge SAMPLES [--plot FILE]
    python3 tests/soak.py planted [FAULT...]

The first runs a release build whose machine's clock goes so fast that a year passes (tests/soak/clock.c, preloaded),
under the load generator, whose oracle holds each answer against a model of its own: months and the year restored at
midnight in Shanghai and not before, reversals across it, replays, lists. Beside it a few keys are used again within
a day, which must give the stored answers, and long after, when they must be new. Once a second it is looked how much
memory, descriptors, threads and disk the server has. --short is what CI runs: a minute, with the end of a year in it,
and nothing about growth, which needs the hour. The samples are kept in DIR (target/soak), with the logs.

The second judges samples that were kept. The third runs three minutes each with a server that leaks, or gives
back to a wrong month (WAIKA_SOAK_FAULTY names it; tests/faults.sh builds one): each must be found out, and nothing
without.

Needs release builds and a C compiler. Exit codes: 0 all held, 1 something did not, 64 usage, 69 a program is missing.
"""
import argparse
import contextlib
import dataclasses
import datetime
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from crash import clean_environment, told, usage
from measuring import figures
from soaking import SEGMENT_BYTES, judge, picture

SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
DAY, YEAR = 86_400, 31_536_000
MET = {
    "snapshots": "snapshot taken",
    "comparisons of accounts with the store": "memory and store agree",
    "runs of keys made": "used keys moved out of memory",
    "runs of keys dropped": "used keys were kept for long enough",
}
# Of what the load generator draws which earlier request is sent again.
REPEATS_REACH = 4_096
PROBED = 100
PLAN = """version = 1
preset = "steady"
load = {{ rate = {rate}, duration = "{seconds}s", warm_up = "0s" }}
people = {{ accounts = 1000, merchants = 100, seed = 1 }}
traffic = {{ spread = "zipf:0.5", duplicates = "{duplicates}", wrong_passwords = "0.1%" }}
modes = {{ online = "50%", merchant_qr = "50%", payment_code = "0%" }}
errands = {{ reversals = "4%", reverse_after = "{reverse_after}", refunds = "0.5%", churn = "0.1%" }}
generator = {{ connections = 4, in_flight = 400, deadline = "60s", pacing = "sleep" }}
checks = {{ oracle = true, allow_limits = true }}
"""


@dataclasses.dataclass
class Course:
    """How long it takes, and what passes meanwhile."""
    minutes: float
    # Seconds of the server's clock in a second.
    pace: int
    # Where it begins: month, day, hour in Shanghai.
    begins: tuple
    rate: int = 400
    # So many that the runs of two days are too few to be put together: what is, is as young as its youngest.
    keys_in_memory: int = 4_096
    is_flat: bool = True

    def begin(self):
        """Its first instant, which is after now."""
        now = datetime.datetime.now(SHANGHAI)
        at = datetime.datetime(now.year, *self.begins, tzinfo=SHANGHAI)
        return at if at > now else at.replace(year=now.year + 1)

    def duplicates(self):
        """None where a day is so short that what is sent again may be new by then."""
        return "2%" if REPEATS_REACH / self.rate < 1.8 * DAY / self.pace else "0%"

    def plan(self):
        # Hours later, so that reversals cross the end of each month.
        after = f"{DAY / 10 / self.pace * 1_000:.0f}ms"
        return PLAN.format(rate=self.rate, seconds=round(self.minutes * 60), duplicates=self.duplicates(),
                           reverse_after=after)

    def month_ends(self):
        """Seconds from the beginning, and the month that begins then."""
        began = self.begin()
        year, month = began.year, began.month
        while True:
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
            at = (datetime.datetime(year, month, 1, tzinfo=SHANGHAI) - began).total_seconds() / self.pace
            if at > self.minutes * 60:
                return
            yield at, f"{year}-{month:02}"


class Server:
    """waika-server in a folder, by the machine's clock or by one that hurries."""

    def __init__(self, folder, binary, more=(), environment=None):
        everywhere = [word for name in ("", "admin-", "metrics-") for word in (f"--{name}listen", "127.0.0.1:0")]
        command = [binary, *everywhere, "--store", f"journal:{folder}/data", "--key-file", f"{folder}/key",
                   "--log", "json", "--cores", "2", "--snapshot-every", "5000", "--scrub-every", "10s",
                   "--segment-bytes", str(SEGMENT_BYTES), *more]
        environment = {**clean_environment(), **(environment or {})}
        with open(f"{folder}/server.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment)
        words = self.process.stdout.readline().decode().split()
        self.data, self.pid = f"{folder}/data", self.process.pid
        addresses = [word for word in words if ":" in word]
        if len(addresses) != 3:
            sys.exit(f"the server does not start: see {folder}/server.log")
        self.rpc, self.admin, self.metrics = addresses

    def target(self):
        return ["--target", f"http://{self.rpc}", "--admin", f"http://{self.admin}"]

    def stop(self):
        """Gives the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=60)

    def sample(self):
        """What the kernel says of it."""
        with open(f"/proc/{self.pid}/status") as status:
            status = dict(re.findall(r"^(\w+):\s+(\d+)", status.read(), re.MULTILINE))
        sizes = []
        for name in os.listdir(self.data):
            # Runs, snapshots and what is not finished may be gone by now.
            with contextlib.suppress(FileNotFoundError):
                sizes.append((name, os.stat(f"{self.data}/{name}").st_blocks * 512))
        journal = [size for name, size in sizes if name.endswith(".seg")]
        return {"rss": int(status["VmRSS"]) * 1024, "threads": int(status["Threads"]),
                "descriptors": len(os.listdir(f"/proc/{self.pid}/fd")),
                "journal": sum(journal), "segments": len(journal),
                "other_files": sum(size for _, size in sizes) - sum(journal)}

    def counted(self):
        """What its own metrics say."""
        told = figures(self.metrics)
        decided = lambda label: sum(value for name, value in told.items()
                                    if name.startswith("waika_decisions_total{") and f'"{label}"' in name)
        return {"decided": told.get("waika_decisions_total", 0), "approved": decided("APPROVED"),
                "month_declined": decided("LIMIT_MONTH"), "year_declined": decided("LIMIT_YEAR"),
                "keys_in_memory": told['waika_idempotency_keys{tier="memory"}'],
                "keys_on_disk": told['waika_idempotency_keys{tier="disk"}'],
                "keys_memory": told["waika_older_keys_memory_bytes"],
                "connections": told['waika_connections_open{listener="rpc"}']}


class Probe:
    """Some keys that are used again within a day, and again when no day of theirs is left."""

    def __init__(self, course, server, loadgen, folder):
        self.day, self.most = DAY / course.pace, course.keys_in_memory
        self.server, self.loadgen, self.folder = server, loadgen, folder
        self.number, self.used_at, self.used_when = 0, None, 0
        self.asked_again, self.left_at = False, None
        self.kept = self.late = self.new = self.old = self.unasked = 0
        self.wrong = []

    def ask(self):
        """What became of all of them."""
        report = f"{self.folder}/probe.json"
        command = [self.loadgen, "run", *self.server.target(), *PROBE, "--run-id", f"{self.number:x}", "--json", report]
        with open(f"{self.folder}/probe.log", "ab") as log:
            ended = subprocess.run(command, stdout=log, stderr=log)
        # A busy server closes connections that take too long to begin: nothing was asked then.
        if ended.returncode == 1:
            self.unasked += PROBED
            return {}
        with open(report) as file:
            return {row["name"]: row["count"] for row in json.load(file)["outcomes"]}

    def step(self, decided):
        """Does what is due, when the server has decided so much."""
        now = time.monotonic()
        if self.used_at is None:
            self.number, self.used_at, self.used_when = self.number + 1, now, decided
            self.asked_again, self.left_at = False, None
            self.expect(self.ask(), {"approved"}, "used for the first time")
            return
        # Twice as many newer ones have taken their places in memory.
        if self.left_at is None and decided > self.used_when + 2 * self.most:
            self.left_at = now
        if not self.asked_again and now >= self.used_at + 0.6 * self.day:
            self.asked_again = True
            outcomes = self.ask()
            # Where the machine was busy a day is over: nothing is promised then.
            if time.monotonic() < self.used_at + self.day:
                self.expect(outcomes, {"replayed"}, "used again within a day")
                self.kept += outcomes.get("replayed", 0)
            else:
                self.late += PROBED
        elif self.left_at is not None and now >= self.left_at + 2.2 * self.day + 1:
            outcomes = self.ask()
            # Kept for longer than they must be, where the machine is busy, is not wrong.
            self.expect(outcomes, {"approved", "replayed"}, "used long after")
            self.new += outcomes.get("approved", 0)
            self.old += outcomes.get("replayed", 0)
            self.used_at = None

    def expect(self, outcomes, wanted, when):
        if not set(outcomes) <= wanted:
            self.wrong.append(f"{PROBED} keys {when}: {outcomes}")


PROBED_PEOPLE = ["--accounts", "5", "--merchants", "5", "--seed", "7"]
PROBE = ["--preset", "hot-account", *PROBED_PEOPLE, "--requests", str(PROBED), "--closed", "4", "--connections", "1",
         "--duplicates", "0", "--deadline", "60s", "--no-oracle", "--allow-limits", "--view", "off"]


def provision(folder, binaries):
    """Everybody's cards are bound by the machine's own clock: a code lives for five minutes."""
    server = Server(folder, f"{binaries}/waika-server")
    for people in (["--accounts", "1000", "--merchants", "100", "--seed", "1"], PROBED_PEOPLE):
        command = [f"{binaries}/waika-loadgen", "provision", *server.target(), *people]
        created = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if created.returncode != 0:
            sys.exit(f"the load generator creates nobody: {created.stderr}")
    server.stop()


def hurrying(course, folder, leak):
    """The environment of a server whose clock goes so fast."""
    library = os.path.abspath(f"{folder}/clock.so")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, "tests/soak/clock.c"], check=True)
    return {"LD_PRELOAD": library, "SOAK_BEGAN": str(int(time.time())), "SOAK_RATE": str(course.pace),
            "SOAK_FROM": str(int(course.begin().timestamp())), "SOAK_LEAK": leak}


@contextlib.contextmanager
def loaded(server, course, folder, loadgen):
    """The load generator, which ends by itself."""
    with open(f"{folder}/plan.toml", "w") as plan:
        plan.write(course.plan())
    command = [loadgen, "run", "--plan", f"{folder}/plan.toml", *server.target(), "--view", "off",
               "--server-pid", str(server.pid), "--trace", f"{folder}/lie.jsonl", "--json", f"{folder}/load.json"]
    with open(f"{folder}/load.log", "wb") as log:
        load = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield load
    finally:
        load.kill()
        load.wait()


def watch(server, load, course, probe, kept):
    """Samples, one a second, until the load is over."""
    began, samples, told_at = time.monotonic(), [], -5.0
    counted = {"counted_at": 0.0, **server.counted()}
    while (now := time.monotonic() - began) < course.minutes * 60 - 1 and load.poll() is None:
        if server.process.poll() is not None:
            break
        probe.step(counted["decided"])
        sample = {"at": time.monotonic() - began, **server.sample()}
        if now >= told_at + 5:
            told_at, counted = now, {"counted_at": sample["at"], **server.counted()}
        samples.append({**sample, **counted})
        # For whoever looks on, and should this end before its time.
        print(json.dumps(samples[-1]), file=kept, flush=True)
        date = course.begin() + datetime.timedelta(seconds=sample["at"] * course.pace)
        told(f"{now / 60:.1f} of {course.minutes:g} minutes, {date:%d %B %Y}: {counted['decided']:,.0f} decided, "
             f"{sample['rss'] / 2**20:.1f} MiB, {sample['descriptors']} descriptors, {sample['threads']} threads, "
             f"{len(probe.wrong)} wrong keys")
        time.sleep(max(0.0, 1 - (time.monotonic() - began - now)))
    told("the load generator audits all accounts")
    return samples


def run(course, folder, binaries, server_binary=None, more=(), leak=""):
    """The year; gives what was found, and keeps it."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    loadgen = f"{binaries}/waika-loadgen"
    provision(folder, binaries)
    more = ["--keys-in-memory", str(course.keys_in_memory), *more]
    server = Server(folder, server_binary or f"{binaries}/waika-server", more, hurrying(course, folder, leak))
    try:
        probe = Probe(course, server, loadgen, folder)
        with loaded(server, course, folder, loadgen) as load, open(f"{folder}/samples.jsonl", "w") as kept:
            samples = watch(server, load, course, probe, kept)
            # The audit reads every decision again.
            ended = load.wait(timeout=1_200)
        told("")
        met, wrong = books(folder, ended, course, probe)
        if server.process.poll() is not None or server.stop() != 0:
            wrong.append(f"the server ended with {server.process.returncode}")
    finally:
        server.process.kill()
        server.process.wait()
    wrong += verified(folder, binaries)
    found = {"seconds": course.minutes * 60, "is_flat": course.is_flat, "month_ends": list(course.month_ends()),
             "met": met, "wrong": wrong, "samples": samples}
    with open(f"{folder}/samples.json", "w") as file:
        json.dump(found, file)
    return found


def books(folder, ended, course, probe):
    """What was met, and what is wrong by the oracle and by the server's own log."""
    wrong, met = list(probe.wrong), {}
    if ended not in (0, 5):
        wrong.append(f"the load generator ended with {ended}: see {folder}/load.log")
    with contextlib.suppress(FileNotFoundError), open(f"{folder}/load.json") as file:
        certificate = json.load(file)["certificate"]
        if certificate["violations"]:
            wrong.append(f"refuted {certificate['violations']} times: {certificate['first_violations'][0]}")
        elif not certificate["proven"]:
            wrong.append(f"not proven: {certificate['accounts_not_proven']}")
        for name in ("authorisations", "approvals", "reversals", "refunds", "settled", "retries_absorbed", "listed"):
            met[name] = certificate[name]
        met |= {row["reason"]: row["count"] for row in certificate["declines"]}
    with open(f"{folder}/server.log", errors="replace") as log:
        lines = [json.loads(line) for line in log if line.startswith("{")]
    loud = [line for line in lines if line["level"] in ("WARN", "ERROR")]
    wrong += [f"the server's log: {json.dumps(line['fields'])}" for line in loud]
    must = {name: sum(line["fields"].get("message") == message for line in lines) for name, message in MET.items()}
    met |= {"keys used again too late to tell": probe.late, "keys still known long after": probe.old,
            "keys that could not be asked for": probe.unasked}
    must["keys with their answer within a day"] = probe.kept or probe.late
    must["keys that were new long after"] = probe.new
    if course.minutes * 60 * course.pace > YEAR / 2:
        must |= {name: met.get(name, 0) for name in ("LIMIT_MONTH", "LIMIT_YEAR")}
    wrong += [f"there were no {name}" for name, count in must.items() if not count]
    return met | must, wrong


def verified(folder, binaries):
    """What is wrong with the journal as it stands after all of it."""
    command = [f"{binaries}/waika-server", "journal", "verify", "--store", f"journal:{folder}/data"]
    verify = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return [] if verify.returncode == 0 else [f"journal verify: {verify.stdout[-500:]}"]


def tell(found, arguments):
    """Prints all that was found, and draws it; gives whether it held."""
    rows = judge(found) if found["is_flat"] else []
    for name, value in found["met"].items():
        print(f"{name:<44} {value:>10,}")
    for row in rows:
        print(f"{row.name:<20} {'held' if row.held else 'BROKEN':<7} {row.found}; must {row.must}")
    for what in found["wrong"]:
        print(f"BROKEN {what}")
    if arguments.plot:
        with open(arguments.plot, "w") as file:
            file.write(picture(found["samples"], found["month_ends"], found["seconds"]))
    if arguments.markdown:
        with open(arguments.markdown, "w") as file:
            file.write("| | found | must | |\n|---|---|---|---|\n")
            for row in rows:
                file.write(f"| {row.name} | {row.found} | {row.must} | {'held' if row.held else 'BROKEN'} |\n")
    return not found["wrong"] and all(row.held for row in rows)


# Each fault: what the clock's library lets the server leak, or what the faulty server is told.
FAULTS = {"memory": ("memory", ()), "descriptors": ("descriptors", ()), "threads": ("threads", ()),
          "wrong-month": ("", ("--planted-fault", "wrong-month", "--planted-fault-one-in", "1"))}


def planted(arguments):
    """Whether each fault is found, and by what it is meant to be; and nothing without one."""
    wanted = arguments.names or list(FAULTS)
    unknown = [name for name in wanted if name not in FAULTS]
    if unknown:
        usage(f"no fault is named {', '.join(unknown)}: there are {' '.join(FAULTS)}")
    faulty = os.environ.get("WAIKA_SOAK_FAULTY", "target/faults/release/waika-server")
    course, all_right = dataclasses.replace(SHORT, minutes=3, is_flat=True), True
    for name in ["", *wanted]:
        leak, more = FAULTS.get(name, ("", ()))
        found = run(course, f"{arguments.keep}/planted-{name or 'nothing'}", arguments.binaries,
                    faulty if more else None, more, leak)
        # In three minutes memory comes and goes by more than a year's share: these leak by the megabyte.
        broken = [row.name for row in judge(found, rise=0.3) if not row.held and row.name in FAULTS] + found["wrong"]
        seen = [what for what in broken if what.startswith("refuted" if more else name)]
        right = bool(seen) == bool(name)
        all_right &= right
        print(f"{name or 'no fault':<12} {'as it must' if right else 'NOT AS IT MUST'}: "
              f"{', '.join(seen)[:200] or 'all held'}", flush=True)
    return all_right


def arguments_of(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.error = usage
    parser.add_argument("names", nargs="*")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--keep", default="target/soak")
    parser.add_argument("--binaries", default="target/release")
    parser.add_argument("--plot")
    parser.add_argument("--markdown")
    arguments = parser.parse_intermixed_args(words)
    if arguments.short and arguments.minutes:
        usage("--short and --minutes exclude each other")
    return arguments


# The night in which a year ends, a few days before and after it.
SHORT = Course(minutes=0.75, pace=17_520, begins=(12, 28, 12), rate=200, keys_in_memory=1_024, is_flat=False)


def main():
    # So that whoever ends this ends the server and the load too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    arguments = arguments_of(sys.argv[1:])
    what, *arguments.names = arguments.names or ["run"]
    if {"run": 0, "judge": 1, "planted": len(arguments.names)}.get(what) != len(arguments.names):
        usage("judge and one file, or planted and faults, or nothing")
    if what == "judge":
        with open(arguments.names[0]) as file:
            return tell(json.load(file), arguments)
    for program in (f"{arguments.binaries}/waika-server", f"{arguments.binaries}/waika-loadgen", "cc"):
        if shutil.which(program) is None:
            print(f"{program} is not there: cargo build --release, apt-get install gcc", file=sys.stderr)
            sys.exit(69)
    if what == "planted":
        return planted(arguments)
    minutes = arguments.minutes or 60
    course = SHORT if arguments.short else Course(minutes, round(YEAR / minutes / 60), begins=(6, 15, 12))
    return tell(run(course, arguments.keep, arguments.binaries), arguments)


if __name__ == "__main__":
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    sys.exit(0 if main() else 1)
