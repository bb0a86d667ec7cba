"""A certificate and its key for servers of tests, made here by arithmetic: no program and no key in a file of ours.

ECDSA over P-256 (FIPS 186-5) in X.509 (RFC 5280), signed by itself, so that whoever trusts the certificate trusts the
server. Slow and not guarded against anybody who measures it; good for tests alone.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import secrets
from pathlib import Path
from typing import Final, TypeAlias

P: Final = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
A: Final = P - 3
G: Final = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Point: TypeAlias = tuple[int, int] | None

EC_PUBLIC_KEY, P256, ECDSA_SHA256 = "1.2.840.10045.2.1", "1.2.840.10045.3.1.7", "1.2.840.10045.4.3.2"


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """Write `localhost.pem` and its key; gives where they are."""
    private = secrets.randbelow(N - 1) + 1
    point = multiplied(private, G)
    certificate, key = folder / "localhost.pem", folder / "localhost.key"
    certificate.write_text(pem("CERTIFICATE", signed(point, private)))
    ec_key = sequence(
        integer(1),
        der(0x04, private.to_bytes(32, "big")),
        der(0xA0, oid(P256)),
        der(0xA1, bits(encoded(point))),
    )
    key.write_text(pem("EC PRIVATE KEY", ec_key))
    return certificate, key


def signed(point: Point, private: int) -> bytes:
    name = sequence(der(0x31, sequence(oid("2.5.4.3"), der(0x0C, b"localhost"))))
    algorithm = sequence(oid(ECDSA_SHA256))
    names = sequence(
        der(0x82, b"localhost"), *(der(0x87, ipaddress.ip_address(ip).packed) for ip in ("127.0.0.1", "::1"))
    )
    extensions = sequence(
        extension("2.5.29.19", sequence(der(0x01, b"\xff")), critical=True),
        extension("2.5.29.15", der(0x03, b"\x02\x84"), critical=True),
        extension("2.5.29.14", der(0x04, hashlib.sha1(encoded(point), usedforsecurity=False).digest())),
        extension("2.5.29.17", names),
    )
    body = sequence(
        der(0xA0, integer(2)),
        integer(secrets.randbits(63) + 1),
        algorithm,
        name,
        sequence(der(0x17, b"200101000000Z"), der(0x18, b"20990101000000Z")),
        name,
        sequence(sequence(oid(EC_PUBLIC_KEY), oid(P256)), bits(encoded(point))),
        der(0xA3, extensions),
    )
    return sequence(body, algorithm, bits(signature(body, private)))


def signature(content: bytes, private: int) -> bytes:
    digest = int.from_bytes(hashlib.sha256(content).digest(), "big")
    while True:
        once = secrets.randbelow(N - 1) + 1
        at = multiplied(once, G)
        r = at[0] % N if at else 0
        s = pow(once, -1, N) * (digest + r * private) % N
        if r and s:
            return sequence(integer(r), integer(s))


def added(left: Point, right: Point) -> Point:
    if left is None or right is None:
        return left or right
    if left[0] == right[0] and (left[1] + right[1]) % P == 0:
        return None
    if left == right:
        slope = (3 * left[0] ** 2 + A) * pow(2 * left[1], -1, P) % P
    else:
        slope = (right[1] - left[1]) * pow(right[0] - left[0], -1, P) % P
    x = (slope**2 - left[0] - right[0]) % P
    return x, (slope * (left[0] - x) - left[1]) % P


def multiplied(factor: int, point: Point) -> Point:
    total: Point = None
    while factor:
        if factor & 1:
            total = added(total, point)
        point = added(point, point)
        factor >>= 1
    return total


def encoded(point: Point) -> bytes:
    assert point is not None
    return b"\x04" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


def der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def sequence(*parts: bytes) -> bytes:
    return der(0x30, b"".join(parts))


def integer(value: int) -> bytes:
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def bits(content: bytes) -> bytes:
    return der(0x03, b"\x00" + content)


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    content = bytes([first * 40 + second])
    for part in rest:
        digits = [part & 0x7F]
        while part := part >> 7:
            digits.append(0x80 | (part & 0x7F))
        content += bytes(reversed(digits))
    return der(0x06, content)


def extension(name: str, content: bytes, *, critical: bool = False) -> bytes:
    return sequence(oid(name), *([der(0x01, b"\xff")] if critical else []), der(0x04, content))


def pem(label: str, content: bytes) -> str:
    text = base64.b64encode(content).decode()
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"
