#!/usr/bin/env python3
"""What a PostgreSQL makes durable in a second, by the statements that people write first and by Waika's: one table.

    python3 tests/postgres_commits.py [--rounds N] [--seconds N] [--lanes N] [--json FILE]

Starts a PostgreSQL of its own from the installed package, with the package's own settings, so that every commit is on
the disk, and measures in turns, backwards in every second round: naive (BEGIN, SELECT FOR UPDATE, UPDATE, INSERT,
COMMIT) and combined (one statement with an INSERT in it) by pgbench with 16 clients on rows as long as Waika's, and
Waika's batches of compare-and-set by `waika-server postgres-probe`. Rows are one account and one entry in each. What is
held to is the ratio of one run: at least 4 times naive, at least 2 times combined.

Needs a release build of waika-server and Debian's postgresql. Exit codes: 0 both ratios are met, 1 one is not, 64 usage,
69 a program is missing.
"""
import contextlib
import glob
import json
import os
import pwd
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile

from measuring import SERVER, Parser

OWNER = "postgres"
ACCOUNTS, CLIENTS = 100_000, 16
STATE, ENTRY = "decode(repeat('cd', 256), 'hex')", "decode(repeat('cd', 160), 'hex')"
KEY = "decode(lpad(to_hex(:version::bigint), 32, '0'), 'hex')"
DRAWN = f"\\set account random(1, {ACCOUNTS})\n\\set version random(1, 9000000000000)\n"
SCHEMA = f"""
create table account (account_id text primary key, version bigint not null, state bytea not null) with (fillfactor = 70);
create table entry (account_id text not null, sequence bigint not null, call_hash bytea, entry bytea not null,
    primary key (account_id, sequence));
create unique index on entry (account_id, call_hash) where call_hash is not null;
insert into account select 'account-' || n, 0, {STATE} from generate_series(1, {ACCOUNTS}) n;
vacuum analyze account;
"""
NAIVE = f"""{DRAWN}begin;
select version, state from account where account_id = 'account-' || :account for update;
update account set version = :version, state = {STATE} where account_id = 'account-' || :account;
insert into entry values ('account-' || :account, :version, {KEY}, {ENTRY});
commit;
"""
COMBINED = f"""{DRAWN}with changed as (
    update account set version = :version, state = {STATE} where account_id = 'account-' || :account returning account_id
) insert into entry select account_id, :version, {KEY}, {ENTRY} from changed;
"""
WANTED = {"naive": 4.0, "combined": 2.0}


def program(name):
    """One of the newest PostgreSQL that is installed."""
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}")) or [shutil.which(name)]
    if found[-1] is None:
        print(f"{name} is not installed: apt-get install postgresql", file=sys.stderr)
        sys.exit(69)
    return found[-1]


def as_owner(command):
    """initdb refuses root."""
    return ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups", *command] if os.geteuid() == 0 else command


@contextlib.contextmanager
def cluster():
    """A PostgreSQL on a port of its own; gives the port."""
    with tempfile.TemporaryDirectory(prefix="waika-pg-") as home:
        if os.geteuid() == 0:
            os.chown(home, pwd.getpwnam(OWNER).pw_uid, -1)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        control = as_owner([program("pg_ctl"), "--pgdata", f"{home}/data", "--wait", "--silent"])
        quiet = {"cwd": "/", "stdout": subprocess.DEVNULL, "check": True}
        subprocess.run(as_owner([program("initdb"), "--pgdata", f"{home}/data", "--auth=trust", "--username=waika",
                                 "--encoding=UTF8", "--locale=C"]), **quiet)
        options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1"
        subprocess.run([*control, "--log", f"{home}/log", "--options", options, "start"], **quiet)
        try:
            yield port
        finally:
            subprocess.run([*control, "--mode", "fast", "stop"], **quiet)


def pgbench(port, script, seconds):
    """Transactions a second, and their p50 and p99 in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/script", "w") as file:
            file.write(script)
        command = [program("pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}", "--jobs=2",
                   f"--time={seconds}", f"--file={folder}/script", "--log", f"--log-prefix={folder}/log",
                   "--host=127.0.0.1", f"--port={port}", "--username=waika", "postgres"]
        ended = subprocess.run(command, capture_output=True, text=True)
        if ended.returncode != 0:
            sys.exit(f"pgbench: {ended.stderr}")
        said = ended.stdout
        took = sorted(int(line.split()[2]) / 1e3 for name in glob.glob(f"{folder}/log*") for line in open(name))
        rate = float(re.search(r"tps = ([\d.]+)", said).group(1))
        return rate, took[len(took) // 2], took[len(took) * 99 // 100]


def probe(port, seconds, lanes):
    """The same of Waika's batches, and the whole report."""
    url = f"postgres://waika@127.0.0.1:{port}/postgres"
    command = [SERVER, "postgres-probe", "--store", url, "--duration", f"{seconds}s", "--lanes", str(lanes), "--json", "-"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    batches = report["rows"][-1]
    return (batches["per_second"], batches["p50_ns"] / 1e6, batches["p99_ns"] / 1e6), report


def main():
    parser = Parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--lanes", type=int, default=4)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    if min(arguments.rounds, arguments.seconds, arguments.lanes) < 1:
        parser.error("--rounds, --seconds and --lanes are at least 1")
    if not os.path.exists(SERVER):
        print(f"{SERVER} is not there: cargo build --release", file=sys.stderr)
        sys.exit(69)
    found, report = {name: [] for name in ("naive", "combined", "batches")}, {}
    with cluster() as port:
        subprocess.run([program("psql"), "--quiet", "--host=127.0.0.1", f"--port={port}", "--username=waika",
                        "--set=ON_ERROR_STOP=1", "postgres"], input=SCHEMA, text=True, check=True)
        for turn in range(arguments.rounds):
            for name in list(found) if turn % 2 == 0 else list(found)[::-1]:
                if name == "batches":
                    figures, report = probe(port, arguments.seconds, arguments.lanes)
                else:
                    figures = pgbench(port, NAIVE if name == "naive" else COMBINED, arguments.seconds)
                found[name].append(figures)
                print(f"{name:<10} {figures[0]:>9,.0f}/s  p50 {figures[1]:6.2f} ms  p99 {figures[2]:6.2f} ms", flush=True)
    print(f"\nPostgreSQL {report['version']}, synchronous_commit = {report['synchronous_commit']}")
    ratios = {}
    for name, least in WANTED.items():
        each = [batches[0] / other[0] for batches, other in zip(found["batches"], found[name])]
        ratios[name] = statistics.median(each)
        verdict = "met" if ratios[name] >= least else "MISSED"
        print(f"batches / {name:<9} {ratios[name]:5.2f} (rounds from {min(each):.2f} to {max(each):.2f}; at least {least:g} "
              f"is wanted): {verdict}")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"rounds": found, "ratios": ratios, "probe": report}, file, indent=2)
    sys.exit(0 if all(ratios[name] >= least for name, least in WANTED.items()) else 1)


if __name__ == "__main__":
    main()
