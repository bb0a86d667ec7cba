"""The On-call pages as a browser without script sees them: tables, clocks, two taps, refusals, links."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from starlette.testclient import TestClient

from incident_bot.core.model import Person
from incident_bot.entrypoints.looks import Looks
from incident_bot.entrypoints.oncall_looks import HUES, PATTERNS, Wall, clocks, initials, length, marks
from incident_bot.flow.oncall_page import Day
from tests.entrypoints.conftest import START, World
from tests.entrypoints.test_console import BROWSER, SCRIPTS, Page, page

PRIMARY = "/oncall/platform-primary"
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}'
PEOPLE = """
people:
  alice: {name: Alice Example, time_zone: Europe/Berlin}
  bob: {name: '"><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}', time_zone: Asia/Kolkata}
  carol: {name: Carol Example, time_zone: America/New_York}
  gone: {name: Gone Away, active: false}
"""
SUN = """
schedule: sun
time_zone: UTC
overrides:
  - {remove: bob, start: "2026-03-03T16:00", end: "2026-03-03T18:00", reason: '<img src=x>'}
absences:
  - {who: bob, start: "2026-03-05T00:00", end: "2026-03-06T00:00", reason: '<script>x</script>'}
layers:
  - name: day
    priority: 20
    turn: {unit: days, every: 1, anchor: "2026-01-05T08:00"}
    people: [[alice], [bob]]
    windows: [{days: mon-sun, from: "08:00", to: "20:00"}]
  - name: night
    priority: 10
    turn: {unit: weeks, every: 1, anchor: "2026-01-05T20:00"}
    people: [[bob, carol]]
    windows: [{days: mon-fri, from: "20:00", to: "06:00"}]
