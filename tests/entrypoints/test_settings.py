"""The settings pages: oneself, people, tokens, what is connected, the configuration, the audit."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from incident_bot.core.access import Role
from incident_bot.flow import audits, sessions
from incident_bot.flow.audits import Sought
from incident_bot.flow.sessions import Opening
from incident_bot.store import interventions
from incident_bot.telemetry import begin_asking
from tests.entrypoints.conftest import FILES, World

PEOPLE = FILES["rotations/people.yaml"] + "  ada: {name: Ada}\n  eve: {name: Eve}\n"
ROLES = "default: viewer\nroles: {ada: admin, bob: manager}\n"
PAGES = ("/settings", "/settings/people", "/settings/tokens", "/settings/integrations",
         "/settings/configuration", "/settings/audit", "/settings/audit.csv", "/settings/audit.json")  # fmt: skip


@pytest.fixture
def ruled(guarded: World) -> World:
    """An admin, a manager and viewers."""
    for name, text in (("people", PEOPLE), ("access", ROLES)):
        (guarded.directory / f"rotations/{name}.yaml").write_text(text)
    assert guarded.application.context.live.reload(now=guarded.clock.now()).ok
    return guarded


def browser(world: World, person: str | None, *, role: Role | None = None) -> TestClient:
    """Somebody who is signed in."""
    context = world.application.context
    with context.store.write() as tx:
        opening = Opening(person=person, role=role, how="oidc", agent="curl/8")
        secret = sessions.open_session(context, tx, opening, now=world.clock.now())
    headers = {"origin": "http://bot.example.com", "accept": "text/html"}
    client = world.client(peer="203.0.113.9", host="bot.example.com", headers=headers)
    client.cookies.set("incident_bot_session", secret)
    return client


def words(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_everybody_sees_what_their_role_reaches_and_no_dead_links(ruled: World) -> None:
    for person, missing in (("eve", 4), ("bob", 1), ("ada", 0)):
        client = browser(ruled, person)
        page = client.get("/settings").text
        refused = [path for path in PAGES if client.get(path).status_code != 200]
        assert len(refused) == missing, (person, refused)
        for path in PAGES[:6]:
            assert (f'href="{path}"' in page) is (path not in refused), (person, path)


def test_the_operator_of_this_machine_has_all_of_it(world: World) -> None:
    client = world.client()
    for path in PAGES:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == "no-store"
    assert "/me?next=/settings" in client.get("/settings").text


def test_one_s_own_sessions_are_seen_and_ended(ruled: World) -> None:
    here, there, other = (browser(ruled, name) for name in ("eve", "eve", "bob"))
    assert "Your sessions 2" in words(here.get("/settings"))
    number = max(int(one) for one in re.findall(r"/settings/sessions/(\d+)/end", here.get("/settings").text))
    assert other.post(f"/settings/sessions/{number}/end").status_code == 404
    assert here.post("/settings/sessions/end").status_code == 303
    assert there.get("/settings").status_code == 303
    assert here.get("/settings").status_code == other.get("/settings").status_code == 200
    own = re.findall(r"/settings/sessions/(\d+)/end", here.get("/settings").text)
    assert here.post(f"/settings/sessions/{own[0]}/end").status_code == 303
    assert here.get("/settings").status_code == 303


def test_an_admin_signs_somebody_out(ruled: World) -> None:
    eve, bob, ada = (browser(ruled, name) for name in ("eve", "bob", "ada"))
    assert bob.post("/settings/people/eve/sign-out").status_code == 403
    page = words(ada.get("/settings/people"))
    assert "Ada ada · UTC admin of every team" in page
    assert "Sign out Eve" in page
    assert ada.post("/settings/people/eve/sign-out").status_code == 303
    assert ada.post("/settings/people/mallory/sign-out").status_code == 404
    assert eve.get("/settings").status_code == 303


def test_a_test_goes_to_oneself_through_the_outbox_and_its_outcome_is_shown(ruled: World) -> None:
    client = browser(ruled, "eve")
    for _ in range(2):
        assert client.post("/settings/test").status_code == 303
    assert "test on its way" in client.get("/settings").text
    ruled.pump()
    (message,) = ruled.recorder.sent
    assert (message.recipient, message.kind) == ("eve", "meta")
    assert "Test for Eve: recorder works." in message.text
    assert "test sent" in client.get("/settings").text
    assert client.post("/settings/integrations/recorder/test").status_code == 403
    manager = browser(ruled, "bob")
    assert manager.post("/settings/integrations/recorder/test").status_code == 303
    assert manager.post("/settings/integrations/pigeon/test").status_code == 404
    ruled.pump()
    assert [one.recipient for one in ruled.recorder.sent] == ["eve", "bob"]
    assert "test sent" in manager.get("/settings/integrations").text
    nobody = browser(ruled, None, role=Role.ADMIN)
    refused = nobody.post("/settings/integrations/recorder/test")
    assert refused.status_code == 409
    assert "A test goes to a person of people.yaml" in refused.text


def test_a_token_is_made_shown_once_and_revoked(ruled: World) -> None:
    client = browser(ruled, "ada")
    assert "needs a name" in client.post("/settings/tokens", data={"scopes": "read"}).text
    assert "Unknown scope" in client.post("/settings/tokens", data={"name": "ci", "scopes": "all"}).text
    made = client.post("/settings/tokens", data={"name": "ci <b>", "scopes": ["read", "write"]})
    (secret,) = re.findall(r'value="(ibt_[^"]+)"', made.text)
    assert "ci &lt;b&gt;" in made.text
    program = ruled.client(headers={"authorization": f"Bearer {secret}"})
    assert program.get("/api/v1/incidents").status_code == 200
    assert secret not in client.get("/settings/tokens").text
    assert client.post("/settings/tokens/1/revoke").status_code == 303
    assert program.get("/api/v1/incidents").status_code == 401
    assert "Revoked (1)" in words(client.get("/settings/tokens"))
    assert (
        browser(ruled, "bob").post("/settings/tokens", data={"name": "x", "scopes": "admin"}).status_code
        == 403
    )


def test_the_configuration_is_reloaded_by_somebody_and_what_is_wrong_is_shown(ruled: World) -> None:
    client = browser(ruled, "bob")
    same = client.post("/settings/configuration/reload")
    assert same.headers["location"] == "/settings/configuration?done=same"
    file = ruled.directory / "rotations/people.yaml"
    file.write_text(PEOPLE + "  new: {name: New}\n")
    assert client.post("/settings/configuration/reload").headers["location"].endswith("done=applied")
    page = words(client.get("/settings/configuration?done=applied"))
    assert "By Bob" in page.replace("&lt;b&gt;", "<b>")
    assert "rotations/people.yaml" in page
    file.write_text("people: {eve: {nmae: Eve}}\n")
    assert client.post("/settings/configuration/reload").headers["location"].endswith("done=refused")
    page = words(client.get("/settings/configuration?done=refused"))
    assert "Why the set on disk is refused" in page
    assert "did you mean" in page
    entries = audits.entries(ruled.application.context, Sought(action="config"))
    assert [(one.actor, one.action, one.how) for one in entries] == [
        ("bob", "config.refused", "oidc"),
        ("bob", "config.applied", "oidc"),
    ]
    assert entries[1].before != entries[1].after
    assert entries[1].request_id


def test_the_audit_is_filtered_by_its_address_paged_and_exported(ruled: World) -> None:
    context, client = ruled.application.context, browser(ruled, "bob")
    begin_asking()
    with context.store.write() as tx:
        for number in range(60):
            at = ruled.clock.now() + timedelta(days=number // 30)
            name = "=cmd()" if number == 59 else f"<i>{number}</i>"
            interventions.record(tx, "mallory", "made.up", {"name": name}, now=at)
    first = client.get("/settings/audit?actor=mallory")
    assert first.text.count("made.up</b>") == 50
    assert "<i>" not in first.text
    (older,) = re.findall(r'href="(/settings/audit\?[^"]*cursor=[^"]+)"', first.text)
    assert client.get(older.replace("&amp;", "&")).text.count("made.up</b>") == 10
    day = f"{ruled.clock.now():%Y-%m-%d}"
    assert client.get(f"/settings/audit?action=made&to={day}").text.count("made.up</b>") == 30
    assert client.get("/settings/audit?actor=nobody").text.count("Nothing like that") == 1
    exported = client.get(f"/settings/audit.csv?actor=mallory&from={day}")
    assert exported.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    header, newest, *rest = csv.reader(io.StringIO(exported.text))
    assert tuple(header) == audits.COLUMNS
    assert len(rest) == 59
    assert newest[2:5] == ["mallory", "", "made.up"]
    told = client.get("/settings/audit.json?action=made.up").json()["items"]
    assert [json.dumps(one["data"]) for one in told[:1]] == ['{"name": "=cmd()"}']
    assert len(told) == 60
    assert client.get("/settings/audit?from=yesterday").status_code == 409
    assert browser(ruled, "eve").get("/settings/audit.csv").status_code == 403


def test_an_export_is_cut_off_somewhere(ruled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ruled.application.context
    with context.store.write() as tx:
        for _ in range(7):
            interventions.record(tx, "mallory", "made.up", {}, now=ruled.clock.now())
    monkeypatch.setattr(audits, "BATCH", 3)
    sought = Sought(actor="mallory")
    assert len(json.loads("".join(audits.export(context, sought, "json")))["items"]) == 7
    monkeypatch.setattr(audits, "EXPORT_MOST", 5)
    assert len(json.loads("".join(audits.export(context, sought, "json")))["items"]) == 5
    with pytest.raises(Exception, match="csv or json"):
        audits.export(context, sought, "pdf")


def test_forms_of_other_sites_do_nothing(ruled: World) -> None:
    client = browser(ruled, "ada")
    for headers in (
        {"origin": "https://evil.example.com"},
        {"origin": "null"},
        {"origin": "http://bot.example.com.evil.example.com"},
        {"origin": "http://bot.example.com", "sec-fetch-site": "cross-site"},
        {"origin": "http://bot.example.com", "sec-fetch-site": "same-site"},
    ):
        answer = client.post("/settings/tokens", data={"name": "x", "scopes": "admin"}, headers=headers)
        assert answer.status_code == 403, headers
    del client.headers["origin"]
    assert client.post("/settings/tokens", data={"name": "x", "scopes": "admin"}).status_code == 403
    assert "No" not in words(client.get("/settings/tokens")).split("Tokens that hold")[1][:3]
    with ruled.application.context.store.read() as tx:
        assert interventions.tokens(tx) == []
