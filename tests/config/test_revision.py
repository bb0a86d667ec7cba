"""What a good set becomes."""

from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from incident_bot.config.revision import AnnounceRule, Heartbeat, SourceConfig, digest_of
from incident_bot.core.effects import Moment
from incident_bot.core.enrich import find_runbook
from incident_bot.core.escalation import DEFAULT_RULES, freeze
from incident_bot.core.model import ContactRule, Ladder, Target, Urgency
from incident_bot.core.oncall import who
from incident_bot.core.routing import Action, LabelNames, route
from tests.config.sets import BASE, SHORT, changed, problems_of, revision_of


def test_the_small_set(tmp_path: Path) -> None:
    revision = revision_of(tmp_path, BASE)
    assert revision.people["alice"].contacts == {"slack": "U0000ALICE"}
    assert revision.people["alice"].rules == {Urgency.HIGH: (ContactRule(by="slack"),)}
    assert revision.people["bob"].name == "bob"
    assert not revision.people["zed"].active
    assert revision.teams["core"].members == ("alice", "bob")
    assert revision.teams["core"].slack_channel == "#core"
    assert revision.calendars == {"de": {date(2026, 1, 1): "", date(2026, 5, 1): "Tag der Arbeit"}}
    assert [rung.name for rung in revision.ladder.rungs] == ["P1", "P2"]
    assert revision.services["shop"].team == "core"
    assert revision.services["shop"].tier == 1
    assert revision.templates == {"slack/opened.j2": "{{ incident.title }}\n"}
    assert revision.documents == BASE
    assert revision.problems == ()


def test_phone_and_mail_are_the_addresses_of_their_channels(tmp_path: Path) -> None:
    new = '{email: bob@example.com, phone: "+49 (151) 000-0001", pagerduty: PBOB}'
    person = revision_of(tmp_path, changed("people.yaml", "{email: bob@example.com}", new)).people["bob"]
    assert person.contacts == {
        "mail": "bob@example.com",
        "sms": "+491510000001",
        "voice": "+491510000001",
        "pagerduty": "PBOB",
    }


def test_the_schedule_answers(tmp_path: Path) -> None:
    revision = revision_of(tmp_path, BASE)
    schedule = revision.schedules["primary"]
    asked = {
        datetime(2026, 2, 3, 23, 0, tzinfo=UTC): "alice",
        datetime(2026, 2, 3, 12, 0, tzinfo=UTC): "bob",
        datetime(2026, 5, 1, 12, 0, tzinfo=UTC): "alice",  # a holiday: no office hours
        datetime(2026, 3, 1, 8, 0, tzinfo=UTC): "bob",  # the cover
    }
    answers = {instant: [answer.person for answer in who(schedule, (), instant)] for instant in asked}
    assert answers == {instant: [person] for instant, person in asked.items()}


def test_the_matrix_and_its_rules(tmp_path: Path) -> None:
    revision = revision_of(tmp_path, BASE)
    policy = freeze(revision.matrix, revision.ladder.rungs[0], "core")
    assert [(step.after, [str(target) for target in step.targets]) for step in policy.steps] == [
        (timedelta(0), ["on_call"]),
        (timedelta(minutes=15), ["person/alice"]),
    ]
    assert (policy.repeat, policy.fallback, policy.last_resort) == (
        3,
        (Target.parse("schedule/primary"),),
        (Target.parse("person/alice"),),
    )
    assert revision.matrix.rules == {
        Urgency.HIGH: (ContactRule(by="slack"), ContactRule(by="mail")),
        Urgency.LOW: (ContactRule(by="mail"),),
    }
    assert revision.rules.ladder == revision.ladder
    assert (revision.rules.resolve_hold, revision.rules.reopen_window) == (
        timedelta(seconds=90),
        timedelta(minutes=30),
    )


