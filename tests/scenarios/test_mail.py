"""A page by mail, told through a real mail server: its link takes the incident, and only a person's press does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from incident_bot import bootstrap
from incident_bot.bootstrap import Application
from incident_bot.clock import ManualClock
from incident_bot.config.settings import Settings
from incident_bot.flow import commands, queries, retention
from incident_bot.flow.worker import pump
from tests.fakes.alertmanager import Alertmanager
from tests.fakes.smtp import DROP, Letter, MailServer
from tests.plugins.story import START
from tests.plugins.story_files import PEOPLE, SEVERITIES, documents

PUBLIC = "https://bot.example.com"
BY_MAIL = "{high: [{by: mail}], low: [{by: mail}]}"
EVERYBODY = re.sub(r"\n  (\w+): \{name", r"\n  \1: {email: \1@work.example, name", PEOPLE).replace(
    ", email: ana@example.com", ""
)
LINK = re.compile(rf"{re.escape(PUBLIC)}(/ack/[0-9a-f]{{48}})\b")


class Mails:
    """One application that pages by mail, its mail server and its pages."""

    def __init__(self, server: MailServer, directory: Path, *, public: bool, ack_timeout: str) -> None:
        self.server = server
        self.clock = ManualClock(START)
        self.alertmanager = Alertmanager()
        for name, text in documents(people=EVERYBODY, notify=BY_MAIL, ack_timeout=ack_timeout).items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        environ = {
            "INCIDENT_BOT_DATABASE_URL": f"sqlite:///{directory}/bot.db",
            "INCIDENT_BOT_CONFIG_DIR": str(directory),
            "SMTP_URL": server.url(),
            "INCIDENT_BOT_MAIL_FROM": "Incident bot <incidents@example.com>",
            "INCIDENT_BOT_API_TOKEN": "a-token",
            **({"INCIDENT_BOT_PUBLIC_URL": PUBLIC} if public else {}),
        }
        self.application: Application = bootstrap.build(
            Settings.load(environ), clock=self.clock, write=lambda _text: None
        )
        self.application.context.live.record(now=self.clock.now())
        self.application.intake.start()
        self.browser = TestClient(
            self.application.app, base_url=PUBLIC, client=("203.0.113.7", 50000), follow_redirects=False
        )

    def fires(self, **labels: str) -> None:
        named = {"alertname": "HighErrorRate", "severity": "critical", **labels}
        body = self.alertmanager.fire(named, {}, since=self.clock.now())
        self.application.intake.submit("alertmanager", body).result(timeout=30)
        self.pump()

    def pump(self) -> None:
        pump(self.application.context, now=self.clock.now)

    def advance(self, **by: float) -> None:
        """Let time pass, minute by minute."""
        until = self.clock.now() + timedelta(**by)
        while self.clock.now() < until:
            self.clock.advance(min(timedelta(minutes=1), until - self.clock.now()))
            self.pump()

    def says(self, text: str, *, by: str) -> None:
        commands.handle(
            self.application.context, text, incident=1, actor=by, source="test", now=self.clock.now()
        )
        self.pump()

    def sent_to(self) -> list[str]:
        return [letter.recipients[0].partition("@")[0] for letter in self.server.letters]

    def link(self, number: int = -1) -> str:
        return link_in(self.server.letters[number])

    def state(self) -> tuple[str, str | None]:
        view = queries.incident(self.application.context, 1)
        return view.escalation, view.acknowledged_by


def link_in(letter: Letter) -> str:
    found = LINK.search(letter.part("plain"))
    assert found is not None
    return found[1]


@pytest.fixture
def mailing(tmp_path: Path) -> Iterator[Callable[..., Mails]]:
    made: list[Mails] = []
    with MailServer() as server:

        def begin(*, public: bool = True, ack_timeout: str = "{high: off}") -> Mails:
            made.append(Mails(server, tmp_path, public=public, ack_timeout=ack_timeout))
            return made[-1]

        yield begin
        assert server.complaints == []
        for one in made:
            one.browser.close()
            one.application.app.state.desk.streams.close()
            one.application.stop()


@pytest.fixture
def mails(mailing: Callable[..., Mails]) -> Mails:
    return mailing()


def test_a_page_by_mail_is_taken_by_its_link_and_nobody_else_is_paged(mails: Mails) -> None:
    mails.fires()
    assert mails.sent_to() == ["ana"]
    letter = mails.server.letters[0]
    assert letter.message["X-Priority"] == "1"
    html = ET.fromstring(letter.part("html"))  # noqa: S314 -- our own page
    links = {link.text: link.get("href") for link in html.iter("a")}
    assert links["Acknowledge INC-1"] == f"{PUBLIC}{mails.link()}"
    assert links["Open INC-1"] == f"{PUBLIC}/incidents/INC-1"

    shown = mails.browser.get(mails.link())
    assert shown.status_code == 200
    assert "Acknowledge INC-1" in shown.text
    assert "Ana Example" in shown.text
    assert "<script" not in shown.text
    assert (shown.headers["referrer-policy"], shown.headers["cache-control"]) == ("no-referrer", "no-store")
    assert "noindex" in shown.headers["x-robots-tag"]
    assert mails.state() == ("triggered", None)

    done = mails.browser.post(mails.link())
    assert done.status_code == 200
    assert "You have INC-1" in done.text
    assert "Acknowledge INC-1" not in done.text
    assert mails.state() == ("acknowledged", "ana")
    entry = next(one for one in queries.timeline(mails.application.context, 1) if one.kind == "acknowledged")
    assert (entry.actor, entry.source) == ("ana", "link")
    mails.advance(minutes=29)
    assert mails.sent_to() == ["ana"], "nobody else is paged"


def test_what_scanners_do_changes_nothing(mails: Mails) -> None:
    mails.fires()
    for _ in range(10):
        assert mails.browser.get(mails.link()).status_code == 200
        head = mails.browser.head(mails.link())
        assert (head.status_code, head.content) == (200, b"")
    assert mails.browser.options(mails.link()).status_code == 405
    assert mails.browser.put(mails.link()).status_code == 405
    assert mails.state() == ("triggered", None)
    mails.advance(minutes=15)
    assert mails.sent_to() == ["ana", "ben"], "the next step is paged as if nobody had looked"


def test_a_link_works_once_and_then_says_who_has_it(mails: Mails) -> None:
    mails.fires()
    assert mails.browser.post(mails.link()).status_code == 200
    for again in (mails.browser.post(mails.link()), mails.browser.get(mails.link())):
        assert again.status_code == 410
        assert "INC-1 is already acknowledged by you, 04:00 CET (03:00 UTC)." in again.text
        assert "<form" not in again.text
    mails.says("unack", by="ana")
    spent = mails.browser.post(mails.link(0))
    assert spent.status_code == 410
    assert "use the link in the newest message" in spent.text
    assert mails.state() == ("triggered", None)
    assert mails.browser.post(mails.link()).status_code == 200
    assert mails.state() == ("acknowledged", "ana")


def test_somebody_else_was_faster(mails: Mails) -> None:
    mails.fires()
    mails.says("ack", by="ben")
    shown = mails.browser.get(mails.link())
    assert shown.status_code == 200
    assert "INC-1 is already acknowledged by Ben Example" in shown.text
    joined = mails.browser.post(mails.link())
    assert joined.status_code == 200
    assert "noted as responding too" in joined.text
    assert mails.state() == ("acknowledged", "ben")


@pytest.mark.parametrize(
    "said, words", [("resolve fixed it", "is resolved"), ("cancel a test", "is cancelled")]
)
def test_when_it_is_over_the_link_is_dead(said: str, words: str, mails: Mails) -> None:
    mails.fires()
    mails.says(said, by="ben")
    for answer in (mails.browser.get(mails.link()), mails.browser.post(mails.link())):
        assert answer.status_code == 410
        assert f"INC-1 {words}" in answer.text
        assert "<form" not in answer.text


def test_what_is_snoozed_can_be_taken_all_the_same(mails: Mails) -> None:
    mails.fires()
    mails.says("snooze 30m", by="ben")
    assert "INC-1 is snoozed." in mails.browser.get(mails.link()).text
    assert mails.browser.post(mails.link()).status_code == 200
    assert mails.state() == ("acknowledged", "ana")


def test_presses_at_once_are_one(mails: Mails) -> None:
    mails.fires()
    with ThreadPoolExecutor(4) as pool:
        answers = [*pool.map(lambda _number: mails.browser.post(mails.link()).status_code, range(8))]
    assert 200 in answers
    assert set(answers) <= {200, 410}
    entries = queries.timeline(mails.application.context, 1)
    assert [one.actor for one in entries if one.kind == "acknowledged"] == ["ana"]


def test_a_link_holds_for_a_day(mails: Mails) -> None:
    mails.fires()
    link = mails.link()
    mails.clock.advance(timedelta(hours=24) - timedelta(seconds=1))
    assert mails.browser.get(link).status_code == 200
    mails.clock.advance(timedelta(seconds=1))
    assert mails.browser.get(link).status_code == 410
    assert "This link held until 04:00 CET" in mails.browser.get(link).text
    assert mails.browser.post(link).status_code == 410
    assert mails.state() == ("triggered", None)


def test_who_has_left_takes_nothing(mails: Mails) -> None:
    mails.fires()
    directory = mails.application.context.settings.config_dir
    people = directory / "rotations/people.yaml"
    people.write_text(people.read_text().replace("name: Ana Example", "active: false, name: Ana Example"))
    assert mails.application.context.live.reload(now=mails.clock.now()).ok
    answer = mails.browser.post(mails.link())
    assert answer.status_code == 410
    assert "no longer among the people who are paged" in answer.text
    assert mails.state() == ("triggered", None)


@pytest.mark.parametrize(
    "token", ["0" * 48, "0" * 47, "x" * 48, "0" * 200, "%00", "%ff", "..%2f", "É", "0" * 48 + "%0a"]
)
def test_an_unknown_link_opens_nothing(token: str, mails: Mails) -> None:
    mails.fires()
    for answer in (mails.browser.get(f"/ack/{token}"), mails.browser.post(f"/ack/{token}")):
        assert answer.status_code == 404
    assert mails.state() == ("triggered", None)


def test_a_token_without_end_is_refused(mails: Mails) -> None:
    assert mails.browser.get(f"/ack/{'0' * 5000}").status_code == 422


def test_the_link_of_every_attempt_works_whichever_arrives(mails: Mails) -> None:
    mails.server.plan.extend([{"taken": DROP}, {"taken": DROP}])
    mails.fires()
    mails.advance(minutes=2)
    letters = mails.server.letters
    assert [letter.recipients[0] for letter in letters] == ["ana@work.example"] * 3
    assert len({letter.message["Message-ID"] for letter in letters}) == 1, "S2"
    links = [link_in(letter) for letter in letters]
    assert len(set(links)) == 3
    for link in links:
        assert mails.browser.get(link).status_code == 200
    assert mails.browser.post(links[0]).status_code == 200
    second = mails.browser.post(links[1])
    assert (second.status_code, "nothing changed" in second.text) == (200, True)


def test_one_incident_is_one_thread_for_everybody(mails: Mails) -> None:
    mails.fires()
    mails.advance(minutes=31)
    assert mails.sent_to() == ["ana", "ben", "cleo"]
    assert len({letter.message["References"] for letter in mails.server.letters}) == 1
    assert len({letter.message["Message-ID"] for letter in mails.server.letters}) == 3
    mails.fires(alertname="Another")
    assert mails.server.letters[-1].message["References"] != mails.server.letters[0].message["References"]


def test_each_link_is_its_persons_own(mails: Mails) -> None:
    mails.fires()
    mails.advance(minutes=15)
    assert mails.browser.post(mails.link(1)).status_code == 200
    assert mails.state() == ("acknowledged", "ben")


def test_who_has_it_says_so_by_the_link_in_the_question(mailing: Callable[..., Mails]) -> None:
    mails = mailing(ack_timeout="{high: 30m}")
    mails.fires()
    mails.browser.post(mails.link())
    mails.advance(minutes=30)
    assert mails.sent_to() == ["ana", "ana"]
    question = mails.server.letters[-1]
    assert str(question.message["Subject"]).startswith("Still on it? ")
    assert "I am still on INC-1" in question.part("html")
    assert "I am still on it" in mails.browser.get(mails.link()).text
    assert mails.browser.post(mails.link()).status_code == 200
    mails.advance(minutes=20)
    assert mails.state() == ("acknowledged", "ana")
    assert mails.sent_to() == ["ana", "ana"], "nobody else is paged"


def test_without_a_public_address_no_link_goes_out(mailing: Callable[..., Mails]) -> None:
    mails = mailing(public=False)
    mails.fires()
    (letter,) = mails.server.letters
    assert "/ack/" not in letter.part("plain") + letter.part("html")
    assert "Take it: ack INC-1" in letter.part("plain")
    assert "type <strong>ack INC-1</strong> in the chat" in letter.part("html")


def test_the_token_is_neither_logged_nor_stored_nor_on_record(mails: Mails) -> None:
    with capture_logs() as logs:
        mails.fires()
        mails.browser.get(mails.link())
        mails.browser.post(mails.link())
        mails.browser.post(mails.link() + "/")
    token = mails.link().rpartition("/")[2]
    assert any(line.get("path") == "/ack/…" for line in logs)
    assert token not in str(logs)
    context = mails.application.context
    assert token not in str(queries.timeline(context, 1)) + str(queries.pages(context, 1))
    database = Path(str(context.settings.config_dir)) / "bot.db"
    mails.application.context.store.close()
    assert all(token.encode() not in path.read_bytes() for path in database.parent.glob("bot.db*"))


def test_old_links_are_forgotten(mails: Mails) -> None:
    mails.fires()
    mails.says("ack", by="ana")
    link = mails.link()
    mails.clock.advance(timedelta(days=8, seconds=1))
    assert mails.browser.get(link).status_code == 410
    mails.fires(alertname="Another")
    assert retention.clear(mails.application.context, now=mails.clock.now())["ack_link"] == 1
    assert mails.browser.get(link).status_code == 404
    mails.clock.advance(timedelta(days=9))
    assert retention.clear(mails.application.context, now=mails.clock.now())["ack_link"] == 1


def test_where_each_is_to_answer_a_press_is_for_ones_own_part(mails: Mails) -> None:
    each = SEVERITIES.replace("respond_within: 5m", "acks: each, respond_within: 5m")
    row = {"P1": "[{page: [on_call, lead]}, {after: 15m, page: [manager]}]"}
    files = documents(people=EVERYBODY, notify=BY_MAIL, severities=each, matrix=row)
    directory = Path(mails.application.context.settings.config_dir)
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")
    assert mails.application.context.live.reload(now=mails.clock.now()).ok
    mails.fires()
    links = dict(zip(mails.sent_to(), (link_in(letter) for letter in mails.server.letters), strict=True))
    assert "You have your part of INC-1; it waits for ben" in mails.browser.post(links["ana"]).text
    assert mails.state() == ("triggered", None)
    assert "You have your part of INC-1; it waits for ben." in mails.browser.get(links["ana"]).text
    mails.browser.post(links["ben"])
    assert mails.state() == ("acknowledged", "ana")
