"""HTTP/2 frames as an attacker writes them: by the book, or not."""
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A header without indexing and without Huffman codes (RFC 7541, 6.2.2)."""
    return b"\0" + number(len(name)) + name + number(len(value)) + value


def number(value):
    """With a prefix of seven bits."""
    if value < 127:
        return bytes([value])
    out, value = [127], value - 127
    while value >= 128:
        out.append(value % 128 | 128)
        value //= 128
    return bytes([*out, value])


def head(path, more=()):
    """A gRPC call's headers: POST and http by the static table."""
    block = b"\x83\x86\x04" + number(len(path)) + path + b"\x01" + number(5) + b"waika"
    block += literal(b"content-type", b"application/grpc") + literal(b"te", b"trailers")
    return block + b"".join(literal(*one) for one in more)


def message(payload):
    return b"\0" + struct.pack(">I", len(payload)) + payload


def begin():
    return PREFACE + frame(SETTINGS, 0, 0)


def frames_of(told):
    """Whole frames in what was read, as (kind, flags, stream, payload)."""
    at = 0
    while at + 9 <= len(told):
        length = int.from_bytes(told[at:at + 3], "big")
        if at + 9 + length > len(told):
            return
        yield told[at + 3], told[at + 4], int.from_bytes(told[at + 5:at + 9], "big"), told[at + 9:at + 9 + length]
        at += 9 + length
