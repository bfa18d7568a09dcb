#!/usr/bin/env python3
"""The dashboard and the alert rules against a real Prometheus that scrapes a server under load.

    python3 tests/dashboard.py [--seconds N] [--picture FILE.png]

A server of the release build with an issuer outside is loaded for so many seconds (60); Prometheus (Debian's package)
scrapes it each second and evaluates server/deploy/prometheus/rules.yml. Each query of server/deploy/grafana/waika.json must
return data, each rule must be evaluated without an error, promtool's own checks and rules_test.yml must hold, and the
metrics page must be one that promtool finds nothing wrong with. At the end it tells what scraping each second costs the
server. --picture draws all panels as they were (Chromium, or FILE.svg without it).
Exit codes: 0 all held, 1 a query returned nothing or a rule failed, 64 usage, 69 a program is missing.
"""
import contextlib
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

from measuring import LOADGEN, SERVER, Parser, need_binaries, serving, waika

from pages.panels import draw, screenshot

DASHBOARD = "server/deploy/grafana/waika.json"
RULES = "server/deploy/prometheus"
# Of Grafana: four scrapes at least.
INTERVAL = "15s"
PROGRAMS = {"prometheus": "prometheus", "promtool": "prometheus"}


def need_programs():
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            print(f"{program} is missing: apt-get install --no-install-recommends {package}", file=sys.stderr)
            sys.exit(69)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def ask(address, path, **what):
    url = f"http://{address}/api/v1/{path}?{urllib.parse.urlencode(what)}"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        sys.exit(f"{what.get('query', path)}: {json.load(error)['error']}")


def died(folder):
    with open(f"{folder}/prometheus.log", errors="replace") as log:
        sys.exit(f"Prometheus does not begin: {log.read()[-2000:]}")


@contextlib.contextmanager
def prometheus(metrics, folder):
    """One that scrapes this address each second; gives its own."""
    address = f"127.0.0.1:{free_port()}"
    shutil.copytree(RULES, f"{folder}/rules")
    with open(f"{folder}/prometheus.yml", "w") as file:
        json.dump({"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": ["rules/rules.yml"],
                   "scrape_configs": [{"job_name": "waika", "static_configs": [{"targets": [metrics]}]}]}, file)
    with open(f"{folder}/prometheus.log", "wb") as log:
        process = subprocess.Popen(["nice", "-n", "10", "prometheus", f"--config.file={folder}/prometheus.yml", "--log.level=warn",
                                    f"--storage.tsdb.path={folder}/tsdb", f"--web.listen-address={address}"], stdout=log, stderr=log)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://{address}/-/ready", timeout=1).close()
                break
            if process.poll() is not None:
                died(folder)
            time.sleep(0.1)
        else:
            died(folder)
        yield address
    finally:
        process.terminate()
        process.wait()


def load(addresses, seconds, seed, *more):
    """Begins a run of the load generator."""
    command = [LOADGEN, "run", "--target", f"http://{addresses[0]}", "--admin", f"http://{addresses[1]}", "--duration",
               f"{seconds}s", "--accounts", "200", "--seed", str(seed), "--allow-limits", "--no-oracle", "--view", "off", *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def panels():
    with open(DASHBOARD) as file:
        told = json.load(file)["panels"]
    return [panel for panel in told if panel["type"] != "row"]


def filled(expression):
    """A query as Grafana would send it."""
    for name, value in (("$__rate_interval", INTERVAL), ("$job", ".*")):
        expression = expression.replace(name, value)
    return expression


def numbers(address, query, at):
    return [float(series["value"][1]) for series in ask(address, "query", query=query, time=at)["result"]]


def check_queries(address, at):
    """The queries that return nothing, by their panel; and how many there are."""
    empty, count = [], 0
    for panel in panels():
        for target in panel["targets"]:
            count += 1
            found = [number for number in numbers(address, filled(target["expr"]), at) if not math.isnan(number)]
            if not found:
                empty.append(f"{panel['title']}: {target['expr']}")
    return empty, count


def check_rules(address):
    groups = ask(address, "rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    return [f"{rule['name']}: {rule.get('lastError', rule['health'])}" for rule in rules if rule["health"] != "ok"], len(rules)


def promtool(*words, page=None):
    ended = subprocess.run(["promtool", *words], input=page, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if ended.returncode != 0:
        print(ended.stdout.decode(), file=sys.stderr)
        sys.exit(1)


def scrape(address):
    with urllib.request.urlopen(f"http://{address}/metrics") as page:
        return page.read()


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cost_of_scrapes(pid, metrics):
    """Processor time of one scrape, by many in a row at a server that does nothing else."""
    count = 500
    before = processor_seconds(pid)
    for _ in range(count):
        scrape(metrics)
    return (processor_seconds(pid) - before) / count, len(scrape(metrics))


def watched(arguments, folder):
    with contextlib.ExitStack() as stack:
        os.makedirs(f"{folder}/issuer")
        sandbox = [SERVER, "issuer-sandbox", "--listen", "127.0.0.1:0", "--books", f"journal:{folder}/issuer/books", "--log-level", "warn"]
        _, issuer = stack.enter_context(serving(sandbox, "0,1", f"{folder}/issuer"))
        command = waika(folder, "2", more=["--issuer", f"http://{issuer[0]}"])
        pid, addresses = stack.enter_context(serving(command, "0,1", folder))
        address = stack.enter_context(prometheus(addresses[2], folder))
        began = time.time()
        payments = load(addresses, arguments.seconds, 1, "--rate", "400", "--duplicates", "0.05")
        time.sleep(arguments.seconds / 2)
        # Wrong calls too: accounts that are not there.
        load(addresses, 3, 2, "--rate", "50", "--no-provision", "--duplicates", "0").wait()
        payments.wait()
        at = time.time() - 2
        empty, queries = check_queries(address, at)
        wrong, rules = check_rules(address)
        for text in empty:
            print(f"no data: {text}", file=sys.stderr)
        for text in wrong:
            print(f"rule: {text}", file=sys.stderr)
        promtool("check", "metrics", page=scrape(addresses[2]))
        seconds, length = cost_of_scrapes(pid, addresses[2])
        print(f"{queries} queries in {len(panels())} panels, {len(empty)} without data; {rules} rules, {len(wrong)} that "
              f"cannot be evaluated; a scrape is {length / 1024:.0f} KiB and takes the server {seconds * 1e3:.2f} ms: "
              f"{seconds:.2%} of a core at one a second")
        if arguments.picture:
            picture(address, (began, at), arguments.picture)
        return not empty and not wrong


def picture(address, span, path):
    drawn = []
    for panel in panels():
        series = []
        for target in panel["targets"]:
            query = filled(target["expr"])
            for one in ask(address, "query_range", query=query, start=span[0], end=span[1], step=1)["result"]:
                series.append((target["legendFormat"], one["metric"], [(float(at), float(value)) for at, value in one["values"]]))
        drawn.append((panel, series))
    page = draw(drawn, span)
    screenshot(page, path)


def main():
    parser = Parser(__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--picture")
    arguments = parser.parse_args()
    need_binaries()
    need_programs()
    promtool("check", "rules", f"{RULES}/rules.yml")
    promtool("test", "rules", f"{RULES}/rules_test.yml")
    with tempfile.TemporaryDirectory() as folder:
        return watched(arguments, folder)


if __name__ == "__main__":
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    sys.exit(0 if main() else 1)
