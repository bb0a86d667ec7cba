"""What newcomers read must load without a word, and mean what the founding documents ask for."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incident_bot.config.loader import load
from incident_bot.config.revision import Revision
from incident_bot.core.effects import Moment
from incident_bot.core.escalation import freeze
from incident_bot.core.oncall import who
from incident_bot.core.routing import Action, route
from tests.config.sets import write

ROTATIONS = Path(__file__).resolve().parents[2] / "rotations"
NOW = datetime(2026, 2, 3, 12, 0, tzinfo=UTC)


def sample(directory: Path, escalation: str = "escalation.yaml") -> Revision:
    """The sample rotations alone: runbooks and templates have tests of their own."""
    files = [*ROTATIONS.glob("*.yaml"), *(ROTATIONS / "schedules").glob("*.yaml")]
    texts = {f"rotations/{file.relative_to(ROTATIONS).as_posix()}": file.read_text("utf-8") for file in files}
    texts["rotations/escalation.yaml"] = (ROTATIONS / escalation).read_text("utf-8")
    return load(write(directory, texts), now=NOW)


def rows(revision: Revision) -> dict[str, list[tuple[int, str]]]:
    """Severity to steps: minutes and targets."""
    return {
        rung.name: [
            (int(step.after / timedelta(minutes=1)), ", ".join(str(target) for target in step.targets))
            for step in freeze(revision.matrix, rung, "payments").steps
        ]
        for rung in revision.ladder.rungs
    }


def test_the_samples_load_without_a_word(tmp_path: Path) -> None:
    assert sample(tmp_path).problems == ()


def test_the_matrix_is_that_of_002(tmp_path: Path) -> None:
    revision = sample(tmp_path)
    assert rows(revision) == {
        "P1": [(0, "on_call"), (15, "person/devops-lead"), (30, "person/cto")],
        "P2": [(0, "on_call"), (30, "lead")],
        "P3": [(0, "lead"), (120, "manager")],
        "P4": [(0, "lead")],
    }
    answers = {rung.name: rung.respond_within for rung in revision.ladder.rungs}
    minutes = {"P1": 5, "P2": 15, "P3": 60, "P4": 240}
    assert answers == {name: timedelta(minutes=within) for name, within in minutes.items()}


def test_the_matrix_of_001(tmp_path: Path) -> None:
    revision = sample(tmp_path, "examples/001-engineering-lead.yaml")
    assert revision.problems == ()
    assert rows(revision) == {
        "P1": [(0, "on_call"), (15, "lead"), (30, "person/cto")],
        "P2": [(0, "on_call"), (15, "lead")],
        "P3": [(0, "on_call")],
        "P4": [(0, "team")],
    }


def test_the_matrix_of_003(tmp_path: Path) -> None:
    revision = sample(tmp_path, "examples/003-business-hours.yaml")
    assert revision.problems == ()
    assert {name: steps[0] for name, steps in rows(revision).items()} == {
        "critical": (0, "on_call"),
        "warning": (0, "on_call"),
        "info": (0, "on_call"),
    }


@pytest.mark.parametrize("escalation", ["escalation.yaml", "examples/003-business-hours.yaml"])
@pytest.mark.parametrize(
    "severity, action, delay, hours",
    [
        ("critical", Action.INCIDENT, None, None),
        ("warning", Action.INCIDENT, timedelta(minutes=15), None),
        ("info", Action.NOTIFY, None, "business"),
    ],
)
def test_each_severity_takes_its_way(
    escalation: str, severity: str, action: Action, delay: timedelta | None, hours: str | None, tmp_path: Path
) -> None:
    revision = sample(tmp_path, escalation)
    routed = route(
        {"alertname": "X", "severity": severity}, revision.routing, revision.ladder, revision.teams
    )
    assert (routed.action, routed.delay, routed.hours) == (action, delay, hours)


def test_the_watchdog_is_recorded(tmp_path: Path) -> None:
    revision = sample(tmp_path)
    labels = {"alertname": "Watchdog", "severity": "none"}
    assert route(labels, revision.routing, revision.ladder, revision.teams).action is Action.RECORD


def test_a_service_leads_to_its_team(tmp_path: Path) -> None:
    revision = sample(tmp_path)
    routed = route(
        {"severity": "page", "service": "checkout"}, revision.routing, revision.ladder, revision.teams
    )
    assert (routed.team, routed.severity.name) == ("payments", "P1")


def test_the_channels_are_those_of_002(tmp_path: Path) -> None:
    rules = sample(tmp_path).announce
    told = {moment: [rule.channel for rule in rules if rule.wants(moment, "P1")] for moment in Moment}
    assert told[Moment.OPENED] == ["#critical-alerts", "#incidents"]
    assert told[Moment.UPDATE] == ["#critical-alerts", "#incidents", "#status-updates"]
    assert told[Moment.POSTMORTEM] == ["#post-mortems"]
    assert [rule.channel for rule in rules if rule.public] == ["#status-updates"]


@pytest.mark.parametrize(
    "schedule, instant, person",
    [
        ("platform-primary", datetime(2026, 1, 5, 8, 0, tzinfo=UTC), "alice"),
        ("platform-primary", datetime(2026, 1, 12, 7, 59, tzinfo=UTC), "alice"),
        ("platform-primary", datetime(2026, 1, 12, 8, 0, tzinfo=UTC), "bob"),
        ("platform-primary", datetime(2026, 7, 6, 7, 0, tzinfo=UTC), "carol"),
        ("payments-primary", datetime(2026, 1, 13, 16, 59, tzinfo=UTC), "wes"),
        ("payments-primary", datetime(2026, 1, 13, 17, 0, tzinfo=UTC), "erin"),
        ("payments-primary", datetime(2026, 4, 6, 12, 0, tzinfo=UTC), "dan"),
    ],
)
def test_somebody_is_on_call(schedule: str, instant: datetime, person: str, tmp_path: Path) -> None:
    assert [answer.person for answer in who(sample(tmp_path).schedules[schedule], (), instant)] == [person]


@pytest.mark.parametrize("name", ["alice", "bob", "carol", "dan", "dora", "mia", "devops-lead", "cto"])
def test_the_people_whom_the_guides_name(name: str, tmp_path: Path) -> None:
    person = sample(tmp_path).people[name]
    assert person.active
    assert person.contacts
