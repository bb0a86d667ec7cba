"""The console as a browser without script sees it: pages, forms, escaping, the two buttons that matter."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from incident_bot.entrypoints import console
from incident_bot.entrypoints.looks import Hours, Looks, relative, shape, ticked, web_link
from incident_bot.flow import palette
from tests.entrypoints.conftest import START, World, delivery

BROWSER = {"accept": "text/html", "sec-fetch-site": "same-origin"}
SCRIPTS = {
    f"/static/{name}.js" for name in ("htmx.min", "htmx-sse.min", "idiomorph-ext.min", "console", "palette")
}
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}'


class Page(HTMLParser):
    """What a page holds, as far as tests ask."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page(client: TestClient, path: str) -> Page:
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == 200
    return Page(answer.text)


def form_of(text: str, command: str) -> dict[str, str]:
    """The hidden fields of the button that says this command."""
    for form in re.findall(r"<form method=\"post\" action=\"/incidents/[^>]*>(.*?)</form>", text, re.DOTALL):
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
        if fields.get("text") == command:
            return {name: html.unescape(value) for name, value in fields.items()}
    message = f"no button for {command}"
    raise AssertionError(message)


def test_now_says_that_all_is_quiet(world: World) -> None:
    assert "Nothing is open" in page(world.client(), "/").text
    assert "Alice Example" in page(world.client(), "/").text or "Bob" in page(world.client(), "/").text


def test_every_page_says_that_the_local_operator_is_there(
    world: World, make_world: Callable[..., World]
) -> None:
    client = world.client()
    assert "You are local operator" in page(client, "/insights").text
    assert "No sign-in is set up" in page(client, "/me").text
    assert "as no sign-in is set up" in page(client, "/settings").text
    client.post("/me", data={"person": "alice"})
    assert "You are Alice Example, local" in page(client, "/").text
    guarded = make_world(api_token="api-secret-token").client()
    guarded.post("/sign-in", data={"token": "api-secret-token"})
    assert "You are operator" in page(guarded, "/").text
    assert "local operator" not in page(guarded, "/me").text


def test_now_shows_the_most_urgent_first(world: World) -> None:
    client = world.client()
    client.post("/api/v1/incidents", json={"title": "taken already", "severity": "P1"})
    client.post("/api/v1/incidents/1/commands", json={"text": "ack"})
    client.post("/api/v1/incidents", json={"title": "the worst", "severity": "P1"})
    client.post("/api/v1/incidents", json={"title": "less bad", "severity": "P2"})
    text = page(client, "/").text
    assert "3 open incidents" in text
    assert text.index("the worst") < text.index("less bad") < text.index("taken already")


def test_now_shows_what_is_on_its_way_and_what_was_promised(world: World) -> None:
    world.open_incident()
    client = world.client()
    client.post("/me", data={"person": "alice"}, headers=BROWSER)
    text = page(client, "/").text
    assert "Pages on their way 1" in text
    assert "by recorder for INC-1" in text
    world.pump()
    shown = client.get("/", headers=BROWSER).text
    assert "Pages on their way" not in shown
    assert (
        'datetime="2026-03-03T03:15:00Z" title="2026-03-03T03:15:00Z" data-countdown>15 min</time>' in shown
    )
    on_call = "You are on call for platform-primary" in Page(shown).text
    assert on_call is (client.get("/api/v1/oncall").json()[0]["person"] == "alice")
    for said in ("ack", "update looking next 30m"):
        client.post("/api/v1/incidents/1/commands", json={"text": said})
    assert "Updates promised INC-1" in page(client, "/").text
    world.clock.advance(timedelta(minutes=31))
    world.pump()
    assert "overdue since" in page(client, "/").text


def test_now_says_what_to_do_about_what_is_not_well(world: World) -> None:
    (world.directory / "rotations" / "teams.yaml").write_text("teams: [")
    world.client().post("/-/reload")
    text = page(world.client(), "/").text
    assert "degraded" in text
    assert "bad: configuration" in text.replace("✗ bad: ", "bad: ")
    assert "Run incident-bot check" in text.replace("Run  incident", "Run incident")


def test_now_counts_alerts_that_their_source_left_out(world: World) -> None:
    both = delivery(alertname="One")
    both["alerts"].append({**delivery(alertname="Two")["alerts"][0], "fingerprint": "fedcba9876543210"})
    client = world.client()
    client.post("/webhooks/alertmanager", json=both)
    assert "unconfirmed" not in page(client, "/").text
    client.post("/webhooks/alertmanager", json={**both, "alerts": both["alerts"][:1]})
    assert "1 firing alert is unconfirmed" in page(client, "/").text


