"""Scripts of the model: drawn from a seed, played on a database, shortened while they still fail, told as a story."""

from __future__ import annotations

import atexit
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from tests.fakes.alertmanager import AlertmanagerApi
from tests.model.actions import ACTIONS, Action
from tests.model.actions import unsilences as end_silences
from tests.model.facts import Ending, ending
from tests.model.invariants import Violated, check_all, check_p10, check_p11
from tests.model.world import Setup, World, quiet_deaths, texts_read_once
from tests.plugins.databases import _TEMPLATE, _database, _migrate, _template

QUIET = timedelta(minutes=8)
"""Longer than a lease, a hold, a held re-fire and three looks of the reconciler one after the other."""
DEATHS = ("dies", "restarts", "starts")
Databases = Callable[[], AbstractContextManager[str]]
"""Gives a fresh database, one call each."""


@dataclass(frozen=True)
class Script:
    """How a world begins, and what happens in it."""

    setup: Setup
    actions: tuple[Action, ...]

    def __str__(self) -> str:
        lines = [f"{number:3} {action}" for number, action in enumerate(self.actions, 1)]
        return "\n".join((str(self.setup), *lines))


@dataclass(frozen=True)
class Failure:
    """A script that breaks an invariant, as short as it got."""

    script: Script
    problem: str

    def __str__(self) -> str:
        return f"{self.problem}\n{self.script}"


def drawn(seed: int, *, replicas: int = 4, threads: bool = False, length: int = 30) -> Script:
    """Draw a script of up to so many actions and replicas."""
    chance = random.Random(seed)  # noqa: S311 -- stories, not secrets
    setup = Setup(
        seed=seed, replicas=chance.randint(1, replicas), listed=chance.random() < 0.4, threads=threads
    )
    kinds = [kind for kind in ACTIONS if not (threads and kind.alone)]
    return Script(setup, _actions(chance, kinds, length))


def drawn_plain(seed: int, *, replicas: int = 4, length: int = 25) -> Script:
    """Draw a script whose end depends on neither deaths nor the number of replicas, with both in it."""
    chance = random.Random(seed)  # noqa: S311 -- stories, not secrets
    kinds = [kind for kind in ACTIONS if kind.plain or kind.name in DEATHS]
    return Script(Setup(seed=seed, replicas=replicas), _actions(chance, kinds, length))


def _actions(chance: random.Random, kinds: Sequence[object], length: int) -> tuple[Action, ...]:
    known = [kind for kind in ACTIONS if kind in kinds]
    picked = chance.choices(known, [kind.weight for kind in known], k=chance.randint(length // 3, length))
    # Most of what can happen needs something that fires.
    picked[0] = next(kind for kind in known if kind.name == "plainly fires")
    return tuple(Action(kind, kind.draw(chance)) for kind in picked)


def play(script: Script, url: str, api: AlertmanagerApi, counts: Counter[str] | None = None) -> Ending:
    """Play a script and hold the invariants against the facts after each action; gives how it ended."""
    with TemporaryDirectory(prefix="incident_bot_model_") as folder, quiet_deaths(), texts_read_once():
        world = World(Path(folder), url, script.setup, api)
        try:
            for action in script.actions:
                action.play(world)
                if action.kind.name != "sleeps":
                    world.settle()
                    check_all(world.facts())
            return _calmed(world)
        finally:
            if counts is not None:
                counts.update(action.kind.name for action in script.actions)
                counts.update({"pages sent": world.pages_sent, "deaths": world.deaths, **world.counts})
            world.close()


def _calmed(world: World) -> Ending:
    """Let everything come to rest: nobody dies any more, providers and the source are well, late bodies come."""
    for machine in world.alive:
        machine.doom = None
    world.meanwhile.clear()
    world.answers_to_lose.clear()
    world.api.broken = False
    for channel in world.channels.values():
        channel.always = None
        channel.fails.clear()
    end_silences(world)
    for sent in world.late:
        world.posts(sent)
    world.late.clear()
    # Where the clock was set back, time stands still here until it has caught up (S8).
    world.passes(world.now() - world.instant() + QUIET)
    # Without an API nothing tells the late copy of an alert from the alert (I6).
    facts = world.facts(compared=world.setup.listed)
    check_all(facts)
    return ending(facts)


def problem_of(play_it: Callable[[], object]) -> str | None:
    """Give what breaks when this is played; None where all holds. A crash of the product is a problem, too."""
    try:
        play_it()
    except Violated as violated:
        return str(violated)
    except Exception as error:  # noqa: BLE001 -- whatever it is, the script that causes it is wanted
        return f"{type(error).__name__}: {error}"
    return None


def shortened(script: Script, breaks: Callable[[Script], str | None], *, tries: int = 150) -> Failure:
    """Leave out what the failure does not need, half by half, then one by one; the rule that breaks stays the same."""
    problem = breaks(script) or "it did not happen again"
    rule, left = problem.split(":")[0], tries
    size = max(len(script.actions) // 2, 1)
    while size:
        start, progressed = 0, False
        while start < len(script.actions) and left:
            left -= 1
            actions = script.actions[:start] + script.actions[start + size :]
            shorter = replace(script, actions=actions)
            found = breaks(shorter)
            if found is not None and found.split(":")[0] == rule:
                script, problem, progressed = shorter, found, True
            else:
                start += size
        size = size if progressed and size == 1 and left else size // 2
    return Failure(script, problem)


def without_deaths(script: Script) -> Script:
    """Give the same story in which no process ever ends (P10)."""
    return replace(
        script,
        actions=tuple(one for one in script.actions if one.kind.name not in DEATHS),
    )


def alone(script: Script) -> Script:
    """Give the same story with one replica and no deaths (P11)."""
    return replace(without_deaths(script), setup=replace(script.setup, replicas=1))


def twins(
    script: Script, databases: Databases, api: AlertmanagerApi, counts: Counter[str] | None = None
) -> None:
    """Play a plain script thrice: as it is, without deaths, and with one replica; the ends are the same."""
    endings = []
    for one in (script, without_deaths(script), alone(script)):
        with databases() as url:
            endings.append(play(one, url, api, counts))
    killed, plain, single = endings
    check_p10(plain, killed)
    check_p11(single, plain)


@contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL database with the newest schema and no rows, on the server of this process."""
    yield from _database(_template(), template=_TEMPLATE)


@contextmanager
def sqlite() -> Iterator[str]:
    """A SQLite file with the newest schema and no rows."""
    with TemporaryDirectory(prefix="incident_bot_model_db_") as folder:
        path = Path(folder, "incident_bot.db")
        shutil.copyfile(_migrated(), path)
        yield f"sqlite:///{path}"


@cache
def _migrated() -> Path:
    folder = Path(mkdtemp(prefix="incident_bot_model_template_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "migrated.db"
    _migrate(f"sqlite:///{path}")
    return path
