"""The API over the real flow: what is answered, page by page, and what a command does."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.entrypoints.conftest import World, delivery

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def instants(value: Any) -> list[str]:
    """Every value under a name that ends in `_at`, `since`, `until`, `start` or `end`."""
    if isinstance(value, list):
        return [found for part in value for found in instants(part)]
    if not isinstance(value, dict):
        return []
    own = [
        part
        for name, part in value.items()
        if (name.endswith("_at") or name in {"since", "until", "start", "end", "at"})
        and isinstance(part, str)
    ]
    return own + [found for part in value.values() for found in instants(part)]


def test_an_incident_has_the_fields_of_the_contract(world: World) -> None:
    name = world.open_incident()
    answer = world.client().get(f"/api/v1/incidents/{name}").json()
    assert set(answer) >= {
        "id", "title", "severity", "phase", "escalation", "team", "service", "lead", "opened_at", "acknowledged_at",
        "resolved_at", "private", "drill", "alerts", "room", "links",
    }  # fmt: skip
    assert set(answer["alerts"][0]) >= {
        "id", "source", "fingerprint", "labels", "annotations", "status", "starts_at", "ends_at", "incident",
        "reason", "runbook", "flags",
    }  # fmt: skip
    assert answer["severity"] == "P1"
    assert answer["alerts"][0]["fingerprint"] == "0123456789abcdef"
    assert instants(answer)
    assert all(INSTANT.fullmatch(one) for one in instants(answer))


@pytest.mark.parametrize("name", ["INC-1", "inc-1", "1", "Inc-1", "0001"])
def test_an_incident_is_found_by_name_or_number(world: World, name: str) -> None:
    world.open_incident()
    assert world.client().get(f"/api/v1/incidents/{name}").json()["id"] == "INC-1"


def test_lists_are_paged_by_an_opaque_cursor(world: World) -> None:
    client = world.client()
    for number in range(5):
        client.post("/api/v1/incidents", json={"title": f"incident {number}"})
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(
            "/api/v1/incidents", params={"limit": 2, **({"cursor": cursor} if cursor else {})}
        ).json()
        assert set(page) == {"items", "next"}
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
    assert seen == ["INC-5", "INC-4", "INC-3", "INC-2", "INC-1"]


SHORT = ("incidents/1/pages", "schedules", "schedules/platform-primary/shifts", "maintenance")


@pytest.mark.parametrize("path", SHORT)
def test_lists_that_are_known_whole_come_in_parts_too(world: World, path: str) -> None:
    world.open_incident()
    world.pump()
    client = world.client()
    for day in (4, 5):
        work = {"matchers": ['service="db"'], "end": f"2026-03-0{day}T00:00:00Z", "reason": "disks"}
        assert client.post("/api/v1/maintenance", json=work).status_code == 201
    span = "&from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z" if path.endswith("shifts") else ""
    whole = client.get(f"/api/v1/{path}?{span}").json()
    assert whole["items"]
    assert whole["next"] is None
    parts: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        more = client.get(f"/api/v1/{path}?limit=1{span}{cursor and '&cursor='}{cursor}").json()
        assert len(more["items"]) == 1
        parts += more["items"]
        cursor = more["next"]
    assert parts == whole["items"]
    assert client.get(f"/api/v1/{path}?cursor=abc").status_code == 400
    assert client.get(f"/api/v1/{path}?limit=501").status_code == 422


def test_lists_are_filtered(world: World) -> None:
    client = world.client()
    world.open_incident()
    client.post("/api/v1/incidents", json={"title": "other", "severity": "P2"})
    client.post("/api/v1/incidents/2/commands", json={"text": "resolve done"})

    def found(query: str) -> list[str]:
        return [one["id"] for one in client.get(f"/api/v1/incidents?{query}").json()["items"]]

    assert found("state=open") == ["INC-1"]
    assert found("state=resolved") == ["INC-2"]
    assert found("severity=P2") == ["INC-2"]
    assert found("team=nobody") == []
    assert found("phase=triage") == found("escalation=triggered") == found("alert=HighCPU") == ["INC-1"]
    assert found("phase=resolved&q=oth") == ["INC-2"]
    assert found("from=2026-03-04") == []
    for wrong in ("phase=odd", "escalation=open", "from=soon", "slower=long", "drill=perhaps"):
        assert client.get(f"/api/v1/incidents?{wrong}").status_code == 422, wrong
    assert [one["incident"] for one in client.get("/api/v1/alerts?incident=INC-1").json()["items"]] == [
        "INC-1"
    ]
    assert client.get("/api/v1/alerts?status=resolved").json() == {"items": [], "next": None}


def test_a_list_carries_the_first_alerts_of_each(world: World) -> None:
    body = delivery()
    (alert,) = body["alerts"]
    body["alerts"] = [
        {**alert, "labels": {**alert["labels"], "instance": f"host-{one}"}, "fingerprint": f"{one:016x}"}
        for one in range(12)
    ]
    client = world.client()
    assert client.post("/webhooks/alertmanager", json=body).status_code == 200
    client.post("/api/v1/incidents", json={"title": "no alert", "severity": "P2"})
    declared, fired = client.get("/api/v1/incidents").json()["items"]
    whole = client.get("/api/v1/incidents/INC-1").json()
    assert (declared["alerts"], fired["firing"], len(whole["alerts"])) == ([], 12, 12)
    assert fired["alerts"] == whole["alerts"][:10]
    for limit, most in ((50, 10), (200, 2), (500, 1)):
        items = client.get(f"/api/v1/incidents?limit={limit}").json()["items"]
        assert [len(one["alerts"]) for one in items] == [0, most]
    assert fired["links"] == whole["links"][: len(fired["links"])]


def test_declaring_pages_and_answers_with_the_incident(world: World) -> None:
    body = {
        "title": "Checkout <b>rejects</b> cards",
        "severity": "P1",
        "impact": "every tenth order",
        "actor": "bob",
    }
    answer = world.client().post("/api/v1/incidents", json=body)
    assert answer.status_code == 201
    incident = answer.json()["incident"]
    assert (incident["title"], incident["severity"], incident["opened_by"]) == (body["title"], "P1", "bob")
    world.pump()
    pages = world.client().get("/api/v1/incidents/1/pages").json()["items"]
    assert [(page["person"], page["state"], page["step"]) for page in pages] == [("alice", "sent", 1)]
    assert set(pages[0]) >= {"channel", "loop", "epoch", "due_at", "sent_at", "reason", "attempts"}
    assert pages[0]["attempts"][0]["result"]


def test_the_same_key_declares_and_commands_once(world: World) -> None:
    client = world.client(headers={"idempotency-key": "k1"})
    first = client.post("/api/v1/incidents", json={"title": "once"}).json()["incident"]["id"]
    assert client.post("/api/v1/incidents", json={"title": "once"}).json()["incident"]["id"] == first
    client = world.client(headers={"idempotency-key": "k2"})
    for _ in range(2):
        assert client.post("/api/v1/incidents/1/commands", json={"text": "note seen"}).status_code == 200
    notes = [
        one for one in client.get("/api/v1/incidents/1/timeline").json()["items"] if one["kind"] == "note"
    ]
    assert len(notes) == 1


def test_a_command_answers_with_reply_and_incident(world: World) -> None:
    world.open_incident()
    answer = (
        world.client().post("/api/v1/incidents/INC-1/commands", json={"text": "ack", "actor": "alice"}).json()
    )
    assert answer["reply"]["text"]
    assert answer["incident"]["escalation"] == "acknowledged"
    assert answer["incident"]["acknowledged_by"] == "alice"


def test_commands_without_an_incident(world: World) -> None:
    listed = world.client().post("/api/v1/commands", json={"text": "list"}).json()
    assert listed["incident"] is None
    made = world.client().post("/api/v1/commands", json={"text": "new P1 Checkout is down"}).json()
    assert made["incident"]["id"] == "INC-1"


@pytest.mark.parametrize("text", ["akc", "snooze", "sev P9", "frobnicate"])
def test_a_refusal_says_what_to_type(world: World, text: str) -> None:
    world.open_incident()
    answer = world.client().post("/api/v1/incidents/1/commands", json={"text": text})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.json()["detail"]) > 15


def test_the_timeline_is_paged_by_seq(world: World) -> None:
    world.open_incident()
    for number in range(4):
        world.client().post("/api/v1/incidents/1/commands", json={"text": f"note {number}"})
    whole = world.client().get("/api/v1/incidents/1/timeline").json()
    assert whole["next"] is None
    first = world.client().get("/api/v1/incidents/1/timeline?limit=2").json()
    rest = world.client().get(f"/api/v1/incidents/1/timeline?cursor={first['next']}").json()
    assert first["items"] + rest["items"] == whole["items"]
    assert set(whole["items"][0]) >= {
        "seq", "kind", "text", "actor", "source", "happened_at", "recorded_at", "data", "hash",
    }  # fmt: skip
    after = world.client().get("/api/v1/incidents/1/timeline?after=2").json()["items"]
    assert [one["seq"] for one in after] == [one["seq"] for one in whole["items"] if one["seq"] > 2]


def test_why_tells_the_chain(world: World) -> None:
    world.open_incident()
    why = world.client().get("/api/v1/incidents/1/why").json()
    assert why["incident"] == "INC-1"
    assert why["alerts"]
    assert "alertmanager" in why["text"]


def test_why_of_an_alert_by_its_number_its_fingerprint_or_its_name(world: World) -> None:
    world.open_incident()
    world.pump()
    found = [
        world.client().get(f"/api/v1/alerts/{name}/why") for name in ("1", "0123456789abcdef", "HighCPU")
    ]
    assert [answer.status_code for answer in found] == [200, 200, 200]
    assert found[0].json() == found[1].json() == found[2].json()
    why = found[0].json()
    assert (why["kind"], why["about"], why["incident"]) == ("alert", "1", "INC-1")
    assert why["answer"][0].startswith("Alice Example was paged by")
    assert {"stage", "at", "text", "data"} == set(why["chain"][0])
    missing = world.client().get("/api/v1/alerts/7/why")
    assert (missing.status_code, "There is no alert '7'" in missing.json()["detail"]) == (404, True)


def test_why_of_a_person_in_a_window(world: World) -> None:
    world.open_incident()
    world.pump()
    paged = world.client().get("/api/v1/people/alice/why").json()
    assert (paged["kind"], paged["about"], len(paged["pages"])) == ("person", "alice", 1)
    assert paged["to"] == "2026-03-03T03:00:00Z"
    gone = world.client().get("/api/v1/people/gone/why").json()
    assert [reason["code"] for reason in gone["reasons"]] == ["inactive"]
    before = (
        world.client()
        .get("/api/v1/people/alice/why?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z")
        .json()
    )
    assert (before["pages"], before["reasons"]) == ([], [])
    for path, status in (
        ("/api/v1/people/zoe/why", 404),
        ("/api/v1/people/alice/why?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", 409),
        ("/api/v1/people/alice/why?from=2020-03-02T00:00:00Z", 409),
    ):
        assert world.client().get(path).status_code == status, path


@pytest.mark.parametrize(
    "format_name, media_type",
    [("md", "text/markdown"), ("html", "text/html"), ("json", "application/json")],
)
def test_the_draft_comes_in_three_formats(world: World, format_name: str, media_type: str) -> None:
    world.open_incident()
    answer = world.client().get(f"/api/v1/incidents/1/postmortem?format={format_name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media_type)
    assert "INC-1" in answer.text


@pytest.mark.parametrize("format_name", ["odt", "docx", ""])
def test_other_formats_are_refused_with_those_there_are(world: World, format_name: str) -> None:
    world.open_incident()
    answer = world.client().get(f"/api/v1/incidents/1/postmortem?format={format_name}")
    assert answer.status_code == 406
    assert "html" in answer.json()["detail"]


def test_a_draft_is_printed(world: World) -> None:
    world.open_incident()
    answer = world.client().get("/api/v1/incidents/1/postmortem?format=pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")


def test_html_drafts_run_nothing_but_their_own_styles(world: World) -> None:
    world.open_incident(alertname="<script>alert(1)</script>")
    answer = world.client().get("/api/v1/incidents/1/postmortem?format=html")
    policy = answer.headers["content-security-policy"]
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script" not in answer.text


def test_what_people_wrote_into_the_draft_is_kept(world: World) -> None:
    world.open_incident()
    client = world.client()
    draft = client.get("/api/v1/incidents/1/postmortem").text
    markdown = {"content-type": "text/markdown; charset=utf-8"}
    text = draft + "\n\nWe learned to look at the clock.\n"
    url = "/api/v1/incidents/1/postmortem"
    assert client.put(url, content=text.encode(), headers=markdown).status_code == 204
    assert "We learned to look at the clock." in client.get(url).text


@pytest.mark.parametrize(
    "content, content_type, expected",
    [
        (b"x", "application/json", 415),
        (b"\xff\xfe", "text/markdown", 400),
        (b"a\x00b", "text/markdown", 400),
        (b"", "text/markdown", 400),
        (b'"text"', "application/json", 415),
        (b"x", "", 415),
    ],
)
def test_what_is_no_draft_is_refused(world: World, content: bytes, content_type: str, expected: int) -> None:
    world.open_incident()
    answer = world.client().put(
        "/api/v1/incidents/1/postmortem", content=content, headers={"content-type": content_type}
    )
    assert answer.status_code == expected


def test_who_is_on_call(world: World) -> None:
    (one,) = world.client().get("/api/v1/oncall?at=2026-01-06T12:00:00%2B01:00").json()
    assert (one["schedule"], one["person"], one["name"]) == ("platform-primary", "alice", "Alice Example")
    assert (one["since"], one["until"]) == ("2026-01-05T08:00:00Z", "2026-01-12T08:00:00Z")
    assert world.client().get("/api/v1/oncall?schedule=platform-primary&at=2025-01-01T00:00:00Z").json() == []


def test_shifts_are_cut_to_the_span(world: World) -> None:
    url = "/api/v1/schedules/platform-primary/shifts?from=2026-01-06T00:00:00Z&to=2026-01-13T00:00:00Z"
    items = world.client().get(url).json()["items"]
    assert [(one["start"], one["end"], one["people"]) for one in items] == [
        ("2026-01-06T00:00:00Z", "2026-01-12T08:00:00Z", ["alice"]),
        ("2026-01-12T08:00:00Z", "2026-01-13T00:00:00Z", ["bob"]),
    ]
    backwards = "/api/v1/schedules/platform-primary/shifts?from=2026-02-06T00:00:00Z&to=2026-01-13T00:00:00Z"
    assert world.client().get(backwards).status_code == 409


def test_simulate_decides_and_does_nothing(world: World) -> None:
    labels = {"alertname": "HighCPU", "severity": "critical"}
    answer = (
        world.client().post("/api/v1/simulate", json={"labels": labels, "at": "2026-01-06T12:00:00Z"}).json()
    )
    assert (answer["severity"], answer["team"], answer["runbook"]) == (
        "P1",
        "platform",
        "infrastructure/high-cpu.md",
    )
    assert answer["pages"][0]["person"] == "alice"
    both = world.client().post("/api/v1/simulate", json={"body": delivery()}).json()
    assert [one["severity"] for one in both["items"]] == ["P1"]
    assert world.client().post("/api/v1/simulate", json={}).status_code == 409
    assert world.client().get("/api/v1/incidents").json()["items"] == []


def test_maintenance_windows(world: World) -> None:
    client = world.client()
    end = (world.clock.now() + timedelta(hours=2)).isoformat()
    body = {"matchers": ['service="checkout"'], "end": end, "reason": "new index", "actor": "alice"}
    made = client.post("/api/v1/maintenance", json=body)
    assert made.status_code == 201
    (shown,) = client.get("/api/v1/maintenance").json()["items"]
    assert shown == made.json()
    assert all(INSTANT.fullmatch(one) for one in instants(shown))
    assert client.delete(f"/api/v1/maintenance/{shown['id']}").status_code == 204
    assert client.get("/api/v1/maintenance").json()["items"] == []
    assert client.delete("/api/v1/maintenance/999").status_code == 404
    assert client.post("/api/v1/maintenance", json={**body, "matchers": ["nonsense"]}).status_code == 409


def test_reload_applies_whole_or_not_at_all(world: World) -> None:
    client = world.client()
    before = client.post("/-/reload").json()
    assert before["changed"] is False
    people = world.directory / "rotations" / "people.yaml"
    good = people.read_text()
    people.write_text(good + "  carol: {nam: typo}\n")
    refused = client.post("/-/reload")
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert any("people.yaml:" in line for line in refused.json()["problems"])
    assert "refused" in client.get("/").text
    people.write_text(good + "  carol: {name: Carol}\n")
    after = client.post("/-/reload").json()
    assert after["changed"] is True
    assert after["revision"] != before["revision"]


def test_health(world: World) -> None:
    health = world.client().get("/health").json()
    assert health["status"] in {"ok", "degraded"}
    assert {check["name"] for check in health["checks"]} >= {"database", "configuration"}
    assert world.client().get("/health/ready").json() == {"status": "ok"}


def test_live_never_touches_the_database_and_ready_says_when_it_is_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incident_bot.flow.health.ready", lambda _context, *, now: not now)
    monkeypatch.setattr(type(world.application.context.store), "read", None)
    assert world.client().get("/health/live").status_code == 200
    gone = world.client().get("/health/ready")
    assert (gone.status_code, gone.headers["content-type"]) == (503, "application/problem+json")


def test_metrics_show_what_happened(world: World) -> None:
    world.open_incident()
    numbers = world.client().get("/metrics")
    assert numbers.headers["content-type"].startswith("text/plain")
    assert 'incident_bot_incidents_open{escalation="triggered"} 1.0' in numbers.text
    assert "incident_bot_delivery_seconds_count 1.0" in numbers.text


def test_the_description_is_complete(world: World) -> None:
    schema = world.client().get("/openapi.json").json()
    assert set(schema["paths"]) >= {
        "/webhooks/{source}", "/health", "/health/live", "/health/ready", "/metrics", "/-/reload",
        "/api/v1/incidents", "/api/v1/incidents/{id}", "/api/v1/incidents/{id}/commands", "/api/v1/commands",
        "/api/v1/incidents/{id}/timeline", "/api/v1/incidents/{id}/pages", "/api/v1/incidents/{id}/why",
        "/api/v1/alerts/{id}/why", "/api/v1/people/{name}/why",
        "/api/v1/incidents/{id}/postmortem", "/api/v1/incidents/{id}/live", "/api/v1/alerts", "/api/v1/oncall",
        "/api/v1/schedules/{name}/shifts", "/api/v1/simulate", "/api/v1/maintenance", "/api/v1/maintenance/{id}",
    }  # fmt: skip
    assert not any(path.startswith(("/incidents", "/static", "/sign")) for path in schema["paths"])
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert "description" in operation, (method, path)