def test_an_incident_shows_what_a_tired_person_needs(world: World) -> None:
    world.open_incident()
    world.pump()
    world.clock.advance(timedelta(minutes=3))
    text = page(world.client(), "/incidents/INC-1").text
    for wanted in (
        "P1", "triggered", "Nobody has taken this yet.", "The next people are paged in 12 min", "HighCPU",
        "Who was paged", "High CPU", "Restart the worker", "Timeline", "3 min ago",
    ):  # fmt: skip
        assert wanted in text


def test_a_promised_update_is_counted_down_and_then_overdue(world: World) -> None:
    world.open_incident()
    client = world.client()
    for said in ("ack", "update looking next 30m", "remind snooze 2h"):
        client.post("/api/v1/incidents/1/commands", json={"text": said})
    assert "Next update in 30 min" in page(client, "/incidents/INC-1").text
    assert "Reminders snoozed until in 2 h" in page(client, "/incidents/INC-1").text
    world.clock.advance(timedelta(minutes=31))
    world.pump()
    assert "overdue" in page(client, "/incidents/INC-1").text
    for path in ("/", "/incidents"):
        assert "update overdue" in page(client, path).text
    api = client.get("/api/v1/incidents/1").json()
    assert (api["update_overdue"], api["reminders_off"], api["reminders_until"]) == (
        True, False, "2026-03-03T05:00:00Z",
    )  # fmt: skip
    client.post("/api/v1/incidents/1/commands", json={"text": "remind off"})
    assert "Reminders off: remind on brings them back" in page(client, "/incidents/INC-1").text