"""


@pytest.fixture
def rich(make_world: Callable[..., World], tmp_path: Path) -> World:
    """A world with a second schedule, of gaps, pairs and people whose names attack."""
    made = make_world()
    (made.directory / "rotations/people.yaml").write_text(PEOPLE)
    (made.directory / "rotations/schedules/sun.yaml").write_text(SUN)
    answer = made.client().post("/-/reload")
    assert answer.status_code == 200, answer.text
    return made


def as_person(world: World, person: str) -> TestClient:
    client = world.client()
    assert client.post("/me", data={"person": person}, headers=BROWSER).status_code == 303
    return client


def fields(text: str, action: str) -> dict[str, str]:
    """What the form of this action would send, its first choice in each list."""
    (form,) = re.findall(
        rf'<form method="post" action="{re.escape(action)}"[^>]*>(.*?)</form>', text, re.DOTALL
    )
    sent = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', form))
    for name, options in re.findall(r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        sent[name] = next(one for one in re.findall(r'value="([^"]*)"', options) if one)
    return {name: html.unescape(value) for name, value in sent.items()}


def rows(text: str) -> list[list[str]]:
    """The words of each row of the week's tables, cell by cell."""
    found = []
    for row in re.findall(r'<tr role="row" class=.*?</tr>', text, re.DOTALL):
        cells = re.findall(r"<t[hd] [^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        found.append([Page(cell).text for cell in cells])
    return found


def take_address(text: str) -> str:
    return html.unescape(re.findall(r'href="(/oncall/[^"]*/take\?[^"]*)"', text)[0])


# The tables.


@pytest.mark.parametrize("since", ["2026-03-02", "2026-03-23", "2026-10-19"])
def test_the_rows_of_a_week_are_what_the_solver_says(rich: World, since: str) -> None:
    client = rich.client()
    first = datetime.fromisoformat(f"{since}T00:00:00+00:00")
    span = {"from": first.isoformat(), "to": (first + timedelta(days=7)).isoformat()}
    shown = rows(client.get(f"/oncall/sun?view=week&from={since}&zone=UTC", headers=BROWSER).text)
    expected = []
    for kind in ("shifts", "gaps"):
        items = client.get(f"/api/v1/schedules/sun/{kind}", params=span).json()["items"]
        expected += [(one["start"], one.get("people", [])) for one in items]
    expected.sort()
    assert len(shown) == len(expected)
    names = {"alice": "Alice Example", "bob": HOSTILE, "carol": "Carol Example"}
    for (start, people), (when, who, *_) in zip(expected, shown, strict=True):
        moment = datetime.fromisoformat(start)
        if moment > first:
            assert when.startswith(f"{moment:%a} {moment.day} {moment:%b %H:%M}")
        assert all(names[one] in who for one in people)
        assert ("Nobody" in who) is not bool(people)


def test_a_month_names_who_has_each_day(rich: World) -> None:
    shown = rich.client().get("/oncall/sun?view=month&from=2026-03-15&zone=UTC", headers=BROWSER).text
    assert "March 2026" in Page(shown).text
    cells = {
        day: Page(cell).text
        for day, cell in re.findall(r'<time datetime="([\d-]{10})">(.*?)</td>', shown, re.DOTALL)
    }
    assert len(cells) == 42
    assert min(cells) == "2026-02-23"
    sun = rich.client().get(
        "/api/v1/schedules/sun/shifts", params={"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}
    )
    for shift in sun.json()["items"]:
        start = datetime.fromisoformat(shift["start"])
        for person in shift["people"]:
            word = {"alice": "Alice", "carol": "Carol"}.get(person)
            assert word is None or word in cells[start.date().isoformat()], shift
    assert "nobody" in cells["2026-03-03"]
    assert "today" in cells["2026-03-03"]


def test_tables_can_be_read_aloud(rich: World) -> None:
    for view in ("week", "month"):
        shown = page(rich.client(), f"/oncall/sun?view={view}")
        assert shown.all("caption")
        assert {one.get("scope") for one in shown.all("th")} == {"col", "row"}
        assert len(shown.all("h1")) == 1
        ids = [attributes["id"] for _, attributes in shown.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        assert all("style" not in attributes for _, attributes in shown.tags)


@pytest.mark.parametrize(
    "since, zone, said",
    [
        ("2026-10-25", "schedule", "clocks go back: 25 hours"),
        ("2026-03-29", "schedule", "clocks go forward: 23 hours"),
        ("2026-03-08", "America/New_York", "clocks go forward: 23 hours"),
        ("2026-10-04", "Australia/Lord_Howe", "clocks go forward: 23 hours 30 min"),
    ],
)
def test_the_days_on_which_clocks_change_say_so(world: World, since: str, zone: str, said: str) -> None:
    for view in ("week", "month"):
        assert said in page(world.client(), f"{PRIMARY}?view={view}&from={since}&zone={zone}").text
        assert "clocks go" not in page(world.client(), f"{PRIMARY}?view={view}&from={since}&zone=UTC").text


def test_each_clock_is_one_link_away(world: World) -> None:
    client = as_person(world, "alice")
    assert "Mon 2 Mar 09:00" in page(client, PRIMARY).text
    assert "Mon 2 Mar 08:00" in page(client, f"{PRIMARY}?zone=UTC").text
    assert "On their clock" in page(client, PRIMARY).text
    stranger = page(world.client(), PRIMARY)
    assert "Mon 2 Mar 09:00" in stranger.text
    assert "Schedule’s Europe/Berlin" in stranger.text
    refused = client.get(f"{PRIMARY}?zone=Nowhere/Atall", headers=BROWSER)
    assert refused.status_code == 422
    assert "unknown time zone" in refused.text


@pytest.mark.parametrize("since", ["x", "", "0001-01-01", "9999-12-31", "2026-02-31"])
@pytest.mark.parametrize("view", ["week", "month", "<b>"])
def test_any_date_is_a_page(world: World, since: str, view: str) -> None:
    shown = page(world.client(), f"{PRIMARY}?view={view}&from={since}")
    for link in shown.all("a"):
        if link.get("rel") in ("prev", "next"):
            assert page(world.client(), str(link["href"])).all("table")


def test_previous_next_and_today(world: World) -> None:
    def start(path: str) -> str:
        told = parse_qs(urlsplit(path).query)
        return told["from"][0]

    for view, before, after in (("week", "2026-02-23", "2026-03-09"), ("month", "2026-02-01", "2026-04-01")):
        links = {
            one.get("rel"): str(one["href"])
            for one in page(world.client(), f"{PRIMARY}?view={view}").all("a")
        }
        assert (start(links["prev"]), start(links["next"])) == (before, after)


def test_what_lies_beneath_is_named(rich: World) -> None:
    text = page(rich.client(), "/oncall/sun").text
    for wanted in (
        "Layers", "day priority 20", "every day 08:00 to 20:00", "Mon–Fri 20:00 to 06:00 the next day",
        "1 day each, changes at 08:00", "written in the schedule’s file", "taken off", "Away", "Gaps",
        "Nobody from Tue 3 Mar 06:00 to 08:00 (2 h)",
        "Nobody on purpose from Tue 3 Mar 16:00 to 18:00 (2 h)",
    ):  # fmt: skip
        assert wanted in text, wanted


def test_hostile_names_and_reasons_stay_texts(rich: World) -> None:
    client = as_person(rich, "bob")
    body = {"cover": ["bob"], "end": "2026-03-04T03:00:00Z", "reason": HOSTILE}
    assert client.post("/api/v1/schedules/sun/overrides", json=body).status_code == 201
    for path in (
        "/oncall", "/oncall/sun", "/oncall/sun?view=month", "/calendars",
        "/oncall/sun/take?at=2026-03-03T03:00:00Z", "/oncall/sun?done=1",
    ):  # fmt: skip
        shown = page(client, path)
        assert not shown.all("img")
        assert {str(one.get("src")).partition("?")[0] for one in shown.all("script")} == SCRIPTS
        for tag, attributes in shown.tags:
            assert not any(name.startswith("on") for name in attributes), (path, tag)
        assert HOSTILE in shown.text or path == "/calendars"


def test_past_weeks_show_what_was_in_force_then(rich: World) -> None:
    rich.clock.advance(timedelta(days=2))
    (rich.directory / "rotations/schedules/sun.yaml").write_text(SUN.replace("[[alice], [bob]]", "[[carol]]"))
    assert rich.client().post("/-/reload").status_code == 200
    rich.clock.advance(timedelta(days=1))
    answer = rich.client().get("/oncall/sun?zone=UTC", headers=BROWSER)
    assert "The schedule was changed on Thu 5 Mar 03:00" in Page(answer.text).text
    told = {when: who for when, who, *_ in rows(answer.text)}
    (before,) = [who for when, who in told.items() if when.startswith("Wed 4 Mar 08:00")]
    (after,) = [who for when, who in told.items() if when.startswith("Fri 6 Mar 08:00")]
    assert "Carol" not in before
    assert "Carol Example" in after


def test_an_unknown_schedule_is_a_page_too(world: World) -> None:
    for path in ("/oncall/nope", "/oncall/nope/take?at=2026-03-03T03:00:00Z"):
        answer = world.client().get(path, headers=BROWSER)
        assert answer.status_code == 404
        assert "There is no schedule" in answer.text


@pytest.mark.parametrize("path", ["/oncall", PRIMARY, f"{PRIMARY}?view=month", "/calendars"])
def test_pages_are_small_enough_for_a_phone(world: World, path: str) -> None:
    client = world.client()
    page = client.get(path, headers=BROWSER)
    with client.stream("GET", path, headers={**BROWSER, "accept-encoding": "gzip"}) as answer:
        packed = len(b"".join(answer.iter_raw()))
    brought = [asset for name, asset in Looks().assets.items() if f"/static/{name}?" in page.text]
    assert len(brought) >= 4
    assert packed + sum(len(asset.packed) for asset in brought) < 50_000


# The command line.


def test_the_command_line_speaks_the_words_of_on_call(rich: World) -> None:
    client = as_person(rich, "alice")
    asked = client.get("/oncall/sun", headers=BROWSER).text
    sent = {**fields(asked, "/oncall/sun/commands"), "text": "help"}
    answer = client.post("/oncall/sun/commands", data=sent, headers=BROWSER)
    assert answer.status_code == 200
    assert "override end" in Page(answer.text).text
    assert "Mon 2 Mar to Sun 8 Mar" in Page(answer.text).text
    refused = client.post("/oncall/commands", data={"text": "overide <b>"}, headers=BROWSER)
    assert refused.status_code == 409
    assert [one["value"] for one in Page(refused.text).all("input") if one.get("name") == "text"] == [
        "overide <b>"
    ]
    for path, where in (("/oncall/commands", "/oncall"), ("/oncall/sun/commands", "/oncall/sun")):
        assert client.get(path, headers=BROWSER).headers["location"] == where


def test_what_is_typed_shows_in_the_table(rich: World) -> None:
    client = as_person(rich, "alice")
    line = "override @carol 2026-03-06T09:00 2026-03-06T12:00 sun"
    answer = client.post(
        "/oncall/sun/commands", data={"text": line, "key": "k", "zone": "UTC"}, headers=BROWSER
    )
    if answer.status_code == 409:
        line = "override @carol fri 09:00 fri 12:00 sun"
        answer = client.post("/oncall/sun/commands", data={"text": line, "zone": "UTC"}, headers=BROWSER)
    assert answer.status_code == 200, Page(answer.text).text
    (found,) = [who for when, who, *_ in rows(answer.text) if when.startswith("Fri 6 Mar 08:00 to 11:00")]
    assert "Carol Example" in found


def test_a_line_on_the_page_of_a_schedule_is_about_that_schedule(rich: World) -> None:
    client = as_person(rich, "alice")
    for schedule in ("sun", "platform-primary"):
        line = {"text": "override @alice fri 09:00 fri 12:00"}
        answer = client.post(f"/oncall/{schedule}/commands", data=line, headers=BROWSER)
        assert f"Alice Example covers {schedule}" in Page(answer.text).text
    # Another one may be named, and what is no schedule is not asked about.
    other = {"text": "override @alice fri 13:00 fri 14:00 platform-primary"}
    answer = client.post("/oncall/sun/commands", data=other, headers=BROWSER)
    assert "Alice Example covers platform-primary" in Page(answer.text).text
    assert client.post("/oncall/none/commands", data=line, headers=BROWSER).status_code == 404


def test_the_board_says_who_until_when_and_what_is_missing(rich: World) -> None:
    shown = page(as_person(rich, "alice"), "/oncall").text
    for wanted in (
        "platform-primary",
        "until",
        "Your shifts",
        "Cover me",
        "Next two weeks: no gaps",
        "Nobody from",
    ):
        assert wanted in shown
    stranger = page(rich.client(), "/oncall").text
    assert "Who are you?" in stranger
    assert "Your shifts" not in stranger


# Two taps.


def test_take_this_shift_in_two_taps_and_give_it_back(world: World) -> None:
    client = as_person(world, "alice")
    path = take_address(client.get(f"{PRIMARY}?from=2026-03-09", headers=BROWSER).text)
    asked = client.get(path, headers=BROWSER).text
    sent = fields(asked, f"{PRIMARY}/take")
    answer = client.post(f"{PRIMARY}/take", data={**sent, "reason": "swap"}, headers=BROWSER)
    assert answer.status_code == 303, answer.text
    (made,) = client.get("/api/v1/schedules/platform-primary/overrides").json()["items"]
    assert made["created_by"] == "alice"
    assert made["reason"] == "swap"
    done = client.get(answer.headers["location"], headers=BROWSER).text
    assert "override 1" in Page(done).text
    assert "in place of" in Page(done).text
    end = f"{PRIMARY}/overrides/1/end"
    ended = client.post(end, data=fields(done, end), headers=BROWSER)
    assert ended.status_code == 303
    assert re.search("Ended:|Taken back:", page(client, ended.headers["location"]).text)
    again = client.post(end, data={}, headers=BROWSER)
    assert again.status_code == 409
    assert "nothing to end" in again.text or "not edited" in again.text


def test_a_double_click_takes_it_once(world: World) -> None:
    client = as_person(world, "alice")
    path = take_address(client.get(f"{PRIMARY}?from=2026-03-09", headers=BROWSER).text)
    sent = fields(client.get(path, headers=BROWSER).text, f"{PRIMARY}/take")
    for _ in range(2):
        assert client.post(f"{PRIMARY}/take", data=sent, headers=BROWSER).status_code == 303
    assert len(client.get("/api/v1/schedules/platform-primary/overrides").json()["items"]) == 1


def test_cover_me_asks_who(rich: World) -> None:
    client = as_person(rich, "alice")
    asked = client.get("/oncall/sun/take?at=2026-03-04T08:00:00Z", headers=BROWSER).text
    own = "Who covers for you?" in asked
    if not own:
        asked = client.get("/oncall/sun/take?at=2026-03-05T08:00:00Z", headers=BROWSER).text
    assert "Who covers for you?" in asked
    assert "Carol Example" in Page(asked).text
    sent = fields(asked, "/oncall/sun/take")
    assert sent["person"] == "alice"
    assert client.post("/oncall/sun/take", data={**sent, "by": "carol"}, headers=BROWSER).status_code == 303
    (made,) = client.get("/api/v1/schedules/sun/overrides").json()["items"]
    assert (made["replace"], made["by"], made["created_by"]) == ("alice", "carol", "alice")


def test_of_a_pair_one_is_chosen(rich: World) -> None:
    client = as_person(rich, "alice")
    asked = client.get("/oncall/sun/take?at=2026-03-03T22:00:00Z", headers=BROWSER).text
    sent = {**fields(asked, "/oncall/sun/take"), "person": "carol"}
    assert client.post("/oncall/sun/take", data=sent, headers=BROWSER).status_code == 303
    at = {"schedule": "sun", "at": "2026-03-03T23:00:00Z"}
    found = {one["person"] for one in client.get("/api/v1/oncall", params=at).json()}
    assert found == {"alice", "bob"}


def test_a_gap_can_be_taken_by_an_operator_for_somebody(rich: World) -> None:
    client = rich.client()
    asked = client.get("/oncall/sun/take?at=2026-03-04T06:30:00Z", headers=BROWSER).text
    assert "Take this gap" in asked
    sent = fields(asked, "/oncall/sun/take")
    assert client.post("/oncall/sun/take", data={**sent, "by": "carol"}, headers=BROWSER).status_code == 303
    at = {"schedule": "sun", "at": "2026-03-04T07:00:00Z"}
    assert [one["person"] for one in client.get("/api/v1/oncall", params=at).json()] == ["carol"]


def test_a_shift_that_changed_meanwhile_is_refused_in_words(world: World) -> None:
    client = as_person(world, "alice")
    path = take_address(client.get(f"{PRIMARY}?from=2026-03-09", headers=BROWSER).text)
    sent = fields(client.get(path, headers=BROWSER).text, f"{PRIMARY}/take")
    start = sent["start"]
    other = "bob" if sent["person"] == "alice" else "alice"
    sent["by"] = sent["person"]
    sent["person"] = other
    answer = client.post(f"{PRIMARY}/take", data={**sent, "start": start}, headers=BROWSER)
    assert answer.status_code in {303, 409}
    sent.update(by="bob", person="gone")
    answer = client.post(f"{PRIMARY}/take", data={**sent, "reason": HOSTILE}, headers=BROWSER)
    assert answer.status_code == 409
    shown = Page(answer.text)
    assert "has changed since this page was shown" in shown.text or "already" in shown.text
    assert not shown.all("img")
    assert client.get("/api/v1/schedules/platform-primary/overrides").json()["items"] == []


@pytest.mark.parametrize(
    "change, status",
    [
        ({"by": ""}, 409), ({"by": "gone"}, 409), ({"by": HOSTILE}, 409), ({"start": "x"}, 422), ({"end": ""}, 422),
        ({"end": "2026-03-03T03:00:00Z"}, 409), ({"start": "2026-03-03T03:00:00"}, 422), ({"person": "nobody"}, 409),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused(world: World, change: dict[str, str], status: int) -> None:
    client = world.client()
    asked = client.get(f"{PRIMARY}/take?at=2026-03-03T03:00:00Z", headers=BROWSER).text
    sent = {**fields(asked, f"{PRIMARY}/take"), **change}
    answer = client.post(f"{PRIMARY}/take", data=sent, headers=BROWSER)
    assert answer.status_code == status, answer.text
    assert client.get("/api/v1/schedules/platform-primary/overrides").json()["items"] == []


@pytest.mark.parametrize(
    "path", [f"{PRIMARY}/take", f"{PRIMARY}/overrides/1/end", "/calendars", "/calendars/1/revoke"]
)
@pytest.mark.parametrize("origin", [{"origin": "https://evil.example.com"}, {"sec-fetch-site": "cross-site"}])
def test_other_sites_cannot_press_our_buttons(world: World, path: str, origin: dict[str, str]) -> None:
    sent = {
        "start": "2026-03-03T03:00:00Z", "end": "2026-03-04T03:00:00Z", "person": "alice", "by": "bob",
        "calendar": "schedule:platform-primary",
    }  # fmt: skip
    assert world.client().post(path, data=sent, headers=origin).status_code == 403
    assert world.client().get("/api/v1/schedules/platform-primary/overrides").json()["items"] == []
    assert world.client().get("/api/v1/calendars").json()["items"] == []


def test_nobody_gets_in_without_signing_in(guarded: World) -> None:
    for path in ("/oncall", PRIMARY, f"{PRIMARY}/take?at=2026-03-03T03:00:00Z", "/calendars"):
        answer = guarded.client().get(path, headers=BROWSER)
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in")
    sent = {"start": "2026-03-03T03:00:00Z", "end": "2026-03-04T03:00:00Z", "person": "alice", "by": "bob"}
    assert guarded.client().post(f"{PRIMARY}/take", data=sent, headers=BROWSER).status_code == 401


def test_an_override_of_another_schedule_is_not_ended_here(rich: World) -> None:
    client = rich.client()
    body = {"cover": ["bob"], "end": "2026-03-04T03:00:00Z"}
    assert client.post("/api/v1/schedules/sun/overrides", json=body).status_code == 201
    assert client.post(f"{PRIMARY}/overrides/1/end", data={}, headers=BROWSER).status_code == 404


# Calendars.


def test_a_calendar_link_is_shown_once_and_revoked(world: World) -> None:
    client = as_person(world, "alice")
    asked = client.get("/calendars?schedule=platform-primary", headers=BROWSER).text
    assert '<option value="schedule:platform-primary" selected>' in asked
    made = client.post("/calendars", data={"calendar": "person:alice"}, headers=BROWSER)
    assert made.status_code == 200
    (url,) = re.findall(r'readonly value="([^"]*)"', made.text)
    parts = urlsplit(html.unescape(url))
    assert client.get(f"{parts.path}?{parts.query}").status_code == 200
    later = client.get("/calendars", headers=BROWSER).text
    assert "ibc_" not in later
    assert "Person Alice Example" in Page(later).text
    assert client.post("/calendars/1/revoke", headers=BROWSER).status_code == 303
    assert client.get(f"{parts.path}?{parts.query}").status_code == 404
    assert "None yet." in page(client, "/calendars").text
    assert client.post("/calendars/1/revoke", headers=BROWSER).status_code == 404


@pytest.mark.parametrize("calendar, status", [("schedule:nope", 404), ("x:y", 409), ("", 409)])
def test_a_calendar_that_is_not_there_has_no_link(world: World, calendar: str, status: int) -> None:
    answer = world.client().post("/calendars", data={"calendar": calendar}, headers=BROWSER)
    assert answer.status_code in {status, 422}


# How it looks.


WALL = Wall(ZoneInfo("Europe/Berlin"), START)


@pytest.mark.parametrize(
    "start, hours, said",
    [
        (datetime(2026, 3, 10, 22, tzinfo=UTC), 1, "Tue 10 Mar 23:00 to Wed 00:00"),
        (datetime(2026, 3, 10, 8, tzinfo=UTC), 8, "Tue 10 Mar 09:00 to 17:00"),
        (datetime(2026, 3, 10, 8, tzinfo=UTC), 168, "Tue 10 Mar 09:00 to Tue 17 Mar 09:00"),
        (datetime(2026, 10, 25, 0, tzinfo=UTC), 1, "Sun 25 Oct 02:00 CEST to 02:00 CET"),
        (datetime(2027, 1, 2, 8, tzinfo=UTC), 1, "Sat 2 Jan 2027 09:00 to 10:00"),
    ],
)
def test_stretches_in_words(start: datetime, hours: int, said: str) -> None:
    assert WALL.span(start, start + timedelta(hours=hours)) == said


@pytest.mark.parametrize(
    "minutes, said",
    [(60, "1 h"), (90, "1 h 30 min"), (3000, "2 d 2 h"), (10080, "7 d"), (0.5, "less than a minute")],
)
def test_lengths_in_words(minutes: float, said: str) -> None:
    assert length(timedelta(minutes=minutes)) == said


def test_ordinary_days_say_nothing_of_clocks() -> None:
    start = datetime(2026, 3, 3, tzinfo=UTC)
    assert clocks(Day(date=date(2026, 3, 3), start=start, end=start + timedelta(days=1), parts=())) == ""


def test_people_of_one_schedule_look_different() -> None:
    ids = [f"p{number}" for number in range(HUES * PATTERNS)]
    found = marks(ids, {})
    assert len({(one.hue, one.pattern) for one in found.values()}) == len(ids)
    few = marks(ids[:HUES], {})
    assert len({one.hue for one in few.values()}) == HUES
    known = {name: Person(id=name, name=name) for name in ids}
    whole = marks(ids, known)
    assert all(marks([name], known)[name].hue == whole[name].hue for name in ids)
    assert len(marks([*ids, "one more"], {})) == len(ids) + 1


def test_two_of_one_first_name_keep_the_whole_name() -> None:
    people = {
        name: Person(id=name, name=whole)
        for name, whole in (("a", "Ann Lee"), ("b", "Ann Roe"), ("c", "Carl Ott"))
    }
    assert [one.short for one in marks(people, people).values()] == ["Ann Lee", "Ann Roe", "Carl"]


@pytest.mark.parametrize(
    "name, said",
    [("Alice Example", "AE"), ("bob", "BO"), ("Ana de la Cruz", "AC"), ("<b>", "B"), ("--", "?"), ("", "?")],
)
def test_initials(name: str, said: str) -> None:
    assert initials(name) == said


def test_every_person_can_be_read_in_both_schemes() -> None:
    """4.5 to 1 is what WCAG asks of text; the patterns lie under it."""
    css = Looks().assets["oncall.css"].body.decode()

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    found = re.findall(r"--w(\d): (#\w{6}); --v\1: (#\w{6})", css)
    assert len(found) == 2 * HUES
    for number, ground, ink in found:
        high, low = sorted((luminance(ground), luminance(ink)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, number
