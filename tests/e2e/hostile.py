"""Bodies that no sender should send: a table of odd ones, and a recorded body with one field wrong at a time."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"
DEEP = 100_000
OK_OR_BAD = frozenset({200, 400})
BAD = frozenset({400})
GOOD = frozenset({200})


@dataclass(frozen=True, slots=True)
class Hostile:
    """One request and what it may be answered."""

    name: str
    content: bytes
    allowed: frozenset[int]
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str | None = None
    """What the `path` of a 400 must begin with."""


Path = tuple[str | int, ...]
_GONE = object()


def _nested(opening: str, closing: str) -> str:
    return opening * DEEP + closing * DEEP


RAW = "RAW:"
WRONG: Mapping[str, object] = {
    "gone": _GONE,
    "null": None,
    "true": True,
    "number": -1,
    "float": 1e308,
    "list": [],
    "object": {},
    "empty": "",
    "long": "x" * 200_000,
    "nul": "a\x00b",
    "surrogate": "a\ud800b",
    "bidi": "\u202e\u2066\U000e0001\ufeff",
    "deep": RAW + _nested("[", "]"),
    "digits": RAW + "9" * 1_000_000,
    "nan": RAW + "NaN",
    "infinity": RAW + "-Infinity",
}
"""What stands in a field's place; text that begins with RAW goes into the body as it is."""

NOT_JSON = frozenset({"deep", "digits", "nan", "infinity"})


def mutations(recorded: bytes) -> Iterator[Hostile]:
    """Every field of the body, wrong in every way, one at a time."""
    for path in _paths(json.loads(recorded), ()):
        for name, value in WRONG.items():
            body = json.loads(recorded)
            _put(body, path, value)
            allowed = BAD if name in NOT_JSON else OK_OR_BAD
            yield Hostile(f"{name} at {shown(path)}", _written(body), allowed, path=shown(path[:1]))


