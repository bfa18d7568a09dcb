"""A PostgreSQL of a script's own, from the installed package, and what is run against it."""
import contextlib
import glob
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile

from measuring import SERVER

OWNER = "postgres"
# Far more than Debian's 100: pgbench is tried with 256 clients.
SETTINGS = "-c listen_addresses=127.0.0.1 -c max_connections=400"


def find(name):
    """One of the newest PostgreSQL that is installed; none if it is not."""
    found = glob.glob(f"/usr/lib/postgresql/*/bin/{name}")
    return max(found, key=lambda path: int(path.split("/")[4].split(".")[0]), default=shutil.which(name))


def need_programs(*names):
    """Ends with 69 if one is missing."""
    for name in ("initdb", "pg_ctl", "psql", *names):
        if find(name) is None:
            print(f"{name} is not installed: apt-get install postgresql", file=sys.stderr)
            sys.exit(69)
    if not os.path.exists(SERVER):
        print(f"{SERVER} is not there: cargo build --release", file=sys.stderr)
        sys.exit(69)


def run(command, given=None, **more):
    """What a program wrote; ends with 70 and what it said if it failed."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = subprocess.Popen(command, text=True, **pipes, **more)
    try:
        said, wrong = process.communicate(given)
    except BaseException:
        # Its own children, too, have its pipes: initdb's would go on writing where all is being removed.
        process.terminate()
        process.communicate()
        raise
    if process.returncode != 0:
        print(f"{' '.join(command)}: exit code {process.returncode}\n{said}{wrong}", file=sys.stderr)
        sys.exit(70)
    return said


def as_owner(command):
    """initdb refuses root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups", *command]


@contextlib.contextmanager
def cluster():
    """A PostgreSQL with the package's own settings, so that every commit is on the disk; gives its port."""
    with tempfile.TemporaryDirectory(prefix="waika-pg-") as home:
        if os.geteuid() == 0:
            os.chown(home, pwd.getpwnam(OWNER).pw_uid, -1)
        run(as_owner([find("initdb"), "--pgdata", f"{home}/data", "--auth=trust", "--username=waika", "--encoding=UTF8",
                      "--locale=C"]), cwd="/")
        control = as_owner([find("pg_ctl"), "--pgdata", f"{home}/data", "--wait", "--silent"])
        try:
            yield start(control, home)
        finally:
            subprocess.run([*control, "--mode", "fast", "stop"], cwd="/", stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)


def start(control, home):
    """Starts it on a free port, which somebody else may take first."""
    for left in reversed(range(5)):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        command = [*control, "--log", f"{home}/log", "--options", f"-p {port} -k {home} {SETTINGS}", "start"]
        # No pipe: the server would keep it open.
        ended = subprocess.run(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if ended.returncode == 0:
            return port
        if left == 0:
            with open(f"{home}/log") as log:
                print(f"no PostgreSQL started:\n{log.read()}", file=sys.stderr)
            sys.exit(70)


def psql(port, text):
    """What it says: rows of one line, columns with a bar between them."""
    return run([find("psql"), "--quiet", "--no-align", "--tuples-only", "--host=127.0.0.1", f"--port={port}",
                "--username=waika", "--set=ON_ERROR_STOP=1", "postgres"], given=text).strip()


def worked_in(port):
    """Makes of a new PostgreSQL one that has worked: it makes each 16 MB of its log anew until there are enough of
    them to be used again, and commits wait for that, 20 to 230 ms each time here."""
    psql(port, "select pg_logical_emit_message(false, 'waika', repeat('x', 16000000)) from generate_series(1, 100)")
    psql(port, "checkpoint")


def probe(port, seconds, lanes, at_once=256):
    """The report of `waika-server postgres-probe`."""
    url = f"postgres://waika@127.0.0.1:{port}/postgres"
    return json.loads(run([SERVER, "postgres-probe", "--store", url, "--duration", f"{seconds}s", "--lanes", str(lanes),
                           "--at-once", str(at_once), "--json", "-"]))
