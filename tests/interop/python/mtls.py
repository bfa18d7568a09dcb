#!/usr/bin/env python3
"""Callers that are known by their certificates, as a Python client is: who gets in, and who does not.

    python3 mtls.py SERVER [--seconds N]     (target/release/waika-server, 20 seconds of load)

Certificates are made by openssl. The right identity may call, a wrong one is told PERMISSION_DENIED, none is refused in
the handshake. Then the certificates are replaced every half second, the authority's among them, while calls go on over
old connections and new ones: none may fail. It wants the stubs on PYTHONPATH: tests/interop/run.sh sees to that.
Exit codes: 0 all held, 1 something did not.
"""

import argparse
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import grpc
from waika.v1 import card_pb2, card_pb2_grpc

ACQUIRER = "spiffe://shop.example/acquirer"
CALLERS = f"""
[[caller]]
id = "{ACQUIRER}"
may = ["waika.v1.CardService/GetAccount", "waika.v1.CardService/SwitchWalletRegion"]
"""


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Authority:
    """One who vouches for others, in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0
        folder.mkdir()
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=authority", "-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.pem"))

    @property
    def pem(self):
        return (self.folder / "ca.pem").read_bytes()

    def vouch(self, names):
        """A certificate and its key, both PEM."""
        self.count += 1
        key, request, signed = (self.folder / f"{self.count}.{end}" for end in ("key", "csr", "pem"))
        extensions = self.folder / "extensions"
        extensions.write_text(f"subjectAltName={names}\n" if names else "basicConstraints=CA:FALSE\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=waika",
                "-keyout", str(key), "-out", str(request))
        openssl("x509", "-req", "-in", str(request), "-CA", str(self.folder / "ca.pem"), "-CAkey",
                str(self.folder / "ca.key"), "-days", "1", "-extfile", str(extensions), "-out", str(signed))
        return signed.read_bytes(), key.read_bytes()

    def server(self):
        return self.vouch("DNS:localhost,IP:127.0.0.1")


class Server:
    """A server that asks for certificates, and the files that it reads again."""

    def __init__(self, program, folder, authority):
        self.folder = folder
        self.show(*authority.server())
        self.put("ca.pem", authority.pem)
        self.put("callers.toml", CALLERS.encode())
        self.log = open(folder / "log", "wb")
        command = [program, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0",
                   "--store", f"journal:{folder}/data", "--key-file", f"{folder}/keys/waika.key",
                   "--tls-cert", f"{folder}/server.pem", "--tls-key", f"{folder}/server.key",
                   "--client-ca", f"{folder}/ca.pem", "--callers", f"{folder}/callers.toml"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WAIKA_")}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment)
        words = self.process.stdout.readline().split()
        if len(words) < 4:
            sys.exit(f"the server did not start:\n{(folder / 'log').read_text()}")
        self.address = words[3]

    def put(self, name, content):
        """Puts a whole file in the place of another."""
        new = self.folder / "new"
        new.write_bytes(content)
        new.rename(self.folder / name)

    def show(self, certificate, key):
        self.put("server.key", key)
        self.put("server.pem", certificate)

    def stop(self):
        self.process.terminate()
        ended = self.process.wait()
        self.log.close()
        return ended


def channel(server, roots, papers=(None, None)):
    certificate, key = papers
    credentials = grpc.ssl_channel_credentials(roots, key, certificate)
    # A connection for each channel, as processes of their own would have.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.ssl_target_name_override", "localhost")]
    return grpc.secure_channel(server.address, credentials, options)


def ask(over):
    """What the server says of an account that does not exist; what it says of strangers is another thing."""
    try:
        card_pb2_grpc.CardServiceStub(over).GetAccount(card_pb2.GetAccountRequest(account_id="nobody"), timeout=20)
    except grpc.RpcError as error:
        return error.code(), error.details()
    return grpc.StatusCode.OK, ""


def check(what, found, expected):
    held = found[0] in expected
    print(f"{'ok' if held else 'FAILED':<7} {what}: {found[0].name} {found[1][:90]}", flush=True)
    return held


def who_gets_in(server, authority):
    stranger = Authority(server.folder / "stranger")
    cases = [
        ("the right identity", authority.vouch(f"URI:{ACQUIRER}"), [grpc.StatusCode.NOT_FOUND]),
        ("another identity", authority.vouch("URI:spiffe://shop.example/other"), [grpc.StatusCode.PERMISSION_DENIED]),
        ("a certificate without an identity", authority.vouch(""), [grpc.StatusCode.UNAUTHENTICATED]),
        ("no certificate", (None, None), [grpc.StatusCode.UNAVAILABLE]),
        ("another authority's certificate", stranger.vouch(f"URI:{ACQUIRER}"), [grpc.StatusCode.UNAVAILABLE]),
    ]
    held = []
    for what, papers, expected in cases:
        with channel(server, authority.pem, papers) as over:
            held.append(check(what, ask(over), expected))
    return all(held)


class Load:
    """Callers that go on while certificates change, each over an old connection or over new ones."""

    def __init__(self):
        self.calls = self.connections = 0
        self.failed = []
        self.lock = threading.Lock()
        self.is_over = threading.Event()
        # Whom callers trust, and what they show: taken anew for each connection.
        self.roots = self.papers = None

    def call(self, over):
        code, details = ask(over)
        with self.lock:
            self.calls += 1
            if code is not grpc.StatusCode.NOT_FOUND:
                self.failed.append(f"{code.name} {details}")

    def over_one(self, server):
        with channel(server, self.roots, self.papers) as over:
            while not self.is_over.is_set():
                self.call(over)

    def over_new_ones(self, server):
        while not self.is_over.is_set():
            with channel(server, self.roots, self.papers) as over:
                for _ in range(5):
                    self.call(over)
            with self.lock:
                self.connections += 1


def rotated_under_load(server, authority, seconds):
    """The server's certificate is replaced twice a second; once the authority gives way to another one."""
    successor = Authority(server.folder / "successor")
    load = Load()
    load.roots = authority.pem + successor.pem
    load.papers = authority.vouch(f"URI:{ACQUIRER}")
    server.put("ca.pem", load.roots)
    # It is looked for changes once a second.
    time.sleep(3)
    callers = [threading.Thread(target=load.over_one, args=[server]) for _ in range(2)]
    callers += [threading.Thread(target=load.over_new_ones, args=[server]) for _ in range(2)]
    for caller in callers:
        caller.start()
    rotations, until, half = 0, time.monotonic() + seconds, time.monotonic() + seconds / 2
    while time.monotonic() < until:
        now = authority if time.monotonic() < half else successor
        server.show(*now.server())
        load.papers = now.vouch(f"URI:{ACQUIRER}")
        rotations += 1
        time.sleep(0.5)
    load.is_over.set()
    for caller in callers:
        caller.join()
    held = not load.failed and load.calls > 0 and load.connections > 0
    print(f"{'ok' if held else 'FAILED':<7} {rotations} certificates of two authorities in {seconds} s: {load.calls:,} calls "
          f"over {load.connections + 2:,} connections, {len(load.failed)} failed {load.failed[:3] or ''}", flush=True)
    return held


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server")
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as at_the_end:
        folder = pathlib.Path(folder)
        authority = Authority(folder / "authority")
        server = Server(arguments.server, folder, authority)
        at_the_end.callback(server.process.kill)
        held = [who_gets_in(server, authority), rotated_under_load(server, authority, arguments.seconds)]
        held.append(server.stop() == 0)
        if not all(held):
            print((folder / "log").read_text(), file=sys.stderr)
        return all(held)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