def shown(path: Path) -> str:
    """The path as the answer writes it."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def _paths(value: Any, above: Path) -> Iterator[Path]:
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in entries:
        yield (*above, key)
        yield from _paths(inner, (*above, key))


def _put(body: Any, path: Path, value: object) -> None:
    for part in path[:-1]:
        body = body[part]
    if value is _GONE:
        del body[path[-1]]
    else:
        body[path[-1]] = value


def _written(body: object) -> bytes:
    text = json.dumps(body)
    # Only values begin with the mark, and a value that does is the whole value.
    while (start := text.find(f'"{RAW}')) >= 0:
        end = text.index('"', start + 1)
        text = text[:start] + text[start + 1 + len(RAW) : end] + text[end + 1 :]
    return text.encode()


def table(recorded: bytes) -> list[Hostile]:
    """Requests that are wrong as a whole."""
    return [
        *_types(recorded),
        *_encodings(recorded),
        *_packed(recorded),
        *_texts(recorded),
        *_sizes(recorded),
    ]


def _types(good: bytes) -> list[Hostile]:
    refused = frozenset({415})
    kinds = {
        "no content type": "",
        "plain text": "text/plain",
        "a form": "application/x-www-form-urlencoded",
        "almost JSON": "application/jsonx",
        "JSON in another charset": "application/json; charset=utf-16",
        "xml": "application/xml",
        "garbage type": ";;;",
    }
    taken = {
        "capitals": "APPLICATION/JSON",
        "quoted charset": 'application/json; charset="UTF-8"',
        "spaces": "application/json ; charset=utf-8",
    }
    return [
        *(Hostile(name, good, refused, {"Content-Type": kind}) for name, kind in kinds.items()),
        *(Hostile(name, good, GOOD, {"Content-Type": kind}) for name, kind in taken.items()),
    ]


def _encodings(good: bytes) -> list[Hostile]:
    text = good.decode()
    return [
        Hostile("byte order mark", b"\xef\xbb\xbf" + good, OK_OR_BAD),
        Hostile("UTF-16", text.encode("utf-16"), OK_OR_BAD),
        Hostile("UTF-16 without a mark", text.encode("utf-16-le"), OK_OR_BAD),
        Hostile("UTF-32", text.encode("utf-32"), OK_OR_BAD),
        Hostile("Latin-1", text.replace("Disk", "Dïsk").encode("latin-1"), BAD),
        Hostile("overlong UTF-8", good.replace(b"Disk", b"\xc0\xafisk"), BAD),
        Hostile("encoded surrogate", good.replace(b"Disk", b"\xed\xa0\x80isk"), OK_OR_BAD),
        Hostile("raw NUL", good.replace(b"Disk", b"\x00isk"), BAD),
        Hostile("raw newline in a text", good.replace(b"Disk", b"\nisk"), BAD),
        Hostile("random bytes", bytes(range(256)) * 16, BAD),
        Hostile("a NUL first", b"\x00" + good, BAD),
    ]


def _packed(good: bytes) -> list[Hostile]:
    packed = gzip.compress(good)
    header = {"Content-Encoding": "gzip"}
    return [
        Hostile("gzip", packed, GOOD, header),
        Hostile("gzip in two members", gzip.compress(good[:100]) + gzip.compress(good[100:]), GOOD, header),
        Hostile("gzip cut short", packed[:-12], BAD, header),
        Hostile("gzip without its end", packed[:-4], BAD, header),
        Hostile("gzip with garbage after it", packed + b"garbage" * 40, BAD, header),
        Hostile("gzip with a wrong checksum", packed[:-8] + b"\0\0\0\0" + packed[-4:], BAD, header),
        Hostile("no gzip though said", good, BAD, header),
        Hostile("nothing though gzip said", b"", BAD, header),
        Hostile("gzip though not said", packed, BAD),
        Hostile("a bomb", gzip.compress(b" " * 200_000_000, 9), frozenset({413}), header),
        Hostile("a bomb in a bomb", gzip.compress(gzip.compress(b" " * 20_000_000)), BAD, header),
        Hostile("deflate", zlib.compress(good), frozenset({415}), {"Content-Encoding": "deflate"}),
        Hostile("two encodings", packed, frozenset({415}), {"Content-Encoding": "gzip, gzip"}),
        Hostile("an unknown encoding", good, frozenset({415}), {"Content-Encoding": "rot13"}),
    ]


def _texts(good: bytes) -> list[Hostile]:
    whole = {
        "nothing": b"",
        "space": b"   \n",
        "null": b"null",
        "true": b"true",
        "a number": b"42",
        "a huge number": b"9" * 1_000_000,
        "a text": b'"alerts"',
        "a list": b"[]",
        "a list of the body": b"[" + good + b"]",
        "an empty object": b"{}",
        "NaN": b"NaN",
        "an unclosed brace": b"{",
        "deep lists": b"[" * DEEP,
        "deep objects": b'{"a":' * DEEP,
        "a trailing comma": good.rstrip()[:-1] + b",}",
        "two bodies": good + good,
        "single quotes": good.replace(b'"', b"'"),
        "a comment": b"/* hello */" + good,
        "a form's text": b"payload=" + good,
        "HTML": b"<html><script>alert(1)</script></html>",
        "SQL": b"'; DROP TABLE episode; --",
        "version 3": good.replace(b'"version":"4"', b'"version":"3"'),
        "version as a number": good.replace(b'"version":"4"', b'"version":4'),
    }
    cuts = [len(good) * part // 10 for part in range(1, 10)]
    return [
        *(Hostile(name, content, BAD, path="$") for name, content in whole.items()),
        *(Hostile(f"cut after {cut} bytes", good[:cut], BAD, path="$") for cut in cuts),
        Hostile("a key twice", good.replace(b'{"receiver"', b'{"version":"1","receiver"', 1), OK_OR_BAD),
        Hostile("alerts twice", good.rstrip()[:-1] + b',"alerts":[]}', OK_OR_BAD),
        Hostile("an unknown field", good.rstrip()[:-1] + b',"notification_reason":"repeat"}', GOOD),
        Hostile("a prototype", good.rstrip()[:-1] + b',"__proto__":{"a":1},"__class__":"x"}', GOOD),
    ]


def _sizes(good: bytes) -> list[Hostile]:
    def changed(change: Callable[[Any], None]) -> bytes:
        body = json.loads(good)
        change(body)
        return json.dumps(body).encode()

    def many_labels(body: Any) -> None:
        body["alerts"][0]["labels"].update({f"l{number}": "x" for number in range(100_000)})

    def many_annotations(body: Any) -> None:
        body["alerts"][0]["annotations"].update({f"a{number}": "x" for number in range(5000)})

    def long_name(body: Any) -> None:
        body["alerts"][0]["labels"]["n" * 100_000] = "x"

    def surrogate_name(body: Any) -> None:
        body["alerts"][0]["labels"]["\ud800"] = 1

    def nul_name(body: Any) -> None:
        body["alerts"][0]["labels"]["\x00"] = "\x00"

    def empty_name(body: Any) -> None:
        body["alerts"][0]["labels"][""] = ""

    def many_alerts(body: Any) -> None:
        body["alerts"] = [[]] * 30_000

    def no_alerts(body: Any) -> None:
        body["alerts"] = []

    alone = {
        "labels": many_labels,
        "label name": long_name,
        "surrogate": surrogate_name,
        "alerts": many_alerts,
    }
    fine = {"annotations": many_annotations, "NUL": nul_name, "empty name": empty_name, "none": no_alerts}
    return [
        *(
            Hostile(f"too much: {name}", changed(change), BAD, path="$.alerts")
            for name, change in alone.items()
        ),
        *(
            Hostile(f"odd: {name}", changed(change), OK_OR_BAD, path="$.alerts")
            for name, change in fine.items()
        ),
        Hostile("over the limit", good + b" " * (6 * 1024 * 1024), frozenset({413})),
        Hostile("just below the limit", good + b" " * (4 * 1024 * 1024), GOOD),
    ]
