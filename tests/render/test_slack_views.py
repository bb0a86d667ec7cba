"""Every modal and the App Home keep Block Kit's limits at their extremes, and read what was typed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_bot.render.slack.blocks import Block
from incident_bot.render.slack.card import Who
from incident_bot.render.slack.home import Duty, Home, Standing, home_view
from incident_bot.render.slack.modals import parts
from incident_bot.render.slack.modals.about import (
    About,
    Step,
    page_view,
    resolve_view,
    roles_view,
    silence_view,
    update_view,
)
from incident_bot.render.slack.modals.declaring import Declaring, Likely, declare_view
from incident_bot.render.slack.modals.runbook import runbook_view
from incident_bot.render.slack.modals.writing import followup_view, note_view, task_view
from tests.fakes.slack.blockkit import view_problems

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EXTREME = (
    "",
    "x" * 3_500,
    "&" * 3_500,
    "🔥" * 1_500,
    "شبكة الدفع متوقفة \u202e<!channel>\u202c " * 60,
    "<!channel> <@U0BEN> *b* `c` <https://evil.example.com|x>\n" * 50,
    "-",
)
VIEWS: Mapping[str, Callable[..., Block]] = {
    "resolve": resolve_view,
    "update": update_view,
    "roles": roles_view,
    "runbook": runbook_view,
    "page": page_view,
    "silence": silence_view,
}
WRITING: Mapping[str, Callable[..., Block]] = {
    "followup": followup_view,
    "task": task_view,
    "note": note_view,
}
TYPED = ("title", "impact", "reason", "text", "role")


def about(text: str, many: int) -> About:
    choices = [(f"{text}{number}", f"v{number}") for number in range(many)]
    return About(
        name="INC-2147483647",
        title=text,
        severity="P1",
        phase="triage",
        private=True,
        firing=[text] * many,
        firing_count=many,
        changes=[text] * many,
        severities=[(text, "P1"), *choices[:99]],
        phases=[("triage", "triage")],
        every=text or None,
        audiences=text,
        targets=choices,
        runbooks=choices,
        book=text,
        steps=[
            Step(
                number=number,
                section=f"{text}{number % 7}",
                text=text,
                digest="0123456789ab",
                done_at=NOW if number % 2 else None,
                done_by=Who(text, "U0ANA") if number % 3 else None,
            )
            for number in range(1, many + 1)
        ],
        url=f"https://b.example.com/{text}",
        members={"lead": "U0ANA"},
        silences=[text] * many,
        blast=text,
        silenceable=many != 1,
        silenced_until=[NOW + timedelta(minutes=number) for number in range(many)],
    )


@pytest.mark.parametrize("many", [0, 1, 100, 200])
@pytest.mark.parametrize("text", EXTREME)
@pytest.mark.parametrize("name", VIEWS)
def test_modals_about_an_incident_keep_the_limits(name: str, text: str, many: int) -> None:
    typed = dict.fromkeys(TYPED, text)
    for notice in (None, text):
        view = VIEWS[name](about(text, many), typed, meta={"i": 1, "r": text}, notice=notice)
        assert view_problems(view) == []
        assert parts.meta_of(view)["i"] == 1


@pytest.mark.parametrize("many", [0, 1, 150])
@pytest.mark.parametrize("text", EXTREME)
def test_declare_and_what_writes_down_keep_the_limits(text: str, many: int) -> None:
    typed = dict.fromkeys(TYPED, text)
    choices = [(f"{text}{number}", f"INC-{number}") for number in range(many)]
    facts = Declaring(severities=[("P1", "P1")], services=choices, teams=choices, default=text)
    likely = [
        Likely(
            name="INC-1", title=text, severity=text, opened_at=NOW, url="https://b.example.com/1", why=text
        )
    ] * many
    assert view_problems(declare_view(facts, typed, meta={}, likely=likely, notice=text)) == []
    for build in WRITING.values():
        assert view_problems(build(None, typed, meta={}, choices=choices, notice=text)) == []
        assert view_problems(build(text, typed, meta={})) == []


@pytest.mark.parametrize("text", EXTREME)
def test_the_preview_and_what_is_only_told_keep_the_limits(text: str) -> None:
    assert view_problems(update_view(about("a", 3), {}, meta={}, preview=text or "–")) == []
    assert view_problems(parts.told(text, "inc:note", text, url="https://b.example.com/1")) == []
    assert view_problems(parts.loading(text, "inc:note", meta={"i": 1})) == []


@pytest.mark.parametrize("many", [0, 1, 40, 200])
@pytest.mark.parametrize("text", EXTREME)
def test_the_home_keeps_the_limits(text: str, many: int) -> None:
    standing = [
        Standing(
            number=number,
            name=f"INC-{number}",
            title=text,
            severity=text,
            rank=number,
            phase=text,
            opened_at=NOW,
            url=f"https://b.example.com/{text}",
            epoch=1,
            lead=Who(text, "U0ANA"),
            room="C1",
            private=True,
            drill=True,
        )
        for number in range(many)
    ]
    duties = [Duty(schedule=text, start=NOW, until=NOW + timedelta(days=1))] * many
    for known in (True, False):
        view = home_view(
            Home(
                user="U0ANA",
                known=known,
                on_call=duties,
                pages=standing,
                open=standing,
                shifts=duties,
                taps=duties,
                teams=[(text, text)] * many,
                url="https://b.example.com",
                notice=text,
            )
        )
        assert view_problems(view) == []
        assert "<https://evil" not in json.dumps(view)


def test_nothing_foreign_calls_anybody() -> None:
    view = resolve_view(about("<!channel> <@U0BEN>", 2), {}, meta={})
    said = [block["text"]["text"] for block in view["blocks"] if block["type"] == "section"]
    assert not [text for text in said if "<!" in text or "<@" in text]


@pytest.mark.parametrize(
    "given, read",
    [
        ({"value": " a "}, "a"),
        ({"value": None}, None),
        ({"selected_option": {"value": "P1"}}, "P1"),
        ({"selected_option": None}, None),
        ({"selected_user": "U0ANA"}, "U0ANA"),
        ({"selected_date": "2026-12-24"}, "2026-12-24"),
        ({"selected_time": "09:15"}, "09:15"),
        ({"selected_options": [{"value": "yes"}]}, "yes"),
        ({"selected_options": []}, None),
    ],
)
def test_what_was_typed_is_read(given: dict[str, Any], read: str | None) -> None:
    view = {"state": {"values": {"field": {"value": given}}}}
    assert parts.typed_in(view) == ({} if read is None else {"field": read})


@pytest.mark.parametrize("written", [None, "", "{", "[]", '"a"'])
def test_what_goes_with_a_view_may_be_none_of_ours(written: str | None) -> None:
    assert parts.meta_of({"private_metadata": written}) == {}


def test_what_was_typed_stands_in_the_fields_again() -> None:
    typed = {"text": "a text", "due": "2026-12-24", "owner": "U0ANA"}
    view = followup_view("INC-1", typed, meta={})
    fields = {block["block_id"]: block["element"] for block in view["blocks"] if "block_id" in block}
    assert fields["text"]["initial_value"] == "a text"
    assert fields["due"]["initial_date"] == "2026-12-24"
    assert fields["owner"]["initial_user"] == "U0ANA"
    assert parts.inputs_of(view) == {"text", "due", "owner"}


def test_of_many_choices_those_are_found_that_hold_the_words() -> None:
    choices = [(f"Person {number}", f"@p{number}") for number in range(300)]
    assert [one["value"] for one in parts.found(choices, " PERSON 299 ")] == ["@p299"]
    assert len(parts.found(choices, "p")) == 100
