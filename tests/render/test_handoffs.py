"""What is told around hand-offs, read as whoever gets it: on a phone, at night, or in a channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from incident_bot.core.effects import Moment
from incident_bot.core.model import Person
from incident_bot.render.handoffs import MOMENTS, handoff_message
from incident_bot.render.messages import Message
from incident_bot.render.templates import Templates, builtin_texts
from tests.render.stories import START

URL = "https://incidents.example.com/"
ALICE = Person(id="alice", name="Alice Example", time_zone="Europe/Berlin")
NAMES = (
    "slack/handoff.j2", "slack/moved.j2", "page/handoff_begins.j2", "page/handoff_ends.j2", "page/tap.j2",
    "page/untapped.j2", "page/swap.j2", "slack/digest.j2",
)  # fmt: skip
AT = "2026-03-09T08:00:00Z"


def told(moment: Moment, data: dict[str, Any], *, person: Person | None = ALICE, **more: Any) -> Message:
    return handoff_message(
        Templates(**more), moment, data, person=person, public_url=URL, link=None, now=START
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_samples_are_the_built_in_texts(name: str) -> None:
    sample = Path(__file__).parents[2] / "templates" / name
    assert sample.read_text(encoding="utf-8") == builtin_texts()[name]


@pytest.mark.parametrize("moment", sorted(MOMENTS))
def test_the_barest_data_still_gives_a_text(moment: Moment) -> None:
    for role in ("channel", "begins", "ends"):
        data = {"schedule": "web", "at": AT, "due": AT, "asked": AT, "role": role, "text": "x"}
        written = told(moment, data, person=None if role == "channel" else ALICE)
        assert written.fell_back is None
        assert written.text
        assert len(written.subject) <= 80


def test_a_channel_shows_names_as_they_are_and_calls_nobody() -> None:
    data = {"schedule": "web", "role": "channel", "after": ["Eve <!channel>"], "before": [], "zone": "UTC"}
    text = told(Moment.HANDOFF, data, person=None).text
    assert text == "*Eve &lt;!channel&gt;* is on call for *web*."


@pytest.mark.parametrize(
    "moment, role", [(one, "channel") for one in sorted(MOMENTS)] + [(Moment.HANDOFF, "begins")]
)
def test_nobody_can_inject_anything(moment: Moment, role: str) -> None:
    nasty = "<!channel> <https://evil|x> {{ 7*7 }} password=hunter2 "
    data = {
        "schedule": "web", "role": role, "at": AT, "due": AT, "asked": AT, "after": [nasty], "before": [nasty],
        "text": nasty, "missing": nasty, "lines": [nasty], "todo": nasty, "clocks": nasty, "was_clocks": nasty,
        "moved": [{"was": AT, "now": None, "people": [nasty]}],
    }  # fmt: skip
    written = told(moment, data, person=ALICE if role == "begins" else None)
    assert written.fell_back is None
    assert "hunter2" not in written.text + written.subject
    assert "49" not in written.text
    if moment is Moment.MOVED or (moment is Moment.HANDOFF and role == "channel"):
        assert "<!channel" not in written.text
        assert "<https://evil" not in written.text


def test_a_secret_in_a_title_is_not_told() -> None:
    one = {
        "name": "INC-1", "title": "password=hunter2 leaked", "severity": "P1", "phase": "triage", "private": False,
        "lead": None,
    }  # fmt: skip
    brief = {"open": [one], "open_count": 1, "pages": 0, "fired": [], "fired_count": 0, "ending": []}
    data = {"schedule": "web", "role": "begins", "after": ["Alice"], "before": [], "brief": brief}
    assert "hunter2" not in told(Moment.HANDOFF, data).text


def test_a_broken_template_falls_back() -> None:
    written = told(
        Moment.TAP, {"schedule": "web", "at": AT, "due": AT}, texts={"page/tap.j2": "{{ at.nothing.here }}"}
    )
    assert written.fell_back is not None
    assert written.text.startswith("Your shift on web starts at Mon 9 Mar 09:00 CET (Europe/Berlin).")


def test_what_is_no_instant_is_left_out() -> None:
    data = {"schedule": "web", "role": "begins", "until": "never", "after": ["Alice"], "before": ["Bob"]}
    assert told(Moment.HANDOFF, data).text.startswith("You are on call for web now.\nBefore you: Bob.")
