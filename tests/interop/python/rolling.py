#!/usr/bin/env python3
"""F13: servers are restarted again and again under load, behind haproxy: one whose socket is handed over, or several.

    python3 rolling.py SERVER CONFIG [--restarts N] [--nodes N]     (target/release/waika-server proto/service_config.json)

Sixteen callers pay through haproxy (HTTP/2 to both sides), eight with proto/service_config.json, which tries UNAVAILABLE once
more, and eight without it. The listening sockets belong to this process and are handed to each server in turn
(LISTEN_FDS); each is ended with SIGTERM while it serves, with --drain-wait 100ms, and the next one begins once it is gone.
Failed calls of those with the config must be none; those without it are counted beside. In the end every payment that was
answered is in the account, once.

With --nodes there are so many servers over one PostgreSQL of its own, each on sockets of its own, and one after the other is
restarted: haproxy asks each every 250 ms by `waika-server health` whether it serves, and a server that is asked to stop says for a second that
it does not, and answers. Needs haproxy (Debian's package); tests/interop/run.sh --rolling sees to the stubs.
Exit codes: 0 none failed, 1 one did, or a server did not end with 0.
"""

import argparse
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import grpc
from waika.v1 import authorisation_pb2_grpc, card_pb2, card_pb2_grpc

import wallet
from client import Client
from people import PAYER
from postgres_cluster import cluster
from service_config import Load, check

PAYERS = 8
HAPROXY = """
global
  external-check
  insecure-fork-wanted
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  retries 0
frontend callers
  bind 127.0.0.1:{proxy} proto h2
  default_backend waika
backend waika
  option external-check
  external-check path "/usr/bin:/bin"
  external-check command {folder}/is-serving
{servers}
"""


def listener():
    one = socket.create_server(("127.0.0.1", 0), backlog=1024)
    return one, f"127.0.0.1:{one.getsockname()[1]}"


class HandedOver:
    """Servers, one after the other, on sockets that outlive them."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.sockets, addresses = zip(*(listener() for _ in range(3)))
        self.address, self.admin, self.metrics = addresses
        self.process, self.gone_ms = None, []

    def start(self):
        numbers = [one.fileno() for one in self.sockets]
        places = " ".join(f"{place}<&{number}" for place, number in enumerate(numbers, 3))
        command = ["bash", "-c", f'export LISTEN_PID=$$ LISTEN_FDS=3; exec "$@" {places}', "bash", self.program,
                   "--listen", self.address, "--admin-listen", self.admin, "--metrics-listen", self.metrics,
                   "--drain-wait", "100ms", "--store", f"journal:{self.folder}/data", "--key-file", f"{self.folder}/keys/waika.key"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WAIKA_")}
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment, pass_fds=numbers)
        if not self.process.stdout.readline():
            sys.exit(f"the server did not start:\n{(self.folder / 'log').read_text()}")

    def restart(self):
        """How long nobody served, from the signal to the next server's word."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait()
        self.start()
        self.gone_ms.append((time.monotonic() - began) * 1e3)
        return status

    def lines(self):
        return [f"  server one {self.address} proto h2 maxconn 1000"]

    def end(self):
        self.process.terminate()
        self.process.wait()


