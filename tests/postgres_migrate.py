#!/usr/bin/env python3
"""Moves a journal of many accounts, with history, into a PostgreSQL, and compares it twice, row by row.

    python3 tests/postgres_migrate.py [--accounts N] [--payments N] [--json FILE]

Starts a server on a journal, has the load generator create the accounts and pay (with reversals, refunds, codes and
cards that come and go), stops it, and moves the journal by `waika-server migrate-store` into a PostgreSQL of its own
from the installed package: it reads everything back before it commits. Then once more, which finds everything there.
At last a server over the database takes the same load again: what it answers is held against the rules.

Needs release builds and Debian's postgresql, 4 GB of memory and 10 GB of disk for a million. Exit codes: 0 moved, the
same, and served, 1 not, 64 usage, 69 a program is missing, 70 a program failed.
"""
import json
import os
import subprocess
import sys
import tempfile
import time

from measuring import LOADGEN, SERVER, Parser, need_binaries, serving, waika
from postgres_cluster import cluster, need_programs, psql, run


def rows(port):
    query = "select (select count(*) from account), (select count(*) from entry), pg_database_size(current_database())"
    return [int(word) for word in psql(port, query).split("|")]


def load(addresses, accounts, payments, *more):
    """Creates what is not there yet, and pays."""
    command = [LOADGEN, "run", "--preset", "payday", "--target", f"http://{addresses[0]}", "--admin",
               f"http://{addresses[1]}", "--accounts", str(accounts), "--closed", "64", "--requests", str(payments),
               "--allow-limits", *more]
    ended = subprocess.run(command, stdout=subprocess.DEVNULL)
    # 5: that the generator doubts its times does not matter here.
    if ended.returncode not in (0, 5):
        print(f"{' '.join(command)}: exit code {ended.returncode}", file=sys.stderr)
        sys.exit(70)


def migrate(folder, url):
    """What was moved, the seconds that it took, and its memory at its highest in bytes."""
    command = [SERVER, "migrate-store", f"journal:{folder}/data", url, "--key-file", f"{folder}/key", "--json", "-"]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    took = time.monotonic() - began
    code = process.returncode = os.waitstatus_to_exitcode(status)
    if code != 0:
        print(f"migrate-store: exit code {code}", file=sys.stderr)
        sys.exit(1 if code == 1 else 70)
    return {**json.loads(said), "took_s": took, "memory_bytes": usage.ru_maxrss * 1024}


def main():
    parser = Parser(__doc__)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--payments", type=int, default=1_000_000)
    parser.add_argument("--json")
    asked = parser.parse_args()
    need_binaries()
    need_programs()
    with tempfile.TemporaryDirectory(prefix="waika-migrate-") as folder, cluster() as port:
        url = f"postgres://waika@127.0.0.1:{port}/postgres"
        with serving(waika(folder, "2"), "0,1", folder) as (_, addresses):
            load(addresses, asked.accounts, asked.payments)
        size = int(run(["du", "-sb", f"{folder}/data"]).split()[0])
        first = migrate(folder, url)
        accounts, entries, database = rows(port)
        again = migrate(folder, url)
        with serving(waika(folder, "2", url), "0,1", folder) as (_, addresses):
            load(addresses, asked.accounts, min(asked.payments, 100_000), "--no-provision")
    # The rows that concern no account have one in the same table.
    right = (again["was_there"] and again["entries"] == first["entries"] == entries
             and again["accounts"] == first["accounts"] and accounts > first["accounts"] >= asked.accounts)
    told = {"first": first, "again": again, "journal_bytes": size, "database_bytes": database, "right": right}
    print(f"{first['accounts']:>12,} accounts, {first['entries']:,} entries; journal {size / 1e9:.2f} GB, "
          f"database {database / 1e9:.2f} GB")
    print(f"{first['took_s']:>10.1f} s  moved: written in {first['written_s']:.1f} s, read back and compared in "
          f"{first['compared_s']:.1f} s; {first['memory_bytes'] / 1e9:.2f} GB of memory")
    print(f"{again['took_s']:>10.1f} s  compared once more: {'the same' if right else 'NOT THE SAME'}")
    if asked.json:
        with open(asked.json, "w") as file:
            json.dump(told, file, indent=2)
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
