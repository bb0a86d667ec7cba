"""Push services and webhooks of one's own: the configuration of docs/howto/push.md against strict services."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from incident_bot import bootstrap
from incident_bot.bootstrap import Application
from incident_bot.clock import ManualClock
from incident_bot.config.revision import PushChannel
from incident_bot.config.settings import Settings
from incident_bot.core.errors import BadConfiguration
from incident_bot.core.model import Person
from incident_bot.flow import health, queries
from incident_bot.flow.worker import pump
from incident_bot.notifiers.base import GiveUp, Message, RetryLater
from incident_bot.notifiers.push import PushNotifier
from incident_bot.outgoing import Client
from tests.fakes.alertmanager import Alertmanager
from tests.fakes.push import Gotify, Ntfy
from tests.fakes.webhook import WebhookServer, answers
from tests.plugins.story import START
from tests.plugins.story_files import PEOPLE, documents

PUBLIC = "https://bot.example.com"
HOWTO = Path(__file__).resolve().parents[2] / "docs/howto/push.md"
BLOCKS = re.findall(r"```(?:yaml|python)\n(.*?)```", HOWTO.read_text(encoding="utf-8"), flags=re.DOTALL)
NTFY, NTFY_PEOPLE, GOTIFY, GOTIFY_PEOPLE, CHECK = BLOCKS
EVIL = 'Quote " brace } newline\r\nX-Evil: 1 \\ \ud83d'


class Pushes:
    """One application with the channels of the page, and the people beside those of every story."""

    def __init__(self, directory: Path, channels: str, people: str, **changes: Any) -> None:
        self.clock = ManualClock(START)
        self.alertmanager = Alertmanager()
        self.directory = directory
        self.lines: list[str] = []
        own = people.split("people:\n", 1)[1]
        files = documents(
            people=PEOPLE + own,
            matrix={"P1": "[{page: [person/alice]}, {after: 15m, page: [lead]}]"},
            **changes,
        )
        for name, text in {**files, "rotations/channels.yaml": channels}.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        environ = {
            "INCIDENT_BOT_DATABASE_URL": f"sqlite:///{directory}/bot.db",
            "INCIDENT_BOT_CONFIG_DIR": str(directory),
            "INCIDENT_BOT_API_TOKEN": "a-token",
            "INCIDENT_BOT_PUBLIC_URL": PUBLIC,
        }
        self.application: Application = bootstrap.build(
            Settings.load(environ), clock=self.clock, write=self.lines.append
        )
        self.context = self.application.context
        self.context.live.record(now=self.clock.now())
        self.application.intake.start()
        self.browser = TestClient(
            self.application.app, base_url=PUBLIC, client=("203.0.113.7", 50000), follow_redirects=False
        )

    def fires(self, summary: str = "Checkout fails", **labels: str) -> None:
        named = {"alertname": "HighErrorRate", "severity": "critical", **labels}
        body = self.alertmanager.fire(named, {"summary": summary}, since=self.clock.now())
        self.application.intake.submit("alertmanager", body).result(timeout=30)
        self.pump()

    def pump(self) -> None:
        pump(self.context, now=self.clock.now)

    def advance(self, **by: float) -> None:
        until = self.clock.now() + timedelta(**by)
        while self.clock.now() < until:
            self.clock.advance(min(timedelta(seconds=30), until - self.clock.now()))
            self.pump()


@pytest.fixture
def pushing(tmp_path: Path) -> Iterator[Callable[..., Pushes]]:
    begun: list[Pushes] = []

    def begin(channels: str, people: str, **changes: Any) -> Pushes:
        begun.append(Pushes(tmp_path, channels, people, **changes))
        return begun[-1]

    yield begin
    for one in begun:
        one.application.intake.stop()
        one.application.close()


@pytest.fixture
def ntfy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ntfy]:
    monkeypatch.setenv("NTFY_TOKEN", "tk_usual")
    monkeypatch.setenv("NTFY_TOKEN_BOB", "tk_bob")
    with Ntfy({"tk_usual": "alice-pages-4f9c", "tk_bob": "bob-pages-77aa"}) as service:
        yield service


@pytest.fixture
def gotify(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gotify]:
    monkeypatch.setenv("GOTIFY_TOKEN_ALICE", "AbCdEf")
    with Gotify({"AbCdEf": "alice"}) as service:
        yield service


def at(service: Ntfy | Gotify, text: str) -> str:
    return re.sub(r"https://(ntfy|gotify)\.example\.com", service.url, text)


def test_a_page_by_ntfy_is_taken_by_its_button(ntfy: Ntfy, pushing: Callable[..., Pushes]) -> None:
    story = pushing(at(ntfy, NTFY), NTFY_PEOPLE)
    story.fires()
    assert ntfy.refused == []
    (message,) = ntfy.taken
    assert message["topic"] == "alice-pages-4f9c"
    assert message["priority"] == 5
    assert message["title"].startswith("P1")
    assert message["click"] == f"{PUBLIC}/incidents/INC-1"
    (action,) = message["actions"]
    assert (action["action"], action["method"], action["clear"]) == ("http", "POST", True)
    path = action["url"].removeprefix(PUBLIC)
    assert story.browser.get(path).status_code == 200
    assert queries.incident(story.context, 1).acknowledged_by is None
    assert story.browser.post(path).status_code == 200
    assert queries.incident(story.context, 1).acknowledged_by == "alice"
    entry = next(one for one in queries.timeline(story.context, 1) if one.kind == "acknowledged")
    assert (entry.actor, entry.source) == ("alice", "link")
    story.advance(hours=1)
    assert len(ntfy.taken) == 1


def test_a_person_may_have_a_token_of_their_own(ntfy: Ntfy, pushing: Callable[..., Pushes]) -> None:
    story = pushing(at(ntfy, NTFY), NTFY_PEOPLE)
    people = story.context.live.current.revision.people
    story.context.notifiers["ntfy"].send(message_for(people["bob"]))
    assert [one["topic"] for one in ntfy.taken] == ["bob-pages-77aa"]


def test_a_page_by_gotify_reaches_whom_the_token_belongs_to(
    gotify: Gotify, pushing: Callable[..., Pushes]
) -> None:
    story = pushing(at(gotify, GOTIFY), GOTIFY_PEOPLE)
    story.fires()
    assert gotify.refused == []
    (message,) = gotify.taken
    assert gotify.users == ["alice"]
    assert message["priority"] == 10
    assert message["extras"]["client::notification"]["click"]["url"] == f"{PUBLIC}/incidents/INC-1"
    (link,) = re.findall(r"\[Acknowledge\]\(([^)]+)\)", message["message"])
    assert story.browser.post(link.removeprefix(PUBLIC)).status_code == 200
    assert queries.incident(story.context, 1).acknowledged_by == "alice"


@pytest.mark.parametrize("which", ["ntfy", "gotify"])
def test_nothing_in_an_alert_breaks_the_body_or_the_headers(
    which: str, ntfy: Ntfy, gotify: Gotify, pushing: Callable[..., Pushes]
) -> None:
    service = ntfy if which == "ntfy" else gotify
    channels, people = (NTFY, NTFY_PEOPLE) if which == "ntfy" else (GOTIFY, GOTIFY_PEOPLE)
    story = pushing(at(service, channels), people)
    story.fires(summary=EVIL * 300, instance=EVIL)
    assert service.refused == []
    assert 'Quote "' in service.taken[0]["title"]
    assert "x-evil" not in service.headers[0]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_service_is_asked_again_with_the_same_key(
    status: int, ntfy: Ntfy, pushing: Callable[..., Pushes]
) -> None:
    story = pushing(at(ntfy, NTFY), NTFY_PEOPLE)
    ntfy.plan.append(status)
    story.fires()
    story.advance(minutes=1)
    assert len(ntfy.taken) == 1
    assert len({one["idempotency-key"] for one in ntfy.headers}) == 1


def test_a_refusal_hands_over_to_the_next_way_at_once(ntfy: Ntfy, pushing: Callable[..., Pushes]) -> None:
    people = NTFY_PEOPLE.replace("{by: voice, after: 3m}", "{by: stdout, after: 3m}")
    story = pushing(at(ntfy, NTFY), people)
    ntfy.tokens.clear()
    story.fires()
    assert any("page to alice" in line for line in story.lines)
    failed = next(one for one in queries.timeline(story.context, 1) if one.kind == "page_failed")
    assert "ntfy answered 401" in failed.text
    assert "tk_usual" not in failed.text


def test_without_its_token_the_channel_reaches_nobody_and_health_names_the_variable(
    ntfy: Ntfy, monkeypatch: pytest.MonkeyPatch, pushing: Callable[..., Pushes]
) -> None:
    monkeypatch.delenv("NTFY_TOKEN")
    story = pushing(at(ntfy, NTFY), NTFY_PEOPLE)
    story.fires()
    assert ntfy.headers == []
    assert any("page to alice" in line for line in story.lines)
    found = health.health(story.context, now=story.clock.now())
    check = next(one for one in found.checks if one.name == "channel ntfy")
    assert (check.ok, check.detail) == (False, "some are not reached: NTFY_TOKEN is not set")


def test_a_reload_changes_the_channels(ntfy: Ntfy, pushing: Callable[..., Pushes]) -> None:
    story = pushing(at(ntfy, NTFY), NTFY_PEOPLE)
    assert set(story.context.notifiers) >= {"ntfy", "stdout"}
    (story.directory / "rotations/channels.yaml").write_text(
        at(ntfy, NTFY).replace("if urgent else 3", "if not urgent else 4"), encoding="utf-8"
    )
    assert story.context.live.reload(now=story.clock.now()).ok
    story.fires()
    assert [one["priority"] for one in ntfy.taken] == [4]


def test_a_secret_signs_as_the_page_says(
    monkeypatch: pytest.MonkeyPatch, pushing: Callable[..., Pushes]
) -> None:
    monkeypatch.setenv("HOOK_SECRET", "s3cret")
    scope: dict[str, Any] = {}
    exec(CHECK, scope)  # noqa: S102 -- the program of the page is what is tried
    with WebhookServer() as server:
        story = pushing(
            f"channels:\n  hook: {{url: {server.url}/in, secret_env: HOOK_SECRET}}",
            "people:\n  alice: {push: {hook: a}, notify: {high: [{by: hook}]}}\n",
        )
        story.fires()
        (request,) = server.received
    headers = {
        name: request.headers[name.lower()]
        for name in (
            "X-Incident-Bot-Timestamp", "X-Incident-Bot-Signature-Timed", "X-Incident-Bot-Signature"
        )
    }  # fmt: skip
    now = START.timestamp()
    assert scope["is_ours"]("s3cret", headers, request.body, now)
    assert not scope["is_ours"]("other", headers, request.body, now)
    assert not scope["is_ours"]("s3cret", headers, request.body + b" ", now)
    assert not scope["is_ours"]("s3cret", headers, request.body, now + 301)
    plain = hmac.new(b"s3cret", request.body, hashlib.sha256).hexdigest()
    assert headers["X-Incident-Bot-Signature"] == f"sha256={plain}"


ALICE = Person(id="alice", name="Alice", contacts={"hook": "a"}, tokens={"hook": "OWN"})


def message_for(person: Person | None) -> Message:
    return Message(
        key="page:1", kind="page", recipient="alice", person=person, subject="P1", text="A text", at=START
    )


@pytest.fixture
def hook() -> Iterator[Callable[..., PushNotifier]]:
    client = Client()

    def made(url: str, *, known: Mapping[str, str] | None = None, **changes: Any) -> PushNotifier:
        channel = PushChannel(name="hook", url=url, **changes)
        return PushNotifier(client, channel, secret=({"OWN": "tk"} if known is None else known).get)

    yield made
    client.close()


Hook = Callable[..., PushNotifier]


def test_a_header_of_ours_may_be_replaced_and_none_can_be_smuggled_in(hook: Hook) -> None:
    with WebhookServer() as server:
        server.content_type = "application/x-www-form-urlencoded"
        headers = {"content-type": "application/x-www-form-urlencoded", "X-Title": "{{ subject }}"}
        sent = hook(server.url, body="n={{ text | length }}", headers=headers)
        sent.send(replace(message_for(ALICE), subject="a\r\nX-Evil: ü"))
        (request,) = server.received
        assert server.complaints == []
    assert request.headers["x-title"] == "a%0D%0AX-Evil: %C3%BC"
    assert request.body == b"n=6"


def test_a_template_that_breaks_gives_up(hook: Hook) -> None:
    with pytest.raises(GiveUp, match="the template of hook"):
        hook("http://127.0.0.1:1", body="{{ facts.nothing.at_all }}").send(message_for(ALICE))
    long = replace(message_for(ALICE), text="x" * 90_000)
    with pytest.raises(GiveUp, match="longer than"):
        hook("http://127.0.0.1:1", body="{{ text }}{{ text }}").send(long)


def test_a_channel_has_no_address_gives_up(hook: Hook) -> None:
    with pytest.raises(GiveUp, match="has no address"):
        hook("http://127.0.0.1:1").send(message_for(None))


def test_a_token_that_is_gone_gives_up(hook: Hook) -> None:
    with pytest.raises(GiveUp, match="OWN is not set"):
        hook("http://127.0.0.1:1", known={}).send(message_for(ALICE))


def test_no_answer_is_tried_again(hook: Hook) -> None:
    with pytest.raises(RetryLater):
        hook("http://127.0.0.1:1").send(message_for(ALICE))
    with WebhookServer() as server:
        server.plan.append(answers(503))
        busy = hook(server.url)
        with pytest.raises(RetryLater):
            busy.send(message_for(ALICE))


FAULTS = {
    "no JSON": ('body: "{{ subject }}"', "gives no JSON with the example facts"),
    "an unknown fact": ('body: "{{ subjct | tojson }}"', "there is no 'subjct' here; there are ack_url"),
    "a broken template": ('body: "{% if %}"', "line 1 of the template"),
    "a link without its test": ("body: '{{ (\"x\" + ack_url) | tojson }}'", "fails with the example facts"),
    "a header's template": ('headers: {X-A: "{{ nothing }}"}', "header X-A: there is no 'nothing' here"),
}


@pytest.mark.parametrize("written,says", FAULTS.values(), ids=FAULTS.keys())
def test_a_wrong_template_refuses_the_set(written: str, says: str, pushing: Callable[..., Pushes]) -> None:
    channels = f"channels:\n  hook:\n    url: http://127.0.0.1:1\n    {written}\n"
    with pytest.raises(BadConfiguration) as refused:
        pushing(channels, "people:\n  alice: {push: {hook: a}}\n")
    assert "rotations/channels.yaml:" in str(refused.value)
    assert says in str(refused.value)


ODD = {
    "a channel that is there already": ("sms: {url: http://127.0.0.1:1}", "{}", 2, "is a channel already"),
    "a name that is none": ("Ntfy!: {url: http://127.0.0.1:1}", "{}", 2, "cannot name a channel"),
    "no address": ("hook: {url: ntfy.sh}", "{}", 2, "begin with http:// or https://"),
    "a header of ours": (
        "hook: {url: http://a.b, headers: {Host: x}}",
        "{}",
        2,
        "is written by the bot itself",
    ),
    "a header that is none": (
        "hook: {url: http://a.b, headers: {'X A': x}}",
        "{}",
        2,
        "cannot name a header",
    ),
    "a token in the file": (
        "hook: {url: http://a.b, token_env: tk_123}",
        "{}",
        2,
        "a token never stands here",
    ),
    "an unknown channel": (
        "hook: {url: http://a.b}",
        "{push: {hok: a}}",
        0,
        'unknown channel "hok"; did you mean',
    ),
    "an unknown way": ("hook: {url: http://a.b}", "{notify: {high: [{by: hok}]}}", 0, 'did you mean "hook"?'),
    "an empty address": ("hook: {url: http://a.b}", "{push: {hook: ''}}", 0, "is empty"),
}


@pytest.mark.parametrize("channel,person,line,says", ODD.values(), ids=ODD.keys())
def test_what_is_wrong_in_the_files_is_named(
    channel: str, person: str, line: int, says: str, pushing: Callable[..., Pushes]
) -> None:
    with pytest.raises(BadConfiguration) as refused:
        pushing(f"channels:\n  {channel}\n", f"people:\n  alice: {person}\n")
    assert says in str(refused.value)
    assert (f"rotations/channels.yaml:{line}:" if line else "rotations/people.yaml:") in str(refused.value)


def test_a_rule_without_an_address_is_a_warning(pushing: Callable[..., Pushes]) -> None:
    people = "people:\n  alice: {slack: U0ALICE, notify: {high: [{by: hook}]}}\n"
    story = pushing("channels:\n  hook: {url: http://127.0.0.1:1}\n", people)
    problems = [str(one) for one in story.context.live.current.revision.problems]
    assert any(
        "hook cannot reach alice; write push: {hook: …} in the person's entry" in one for one in problems
    )
