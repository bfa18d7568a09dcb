#!/usr/bin/env python3
"""What good callers notice while somebody attacks the server: one table.

    python3 tests/attacks.py [ATTACK...] [--seconds N] [--rate N] [--markdown FILE] [--json FILE]

For each attack (all, or those that are named) a fresh server of the release build serves good callers, payments at a rate
by the load generator, in six parts: quiet, aside, attacked, and the same backwards. Aside is the control: the attacker
does the same to a second server on the same cores, so that what attacker, packets and processor time cost by themselves
is seen apart from what the attacked server lets its good callers wait for. The table has the p99 in all three, what became
of the attacker's connections, and how much memory the server took at most. The attacker runs here, at the least priority;
`nobody` is one who attacks something that only reads. With --seconds 30 this is figure S2 and S3 of
server/docs/security.md, `guess` is S4. Every attack is loopback against a server of its own.
Exit codes: 0 all held, 1 good callers failed, or a bound of the table was passed, 64 usage, 69 a program is missing.
"""
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from measuring import LOADGEN, Parser, need_binaries, serving, waika

HERE = os.path.dirname(os.path.abspath(__file__))
# How much longer good callers' p99 may be.
RESETS, SLOWLY = 3.0, 2.0
ATTACKS = {
    # Not the server but something that reads a little and closes: what the attacker's own processor time costs.
    "nobody": None,
    "rapid-reset": RESETS, "local-error-reset": RESETS, "continuation": RESETS, "empty-data": RESETS, "ping": RESETS,
    "settings": RESETS, "window-update": RESETS, "oversized": RESETS, "calls": None, "connect": None, "replay": None,
    "guess": None,
    "slow-silent": SLOWLY, "slow-preface": SLOWLY, "slow-tls": SLOWLY, "slow-head": SLOWLY,
}
# Guesses that are told to be wrong, of however many; all others are told that the password is locked (D7).
EVALUATED = 5
# A slow connection has to be gone by then.
SLOW_SECONDS = 10.0


@dataclasses.dataclass
class Row:
    attack: str
    bound: float
    quiet_ms: float
    aside_ms: float
    attacked_ms: float
    told: dict
    memory_mib: float
    failed: int

    @property
    def ratio(self):
        return self.attacked_ms / self.quiet_ms

    @property
    def over_aside(self):
        """How much is the attacked server's own doing."""
        return self.attacked_ms / self.aside_ms

    def held(self):
        slow = self.attack.startswith("slow") and self.told["longest"] > SLOW_SECONDS
        guesses = self.told["guesses"]
        guessed = self.attack == "guess" and (guesses.get("wrong"), len(guesses)) != (EVALUATED, 2)
        return not self.failed and not slow and not guessed and (self.bound is None or self.ratio <= self.bound)

    def cells(self):
        gone = ", ".join(f"{count} with code {code}" for code, count in sorted(self.told["goaway"].items())) or "none"
        fate = f"{self.told['connections']:,} made, {self.told['closed']:,} closed on it, GOAWAY {gone}"
        fate += "".join(f", {count:,} guesses told {word}" for word, count in sorted(self.told["guesses"].items()))
        bound = f" (≤ {self.bound:g})" if self.bound else ""
        return [self.attack, f"{self.quiet_ms:.2f} ms", f"{self.aside_ms:.2f} ms", f"{self.attacked_ms:.2f} ms",
                f"{self.ratio:.2f}{bound}", f"{self.over_aside:.2f}",
                f"{self.told['sent_bytes'] / 2**20:,.0f} MiB", fate, f"{self.told['longest']:.1f} s",
                f"{self.memory_mib:.0f} MiB", str(self.failed), "held" if self.held() else "MISSED"]


HEADS = ["attack", "p99 quiet", "p99 aside", "p99 attacked", "attacked / quiet", "attacked / aside", "sent",
         "its connections", "longest", "memory", "good calls failed", ""]
QUIET, ASIDE, ATTACKED = "quiet", "aside", "attacked"
PARTS = [QUIET, ASIDE, ATTACKED, ATTACKED, ASIDE, QUIET]


