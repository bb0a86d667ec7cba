"""The status page as texts: what programs read is valid, what people read is escaped, and nothing acts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_bot.core.model import ComponentState, JsonObject
from incident_bot.core.status import (
    Board,
    Component,
    PublicIncident,
    PublicMaintenance,
    PublicPhase,
    PublicUpdate,
    StatusPage,
    Stretch,
    board,
)
from incident_bot.render.status import Links, atom, badge, home_page, incident_page, style_of, summary
from incident_bot.render.templates import Templates

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MAJOR = ComponentState.MAJOR_OUTAGE
LINKS = Links(home="/status", atom="/status.atom", json="/status.json", incident="/status/incidents/{id}")
ATOM = "{http://www.w3.org/2005/Atom}"
PAGE = StatusPage(
    name="Shop <status>",
    url="https://status.example.com",
    components=(
        Component(key="checkout", name="Checkout & pay", group="Shop", since=date(2026, 1, 1)),
        Component(key="site", name="Website", description="Pages"),
        Component(key="ledger", name="Ledger", group="Shop"),
    ),
    severities={"P1": MAJOR},
)


def update(at: datetime, phase: PublicPhase, text: str) -> PublicUpdate:
    return PublicUpdate(at=at, phase=phase, text=text, components=("checkout",), state=MAJOR)


def told(**changes: Any) -> PublicIncident:
    usual = PublicIncident(
        number=7,
        id="0123456789ab",
        title="Payments <b>fail</b>",
        phase=PublicPhase.MONITORING,
        components=("checkout",),
        state=MAJOR,
        started_at=NOW - 2 * HOUR,
        published_at=NOW - HOUR,
        next_update_at=NOW + HOUR,
        updates=(
            update(NOW - HOUR, PublicPhase.INVESTIGATING, "Cards fail."),
            update(NOW, PublicPhase.MONITORING, "Fixed\x0b </title>"),
        ),
        stretches=(Stretch(components=("checkout",), state=MAJOR, start=NOW - 2 * HOUR),),
    )
    return replace(usual, **changes)


WORK = PublicMaintenance(
    id="m1",
    title="New disks",
    text="Slow.",
    components=("site",),
    start=NOW - HOUR,
    end=NOW + HOUR,
    announced_at=NOW - HOUR,
)


def shown(*incidents: PublicIncident, works: tuple[PublicMaintenance, ...] = ()) -> Board:
    return board(PAGE, incidents, works, now=NOW)


def test_the_summary_has_the_fields_of_statuspage() -> None:
    data = as_json(shown(told(), works=(WORK,)))
    assert set(data) == {"page", "status", "components", "incidents", "scheduled_maintenances"}
    assert data["status"] == {"indicator": "critical", "description": "Major outage"}
    found = json.loads(json.dumps(data))
    assert set(found["page"]) == {"id", "name", "url", "time_zone", "updated_at"}
    checkout = found["components"][0]
    assert (checkout["id"], checkout["status"], checkout["position"]) == ("checkout", "major_outage", 1)
    assert (checkout["start_date"], checkout["group"], checkout["page_id"]) == (
        "2026-01-01",
        False,
        found["page"]["id"],
    )
    (incident,) = found["incidents"]
    assert (incident["status"], incident["impact"], incident["resolved_at"]) == (
        "monitoring",
        "critical",
        None,
    )
    assert incident["monitoring_at"] == "2026-03-03T12:00:00.000Z"
    assert incident["shortlink"] == "https://status.example.com/incidents/0123456789ab"
    newest, first = incident["incident_updates"]
    assert (newest["status"], newest["incident_id"]) == ("monitoring", incident["id"])
    assert first["affected_components"] == [
        {
            "code": "checkout",
            "name": "Checkout & pay",
            "old_status": "operational",
            "new_status": "major_outage",
        }
    ]
    (work,) = found["scheduled_maintenances"]
    assert (work["status"], work["scheduled_for"]) == ("in_progress", "2026-03-03T11:00:00.000Z")
    assert [one["id"] for one in work["components"]] == ["site"]
    assert found["components"][1]["status"] == "under_maintenance"


def test_the_summary_lists_what_is_open_and_maintenance_to_come() -> None:
    over = told(resolved_at=NOW, phase=PublicPhase.RESOLVED, next_update_at=None, stretches=())
    later = replace(WORK, start=NOW + HOUR, end=NOW + 2 * HOUR)
    data = json.loads(json.dumps(as_json(shown(over, works=(later,)))))
    assert data["incidents"] == []
    assert data["status"]["indicator"] == "none"
    assert data["scheduled_maintenances"][0]["status"] == "scheduled"
    assert json.loads(json.dumps(as_json(shown())))["page"]["updated_at"] == "1970-01-01T00:00:00.000Z"


def as_json(found: Board) -> JsonObject:
    return summary(found, incident="https://status.example.com/incidents/{id}")


def feed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 -- our own text


def test_the_feed_is_valid_atom() -> None:
    over = told(id="ba9876543210", resolved_at=NOW, phase=PublicPhase.RESOLVED, stretches=())
    text = atom(shown(told(), over), home="https://s.example.com", feed="https://s.example.com/a",
                incident="https://s.example.com/i/{id}")  # fmt: skip
    root = feed(text)
    assert root.tag == f"{ATOM}feed"
    for wanted in ("id", "title", "updated", "author"):
        assert root.find(f"{ATOM}{wanted}") is not None
    entries = root.findall(f"{ATOM}entry")
    assert [one.findtext(f"{ATOM}id") for one in entries] == [
        "https://s.example.com/i/0123456789ab",
        "https://s.example.com/i/ba9876543210",
    ]
    for entry in entries:
        for wanted in ("title", "updated", "published", "content", "link"):
            assert entry.find(f"{ATOM}{wanted}") is not None
    assert (entries[0].findtext(f"{ATOM}content") or "").startswith(
        "Monitoring, 2026-03-03T12:00:00.000Z: Fixed"
    )


def test_the_feed_tells_of_planned_work_as_it_goes_on_and_when_it_is_called_off() -> None:
    text = {"home": "https://s.example.com", "feed": "https://s.example.com/a", "incident": "i/{id}"}
    over = told(resolved_at=NOW, phase=PublicPhase.RESOLVED, stretches=())
    off = replace(
        WORK, id="m2", start=NOW + HOUR, called_off_at=NOW - HOUR / 2, text="It does not take place."
    )
    entries = feed(atom(shown(over, works=(WORK, off)), **text)).findall(f"{ATOM}entry")
    assert [(one.findtext(f"{ATOM}title"), one.findtext(f"{ATOM}id")) for one in entries] == [
        ("New disks (in progress)", "https://s.example.com#m1"),
        ("Payments <b>fail</b> (resolved)", "i/0123456789ab"),
        ("New disks (called off)", "https://s.example.com#m2"),
    ]
    assert entries[0].findtext(f"{ATOM}content") == (
        "In progress, 2026-03-03T11:00:00.000Z: Slow.\n\nFrom 3 March 2026, 11:00 UTC to 3 March 2026, 13:00 UTC"
    )
    assert entries[2].findtext(f"{ATOM}content") == (
        "Called off, 2026-03-03T11:30:00.000Z: It does not take place."
    )
    later = replace(WORK, announced_at=NOW + HOUR)
    assert feed(atom(shown(works=(later,)), **text)).findall(f"{ATOM}entry") == []


def test_the_page_says_what_was_called_off() -> None:
    off = replace(WORK, start=NOW + HOUR, called_off_at=NOW, text="It does not take place.")
    found = shown(works=(off,))
    text = home_page(Templates(), found, LINKS).text
    assert "Called off: Website" in text
    assert "It does not take place." in text
    assert as_json(found)["scheduled_maintenances"] == []


def test_a_badge_says_it_by_word_and_shape() -> None:
    drawn = badge('Check<out> "x"', MAJOR, "major outage")
    root = feed(drawn)
    assert root.get("aria-label") == 'Check<out> "x": major outage'
    assert "◆ major outage" in "".join(root.itertext())
    assert feed(badge("x" * 200, MAJOR, "y")).get("aria-label") == "x" * 59 + "…: y"


def test_the_page_shows_all_of_it_escaped() -> None:
    text = home_page(Templates(), shown(told(), works=(WORK,)), LINKS).text
    assert "Payments &lt;b&gt;fail&lt;/b&gt;" in text
    assert "<b>" not in text
    assert 'href="/status/incidents/0123456789ab"' in text
    for said in (
        "◆",
        "Major outage",
        "Next update by",
        "New disks",
        "In progress",
        "Checkout &amp; pay",
        "UTC",
    ):
        assert said in text
    assert text.index("Checkout &amp; pay</h3>") < text.index("Ledger</h3>") < text.index("Website</h3>")
    assert "<script" not in text
    assert 'role="img"' in text
    assert "3 March 2026: Major outage, 2 h" in text


def test_a_promise_that_has_passed_is_called_late() -> None:
    late = told(next_update_at=NOW)
    for text in (
        home_page(Templates(), shown(late), LINKS).text,
        incident_page(Templates(), shown(late), late, LINKS).text,
    ):
        assert "has not come yet" in text
        assert "Next update by" not in text


def test_a_quiet_page_says_so_and_is_small() -> None:
    text = home_page(Templates(), shown(), LINKS).text
    assert len(text) < 15_000
    assert "All systems operational" in text
    assert "None in the last 90 days." in text


def test_an_incident_has_a_page_of_its_own() -> None:
    over = told(resolved_at=NOW, phase=PublicPhase.RESOLVED, stretches=())
    text = incident_page(Templates(), shown(over), over, LINKS).text
    assert "<h1>Payments &lt;b&gt;fail&lt;/b&gt;</h1>" in text
    assert "over since" in text
    assert "Next update" not in text


def test_the_style_is_allowed_by_its_digest_alone() -> None:
    style, policy = style_of(Templates())
    assert "script-src" not in policy
    assert policy.startswith("default-src 'none'")
    assert "style-src 'sha256-" in policy
    text = home_page(Templates(), shown(), LINKS).text
    assert f"<style>{style}</style>" in text
    assert "style=" not in text


def test_a_broken_page_of_the_operators_falls_back() -> None:
    rendered = home_page(Templates({"status/page.html.j2": "{{ nothing.here }}"}), shown(told()), LINKS)
    assert rendered.fell_back is not None
    assert "All of" not in rendered.text
    assert "Payments &lt;b&gt;fail&lt;/b&gt;" in rendered.text


def test_a_hundred_components_with_bad_days_fit() -> None:
    many = replace(PAGE, components=tuple(Component(key=f"c{at}", name=f"C{at}") for at in range(100)))
    every = told(
        components=tuple(f"c{at}" for at in range(100)),
        stretches=(
            Stretch(components=tuple(f"c{at}" for at in range(100)), state=MAJOR, start=NOW - 2400 * HOUR),
        ),
    )
    rendered = home_page(Templates(), board(many, [every], [], now=NOW), LINKS)
    assert rendered.fell_back is None
    assert rendered.text.count("<rect") == 9000


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_held_by_every_format(text: str) -> None:
    named = replace(PAGE, name=text or "x", components=(Component(key="checkout", name=text or "x"),))
    incident = told(title=text, updates=(PublicUpdate(at=NOW, phase=PublicPhase.MONITORING, text=text),))
    found = board(named, [incident], [], now=NOW)
    feed(atom(found, home="h", feed="f", incident="i/{id}"))
    feed(badge(text, MAJOR, "x"))
    json.dumps(as_json(found)).encode()
    assert home_page(Templates(), found, LINKS).fell_back is None
    assert home_page(Templates(), found, LINKS).text.encode()


@pytest.mark.parametrize("secret", ["kestrel", "INC-7", "dora"])
def test_nothing_of_the_inside_is_there(secret: str) -> None:
    text = home_page(Templates(), shown(told()), LINKS).text
    assert secret not in text