def test_how_incidents_end_can_be_changed(tmp_path: Path) -> None:
    new = "resolve_hold: 5m\nreopen_window: 1h\nauto_resolve: never\nrepage: always\nexhausted_repeat: 10m"
    revision = revision_of(tmp_path, changed("escalation.yaml", "repeat: {P1: 3}", new))
    rules = revision.rules
    assert (rules.resolve_hold, rules.reopen_window) == (timedelta(minutes=5), timedelta(hours=1))
    assert (rules.auto_resolve, rules.repage) == ("never", "always")
    assert revision.matrix.exhausted_repeat == timedelta(minutes=10)


def test_without_notify_the_default_rules_count(tmp_path: Path) -> None:
    texts = changed("escalation.yaml", "notify: {high: [{by: slack}, {by: mail}], low: [{by: mail}]}\n", "")
    assert revision_of(tmp_path, texts).matrix.rules == DEFAULT_RULES


@pytest.mark.parametrize(
    "file, old, new",
    [
        ("teams.yaml", "services: [shop]", "escalation: {P2: [{page: [manager]}]}"),
        ("escalation.yaml", "repeat: {P1: 3}", "teams: {core: {P2: [{page: [manager]}]}}"),
    ],
)
def test_a_team_has_its_own_row(file: str, old: str, new: str, tmp_path: Path) -> None:
    revision = revision_of(tmp_path, changed(file, old, new))
    rung = revision.ladder.rungs[1]
    assert freeze(revision.matrix, rung, "core").steps[0].targets == (Target.parse("manager"),)
    assert freeze(revision.matrix, rung, "other").steps[0].targets == (Target.parse("lead"),)


def test_routes_keep_their_lines(tmp_path: Path) -> None:
    revision = revision_of(tmp_path, BASE)
    assert [item.place for item in revision.routing.routes] == [
        "routing.yaml:4",
        "routing.yaml:5",
        "routing.yaml:8",
    ]
    assert revision.routing.inhibit[0].place == "routing.yaml:14"
    assert revision.routing.default.severity == "P2"
    routed = route({"severity": "page", "service": "shop"}, revision.routing, revision.ladder, revision.teams)
    assert (routed.action, routed.team, routed.place) == (Action.INCIDENT, "core", "routing.yaml:5")
    assert revision.routing.routes[2].continue_
    assert revision.routing.routes[2].delay == timedelta(minutes=15)


def test_labels_may_have_other_names(tmp_path: Path) -> None:
    revision = revision_of(tmp_path, changed("routing.yaml", "routes:", "labels: {severity: sev}\nroutes:"))
    assert revision.routing.label_names == LabelNames(severity="sev")


def test_sources(tmp_path: Path) -> None:
    new = (
        "kind: alertmanager, ignore_labels: [replica], token_env: AM_TOKEN, heartbeat: {alert: W, every: 5m},"
        ' prometheus_url: "http://p:9090/", prometheus_token_env: PROM'
    )
    revision = revision_of(tmp_path, changed("routing.yaml", "kind: alertmanager", new))
    assert revision.sources == (
        SourceConfig(
            name="alertmanager",
            kind="alertmanager",
            api_url="http://127.0.0.1:9093",
            ignore_labels=frozenset({"replica"}),
            token_env="AM_TOKEN",
            heartbeat=Heartbeat(alert="W", every=timedelta(minutes=5)),
            prometheus_url="http://p:9090",
            prometheus_token_env="PROM",
        ),
    )


def test_without_sources_there_is_the_one_called_alertmanager(tmp_path: Path) -> None:
    old = 'sources:\n  - {name: alertmanager, kind: alertmanager, api_url: "http://127.0.0.1:9093"}\n'
    revision = revision_of(tmp_path, changed("routing.yaml", old, ""))
    assert revision.sources == (SourceConfig(name="alertmanager", kind="alertmanager"),)