class Several:
    """Servers over one database, each on sockets of its own."""

    def __init__(self, program, folder, url, count):
        self.program, self.folder, self.url = program, folder, url
        self.places = [[f"127.0.0.1:{free()}" for _ in range(3)] for _ in range(count)]
        self.address, self.admin, _ = self.places[0]
        self.processes, self.turn, self.gone_ms = [None] * count, 0, []

    def start(self):
        for place in range(len(self.places)):
            self.start_one(place)

    def start_one(self, place):
        listen, admin, metrics = self.places[place]
        command = [self.program, "--listen", listen, "--admin-listen", admin, "--metrics-listen", metrics, "--drain-wait", "1s",
                   "--store", self.url, "--key-file", f"{self.folder}/keys/waika.key"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WAIKA_")}
        with open(self.folder / "log", "ab") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        self.processes[place] = process
        if not process.stdout.readline():
            sys.exit(f"the server did not start:\n{(self.folder / 'log').read_text()}")

    def restart(self):
        """The next one, and as long as haproxy takes to see that it serves again."""
        place, self.turn = self.turn, (self.turn + 1) % len(self.places)
        began = time.monotonic()
        self.processes[place].send_signal(signal.SIGTERM)
        status = self.processes[place].wait()
        self.start_one(place)
        self.gone_ms.append((time.monotonic() - began) * 1e3)
        time.sleep(0.5)
        return status

    def lines(self):
        checked = "proto h2 maxconn 1000 check inter 250ms fall 1 rise 1"
        return [f"  server node{place} {listen} {checked}" for place, (listen, _, _) in enumerate(self.places)]

    def end(self):
        for process in filter(None, self.processes):
            process.terminate()
            process.wait()


def free():
    one, address = listener()
    one.close()
    return address.rsplit(":", 1)[1]


class Proxied:
    """Where a load finds the server: behind the proxy."""

    def __init__(self, address):
        self.address = address


def proxy(folder, servers, program):
    port = free()
    address = f"127.0.0.1:{port}"
    (folder / "haproxy.cfg").write_text(HAPROXY.format(proxy=port, folder=folder, servers="\n".join(servers)))
    # It is told its own address first, and then that of the server.
    asks = folder / "is-serving"
    asks.write_text(f'#!/bin/sh\nexec {pathlib.Path(program).resolve()} health --address "http://$3:$4" --timeout 200ms\n')
    asks.chmod(0o755)
    with open(folder / "haproxy.log", "wb") as log:
        process = subprocess.Popen(["haproxy", "-db", "-f", str(folder / "haproxy.cfg")], stdout=log, stderr=log)
    for _ in range(100):
        try:
            socket.create_connection(address.split(":"), timeout=1).close()
            return process, address
        except OSError:
            time.sleep(0.05)
    sys.exit(f"haproxy did not start:\n{(folder / 'haproxy.log').read_text()}")


def rolled(servers, address, text, restarts):
    client = Client(servers.address, servers.admin)
    for step in (wallet.put_merchant, wallet.send_phone_code, wallet.bind):
        step(client)
    known, plain = Load(Proxied(address), client, text), Load(Proxied(address), client, None)
    is_over = threading.Event()
    callers = [threading.Thread(target=load.run, args=(caller, is_over.is_set)) for load in (known, plain) for caller in range(PAYERS)]
    for caller in callers:
        caller.start()
    statuses = []
    for _ in range(restarts):
        time.sleep(0.3)
        statuses.append(servers.restart())
    time.sleep(0.5)
    is_over.set()
    for caller in callers:
        caller.join()
    with grpc.insecure_channel(servers.address) as over:
        payments = authorisation_pb2_grpc.AuthorisationServiceStub(over)
        for request in plain.unknown:
            payments.Authorise(request)
        account = card_pb2_grpc.CardServiceStub(over).GetAccount(card_pb2.GetAccountRequest(account_id=PAYER.account_id))
    used, sent = account.month.used_fen, sum((known.codes + plain.codes).values())
    gone = sorted(servers.gone_ms)
    return [
        check(f"{restarts} restarts: the servers ended with", set(statuses) == {0}, sorted(set(statuses))),
        check("with the config", set(known.codes) == {"OK"}, f"{dict(known.codes)}, of which {known.replayed} had been decided before"),
        check("without it, for comparison", True, dict(plain.codes)),
        check("each is counted once", used == sent, f"{sent} payments of 1 fen, {used} fen used"),
        check("from the signal to the next server", True, f"{gone[len(gone) // 2]:.0f} ms at the median, {gone[-1]:.0f} at most"),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server")
    parser.add_argument("config")
    parser.add_argument("--restarts", type=int, default=50)
    parser.add_argument("--nodes", type=int, default=0)
    arguments = parser.parse_args()
    text = pathlib.Path(arguments.config).read_text()
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if arguments.nodes:
            port = stack.enter_context(cluster())
            url = f"postgres://waika@127.0.0.1:{port}/postgres"
            servers = Several(arguments.server, folder, url, arguments.nodes)
        else:
            servers = HandedOver(arguments.server, folder)
        stack.callback(servers.end)
        servers.start()
        haproxy, address = proxy(folder, servers.lines(), arguments.server)
        stack.callback(haproxy.kill)
        held = rolled(servers, address, text, arguments.restarts)
        if not all(held):
            print((folder / "log").read_text()[-4000:], file=sys.stderr)
    return all(held)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
