"""What people are reminded of, read as whoever gets it: on a phone, at night."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from incident_bot.core.model import Person
from incident_bot.render.messages import Message
from incident_bot.render.reminders import reminder_message
from incident_bot.render.templates import Templates
from tests.render.stories import START, whole_tale

URL = "https://incidents.example.com/"
ALICE = Person(id="alice", name="Alice Example", time_zone="Europe/Berlin")
DUE = "2026-11-21T02:45:00Z"


def told(data: dict[str, Any], *, title: str | None = None, **more: Any) -> Message:
    incident = whole_tale().incident
    if title is not None:
        incident = replace(incident, title=title)
    return reminder_message(
        Templates(**more), incident, data, person=ALICE, public_url=URL, now=START + timedelta(minutes=36)
    )


def test_a_missed_promise_says_what_was_promised_by_whom_and_what_to_type() -> None:
    data = {
        "about": "missed",
        "due": DUE,
        "by": "Dora Example",
        "promised_at": "2026-11-21T02:15:00Z",
        "told": ["Bob Example"],
    }
    message = told(data)
    assert message.subject.startswith("Update missed: INC-42 ")
    assert "has not come" in message.text
    assert "03:45 CET (02:45 UTC)" in message.text
    assert "Promised by Dora Example at 03:15 CET (02:15 UTC); told before you: Bob Example." in message.text
    assert "Type: update INC-42 " in message.text
    assert "remind INC-42 snooze 15m" in message.text
    assert message.text.endswith("https://incidents.example.com/incidents/INC-42")


@pytest.mark.parametrize(
    "about", ["due", "missed", "lead", "update", "task", "followup", "of another release"]
)
def test_the_barest_data_still_gives_a_text(about: str) -> None:
    message = told({"about": about})
    assert message.fell_back is None
    assert "remind INC-42 off" in message.text


@pytest.mark.parametrize("about", ["missed", "task"])
def test_nothing_secret_is_told_and_a_long_text_is_cut(about: str) -> None:
    message = told(
        {"about": about, "due": DUE, "by": "x" * 500, "text": "token=abc123 " + "y" * 900, "number": 3},
        title="password=hunter2 " + "z" * 900,
    )
    assert not [word for word in ("hunter2", "abc123") if word in message.text + message.subject]
    assert len(message.subject) <= 80
    assert len(message.text) < 800


def test_a_template_that_fails_does_not_keep_the_reminder_back() -> None:
    message = told({"about": "lead"}, texts={"page/nag.j2": "{{ since.nothing.here }}"})
    assert message.fell_back is not None
    assert "nobody leads it" in message.text
