"""Modals in Slack: opened in time whatever the database does, and the same commands behind them, each once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.fakes.slack.state import View
from tests.fakes.slack.workspace import Fault, Workspace, answer, answers
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    SlackStory,
    slack_story,
)
from tests.plugins.story import on_every_database
from tests.plugins.story_files import PEOPLE

Begin = Callable[..., SlackStory]


def opened(story: SlackStory) -> View:
    """The modal that was opened last."""
    return next(reversed(story.workspace.views.values()))


def shown(view: View | Mapping[str, Any]) -> str:
    """Every text of a view."""
    return texts_of(view.view if isinstance(view, View) else view)


def texts_of(value: object) -> str:
    if isinstance(value, Mapping):
        own = [str(value["text"])] if isinstance(value.get("text"), str) else []
        return "\n".join(own + [text for part in value.values() if (text := texts_of(part))])
    return "\n".join(filter(None, map(texts_of, value))) if isinstance(value, list) else ""


def words(text: str) -> dict[str, Any]:
    return {"value": {"type": "plain_text_input", "value": text}}


def chosen(value: str) -> dict[str, Any]:
    return {"value": {"type": "static_select", "selected_option": {"value": value}}}


def member(user: str) -> dict[str, Any]:
    return {"value": {"type": "users_select", "selected_user": user}}


def begun(begin: Begin, **changes: Any) -> SlackStory:
    """A story with one incident and its room."""
    story = begin(**changes)
    story.fires()
    story.advance(minutes=1)
    return story


def press(story: SlackStory, action: str, *, by: str = "U0ANA") -> View:
    story.slack_client.click(by, story.card(), action)
    return opened(story)


@contextmanager
def busy_database(story: SlackStory, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A database that answers nobody until the event is set."""
    free = threading.Event()
    store = type(story.context.store)

    def gated(real: Any) -> Any:
        def wait(*given: Any, **named: Any) -> Any:
            assert free.wait(20), "the database was asked before the modal stood open"
            return real(*given, **named)

        return wait

    with monkeypatch.context() as patch:
        patch.setattr(store, "read", gated(store.read))
        patch.setattr(store, "write", gated(store.write))
        yield free
        free.set()


def then_free(story: SlackStory, free: threading.Event) -> Fault:
    """Do what was asked; after that the trigger has expired and the database answers again."""

    def carry_out(ws: Workspace, request: BaseHTTPRequestHandler, method: str, given: dict[str, Any]) -> None:
        answer(request, 200, {"ok": True, **ws.do(method, given)})
        story.clock.advance(timedelta(seconds=5))
        free.set()

    return carry_out