def test_announcements(tmp_path: Path) -> None:
    alerts, status = revision_of(tmp_path, BASE).announce
    assert alerts.severities == {"P1"}
    assert alerts.wants(Moment.OPENED, "P1")
    assert not alerts.wants(Moment.OPENED, "P2")
    assert not alerts.wants(Moment.POSTMORTEM, "P1")
    assert status == AnnounceRule(channel="#status", on=(Moment.UPDATE, Moment.RESOLVED), public=True)
    assert status.wants(Moment.UPDATE, "P2")
    assert not status.wants(Moment.OPENED, "P2")


def test_hours_without_a_calendar_take_the_only_one(tmp_path: Path) -> None:
    hours = revision_of(tmp_path, BASE).hours["business"]
    assert hours.holidays == {date(2026, 1, 1), date(2026, 5, 1)}


def test_hours_without_a_calendar_are_refused_where_there_are_two(tmp_path: Path) -> None:
    texts = changed("holidays.yaml", "holidays:", "holidays:\n  us: []")
    says = [str(problem) for problem in problems_of(tmp_path, texts)]
    (line,) = says
    assert line.startswith("rotations/routing.yaml:16: hours.business.windows[0]: asks for holidays; ")
    assert line.endswith("write holidays: with a calendar beside it; known: de, us")


def test_runbooks(tmp_path: Path) -> None:
    plain = "# Restart\n\nText.\n"
    texts = {
        **BASE,
        "runbooks/a/restart-it.md": plain,
        "runbooks/README.md": "About these.",
        "runbooks/b_c.md": "x",
    }
    revision = revision_of(tmp_path, texts)
    assert [(book.path, book.title) for book in revision.runbooks] == [
        ("a/restart-it.md", "Restart"),
        ("b_c.md", "b c"),
        ("errors.md", "High error rate"),
    ]
    book = revision.runbooks[2]
    assert (book.owner, book.reviewed, book.review_every) == ("core", date(2026, 1, 15), timedelta(days=90))
    assert book.sections["Mitigation"].steps == ("Roll back.", "Tell people.")
    assert book.text.startswith("# High error rate")
    found = find_runbook({"alertname": "ShopDown", "service": "shop"}, {}, revision.runbooks)
    assert found.runbook == book
    assert [str(problem) for problem in revision.problems] == [
        "runbooks/a/restart-it.md:1: warning: has no front matter: no alert leads to this runbook",
        "runbooks/b_c.md:1: warning: has no front matter: no alert leads to this runbook",
    ]


def test_two_runbooks_of_one_alert_are_a_warning(tmp_path: Path) -> None:
    texts = {**BASE, "runbooks/more.md": "---\nalerts: [HighErrorRate]\n---\n"}
    (problem,) = revision_of(tmp_path, texts).problems
    assert str(problem).startswith(
        "runbooks/more.md:2: warning: alerts[0]: runbooks/errors.md names HighErrorRate too"
    )


def test_equal_texts_are_the_same_revision_and_others_are_not(tmp_path: Path) -> None:
    first = revision_of(tmp_path / "one", BASE)
    assert first.id == revision_of(tmp_path / "two", dict(reversed(list(BASE.items())))).id
    assert first.digest.startswith(first.id)
    assert len(first.id) == 12
    other = revision_of(tmp_path / "three", {**BASE, "templates/slack/opened.j2": "{{ incident.title }}"})
    assert other.id != first.id


def test_a_character_that_moves_between_files_changes_the_digest() -> None:
    assert digest_of({"a": "xy", "b": "z"}) != digest_of({"a": "x", "b": "yz"})
    assert digest_of({"ab": "x"}) != digest_of({"a": "bx"})


def test_a_revision_does_not_change(tmp_path: Path) -> None:
    revision = revision_of(tmp_path, BASE)
    with pytest.raises(FrozenInstanceError):
        revision.ladder = Ladder(())  # type: ignore[misc]  # that it cannot be set is what is tested
    assert SHORT["people.yaml"] in revision.documents
