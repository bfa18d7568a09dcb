#!/usr/bin/env python3
"""F13 on one node: a server is restarted again and again under load, behind haproxy, its socket handed over.

    python3 rolling.py SERVER CONFIG [--restarts N]     (target/release/waika-server proto/service_config.json)

Sixteen callers pay through haproxy (HTTP/2 to both sides), eight with proto/service_config.json, which tries UNAVAILABLE once
more, and eight without it. The listening sockets belong to this process and are handed to each server in turn
(LISTEN_FDS); each is ended with SIGTERM while it serves, with --drain-wait 100ms, and the next one begins once it is gone.
Failed calls of those with the config must be none; those without it are counted beside. In the end every payment that was
answered is in the account, once. Needs haproxy (Debian's package); tests/interop/run.sh --rolling sees to the stubs.
Exit codes: 0 none failed, 1 one did, or a server did not end with 0.
"""

import argparse
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
from service_config import Load, check

PAYERS = 8
HAPROXY = """
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
  server one {server} proto h2 maxconn 1000
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


class Proxied:
    """Where a load finds the server: behind the proxy."""

    def __init__(self, address):
        self.address = address


def proxy(folder, server):
    free, address = listener()
    free.close()
    (folder / "haproxy.cfg").write_text(HAPROXY.format(proxy=address.rsplit(":", 1)[1], server=server))
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
    arguments = parser.parse_args()
    text = pathlib.Path(arguments.config).read_text()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        servers = HandedOver(arguments.server, folder)
        servers.start()
        haproxy, address = proxy(folder, servers.address)
        try:
            held = rolled(servers, address, text, arguments.restarts)
        finally:
            haproxy.kill()
            servers.process.terminate()
            servers.process.wait()
        if not all(held):
            print((folder / "log").read_text()[-4000:], file=sys.stderr)
    return all(held)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
