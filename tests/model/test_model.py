"""The model test: whatever happens in whatever order, P1 to P16 hold after every single thing (semantics, section 5).

A script that fails is shortened and told as a story. Longer runs: `benchmarks/model.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from incident_bot.flow import deliver, directory, ingest, reconcile, triage
from incident_bot.store import interventions
from incident_bot.store.outbox import claiming
from incident_bot.store.transaction import Tx
from tests.fakes.alertmanager import Alertmanager, AlertmanagerApi
from tests.model.actions import ACTIONS, Action
from tests.model.invariants import Violated
from tests.model.scripts import (
    Databases,
    Script,
    drawn,
    drawn_plain,
    play,
    postgresql,
    problem_of,
    shortened,
    sqlite,
    twins,
)
from tests.model.world import Setup

SEEDS = 24
TWINS = 6
THREADS = 8

on_every_database = pytest.mark.parametrize(
    "databases",
    [
        pytest.param(sqlite, id="sqlite", marks=pytest.mark.xdist_group("model-sqlite")),
        pytest.param(postgresql, id="postgresql", marks=pytest.mark.xdist_group("model-postgresql")),
    ],
)


@pytest.fixture(scope="module")
def api() -> Iterator[AlertmanagerApi]:
    with AlertmanagerApi(Alertmanager()) as server:
        yield server


@pytest.fixture(autouse=True)
def _plain(plain_logs: None) -> None:
    """Tracebacks of the mistakes that a script makes on purpose cost a second each."""


def holds(script: Script, databases: Databases, api: AlertmanagerApi, *, twin: bool = False) -> None:
    """Play a script; where an invariant breaks, tell the shortest story in which it does."""

    def breaks(wanted: Script) -> str | None:
        def once() -> None:
            if twin:
                twins(wanted, databases, api)
                return
            with databases() as url:
                play(wanted, url, api)

        return problem_of(once)

    if breaks(script) is not None:
        pytest.fail(str(shortened(script, breaks)), pytrace=False)


@on_every_database
@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_invariants_hold_after_everything(databases: Databases, api: AlertmanagerApi, seed: int) -> None:
    holds(drawn(seed), databases, api)


@on_every_database
@pytest.mark.parametrize("seed", range(TWINS))
def test_neither_deaths_nor_replicas_change_the_end(
    databases: Databases, api: AlertmanagerApi, seed: int
) -> None:
    holds(drawn_plain(seed), databases, api, twin=True)


@pytest.mark.xdist_group("model-postgresql")
@pytest.mark.parametrize("seed", range(100, 100 + THREADS))
def test_replicas_that_work_at_the_same_moment(api: AlertmanagerApi, seed: int) -> None:
    holds(drawn(seed, threads=True), postgresql, api)


def test_a_script_that_breaks_is_told_as_the_shortest_story() -> None:
    script = drawn(3, length=30)
    wanted = script.actions[len(script.actions) // 2]

    def breaks(shorter: Script) -> str | None:
        return "P3: it is there" if wanted in shorter.actions else None

    failure = shortened(script, breaks)
    assert failure.script.actions == (wanted,)
    assert str(failure) == f"P3: it is there\n{script.setup}\n  1 {wanted}"


def test_the_same_seed_gives_the_same_story() -> None:
    assert str(drawn(7)) == str(drawn(7)) != str(drawn(8))


def test_a_mistake_of_the_product_is_a_problem_as_a_broken_invariant_is() -> None:
    def broken() -> None:
        raise KeyError("a mistake")

    def violates() -> None:
        raise Violated("P4", "twice")

    assert problem_of(broken) == "KeyError: 'a mistake'"
    assert problem_of(violates) == "P4: twice"
    assert problem_of(lambda: None) is None


KINDS = {kind.name: kind for kind in ACTIONS}


def told(*happened: tuple[Any, ...]) -> Script:
    """A script that is written and not drawn."""
    actions = tuple(Action(KINDS[name], tuple(arguments)) for name, *arguments in happened)
    return Script(Setup(seed=1, listed=True), actions)


def twice_remembered(
    tx: Tx, readings: Any, *others: Any, remember: Any = ingest._remember_groups, **more: Any
) -> None:
    """Writes a note of everything that comes, news or not."""
    remember(tx, readings, *others, **more)
    interventions.record(tx, "intake", "told", {"readings": len(readings)}, now=more["now"])


BAD_BOTS = [
    pytest.param(
        "P3", claiming, "_obstacle", lambda *_: None,
        told(("fires", "One", "critical", "at once"), ("dies", "a send", 1), ("says", "unack", "ana", 0),
             ("says", "escalate", "ana", 0), ("says", "resolve because", "ben", 0), ("passes", 1)),
        id="pages what is over",
    ),
    pytest.param(
        "P4", deliver, "record", lambda *_, **__: None,
        told(("fires", "One", "critical", "at once"), ("passes", 1)),
        id="forgets what was sent",
    ),
    pytest.param(
        "P8", ingest, "_remember_groups", twice_remembered,
        told(("fires", "One", "critical", "at once"), ("nothing new", 1)),
        id="takes a repeat for news",
    ),
    pytest.param(
        "P9", reconcile, "_found", lambda *_, **__: [],
        told(("fires", "One", "critical", "never"), ("passes", 5)),
        id="never finds what a lost webhook told",
    ),
    pytest.param(
        "P13", directory.Directories, "of", lambda self, _team, of=directory.Directories.of: of(self, "data"),
        told(("fires", "One", "critical", "at once")),
        id="pages another team",
    ),
    pytest.param(
        "P15", triage.Triage, "resolved", lambda *_: None,
        told(("fires", "One", "critical", "at once"), ("resolves", 0, "at once")),
        id="never hears that it is over",
    ),
]  # fmt: skip


@pytest.mark.parametrize("rule,owner,name,bad,script", BAD_BOTS)
def test_a_bad_bot_is_found_out(
    api: AlertmanagerApi,
    monkeypatch: pytest.MonkeyPatch,
    rule: str,
    owner: Any,
    name: str,
    bad: Any,
    script: Script,
) -> None:
    with sqlite() as url:
        play(script, url, api)
    monkeypatch.setattr(owner, name, bad)
    with sqlite() as url, pytest.raises(Violated) as found:
        play(script, url, api)
    assert found.value.rule == rule