@on_every_database
def test_an_update_is_written_in_its_modal(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    view = press(story, "inc:update")
    assert view.view["callback_id"] == "inc:update"
    story.slack_client.submit(
        "U0ANA",
        view,
        {
            "phase": chosen("mitigating"),
            "severity": chosen("P2"),
            "text": words("Rolled back to 41"),
            "next": chosen("1h"),
        },
    )
    incident = story.incident()
    assert (incident.phase, incident.severity) == ("mitigating", "P2")
    assert story.entry("update_posted").data["text"] == "Rolled back to 41"
    assert incident.next_update_at is not None
    assert (incident.next_update_at - story.clock.now()).total_seconds() == 3600
    assert view.closed or "Update of INC-1" in shown(view)


def test_the_same_view_sent_twice_acts_once(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    view = press(story, "inc:note")
    for _ in range(2):
        story.slack_client.submit("U0ANA", view, {"text": words("the pool ran dry")})
    assert story.kinds().count("note") == 1


def test_what_is_done_is_told_where_the_button_was(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    view = press(story, "inc:followup")
    answered = story.slack_client.submit("U0ANA", view, {"text": words("alert on the pool")})
    assert answered.said == {"response_action": "clear"}
    assert "INC-1" in str(story.workspace.responses)


def test_the_modal_opens_while_the_database_is_busy(
    slack_story: Begin,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = begun(slack_story)
    card = story.card()
    with busy_database(story, monkeypatch) as free:
        story.workspace.fail("views.open", then_free(story, free))
        story.slack_client.click("U0ANA", card, "inc:update")
    assert "What is new?" in shown(opened(story))


@pytest.mark.parametrize("text", ["new", "declare", "update INC-1", "page INC-1", "note INC-1"])
def test_a_command_without_words_opens_its_modal_as_fast(
    slack_story: Begin,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    text: str,
) -> None:
    story = begun(slack_story)
    with busy_database(story, monkeypatch) as free:
        story.workspace.fail("views.open", then_free(story, free))
        answered = story.slack_client.slash("U0ANA", text, story.web)
    assert (answered.status, answered.said) == (200, {})
    assert "submit" in opened(story).view


def test_what_takes_long_to_send_is_told_in_the_modal(
    slack_story: Begin,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = begun(slack_story)
    view = press(story, "inc:resolve")
    monkeypatch.setattr("incident_bot.entrypoints.slack.modals.PATIENCE", 0.01)
    monkeypatch.setattr("incident_bot.entrypoints.slack.modals.BREATH", 0)
    door = story.application.app.state.slack
    settle = door.settle
    with busy_database(story, monkeypatch) as free:
        monkeypatch.setattr(door, "settle", lambda: None)
        story.slack_client.after = free.set
        answered = story.slack_client.submit("U0ANA", view, {"reason": words("  ")})
        settle()
    assert answered.said["response_action"] == "update"
    assert "One moment" in shown(answered.said["view"])
    assert "still firing" in shown(view)
    assert "Why is it over?" in shown(view)


def test_a_button_whose_incident_is_gone_says_so(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    block = {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "inc:update",
                "value": '{"i":99}',
                "text": {"type": "plain_text", "text": "Update"},
            }
        ],
    }
    message = story.workspace.add_message(story.web, "U0BOT", "old", blocks=[block])
    story.slack_client.click("U0ANA", message, "inc:update")
    assert "There is no INC-99" in shown(opened(story))
    assert "submit" not in opened(story).view


def test_a_modal_that_slack_did_not_open_is_told(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.workspace.fail("views.open", answers(200, "expired_trigger_id"))
    story.slack_client.click("U0ANA", story.card(), "inc:update")
    assert story.workspace.views == {}
    assert "press it again" in str(story.workspace.responses)


def test_a_modal_is_filled_though_an_answer_was_lost(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.workspace.fail("views.update", answers(503))
    assert "What is new?" in shown(press(story, "inc:update"))


@on_every_database
def test_while_alerts_fire_resolving_wants_a_reason(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.says("did scaled to 12 undo: scale back to 6")
    view = press(story, "inc:resolve")
    assert "Still firing (1)" in shown(view)
    assert "scale back to 6" in shown(view)
    refused = story.slack_client.submit("U0ANA", view, {"reason": words("")})
    assert "still firing" in refused.said["errors"]["reason"]
    story.slack_client.submit("U0ANA", view, {"reason": words("the alert is wrong")})
    assert story.incident().phase == "resolved"


def test_where_nothing_is_open_a_confirmation_is_enough(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.says("update we look")  # An update keeps it from resolving by itself.
    story.resolves()
    story.advance(minutes=1)
    view = press(story, "inc:resolve")
    assert [block["type"] for block in view.view["blocks"]] == ["section", "section"]
    story.slack_client.submit("U0ANA", view, {})
    assert story.incident().phase == "resolved"


def test_what_fires_again_before_it_is_confirmed_asks_for_the_reason(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.says("update we look")
    story.resolves()
    story.advance(minutes=1)
    view = press(story, "inc:resolve")
    story.fires()
    answered = story.slack_client.submit("U0ANA", view, {})
    assert answered.said["response_action"] == "update"
    assert "Why is it over?" in shown(view)
    assert "still firing" in shown(view)


def test_a_bare_resolve_while_alerts_fire_asks_for_the_reason(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    answered = story.slack_client.slash("U0ANA", "resolve", story.room())
    assert "still firing" in answered.said["text"]
    view = opened(story)
    assert view.view["callback_id"] == "inc:resolve"
    story.slack_client.submit("U0ANA", view, {"reason": words("a false alarm")})
    assert story.incident().phase == "resolved"


def test_an_update_is_seen_before_it_is_sent(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    view = press(story, "inc:update")
    values = {
        "phase": chosen("monitoring"),
        "severity": chosen("P1"),
        "text": words("<!channel> *we* rolled back & wait"),
        "next": chosen("30m"),
    }
    story.slack_client.click("U0ANA", view, "inc:preview", values=values)
    said = shown(view)
    assert "So it will read" in said
    assert "Monitoring" in said
    assert "30 min" in said
    assert "&lt;!channel&gt;" in said
    text = next(block for block in view.view["blocks"] if block.get("block_id") == "text")
    assert text["element"]["initial_value"] == "<!channel> *we* rolled back & wait"
    assert "update_posted" not in story.kinds()


def test_an_update_needs_something_new(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    view = press(story, "inc:update")
    same = {"phase": chosen("triage"), "severity": chosen("P1"), "next": chosen("default")}
    assert story.slack_client.submit("U0ANA", view, same).said["errors"] == {"text": "Say what is new."}


def test_words_that_name_another_incident_stay_words(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.says("new P2 Payments are slow")
    story.advance(minutes=1)
    story.slack_client.click("U0ANA", story.card(1), "inc:note")
    story.slack_client.submit("U0ANA", opened(story), {"text": words("INC-2 is the cause")})
    assert story.entry("note", 1).data["text"] == "INC-2 is the cause"
    assert "note" not in story.kinds(2)


def test_roles_are_given_to_members(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    view = press(story, "inc:roles")
    values = {
        "lead": member("U0BEN"),
        "comms": member("U0CLEO"),
        "role": words("Database expert"),
        "person": member("U0DAN"),
    }
    story.slack_client.submit("U0ANA", view, values)
    incident = story.incident()
    assert incident.lead == "ben"
    assert (incident.roles["comms"], incident.roles["database expert"]) == ("cleo", "dan")


@pytest.mark.parametrize(
    "values, field, message",
    [
        ({"role": words("scout")}, "person", "who takes"),
        ({"person": member("U0BEN")}, "role", "Name the role"),
        ({}, "lead", "Nothing is changed"),
    ],
)
def test_a_role_that_is_not_right_is_told_on_its_field(
    slack_story: Begin,  # noqa: F811
    values: dict[str, Any],
    field: str,
    message: str,
) -> None:
    story = begun(slack_story)
    story.workspace.person("U0NEW", "Nora New")
    answered = story.slack_client.submit("U0ANA", press(story, "inc:roles"), values)
    assert message in answered.said["errors"][field]


def test_somebody_is_paged_with_a_reason(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    view = press(story, "inc:page")
    story.slack_client.submit(
        "U0ANA", view, {"whom": chosen("@cleo"), "reason": words("the contract says so")}
    )
    assert "cleo" in [page.person for page in story.pages()]
    assert "the contract says so" in story.entry("note").text
    again = press(story, "inc:page")
    story.slack_client.submit("U0ANA", again, {"whom": chosen("team/data")})
    assert "dan" in [page.person for page in story.pages()]


def test_of_more_than_a_hundred_people_one_is_looked_up(slack_story: Begin) -> None:  # noqa: F811
    many = "".join(f"  p{number}: {{name: Person {number:03}}}\n" for number in range(120))
    story = begun(slack_story, people=PEOPLE + many)
    view = press(story, "inc:page")
    answered = story.slack_client.options("U0ANA", view, "value", "person 11")
    assert [one["value"] for one in answered.said["options"]] == [f"@p11{number}" for number in range(10)]


def test_the_runbook_is_read_and_another_one_followed(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    view = press(story, "inc:runbook")
    assert "High error rate* · 0 of 3 done" in shown(view)
    assert "2. Roll it back" in shown(view)
    story.says("new P2 Payments are slow")
    story.advance(minutes=1)
    story.slack_client.click("U0ANA", story.card(2), "inc:runbook")
    assert "It has no runbook yet" in shown(opened(story))
    story.slack_client.submit("U0ANA", opened(story), {"runbook": chosen("high-error-rate.md")})
    assert story.incident(2).runbook == "high-error-rate.md"


def test_a_follow_up_has_an_owner_and_a_day(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    view = press(story, "inc:followup")
    story.slack_client.submit(
        "U0ANA",
        view,
        {
            "text": words("write to @everybody about the pool"),
            "owner": member("U0BEN"),
            "due": {"value": {"type": "datepicker", "selected_date": "2026-12-24"}},
        },
    )
    (item,) = story.incident().items
    assert (item.kind, item.owner, item.text) == ("followup", "ben", "write to @everybody about the pool")
    assert item.due is not None
    assert item.due.date().isoformat() == "2026-12-24"


def test_an_entry_stands_at_the_time_it_happened(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    view = press(story, "inc:note")
    time = {"value": {"type": "timepicker", "selected_time": "03:15"}}
    story.slack_client.submit("U0ANA", view, {"text": words("traffic doubled"), "time": time})
    entry = story.entry("note")
    assert (entry.happened_at.minute, entry.data["text"]) == (15, "traffic doubled")


def test_a_title_is_enough_to_declare(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.slack_client.slash("U0ANA", "new", story.web)
    view = opened(story)
    empty = story.slack_client.submit("U0ANA", view, {"title": words("   ")})
    assert "what is wrong" in empty.said["errors"]["title"]
    for _ in range(2):
        story.slack_client.submit("U0ANA", view, {"title": words("Checkout rejects cards")})
    (incident,) = story.incidents()
    assert (incident.title, incident.opened_by) == ("Checkout rejects cards", "ana")
    assert "INC-1 is open" in shown(view)


def test_everything_that_declare_asks_is_kept(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.slack_client.shortcut("U0BEN", "inc:declare")
    story.slack_client.submit(
        "U0BEN",
        opened(story),
        {
            "title": words("A leak"),
            "severity": chosen("P2"),
            "team": chosen("data"),
            "impact": words("nobody notices"),
            "private": {"value": {"type": "checkboxes", "selected_options": [{"value": "yes"}]}},
        },
    )
    one = story.incident()
    assert (one.severity, one.team, one.impact, one.private) == ("P2", "data", "nobody notices", True)


@on_every_database
def test_what_looks_like_the_same_trouble_is_shown_first(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.says("new P2 Checkout rejects every card")
    story.slack_client.slash("U0BEN", "new", story.web)
    view = opened(story)
    values = {"title": words("Checkout rejects cards"), "severity": chosen("P1")}
    story.slack_client.submit("U0BEN", view, values)
    assert "INC-1" in shown(view)
    assert view.view["submit"]["text"] == "Declare anyway"
    title = next(block for block in view.view["blocks"] if block.get("block_id") == "title")
    assert title["element"]["initial_value"] == "Checkout rejects cards"
    assert len(story.incidents()) == 1
    story.slack_client.submit("U0BEN", view, values)
    assert len(story.incidents()) == 2


def test_a_private_incident_is_not_given_away_by_its_likeness(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    declare_private(story, "Salary database leaked")
    story.slack_client.slash("U0DAN", "new", story.web)
    view = opened(story)
    story.slack_client.submit("U0DAN", view, {"title": words("Salary database leaked")})
    assert len(story.incidents()) == 2


def test_a_private_incident_opens_no_modal_for_others(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    declare_private(story, "Salary database leaked")
    story.slack_client.slash("U0DAN", "update INC-1", story.web)
    assert "There is no INC-1" in shown(opened(story))
    assert "Salary" not in shown(opened(story))


def declare_private(story: SlackStory, title: str) -> None:
    story.slack_client.slash("U0FAY", "new", story.web)
    private = {"value": {"type": "checkboxes", "selected_options": [{"value": "yes"}]}}
    story.slack_client.submit("U0FAY", opened(story), {"title": words(title), "private": private})


def test_a_message_becomes_an_incident(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    message = story.slack_client.says("U0BEN", story.web, "Checkout is *slow*\nsince noon")
    story.slack_client.shortcut("U0ANA", "inc:declare_from", message)
    view = opened(story)
    title = next(block for block in view.view["blocks"] if block.get("block_id") == "title")
    assert title["element"]["initial_value"] == "Checkout is *slow*"
    story.slack_client.submit("U0ANA", view, {"title": words("Checkout is slow")})
    assert "Declared from a message: https://" in str(story.entry("note").data["text"])


@pytest.mark.parametrize("name, kind", [("inc:task", "task"), ("inc:followup", "followup")])
def test_a_message_becomes_a_task_or_follow_up(slack_story: Begin, name: str, kind: str) -> None:  # noqa: F811
    story = begun(slack_story)
    message = story.slack_client.says("U0BEN", story.room(), "check the replica <@U0CLEO>")
    story.slack_client.shortcut("U0ANA", name, message)
    view = opened(story)
    text = next(block for block in view.view["blocks"] if block.get("block_id") == "text")
    assert text["element"]["initial_value"] == "check the replica @cleo"
    story.slack_client.submit("U0ANA", view, {"text": words("check the replica @cleo")})
    (item,) = story.incident().items
    assert (item.kind, item.text, item.owner) == (kind, "check the replica", "cleo")


def test_elsewhere_the_incident_is_chosen(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = story.slack_client.says("U0BEN", story.web, "check the replica")
    story.slack_client.shortcut("U0ANA", "inc:task", message)
    story.slack_client.submit(
        "U0ANA", opened(story), {"incident": chosen("INC-1"), "text": words("check the replica")}
    )
    assert [item.text for item in story.incident().items] == ["check the replica"]


def test_without_anything_open_there_is_nothing_to_choose(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    message = story.slack_client.says("U0BEN", story.web, "check the replica")
    story.slack_client.shortcut("U0ANA", "inc:task", message)
    assert "Nothing is open" in shown(opened(story))


@pytest.mark.parametrize(
    "action, field",
    [
        ("inc:page", "whom"),
        ("inc:runbook", "runbook"),
        ("inc:followup", "text"),
        ("inc:note", "text"),
    ],
)
def test_what_is_missing_is_asked_for_on_its_field(slack_story: Begin, action: str, field: str) -> None:  # noqa: F811
    story = begun(slack_story)
    view = press(story, action)
    assert set(story.slack_client.submit("U0ANA", view, {}).said["errors"]) == {field}


@pytest.mark.parametrize("number", ["INC-99", "INC-99999999999999", "nonsense"])
def test_an_incident_that_is_not_there_any_more_is_told(slack_story: Begin, number: str) -> None:  # noqa: F811
    story = begun(slack_story)
    message = story.slack_client.says("U0BEN", story.web, "check the replica")
    story.slack_client.shortcut("U0ANA", "inc:task", message)
    answered = story.slack_client.submit(
        "U0ANA", opened(story), {"incident": chosen(number), "text": words("check the replica")}
    )
    assert "There is no" in shown(answered.said["view"])


def test_a_message_without_an_address_is_declared_all_the_same(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    message = story.slack_client.says("U0BEN", story.web, "Checkout is slow")
    story.workspace.fail("chat.getPermalink", answers(503))
    story.slack_client.shortcut("U0ANA", "inc:declare_from", message)
    story.slack_client.submit("U0ANA", opened(story), {"title": words("Checkout is slow")})
    assert "note" not in story.kinds()


def test_a_form_that_is_about_one_incident_asks_where_there_is_none(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.slack_client.slash("U0ANA", "page", story.web)
    assert "Which incident? Type for example `page INC-42`" in shown(opened(story))


def test_the_same_service_is_likely_the_same_trouble(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires(service="shop")
    story.slack_client.slash("U0BEN", "new", story.web)
    view = opened(story)
    values = {"title": words("Nothing alike"), "service": chosen("shop")}
    story.slack_client.submit("U0BEN", view, values)
    assert "also about shop" in shown(view)


def test_no_button_is_there_for_what_cannot_be_done(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    assert "inc:silence" in str(story.card().blocks)
    story.types("new Nobody knows why")
    story.advance(minutes=1)
    assert "inc:silence" not in str(story.card(2).blocks)