def test_acknowledge_is_a_plain_form_that_leads_back(world: World) -> None:
    world.open_incident()
    client = world.client()
    shown = client.get("/incidents/INC-1", headers=BROWSER).text
    answer = client.post("/incidents/INC-1/commands", data=form_of(shown, "ack"), headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents/INC-1")
    assert "Taken by operator" in page(client, "/incidents/INC-1").text
    front = client.post("/incidents/INC-1/commands", data={"text": "unack", "back": "now"}, headers=BROWSER)
    assert front.headers["location"] == "/"


def test_a_double_click_acts_once(world: World) -> None:
    world.open_incident()
    client = world.client()
    fields = form_of(client.get("/incidents/INC-1", headers=BROWSER).text, "ack")
    for _ in range(2):
        assert client.post("/incidents/INC-1/commands", data=fields, headers=BROWSER).status_code == 303
    kinds = [one["kind"] for one in client.get("/api/v1/incidents/1/timeline").json()["items"]]
    assert kinds.count("acknowledged") == 1


def test_every_button_of_a_page_has_a_key_of_its_own(world: World) -> None:
    world.open_incident()
    shown = world.client().get("/incidents/INC-1", headers=BROWSER).text
    keys = [form_of(shown, text)["key"] for text in ("ack", "resolve", "escalate")]
    assert len(set(keys)) == 3


def test_resolve_and_reopen(world: World) -> None:
    world.open_incident()
    client = world.client()
    shown = client.get("/incidents/INC-1", headers=BROWSER).text
    asked = client.post("/incidents/INC-1/commands", data=form_of(shown, "resolve"), headers=BROWSER)
    assert asked.status_code == 409
    assert "resolve" in Page(asked.text).text.partition("Keys")[0]
    assert [one["value"] for one in Page(asked.text).all("input") if one.get("name") == "text"][
        -1
    ] == "resolve"
    client.post("/incidents/INC-1/commands", data={"text": "resolve the alert is wrong"}, headers=BROWSER)
    shown = client.get("/incidents/INC-1", headers=BROWSER).text
    assert "although alerts still fired" in shown
    client.post("/incidents/INC-1/commands", data=form_of(shown, "reopen"), headers=BROWSER)
    assert client.get("/api/v1/incidents/1").json()["escalation"] == "triggered"


def test_a_merged_incident_leads_to_the_other_and_may_be_taken_out(world: World) -> None:
    world.open_incident()
    world.open_incident(alertname="DiskFull")
    client = world.client()
    answer = client.post("/incidents/INC-2/commands", data={"text": "dup INC-1"}, headers=BROWSER)
    assert answer.headers["location"] == "/incidents/INC-1"
    api = client.get("/api/v1/incidents/2").json()
    assert (api["escalation"], api["merged_into"], api["alerts"]) == ("merged", "INC-1", [])
    assert [one["id"] for one in client.get("/api/v1/incidents?state=merged").json()["items"]] == ["INC-2"]
    shown = client.get("/incidents/INC-2", headers=BROWSER).text
    assert "Merged into INC-1 , which has its alerts." in Page(shown).text
    assert {"/incidents/INC-1"} <= {link["href"] for link in Page(shown).all("a")}
    assert "INC-2 was merged into this" in page(client, "/incidents/INC-1").text
    client.post("/incidents/INC-2/commands", data=form_of(shown, "unmerge"), headers=BROWSER)
    assert client.get("/api/v1/incidents/3").json()["previous"] == "INC-2"


def test_the_command_line_shows_the_reply(world: World) -> None:
    world.open_incident()
    answer = world.client().post(
        "/incidents/1/commands", data={"text": "note it is the disk"}, headers=BROWSER
    )
    assert answer.status_code == 200
    shown = Page(answer.text)
    assert "Noted on INC-1" in shown.text
    assert "it is the disk" in shown.text


def test_a_refused_command_says_why_and_keeps_what_was_typed(world: World) -> None:
    world.open_incident()
    answer = world.client().post("/incidents/1/commands", data={"text": "acknowledgee now"}, headers=BROWSER)
    assert answer.status_code == 409
    shown = Page(answer.text)
    assert "acknowledge" in shown.text
    assert [one["value"] for one in shown.all("input") if one.get("name") == "text"][-1] == "acknowledgee now"
    empty = world.client().post("/incidents/1/commands", data={}, headers=BROWSER)
    assert empty.status_code in {200, 409}


def test_declaring_from_an_incident_leads_to_the_new_one(world: World) -> None:
    world.open_incident()
    answer = world.client().post("/incidents/1/commands", data={"text": "new Another thing"}, headers=BROWSER)
    assert answer.headers["location"] == "/incidents/INC-2"


def test_a_reply_that_is_reloaded_leads_to_the_incident(world: World) -> None:
    world.open_incident()
    assert world.client().get("/incidents/1/commands").headers["location"] == "/incidents/INC-1"


@pytest.mark.parametrize(
    "path", ["/incidents/INC-9", "/incidents/x", "/incidents/INC-9/postmortem", "/runbooks/x.md"]
)
def test_what_is_not_there_is_a_page_too(world: World, path: str) -> None:
    answer = world.client().get(path, headers=BROWSER)
    assert answer.status_code == 404
    assert "Back to what is open" in answer.text


@pytest.mark.parametrize("origin", [{"origin": "https://evil.example.com"}, {"sec-fetch-site": "cross-site"}])
def test_other_sites_cannot_press_our_buttons(world: World, origin: dict[str, str]) -> None:
    world.open_incident()
    answer = world.client().post("/incidents/1/commands", data={"text": "ack"}, headers=origin)
    assert answer.status_code == 403
    assert world.client().get("/api/v1/incidents/1").json()["escalation"] == "triggered"


def test_hostile_texts_stay_texts(world: World) -> None:
    """Labels, annotations, names and commands come from anywhere."""
    client = world.client()
    body = delivery(
        {"summary": HOSTILE, "description": HOSTILE, "runbook_url": "javascript:alert(1)"}, evil=HOSTILE
    )
    body["alerts"][0]["generatorURL"] = "javascript:alert(1)"
    assert client.post("/webhooks/alertmanager", json=body).status_code == 200
    client.post("/api/v1/incidents/1/commands", json={"text": f"note {HOSTILE}"})
    client.post("/api/v1/incidents/1/commands", json={"text": f"impact {HOSTILE}"})
    client.post("/api/v1/incidents/1/commands", json={"text": f"task {HOSTILE}"})
    for path in ("/", "/incidents", "/incidents/INC-1", "/incidents/INC-1/postmortem", "/oncall", "/me"):
        shown = page(client, path)
        assert not shown.all("img")
        assert {str(one.get("src")).partition("?")[0] for one in shown.all("script")} <= SCRIPTS
        for tag, attributes in shown.tags:
            assert not any(name.startswith("on") for name in attributes), (path, tag)
            assert not str(attributes.get("href", "")).startswith(("javascript", "data")), (path, tag)
        assert "49" not in shown.text.replace(":49", "")
    refused = client.post("/incidents/1/commands", data={"text": HOSTILE}, headers=BROWSER)
    assert not Page(refused.text).all("img")


def test_runbooks_are_shown_without_what_could_run(world: World) -> None:
    shown = page(world.client(), "/runbooks/infrastructure/high-cpu.md")
    assert "Restart the worker" in shown.text
    assert {str(one.get("src")).partition("?")[0] for one in shown.all("script")} == SCRIPTS


def test_the_draft_is_shown_under_a_policy_of_its_own(world: World) -> None:
    world.open_incident()
    answer = world.client().get("/incidents/INC-1/postmortem")
    assert "sha256-" in answer.headers["content-security-policy"]
    for style in re.findall(r"<style[^>]*>(.*?)</style>", answer.text, re.DOTALL):
        assert hashlib.sha256(style.encode()).digest()


def test_on_call_says_who_until_when_why_and_who_is_next(world: World) -> None:
    text = page(world.client(), "/oncall").text
    for wanted in ("platform-primary", "Alice Example", "until", "Next two weeks"):
        assert wanted in text


def test_times_are_in_the_zone_of_the_person(world: World) -> None:
    world.open_incident()
    client = world.client()
    assert "03:00 UTC" in page(client, "/incidents/INC-1").text
    client.post("/me", data={"person": "alice"}, headers=BROWSER)
    text = page(client, "/incidents/INC-1").text
    assert "04:00 CET" in text


def test_pages_are_small_enough_for_a_phone(world: World) -> None:
    """Over the wire, with everything that they bring along."""
    world.open_incident()
    looks = Looks()
    client = world.client()
    for path in ("/", "/incidents", "/incidents/INC-1", "/oncall"):
        with client.stream("GET", path, headers={**BROWSER, "accept-encoding": "gzip"}) as answer:
            assert answer.headers["content-encoding"] == "gzip"
            whole = len(b"".join(answer.iter_raw()))
        whole += sum(len(asset.packed) for asset in looks.assets.values())
        assert whole < 45_000, (path, whole)


@pytest.mark.parametrize(
    "offered, packed",
    [
        ("gzip, br", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("", False),
        ("br", False),
    ],
)
def test_only_who_reads_gzip_gets_it(world: World, offered: str, packed: bool) -> None:
    for path in ("/incidents", "/static/console.css"):
        answer = world.client().get(path, headers={**BROWSER, "accept-encoding": offered})
        assert (answer.headers.get("content-encoding") == "gzip") is packed
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.text


def test_the_palette_finds_what_its_words_fit(world: World) -> None:
    world.open_incident(service="checkout")
    client = world.client()

    def found(words: str, here: str = "") -> list[tuple[str, str, str | None]]:
        told = client.get("/palette", params={"q": words, "here": here}, headers=BROWSER).json()
        return [(one["kind"], one["label"], one["address"] or one["line"]) for one in told]

    assert ("page", "Routing", "/routing") in found("rout")
    assert ("incident", "INC-1 HighCPU (checkout)", "/incidents/INC-1") in found("")
    assert ("incident", "INC-1 HighCPU (checkout)", "/incidents/INC-1") in found("inc-1")
    assert ("person", "Alice Example", "/people/alice/why") in found("ali exam")
    assert ("schedule", "platform-primary", "/oncall/platform-primary") in found("primary")
    assert ("runbook", "High CPU", "/runbooks/infrastructure/high-cpu.md") in found("high cpu")
    assert ("INC-1", "resolve [reason]", "resolve ") in found("resolve", "/incidents/INC-1")
    assert ("INC-1", "unack", "unack") in found("unack", "/incidents/inc-1/commands")
    begun = [label.partition(" ")[0] for _, label, _ in found("re", "/incidents/INC-1")][:4]
    assert all(label.startswith("re") for label in begun), (
        "what begins so stands before what has it somewhere"
    )
    assert found("nothing like that") == []
    assert "resolve" not in {label for _, label, _ in found("resolve", "/incidents/INC-9")}
    assert "Gone Away" not in {label for _, label, _ in found("gone")}
    assert len(found("", "/incidents/INC-1")) <= palette.FOUND_MOST


def test_what_is_vendored_is_what_was_released() -> None:
    vendored = Path(console.__file__).parent / "static" / "vendor"
    rows = re.findall(
        r"^\| `([^`]+)` \| `([^`]+)`, [^|]* \| ([\d.]+) \| 0BSD, `([^`]+)` \| `([0-9a-f]{64})` \|$",
        (vendored / "VENDORED.md").read_text(), re.MULTILINE,
    )  # fmt: skip
    assert {row[0] for row in rows} == {one.name for one in vendored.glob("*.js")}
    for name, _package, _version, licence, digest in rows:
        assert hashlib.sha256((vendored / name).read_bytes()).hexdigest() == digest
        assert "Permission to use, copy, modify" in (vendored / licence).read_text()


@pytest.mark.parametrize("path", ["/", "/incidents", "/incidents/INC-1", "/oncall", "/me"])
def test_pages_are_readable_by_machines_that_read_aloud(world: World, path: str) -> None:
    world.open_incident()
    shown = page(world.client(), path)
    assert shown.all("html")[0]["lang"] == "en"
    assert len(shown.all("h1")) == 1
    assert shown.all("main")
    ids = [attributes["id"] for _, attributes in shown.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for moment in shown.all("time"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", moment["datetime"] or "")
    assert all("style" not in attributes for _, attributes in shown.tags)


def test_assets_may_be_kept_for_ever_because_their_address_changes(world: World) -> None:
    answer = world.client().get("/static/console.css")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/css")
    assert world.client().get("/static/console.js").headers["content-type"].startswith("text/javascript")
    looks = Looks()
    assert looks.assets["console.css"].version in looks.address("console.css")
    assert world.client().get("/favicon.ico").headers["location"] == looks.address("icon.svg")


@pytest.mark.parametrize("name", ["nope.css", "..%2fconsole.py", "%2e%2e/pages/now.html", "VENDORED.md"])
def test_nothing_else_is_served(world: World, name: str) -> None:
    assert world.client().get(f"/static/{name}").status_code == 404


def test_the_script_is_short_and_brings_nothing_along() -> None:
    folder = Path(console.__file__).parent / "static"
    assert all(len(one.read_text().splitlines()) <= 150 for one in folder.glob("*.js"))
    script = "".join(one.read_text() for one in folder.glob("*.js"))
    assert "http" not in script.replace("https://", "")
    assert not any(
        danger in script for danger in ("innerHTML", "eval(", "document.write", "insertAdjacentHTML")
    )


@pytest.mark.parametrize(
    "address, expected",
    [
        ("https://example.com/a?b=c", "https://example.com/a?b=c"), ("http://10.0.0.1", "http://10.0.0.1"),
        ("javascript:alert(1)", None), (" JavaScript:alert(1)", None), ("data:text/html,x", None), ("//evil", None),
        ("https:", None), ("/local", None), ("", None), (None, None), ("http://[", None), ("java\nscript:x", None),
    ],
)  # fmt: skip
def test_links_lead_to_the_web_or_nowhere(address: str | None, expected: str | None) -> None:
    assert web_link(address) == expected


@pytest.mark.parametrize(
    "seconds, expected",
    [
        (0, "now"), (5, "in 5 s"), (-5, "5 s ago"), (-180, "3 min ago"), (7200, "in 2 h"), (-86400 * 4, "4 d ago"),
        (-59.9, "59 s ago"), (-3599, "59 min ago"),
    ],
)  # fmt: skip
def test_relative_times(seconds: float, expected: str) -> None:
    assert relative(START + timedelta(seconds=seconds), START) == expected


@pytest.mark.parametrize(
    "instant, zone, expected",
    [
        (START, "UTC", "03:00 UTC"),
        (START, "Europe/Berlin", "04:00 CET"),
        (START + timedelta(days=1), "UTC", "Wed 4 Mar 03:00 UTC"),
        (START - timedelta(days=200), "UTC", "2025-08-15 03:00 UTC"),
        (START, "Nowhere/Atall", "03:00 UTC"),
    ],
)
def test_absolute_times(instant: object, zone: str, expected: str) -> None:
    assert isinstance(instant, type(START))
    assert Hours(START, zone).absolute(instant) == expected


def test_no_time_is_a_dash() -> None:
    assert Hours(START).when(None) == "–"


def test_severities_differ_by_shape_and_not_by_colour_alone() -> None:
    assert [shape(rank) for rank in (0, 1, 2, 3, 99)] == ["◆", "▲", "●", "○", "○"]


def test_backticks_become_code_and_nothing_else_does() -> None:
    assert str(ticked("run `rm <x>` & go")) == "run <code>rm &lt;x&gt;</code> &amp; go"
    assert str(ticked("one ` alone <b>")) == "one ` alone &lt;b&gt;"


def test_why_is_a_page_for_an_incident_an_alert_and_a_person(world: World) -> None:
    world.open_incident()
    world.pump()
    incident = page(world.client(), "/incidents/INC-1")
    links = {link.get("href") for link in incident.all("a")}
    wanted = {"/incidents/INC-1/why", "/alerts/1/why", "/people/alice/why"}
    assert wanted <= links
    for path in sorted(wanted):
        shown = page(world.client(), path)
        assert "was paged by" in shown.text
    alert = page(world.client(), "/alerts/1/why")
    assert "/incidents/INC-1" in {link.get("href") for link in alert.all("a")}
    assert "delivery 1 from alertmanager" in alert.text
    gone = page(world.client(), "/people/gone/why?days=7")
    assert "is not active in people.yaml" in gone.text
    assert "Nothing is on record." in gone.text


@pytest.mark.parametrize("path", ["/alerts/9/why", "/people/zoe/why", "/incidents/INC-9/why"])
def test_why_of_what_is_not_there_is_not_found(world: World, path: str) -> None:
    assert world.client().get(path, headers=BROWSER).status_code == 404


def test_an_alert_is_tried_with_labels_or_a_body(world: World) -> None:
    client = world.client()
    empty = page(client, "/routing")
    assert "Nothing is done." in empty.text
    tried = page(client, "/routing?text=alertname%3DHighCPU%0Aseverity%3Dcritical&when=2026-03-03T03:00:00Z")
    for part in (
        "Alice Example",
        "at once",
        "+15 min",
        "Nobody answered: the escalation is exhausted",
        "Assumed: Nobody answers",
    ):
        assert part in tried.text, part
    body = client.get(
        "/routing", params={"text": json.dumps(delivery(alertname="<i>x</i>"))}, headers=BROWSER
    )
    assert body.status_code == 200
    assert "&lt;i&gt;x&lt;/i&gt;" in body.text
    assert world.client().get("/api/v1/incidents").json()["items"] == []
    old = client.get("/simulate?text=a%3Db", headers=BROWSER)
    assert (old.status_code, old.headers["location"]) == (308, "/routing?text=a%3Db")


def test_the_routes_stand_with_file_and_line_and_show_what_was_tried(world: World) -> None:
    (world.directory / "rotations" / "routing.yaml").write_text("""
sources: [{name: alertmanager, kind: alertmanager}]
routes:
  - {match: ['alertname="Watchdog"'], action: record}
  - {match: ['severity=~"critical|page"', 'service="checkout"'], action: incident, delay: 15m, hours: office}
default: {team: platform, action: notify, severity: P2, group_by: [alertname]}
inhibit: [{source: ['alertname="NodeDown"'], target: ['alertname="ServiceDown"'], equal: [instance]}]
hours: {office: {time_zone: Europe/Berlin, windows: [{days: mon-fri, from: "22:00", to: "06:00"}]}}
services: {checkout: {team: platform, tier: 1}}
""")
    client = world.client()
    assert client.post("/-/reload").status_code == 200
    assert client.post("/webhooks/alertmanager", json=delivery(service="checkout")).status_code == 200
    plain = page(client, "/routing")
    for wanted in (
        "routing.yaml:4", "only after 15 min", "in the hours office", "While alertname", "22:00 to 06:00 (+1 day)",
        "team platform · tier 1", "alert 1",
    ):  # fmt: skip
        assert wanted in plain.text, wanted
    shown = client.get("/routing?text=severity%3Dcritical%0Aservice%3Dcheckout", headers=BROWSER).text
    (took,) = re.findall(r'<li class="route took" id="([^"]+)"', shown)
    assert took == "routing.yaml-5"
    text = Page(shown).text
    assert "does not match : alertname" in text.replace("✗ does not match:", "does not match :")
    assert "the alert has “critical”" in text


@pytest.mark.parametrize(
    "text, when, says",
    [
        ("alertname", "", "is no label; write name=value"),
        ("a=b", "soon", "is no instant"),
        ("{", "", "is not JSON"),
        ("{}", "", "$"),
    ],
)
def test_what_cannot_be_tried_is_told(text: str, when: str, says: str, world: World) -> None:
    answer = world.client().get("/routing", params={"text": text, "when": when}, headers=BROWSER)
    assert (answer.status_code, says in answer.text) == (409, True)
