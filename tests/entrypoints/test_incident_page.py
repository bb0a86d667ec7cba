"""The parts of an incident's page: its timeline, notes put right, buttons at steps and items, who was paged."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from incident_bot.core.timeline import Part
from incident_bot.flow import timeline_page
from tests.entrypoints.conftest import World, delivery
from tests.entrypoints.test_console import BROWSER, Page, form_of

HERE = "/incidents/INC-1"


def shown(world: World, address: str = HERE) -> str:
    answer = world.client().get(address, headers=BROWSER)
    assert answer.status_code == 200
    return answer.text


def says(world: World, *lines: str, actor: str | None = None) -> None:
    for line in lines:
        body = {"text": line} | ({"actor": actor} if actor else {})
        answer = world.client().post("/api/v1/incidents/1/commands", json=body)
        assert answer.status_code == 200, answer.text


def entries(text: str) -> list[str]:
    found = re.findall(r'<li class="entry entry-[a-z_]+" id="e\d+">(.*?)</div></li>', text, re.DOTALL)
    return [Page(one).text for one in found]


@pytest.fixture
def lived(world: World) -> World:
    """An incident that was paged, taken and worked on."""
    world.open_incident(service="checkout")
    world.pump()
    says(world, "ack", "note it began at noon", "theory the cache is cold", "task tell support @alice",
         "did scaled to 12 undo: scale to 6", "followup alert on the pool @bob 7d", "decide roll back")  # fmt: skip
    return world


def test_the_timeline_is_shown_by_its_parts(lived: World) -> None:
    kinds = {
        part: set(re.findall(r'<li class="entry entry-([a-z_]+)"', shown(lived, f"{HERE}?show={part.value}")))
        for part in Part
    }
    assert {"note", "acknowledged", "page_sent", "opened"} <= kinds[Part.ALL]
    assert "note" in kinds[Part.PEOPLE]
    assert "page_sent" not in kinds[Part.PEOPLE]
    assert "page_sent" in kinds[Part.PAGES]
    assert "note" not in kinds[Part.PAGES]
    assert kinds[Part.ALERTS] == {"opened"}
    assert kinds[Part.CHAT] == set()
    assert "page_sent" not in kinds[Part.CURATED]
    assert 'href="/incidents/INC-1?show=pages" aria-current="true"' in shown(lived, f"{HERE}?show=pages")
    assert "Nothing of this part." in shown(lived, f"{HERE}?show=chat")
    assert 'href="/incidents/INC-1" aria-current="true"' in shown(lived, f"{HERE}?show=odd")


def test_a_button_leads_back_to_the_part_one_looked_at(lived: World) -> None:
    headers = {**BROWSER, "referer": "http://localhost:8080/incidents/INC-1?show=people&before=40"}
    fields = {"text": "note seen", "back": "here"}
    answer = lived.client().post(f"{HERE}/commands", data=fields, headers=headers)
    assert answer.headers["location"] == "/incidents/INC-1?show=people"


def test_older_entries_are_a_page_further(lived: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline_page, "SHOWN", 3)
    address: str | None = HERE
    seen: list[int] = []
    while address:
        text = shown(lived, address)
        seen += [int(one) for one in re.findall(r'id="e(\d+)"', text)]
        older = re.search(r'href="([^"]+)">Earlier entries', text)
        address = html.unescape(older[1]) if older else None
    assert sorted(seen, reverse=True) == list(range(max(seen), 0, -1))


def test_a_note_is_added_at_the_time_it_happened(lived: World) -> None:
    lived.clock.advance(timedelta(minutes=10))
    answer = lived.client().post(
        f"{HERE}/notes", data={"text": "lights went\nout", "clock": "02:30"}, headers=BROWSER
    )
    assert (answer.status_code, answer.headers["location"]) == (303, HERE)
    (line,) = [one for one in entries(shown(lived)) if "lights went out" in one]
    assert line.startswith("02:30:00")
    assert "noted 03:10 UTC" in line
    for wrong in ("25:99", "0430", "yesterday"):
        fields = {"text": "lights back", "clock": wrong}
        refused = lived.client().post(f"{HERE}/notes", data=fields, headers=BROWSER)
        assert refused.status_code == 409
        assert f"&#39;{wrong}&#39; is no time" in refused.text
        assert 'value="note lights back"' in refused.text
        assert not [one for one in entries(shown(lived)) if "lights back" in one]
    refused = lived.client().post(f"{HERE}/notes", data={"text": " "}, headers=BROWSER)
    assert refused.status_code == 409


def test_a_note_is_put_right_and_its_history_stays(lived: World) -> None:
    text = shown(lived)
    (seq,) = re.findall(r'action="/incidents/INC-1/notes/(\d+)"', text)
    assert "it began at noon</textarea>" in text
    answer = lived.client().post(f"{HERE}/notes/{seq}", data={"text": "it began at one"}, headers=BROWSER)
    assert answer.status_code == 303
    (line,) = [one for one in entries(shown(lived)) if "began" in one]
    assert "operator noted: it began at one (edited)" in line
    assert "edited, history" in line
    assert "“it began at noon”" in line
    back = lived.client().post(f"{HERE}/notes/{seq}", data={"text": "", "do": "retract"}, headers=BROWSER)
    assert back.status_code == 303
    (line,) = [one for one in entries(shown(lived)) if "began" in one]
    assert "Taken back: operator noted" in line
    assert "taken back : no reason given" in line
    assert f'/notes/{seq}"' not in shown(lived)
    for address in (f"{HERE}/notes", f"{HERE}/notes/{seq}", f"{HERE}/commands"):
        assert lived.client().get(address, headers=BROWSER).headers["location"] == HERE


def test_only_whoever_may_is_offered_to_correct_a_note(lived: World) -> None:
    says(lived, "note said by alice", actor="alice")
    client = lived.client()
    client.post("/me", data={"person": "alice"}, headers=BROWSER)
    offered = Page(client.get(HERE, headers=BROWSER).text).all("textarea")
    assert [one["name"] for one in offered].count("text") == 2
    assert client.post(f"{HERE}/notes/1", data={"text": "x"}, headers=BROWSER).status_code == 409


def test_steps_and_items_have_buttons(lived: World) -> None:
    client = lived.client()
    for said in ("tick 1", "confirmed 1", "done 2", "done 3", "done 4"):
        fields = form_of(shown(lived), said)
        assert client.post(f"{HERE}/commands", data=fields, headers=BROWSER).status_code == 303, said
    api = client.get("/api/v1/incidents/1").json()
    assert [one["outcome"] for one in api["items"] if one["kind"] == "theory"] == ["confirmed"]
    assert all(one["done_at"] for one in api["items"] if one["kind"] != "decision")
    assert form_of(shown(lived), "untick 1")["back"] == "here"
    text = Page(shown(lived)).text
    for heading in ("Tasks 0 open", "Theories 0 open", "Decisions", "Temporary changes", "Follow-ups"):
        assert heading in text


def test_roles_have_a_history(lived: World) -> None:
    says(lived, "lead @alice")
    lived.clock.advance(timedelta(minutes=20))
    says(lived, "lead @bob", "role scribe @alice")
    text = Page(shown(lived)).text
    assert "Who had which role before Lead: Alice Example" in text
    assert "20 min" in text
    assert "Scribe Alice Example" in text


def test_every_page_shows_its_attempts(lived: World) -> None:
    assert "1 attempt" in shown(lived)
    assert "<code>r1</code>" in shown(lived)


def test_of_many_alerts_the_first_ones_stand_here_and_lead_to_all(world: World) -> None:
    body = delivery(service="checkout")
    (one,) = body["alerts"]
    many = [
        {**one, "labels": {**one["labels"], "instance": f"host{number:03}"}, "fingerprint": f"{number:016x}"}
        for number in range(130)
    ]
    answer = world.client().post("/webhooks/alertmanager", json={**body, "alerts": many})
    assert answer.status_code == 200, answer.text
    text = shown(world)
    assert text.count("Why this alert paged, or not") == 20
    assert 'and 110 more: <a href="/alerts?incident=INC-1">all of them</a>' in text
    assert '<span class="count">130 firing</span>' in text
    said = [Page(one).text for one in re.findall(r"<summary>(.*?)</summary>", text) if "host0" in one]
    assert said == [f"firing HighCPU on host{number:03} (checkout)" for number in range(20)]
    answer = world.client().get("/api/v1/incidents/INC-1").json()
    assert (len(answer["alerts"]), answer["firing"], answer["tally"]) == (
        130,
        130,
        [{"name": "HighCPU", "service": "checkout", "firing": 130, "total": 130}],
    )


def test_alerts_of_one_title_are_told_apart(world: World) -> None:
    body = delivery({"summary": "Disk is filling"}, service="checkout")
    (one,) = body["alerts"]
    many = [
        {**one, "labels": {**one["labels"], "instance": f"host{number}"}, "fingerprint": f"{number:016x}"}
        for number in range(3)
    ]
    assert world.client().post("/webhooks/alertmanager", json={**body, "alerts": many}).status_code == 200
    for address in (HERE, "/alerts"):
        text = Page(shown(world, address)).text
        for number in range(3):
            assert f"Disk is filling instance=host{number}" in text
    for verb in ("firing", "catchup"):
        answer = world.client().post("/api/v1/incidents/1/commands", json={"text": verb})
        assert "Disk is filling (instance=host2)" in answer.text


def test_a_cancelled_incident_says_so_and_offers_nothing_that_is_refused(world: World) -> None:
    world.open_incident()
    says(world, "cancel a test alert from staging")
    page = shown(world)
    assert "Cancelled" in Page(page).text
    assert 'name="text" value="reopen"' not in page
    assert 'href="/declare"' in page
    for address in (HERE, "/incidents"):
        text = shown(world, address)
        assert '<span class="state state-resolved">cancelled</span>' in text


def test_the_timeline_shows_commands_as_such_and_key_times_in_a_sentence(lived: World) -> None:
    says(lived, "note `systemctl restart <web>` helped", "resolve it was the disk")
    text = shown(lived)
    assert "noted: <code>systemctl restart &lt;web&gt;</code> helped" in text
    assert re.search(r">To [a-z]+ [^<]*\. <code>milestone mitigated", text)