def good(addresses, seconds, rate, folder, number):
    """Good callers for so long: their p99 in milliseconds, and how many failed."""
    report = f"{folder}/{number}.json"
    command = [LOADGEN, "run", "--target", f"http://{addresses[0]}", "--admin", f"http://{addresses[1]}", "--rate", str(rate),
               "--duration", f"{seconds}s", "--warm-up", "1s", "--accounts", "200", "--connections", "4", "--allow-limits",
               "--seed", str(number + 1), "--view", "off", "--json", report]
    with open(f"{folder}/loadgen.log", "ab") as log:
        ended = subprocess.run(command, stdout=log, stderr=log)
    if ended.returncode not in (0, 5):
        with open(f"{folder}/loadgen.log") as log:
            sys.exit(f"the load generator ended with {ended.returncode}: {log.read()[-3000:]}")
    with open(report) as file:
        told = json.load(file)
    failed = sum(outcome["count"] for outcome in told["outcomes"] if outcome["kind"] in ("grpc", "failure"))
    return told["response"]["p99_ns"] / 1e6, failed


def memory(pid, most, is_over):
    while not is_over.wait(0.1):
        with open(f"/proc/{pid}/status") as status:
            kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        most[0] = max(most[0], kib / 1024)


def attacked(attack, arguments):
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as aside, \
            serving(waika(aside, "2"), "0,1", aside) as (_, others), \
            serving(waika(folder, "2"), "0,1", folder) as (pid, addresses):
        targets = {ASIDE: others[0], ATTACKED: addresses[0]}
        most, is_over = [0.0], threading.Event()
        watcher = threading.Thread(target=memory, args=(pid, most, is_over))
        watcher.start()
        times, told, failed = {part: [] for part in PARTS}, {ASIDE: None, ATTACKED: None}, 0
        for number, part in enumerate(PARTS):
            attacker = None
            if part in targets:
                command = [sys.executable, f"{HERE}/attack/attacks.py", attack, targets[part], str(arguments.seconds + 3)]
                attacker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
                time.sleep(0.5)
            p99, some = good(addresses, arguments.seconds, arguments.rate, folder, number)
            times[part].append(p99)
            failed += some
            if attacker:
                told[part] = add(told[part], json.loads(attacker.communicate()[0]))
        is_over.set()
        watcher.join()
    means = (statistics.mean(times[part]) for part in (QUIET, ASIDE, ATTACKED))
    return Row(attack, ATTACKS[attack], *means, told[ATTACKED], most[0], failed)


def add(one, other):
    if one is None:
        return other
    both = {name: one[name] + other[name] for name in ("connections", "sent_bytes", "closed", "refused")}
    for name in ("goaway", "guesses"):
        words = {**one[name], **other[name]}
        both[name] = {word: one[name].get(word, 0) + other[name].get(word, 0) for word in words}
    both["longest"] = max(one["longest"], other["longest"])
    return both


def main():
    parser = Parser(__doc__)
    parser.add_argument("attacks", nargs="*", metavar="ATTACK")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--markdown")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    need_binaries()
    wanted = arguments.attacks or list(ATTACKS)
    unknown = [attack for attack in wanted if attack not in ATTACKS]
    if unknown:
        parser.error(f"no attack is named {', '.join(unknown)}: there are {' '.join(ATTACKS)}")
    rows = []
    for attack in wanted:
        row = attacked(attack, arguments)
        rows.append(row)
        print("  ".join(f"{head}: {cell}" for head, cell in zip(HEADS, row.cells())), flush=True)
    if arguments.markdown:
        with open(arguments.markdown, "w") as file:
            for cells in [HEADS, ["---"] * len(HEADS), *(row.cells() for row in rows)]:
                file.write(f"| {' | '.join(cells)} |\n")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump([dataclasses.asdict(row) for row in rows], file, indent=1)
    return all(row.held() for row in rows)


if __name__ == "__main__":
    os.chdir(os.path.join(HERE, ".."))
    sys.exit(0 if main() else 1)
