#!/usr/bin/env python3
"""What a PostgreSQL makes durable in a second, by the statements that people write first and by Waika's: one table.

    python3 tests/postgres_commits.py [--rounds N] [--seconds N] [--lanes N] [--json FILE]

Starts a PostgreSQL of its own from the installed package, with the package's own settings, so that every commit is on
the disk, and measures in turns, backwards in every second round: naive (BEGIN, SELECT FOR UPDATE, UPDATE, INSERT,
COMMIT) and combined (one statement with an INSERT in it) by pgbench on rows as long as Waika's, and Waika's batches of
compare-and-set by `waika-server postgres-probe`. pgbench is tried with 16, 64 and 256 clients in every round, and its
best counts. All work on as many accounts, emptied of entries before each turn. pgbench draws its accounts, so that
two of its clients meet on one now and then, the more of them the oftener; the probe takes free ones in turn, as a node
does that waits under its own lock, and never meets itself. What is held to is the median over rounds of the ratio of
one round: at least 4 times naive, at least 2 times combined.

Needs a release build of waika-server and Debian's postgresql. Exit codes: 0 both ratios are met, 1 one is not,
64 usage, 69 a program is missing, 70 a program failed or nothing was measured, 130 interrupted (Ctrl-C or SIGTERM;
the PostgreSQL is stopped and its folder removed).
"""
import glob
import json
import re
import signal
import statistics
import sys
import tempfile

from measuring import Parser
from postgres_cluster import cluster, find, need_programs, probe, psql, run

CLIENTS = (16, 64, 256)
AT_ONCE = 256
# The probe has so many for each decision under way.
SPREAD = 4
STATE, ENTRY = "decode(repeat('cd', 256), 'hex')", "decode(repeat('cd', 160), 'hex')"
KEY = "decode(lpad(to_hex(:version::bigint), 32, '0'), 'hex')"
SCHEMA = f"""
create table account (account_id text primary key, version bigint not null, state bytea not null)
    with (fillfactor = 70);
create table entry (account_id text not null, sequence bigint not null, call_hash bytea, entry bytea not null,
    primary key (account_id, sequence));
create unique index on entry (account_id, call_hash) where call_hash is not null;
insert into account select 'account-' || n, 0, {STATE} from generate_series(1, %d) n;
"""
CLEAN = "truncate entry; vacuum analyze account; checkpoint;"
DRAWN = "\\set account random(1, %d)\n\\set version random(1, 9000000000000)\n"
SCRIPTS = {"naive": f"""{DRAWN}begin;
select version, state from account where account_id = 'account-' || :account for update;
update account set version = :version, state = {STATE} where account_id = 'account-' || :account;
insert into entry values ('account-' || :account, :version, {KEY}, {ENTRY});
commit;
""", "combined": f"""{DRAWN}with changed as (
    update account set version = :version, state = {STATE} where account_id = 'account-' || :account
    returning account_id
) insert into entry select account_id, :version, {KEY}, {ENTRY} from changed;
"""}
WANTED = {"naive": 4.0, "combined": 2.0}
# Samples that a percentile needs, as in Waika's reports: one of them lies beyond it with a confidence of 99 %.
NEEDED = {50: 7, 99: 459}


def interrupted(*_):
    """Once only: what is tidied up then is not interrupted."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_IGN)
    raise KeyboardInterrupt


def nothing(name):
    print(f"{name}: nothing was measured", file=sys.stderr)
    sys.exit(70)


def percentile(took, hundredths):
    """One of sorted times; none if they are too few for it."""
    return took[len(took) * hundredths // 100] if len(took) >= NEEDED[hundredths] else None


def pgbench(port, name, accounts, clients, seconds):
    """Transactions a second, their p50 and p99 in milliseconds, and how many clients there were."""
    psql(port, CLEAN)
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/script", "w") as file:
            file.write(SCRIPTS[name] % accounts)
        said = run([find("pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={clients}", "--jobs=2",
                    f"--time={seconds}", f"--file={folder}/script", "--log", f"--log-prefix={folder}/log",
                    "--host=127.0.0.1", f"--port={port}", "--username=waika", "postgres"])
        # The third word is the time of a transaction in microseconds.
        took = sorted(int(line.split()[2]) / 1e3 for log in glob.glob(f"{folder}/log*") for line in open(log))
        # It says no rate if there was no transaction.
        rate = re.search(r"tps = ([\d.]+)", said)
        if not took or rate is None:
            nothing(name)
        return {"rate": float(rate.group(1)), "p50_ms": percentile(took, 50), "p99_ms": percentile(took, 99),
                "at_once": clients}


def batches(port, lanes, seconds):
    """The same of Waika's, and the whole report."""
    psql(port, CLEAN)
    report = probe(port, seconds, lanes, AT_ONCE)
    row = report["rows"][-1]
    if not row["per_second"]:
        nothing("batches")
    times = {name: row[f"{name[:3]}_ns"] and row[f"{name[:3]}_ns"] / 1e6 for name in ("p50_ms", "p99_ms")}
    return {"rate": row["per_second"], **times, "at_once": row["at_once"]}, report


def tell(name, one):
    times = [f"{one[time]:7.2f} ms" if one[time] is not None else f"{'-':>10}" for time in ("p50_ms", "p99_ms")]
    print(f"{name:<10} {one['at_once']:>5} at once {one['rate']:>9,.0f}/s  p50 {times[0]}  p99 {times[1]}", flush=True)
    return one


def main():
    parser = Parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--lanes", type=int, default=4)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    if min(arguments.rounds, arguments.seconds, arguments.lanes) < 1:
        parser.error("--rounds, --seconds and --lanes are at least 1")
    need_programs("pgbench")
    accounts = SPREAD * AT_ONCE * arguments.lanes
    found, report = {"naive": [], "combined": [], "batches": []}, {}
    with cluster() as port:
        psql(port, SCHEMA % accounts)
        for turn in range(arguments.rounds):
            for name in list(found) if turn % 2 == 0 else list(found)[::-1]:
                if name == "batches":
                    one, report = batches(port, arguments.lanes, arguments.seconds)
                    found[name].append(tell(name, one))
                else:
                    tried = [tell(name, pgbench(port, name, accounts, n, arguments.seconds)) for n in CLIENTS]
                    found[name].append(max(tried, key=lambda one: one["rate"]))
    print(f"\nPostgreSQL {report['version']}, synchronous_commit = {report['synchronous_commit']}, "
          f"{accounts:,} accounts")
    ratios = {}
    for name, least in WANTED.items():
        each = [ours["rate"] / other["rate"] for ours, other in zip(found["batches"], found[name])]
        ratios[name] = statistics.median(each)
        verdict = "met" if ratios[name] >= least else "MISSED"
        clients = ", ".join(str(other["at_once"]) for other in found[name])
        print(f"batches / best {name:<9} {ratios[name]:5.2f} (rounds from {min(each):.2f} to {max(each):.2f}, best "
              f"with {clients} clients; at least {least:g} is wanted): {verdict}")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"rounds": found, "ratios": ratios, "probe": report}, file, indent=2)
    sys.exit(0 if all(ratios[name] >= least for name, least in WANTED.items()) else 1)


if __name__ == "__main__":
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, interrupted)
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except (OSError, ValueError) as error:
        print(f"{sys.argv[0]}: {error}", file=sys.stderr)
        sys.exit(70)
