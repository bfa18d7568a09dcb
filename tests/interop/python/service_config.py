#!/usr/bin/env python3
"""Callers with proto/service_config.json: what is tried again, how often, and what comes of it.

    python3 service_config.py SERVER CONFIG     (target/release/waika-server proto/service_config.json)

First against a stand-in that refuses and counts: what may be tried again is tried twice and no more. Then against the real
server: a payment waits for one that is started late, and payments go on while it is killed and started anew, with the same
keys: none fails, and each is counted once. It wants the stubs on PYTHONPATH: tests/interop/run.sh sees to that.
Exit codes: 0 all held, 1 something did not.
"""

import collections
import concurrent.futures
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from waika.v1 import authorisation_pb2, authorisation_pb2_grpc, card_pb2, card_pb2_grpc, wallet_pb2

import wallet
from client import Client
from people import PAYER

# Each ends in a refusal that a library may not take for a reason to try again.
FINAL = ["RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "ABORTED", "INTERNAL", "CANCELLED", "ALREADY_EXISTS"]
REFUSED_IN_A_ROW = 300
PAYERS = 8
SECONDS = 3.0


def check(what, held, found):
    print(f"{'ok' if held else 'FAILED':<7} {what}: {found}", flush=True)
    return bool(held)


def channel(address, config=None):
    # A connection for each channel, as processes of their own would have.
    options = [("grpc.use_local_subchannel_pool", 1)]
    if config:
        options.append(("grpc.service_config", config))
    return grpc.insecure_channel(address, options)


class Refusing(grpc.GenericRpcHandler):
    """A server that refuses each call with one code, all of them or the first of each method, and counts."""

    def __init__(self, code, pushback=None, first_only=False):
        self.code, self.pushback, self.first_only = code, pushback, first_only
        self.attempts = collections.Counter()
        self.previous = []
        self.lock = threading.Lock()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(64))
        self.server.add_generic_rpc_handlers([self])
        # The config asks for the health of this service before it sends anything.
        healthy = health.HealthServicer()
        healthy.set("waika.v1.AuthorisationService", health_pb2.HealthCheckResponse.SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(healthy, self.server)
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"

    def service(self, details):
        if not details.method.startswith("/waika."):
            return None
        with self.lock:
            self.attempts[details.method] += 1
            count = self.attempts[details.method]
            self.previous += [value for key, value in details.invocation_metadata if key == "grpc-previous-rpc-attempts"]

        def answer(_requests, context):
            if self.first_only and count > 1:
                yield b""
                return
            if self.pushback is not None:
                context.set_trailing_metadata([("grpc-retry-pushback-ms", str(self.pushback))])
            context.abort(self.code, "refused")

        return grpc.stream_stream_rpc_method_handler(answer)

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.stop(None)


def call(over, method):
    """The code that a call of no content ends with."""
    bare = over.unary_unary(method, request_serializer=lambda nothing: nothing, response_deserializer=lambda got: got)
    try:
        bare(b"", timeout=20)
    except grpc.RpcError as error:
        return error.code().name
    return "OK"


def methods(config):
    names = [name for entry in config["methodConfig"] if "retryPolicy" in entry for name in entry["name"]]
    return [f"/{name['service']}/{name['method']}" for name in names]


def attempts(text):
    """How often a call reaches a server, by how that refuses it."""
    held = []
    retried = methods(json.loads(text))
    payment = "/waika.v1.AuthorisationService/Authorise"
    with Refusing(grpc.StatusCode.UNAVAILABLE) as server, channel(server.address, text) as over:
        codes = {call(over, method) for method in retried}
        counts = {server.attempts[method] for method in retried}
        held.append(check(f"UNAVAILABLE: each of {len(retried)} methods is tried", counts == {2} and codes == {"UNAVAILABLE"},
                          f"{counts} times, and ends {codes}"))
        stream = authorisation_pb2_grpc.AuthorisationServiceStub(over).AuthoriseStream(iter([]), timeout=5)
        watch = card_pb2_grpc.CardServiceStub(over).WatchNotifications(wallet_pb2.WatchNotificationsRequest(), timeout=5)
        ended = {opened.code().name for opened in (stream, watch)}
        streams = [count for method, count in server.attempts.items() if "Stream" in method or "Watch" in method]
        held.append(check("UNAVAILABLE: a stream is tried", streams == [1, 1], f"{streams} times, and ends {ended}"))
    with Refusing(grpc.StatusCode.UNAVAILABLE, first_only=True) as server, channel(server.address, text) as over:
        code = call(over, payment)
        held.append(check("UNAVAILABLE once: the call ends", (code, server.previous) == ("OK", ["1"]),
                          f"{code}, and says how often it was tried before: {server.previous}"))
    for code in FINAL:
        with Refusing(grpc.StatusCode[code], pushback=1) as server, channel(server.address, text) as over:
            ended, count = call(over, payment), server.attempts[payment]
            held.append(check(f"{code}: a payment is tried", (ended, count) == (code, 1), f"{count} times, and ends {ended}"))
    with Refusing(grpc.StatusCode.UNAVAILABLE) as server, channel(server.address, text) as over:
        with concurrent.futures.ThreadPoolExecutor(32) as callers:
            list(callers.map(lambda _: call(over, payment), range(REFUSED_IN_A_ROW)))
        more = server.attempts[payment] - REFUSED_IN_A_ROW
        # Half of the hundred tokens, and what is under way when they are used up.
        held.append(check(f"{REFUSED_IN_A_ROW} refused in a row: tried again are", 0 < more <= 50, more))
    return held


class Server:
    """The real one, on ports that stay the same through its lives."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.process = None
        with socket.socket() as one, socket.socket() as two, socket.socket() as three:
            for listener in (one, two, three):
                listener.bind(("127.0.0.1", 0))
            ports = [listener.getsockname()[1] for listener in (one, two, three)]
        self.address, self.admin, self.metrics = (f"127.0.0.1:{port}" for port in ports)

    def start(self):
        command = [self.program, "--listen", self.address, "--admin-listen", self.admin, "--metrics-listen", self.metrics,
                   "--store", f"journal:{self.folder}/data", "--key-file", f"{self.folder}/keys/waika.key"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WAIKA_")}
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        if not self.process.stdout.readline():
            sys.exit(f"the server did not start:\n{(self.folder / 'log').read_text()}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        return self.process.wait()

    def metric(self, name):
        page = urllib.request.urlopen(f"http://{self.metrics}/metrics").read().decode()
        found = re.search(rf"^{name} (\S+)$", page, re.MULTILINE)
        return int(float(found.group(1))) if found else 0


def started_late(server, text):
    """Without a server a read is told so, and a payment waits for one."""
    with channel(server.address, text) as over, concurrent.futures.ThreadPoolExecutor(1) as beside:
        begun = time.monotonic()
        read = call(over, "/waika.v1.CardService/GetAccount")
        told = time.monotonic() - begun
        begun = time.monotonic()
        payment = authorisation_pb2.AuthoriseRequest(
            idempotency_key="early", account_id="nobody", card_token="card_0000000000000", merchant_id="none", amount_fen=1,
            payment_password="000000", scene=authorisation_pb2.SCENE_PURCHASE,
            mode=authorisation_pb2.PAYMENT_MODE_MERCHANT_QR)
        waiting = beside.submit(pay, authorisation_pb2_grpc.AuthorisationServiceStub(over), payment)
        time.sleep(0.3)
        waits = not waiting.done()
        server.start()
        code, _ = waiting.result()
        waited = time.monotonic() - begun
    return [check("no server: a read is told so", read == "UNAVAILABLE" and told < 2, f"{read} after {told:.2f} s"),
            check("started late: a payment waits for it", waits and code == "NOT_FOUND", f"{code} after {waited:.2f} s")]


def pay(payments, request):
    try:
        return "OK", payments.Authorise(request)
    except grpc.RpcError as error:
        return error.code().name, None


class Load:
    """Payments of one fen by many callers, with the config or without."""

    def __init__(self, server, client, config):
        self.server, self.client, self.config = server, client, config
        self.codes = collections.Counter()
        self.replayed = 0
        self.unknown = []
        self.lock = threading.Lock()
        self.name = "with" if config else "without"

    def run(self, caller, is_over):
        with channel(self.server.address, self.config) as over:
            payments = authorisation_pb2_grpc.AuthorisationServiceStub(over)
            number = 0
            while not is_over():
                number += 1
                request = self.client.payment(f"{self.name}-{caller}-{number}", 1)
                code, answer = pay(payments, request)
                with self.lock:
                    self.codes[code] += 1
                    self.replayed += bool(answer and answer.replayed)
                    self.unknown += [] if answer else [request]
                if code != "OK":
                    # Or one without a config would do nothing but fail.
                    time.sleep(0.2)


def killed_under_load(server, text):
    """The server is killed in the middle: who has the config does not notice, and nothing is counted twice."""
    client = Client(server.address, server.admin)
    for step in (wallet.put_merchant, wallet.send_phone_code, wallet.bind):
        step(client)
    known, plain = Load(server, client, text), Load(server, client, None)
    until = time.monotonic() + SECONDS
    def is_over():
        return time.monotonic() >= until

    callers = [threading.Thread(target=load.run, args=(caller, is_over)) for load in (known, plain) for caller in range(PAYERS)]
    for caller in callers:
        caller.start()
    time.sleep(SECONDS / 3)
    server.kill()
    server.start()
    for caller in callers:
        caller.join()
    asked_again = collections.Counter()
    with channel(server.address, text) as over:
        # What became of those that nobody heard of is asked for, with the same keys.
        payments = authorisation_pb2_grpc.AuthorisationServiceStub(over)
        for request in plain.unknown:
            code, answer = pay(payments, request)
            asked_again["decided before" if answer and answer.replayed else code] += 1
        account = card_pb2_grpc.CardServiceStub(over).GetAccount(card_pb2.GetAccountRequest(account_id=PAYER.account_id))
    replays = server.metric("waika_replays_total")
    used, sent = account.month.used_fen, sum((known.codes + plain.codes).values())
    absorbed = known.replayed + asked_again["decided before"]
    return [
        check("killed and started anew: with the config", set(known.codes) == {"OK"} and sum(known.codes.values()) > 0,
              f"{dict(known.codes)}, of which {known.replayed} had been decided before"),
        check("without it, so the kill is felt", plain.codes["UNAVAILABLE"] > 0,
              f"{dict(plain.codes)}; asked for again: {dict(asked_again)}"),
        check("each is counted once", used == sent, f"{sent} payments of 1 fen, {used} fen used"),
        check("what was absorbed is on the metrics page", replays == absorbed, f"waika_replays_total {replays}"),
    ]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    text = pathlib.Path(sys.argv[2]).read_text()
    held = attempts(text)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(sys.argv[1], pathlib.Path(folder))
        try:
            held += started_late(server, text)
            held += killed_under_load(server, text)
            held.append(server.stop() == 0)
        finally:
            if server.process and server.process.poll() is None:
                server.kill()
        if not all(held):
            print((server.folder / "log").read_text(), file=sys.stderr)
    return all(held)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
