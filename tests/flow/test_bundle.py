"""The sealed bundle of a real story: all of the record, the same bytes each time, and no change goes unseen."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable, Mapping

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incident_bot.core.errors import NotFound, Refused
from incident_bot.flow.bundle import Bundle, bundle, check
from incident_bot.flow.bundle.archive import BYTES_MOST, pack, unpack
from incident_bot.store import evidence, interventions
from incident_bot.store.evidence import NewFile
from incident_bot.store.tables import event as event_table
from tests.plugins.story import Story, on_every_database

SECRET = "hunter2hunter2"
PICTURE = b"\x89PNG not really"


@pytest.fixture
def told(story: Story) -> Story:
    story.configure(announce='[{channel: "#incidents"}]')
    story.fires(
        annotations={"summary": f"5xx password={SECRET}", "description": "see /ack/" + "ab" * 32},
        service="shop",
    )
    story.advance(minutes=16)
    story.says("ack", by="ben")
    story.says(f"note token={SECRET} was used", by="ben")
    story.says("note 04:01 it had begun", by="ben")
    story.says("update Watching next 15m", by="ben")
    with story.context.store.write() as tx:
        new = NewFile(name="Graph.PNG", kind="image/png", size=1, source="s1", url="https://files.example/1")
        evidence.add(tx, 1, new, by="ben", now=story.clock.now())
        claimed = evidence.claim(tx, owner="w", lease=story.clock.now() - story.start, now=story.clock.now())
        assert claimed is not None
        evidence.fetched(tx, claimed, PICTURE, owner="w")
    story.resolves(service="shop")
    story.advance(minutes=5)
    story.says("resolve rolled back", by="ben")
    return story


def made(story: Story) -> Bundle:
    return bundle(story.context, 1, actor="ben", now=story.clock.now())


def loaded(members: Mapping[str, bytes], name: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(members[name])
    return found


@on_every_database
def test_everything_of_the_record_is_in_it_and_it_holds(told: Story) -> None:
    one = made(told)
    members, _ = unpack(one.content)
    assert set(members) >= {
        "manifest.json", "postmortem.md", "postmortem.html", "postmortem.json", "timeline.json", "timeline.csv",
        "chain.json", "pages.json", "messages.json", "deliveries.json", "deliveries/0001.json", "files.json",
        "files/0001.png",
    }  # fmt: skip
    assert members["files/0001.png"] == PICTURE
    pages = loaded(members, "pages.json")
    assert {page["person"] for page in pages} >= {"ana", "ben"}
    assert pages[0]["attempts"]
    assert {one["recipient"] for one in loaded(members, "messages.json")} == {"#incidents"}
    assert loaded(members, "deliveries.json")[0]["file"] == "deliveries/0001.json"
    checked = check(one.content)
    assert (checked.incident, checked.seal, checked.head) == ("INC-1", one.seal, one.head)
    assert checked.hidden > 0
    assert checked.words.startswith(
        f"INC-1: {len(members) - 1} files and a chain of {checked.entries} entries"
    )


@on_every_database
def test_no_secret_is_in_it(told: Story) -> None:
    one = made(told)
    for name, content in unpack(one.content)[0].items():
        assert SECRET.encode() not in content, name
        assert b"abababab" not in content, name
    manifest = json.loads(unpack(one.content)[0]["manifest.json"])
    assert {"chain.json", "deliveries/0001.json"} <= set(manifest["hidden"])


def test_the_same_record_is_the_same_bytes_whenever_it_is_bundled(told: Story) -> None:
    first = made(told)
    told.advance(hours=5)
    told.restart()
    assert made(told) == first
    told.says("note one more thing")
    assert made(told).seal != first.seal


def test_the_seal_is_in_the_audit(told: Story) -> None:
    one = made(told)
    with told.context.store.read() as tx:
        entry = interventions.audit(tx)[0]
    assert (entry.actor, entry.action, entry.data) == (
        "ben",
        "bundle.made",
        {"incident": 1, "seal": one.seal},
    )


def test_of_no_incident_there_is_none(story: Story) -> None:
    with pytest.raises(NotFound):
        made(story)


def test_a_record_that_was_broken_before_is_told_of(told: Story) -> None:
    with told.context.store.write() as tx:
        changed = sa.update(event_table).where(event_table.c.incident_id == 1, event_table.c.seq == 3)
        tx.connection.execute(changed.values(actor="mallory"))
    with pytest.raises(Refused, match="broken at entry 3 already when the bundle was made"):
        check(made(told).content)


Members = dict[str, bytes]


def rewritten(members: Members, name: str, change: Callable[[object], object]) -> None:
    """Change a file, and the manifest with it, as somebody would who knows how."""

    members[name] = json.dumps(change(json.loads(members[name]))).encode()
    manifest = json.loads(members["manifest.json"])
    for one in manifest["files"]:
        if one["name"] == name:
            one |= {"bytes": len(members[name]), "sha256": hashlib.sha256(members[name]).hexdigest()}
    members["manifest.json"] = json.dumps(manifest).encode()


def edited(found: object) -> object:
    assert isinstance(found, list)
    found[1]["actor"] = "mallory"
    return found


def shortened(found: object) -> object:
    assert isinstance(found, list)
    return found[:-1]


def retold(found: object) -> object:
    assert isinstance(found, dict)
    return found | {"items": found["items"][1:]}


FORGERIES: dict[str, tuple[Callable[[Members], object], str]] = {
    "a file changed": (lambda m: m.update({"postmortem.md": b"all was well"}), "postmortem.md was changed"),
    "a file gone": (lambda m: m.pop("pages.json"), "pages.json is missing"),
    "a file more": (lambda m: m.update({"extra.txt": b"x"}), "extra.txt does not belong to it"),
    "no manifest": (lambda m: m.pop("manifest.json"), "has no manifest.json"),
    "no JSON": (lambda m: m.update({"manifest.json": b"{"}), "manifest.json is not one of a bundle"),
    "another version": (
        lambda m: m.update({"manifest.json": m["manifest.json"].replace(b'"version": 1', b'"version": 2')}),
        "of version 1: version",
    ),
    "an entry edited": (lambda m: rewritten(m, "chain.json", edited), "hash chain is broken at entry 2"),
    "the end cut off": (lambda m: rewritten(m, "chain.json", shortened), "does not end where the manifest says"),
    "the chain is no list": (lambda m: rewritten(m, "chain.json", lambda _: {}), "does not hold a list"),
    "the chain is no chain": (lambda m: rewritten(m, "chain.json", lambda _: [{}]), "broken at entry 1"),
    "another timeline": (
        lambda m: rewritten(m, "timeline.json", retold),
        "timeline.json does not tell the entries",
    ),
    "no timeline": (lambda m: rewritten(m, "timeline.json", lambda _: 3), "timeline.json is missing or cannot"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_whatever_is_changed_is_named(told: Story, name: str) -> None:
    change, words = FORGERIES[name]
    members, _ = unpack(made(told).content)
    change(members)
    with pytest.raises(Refused, match=words):
        check(pack(members))


def zipped(*entries: tuple[zipfile.ZipInfo | str, bytes], kind: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("link", (1980, 1, 1, 0, 0, 0))
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "not a readable zip"),
        (b"PK\x05\x06", "not a readable zip"),
        (b"hello", "not a readable zip"),
        (zipped(("../../etc/passwd", b"x")), "no bundle has a file of the name '../../etc/passwd'"),
        (zipped(("/etc/passwd", b"x")), "no bundle has a file of the name"),
        (zipped(("a\\..\\b", b"x")), "no bundle has a file of the name"),
        (zipped(("C:/x", b"x")), "no bundle has a file of the name"),
        (zipped(("a/", b"x")), "no bundle has a file of the name"),
        (zipped(("a", b"x" * 9000), kind=zipfile.ZIP_DEFLATED), "claim to be larger than itself"),
        (zipped(("a", b"xyz"), kind=zipfile.ZIP_LZMA), "a is encrypted or packed in a way that is not read"),
        (bytes(BYTES_MOST + 1), "larger than 256 MB"),
    ],
    ids=[
        "nothing", "half", "text", "slip", "absolute", "backslash", "drive", "folder", "bomb", "packed", "huge",
    ],
)  # fmt: skip
def test_what_is_no_bundle_is_refused_in_one_line(content: bytes, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        check(content)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", [None, "postmortem.md", "deliveries/0001.json", "pages.json"])
def test_what_was_unpacked_changed_and_packed_again_is_named(told: Story, name: str | None) -> None:
    members, _ = unpack(made(told).content)
    words = "its files are as they were, but it was packed anew"
    if name is not None:
        members[name] += b"x"
        words = f"{name} was changed"
    again = zipped(("deliveries/", b""), *sorted(members.items(), reverse=True), kind=zipfile.ZIP_DEFLATED)
    with pytest.raises(Refused, match=words):
        check(again)


def test_bytes_beside_the_files_are_seen(told: Story) -> None:
    content = made(told).content
    members, _ = unpack(content)
    for forged in (
        b"#!/bin/sh\n" + content,
        content + b"more",
        zipped((link(), b"/etc/passwd"), *members.items()),
    ):
        with pytest.raises(Refused, match=r"holds bytes beside|not a readable zip|link does not belong"):
            check(forged)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused() -> None:
    with pytest.raises(Refused, match="a is in it twice"):
        check(zipped(("a", b"x"), ("a", b"y")))


def test_no_byte_can_be_changed_unseen(told: Story) -> None:
    content = made(told).content

    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(st.integers(0, len(content) - 1), st.integers(1, 255))
    def changed(place: int, by: int) -> None:
        broken = bytearray(content)
        broken[place] ^= by
        with pytest.raises(Refused):
            check(bytes(broken))

    changed()
