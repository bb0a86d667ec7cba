"""What can happen: one line each in `ACTIONS`. A script is a list of these and reads as a story."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from incident_bot.flow.interventions import add_maintenance, end_maintenance
from incident_bot.notifiers.base import GiveUp, GiveUpReason, RetryLater
from tests.fakes.alertmanager import Firing, body_of
from tests.model.configurations import CONFIGURATIONS
from tests.model.facts import dump
from tests.model.invariants import check_p8
from tests.model.machines import BOUNDARIES, Boundary
from tests.model.world import Sent, World

Draw = Callable[[random.Random], tuple[Any, ...]]
Play = Callable[..., None]

NAMES = ("One", "One", "Two", "Lake")
SEVERITIES = ("critical", "critical", "warning", "info")
WAYS = ("at once", "at once", "at once", "twice", "late", "never", "truncated")
PLAIN_WAYS = ("at once", "at once", "twice")
MINUTES = (0.25, 0.5, 1, 1, 2, 2, 5, 15, 31)
WORDS = (
    "ack", "ack", "ack", "unack", "snooze 20m", "snooze 2m", "escalate", "sev P1", "sev P2", "sev P3", "lead me",
    "update x", "page @dan", "page @ana", "reopen", "resolve because", "resolve", "cancel no", "status mitigating",
    "ack for 1h", "ack waiting for the vendor", "note x",
)  # fmt: skip
PROBLEMS = {
    "is busy": RetryLater("busy"),
    "asks to wait": RetryLater("slow down", after=timedelta(minutes=3)),
    "refuses": GiveUp(GiveUpReason.ADDRESS, "gone"),
    "meets a bug of ours": KeyError("a bug"),
}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One thing that can happen."""

    name: str
    words: str
    weight: int
    draw: Draw
    play: Play
    plain: bool = False
    """Whether what comes of it is the same at whatever instant within some minutes it is done (P10, P11)."""
    alone: bool = False
    """Whether it is left out where replicas work in threads."""


@dataclass(frozen=True)
class Action:
    """One thing that happens, with its arguments."""

    kind: Kind
    arguments: tuple[Any, ...]

    def __str__(self) -> str:
        return self.kind.words.format(*self.arguments)

    def play(self, world: World) -> None:
        self.kind.play(world, *self.arguments)


def _labels(name: str, severity: str) -> dict[str, str]:
    team = {"team": "data"} if name == "Lake" else {}
    return {"alertname": name, "severity": severity, **team}


def _carry(world: World, sent: Sent, way: str) -> None:
    """Bring a body to the bot, in one of the ways in which bodies travel."""
    if way == "never":
        if not world.setup.listed:
            world.late.append(sent)
        return
    if way == "late":
        world.late.append(sent)
        return
    for _ in range(2 if way == "twice" else 1):
        world.posts(sent)


def fires(world: World, name: str, severity: str, way: str) -> None:
    world.alertmanager.fire(_labels(name, severity), {}, since=_known_since(world, name, severity))
    _tell_group(world, name, way)


def _known_since(world: World, name: str, severity: str) -> Any:
    labels = _labels(name, severity)
    known = [one for one in world.alertmanager.active() if one.labels == labels]
    return known[0].starts_at if known else world.true


def fires_anew(world: World, which: int, way: str) -> None:
    """An alert that fires has another start: it ended and began again unseen (I5)."""
    known = _firing(world, which)
    if known is not None:
        world.alertmanager.fire(known.labels, {}, since=world.true)
        _tell_group(world, known.labels["alertname"], way)


def _firing(world: World, which: int) -> Firing | None:
    """Give one of the alerts that fire at the source."""
    active = world.alertmanager.active()
    return active[which % len(active)] if active else None


def _tell_group(world: World, name: str, way: str) -> None:
    held = world.alertmanager.held.get(name, [])
    if not held:
        return
    if way == "truncated" and world.setup.listed:
        alerts = [_copy(one) for one in held[:1]]
        _carry(world, world.body(body_of(name, alerts, truncated=len(held) - 1), name, alerts), "at once")
        return
    alerts = [_copy(one) for one in held]
    _carry(world, world.body(body_of(name, alerts), name, alerts), way)


def _copy(one: Firing) -> Firing:
    return Firing(dict(one.labels), dict(one.annotations), one.starts_at, one.ends_at, one.silenced_by)


def resolves(world: World, which: int, way: str) -> None:
    known = _firing(world, which)
    if known is None:
        return
    name = known.labels["alertname"]
    others = [_copy(one) for one in world.alertmanager.held[name] if one is not known]
    body = world.alertmanager.resolve(known.labels, at=world.true)
    _carry(world, world.body(body, name, others), "at once" if way == "truncated" else way)


def repeats(world: World, name: str) -> None:
    _tell_group(world, name, "at once")


def late_one_comes(world: World, which: int) -> None:
    if world.late:
        world.posts(world.late.pop(which % len(world.late)))


def old_one_comes_again(world: World, which: int) -> None:
    if world.sent and world.setup.listed:
        world.posts(world.sent[which % len(world.sent)])


def nothing_new(world: World, times: int) -> None:
    """The newest body of a group comes again and again: nothing but `last_seen` moves (P8)."""
    if not world.applied or world.setup.threads:
        return
    sent = list(world.applied.values())[-1]
    world.settle()
    answer = world.posts(sent)
    if answer is None or not answer.duplicate:
        # The reconciler had forgotten it: this one was judged anew, and may bring the reconciler again.
        return
    store = world.context().store
    before = dump(store)
    for _ in range(times):
        world.posts(sent)
    check_p8(before, dump(world.context().store))


def says(world: World, text: str, by: str, which: int) -> None:
    number = _incident(world, which)
    if number is not None:
        world.says(text, by=by, incident=number)


def _incident(world: World, which: int) -> int | None:
    """Give one of the last three incidents."""
    known = world.newest_incidents(3)
    return known[which % len(known)] if known else None


def merges(world: World, by: str, which: int, other: int) -> None:
    one, two = _incident(world, which), _incident(world, other)
    if one is not None:
        world.says(f"dup INC-{one} INC-{two}", by=by, incident=one)


def says_in_flight(world: World, text: str, by: str, which: int) -> None:
    world.meanwhile = [lambda: says(world, text, by, which)]


def declares(world: World, severity: str, by: str) -> None:
    world.says(f"new {severity} Checkout rejects cards", by=by, incident=None)


def silences(world: World, which: int) -> None:
    known = _firing(world, which)
    if known is not None:
        known.silenced_by = ("a silence",)


def unsilences(world: World) -> None:
    for one in world.alertmanager.active():
        one.silenced_by = ()


def maintains(world: World, name: str, wait: float, lasts: float) -> None:
    start, end = world.now() + timedelta(minutes=wait), world.now() + timedelta(minutes=wait + lasts)
    matchers = [f'alertname="{name}"']
    world.asks(
        lambda context, now: add_maintenance(
            context, matchers=matchers, start=start, end=end, reason="work", actor="ana", now=now
        )
    )


def ends_maintenance(world: World, which: int) -> None:
    world.asks(lambda context, now: end_maintenance(context, which, actor="ana", now=now))


def configures(world: World, number: int, _words: str) -> None:
    world.configure(number)


def passes(world: World, minutes: float) -> None:
    world.passes(timedelta(minutes=minutes))


def sleeps(world: World, minutes: float) -> None:
    world.true += timedelta(minutes=minutes)


def clock_steps(world: World, hours: float) -> None:
    if abs(world.offset + timedelta(hours=hours)) <= timedelta(hours=4):
        world.offset += timedelta(hours=hours)


def provider_fails(world: World, channel: str, problem: str, times: int) -> None:
    world.channels[channel].fails.extend([PROBLEMS[problem]] * times)


def provider_is_down(world: World, channel: str, problem: str) -> None:
    world.channels[channel].always = PROBLEMS[problem]


def providers_are_well(world: World) -> None:
    for channel in world.channels.values():
        channel.always = None
        channel.fails.clear()


def answers_are_lost(world: World, channel: str, times: int) -> None:
    world.answers_to_lose[channel] = times


def api_breaks(world: World) -> None:
    world.api.broken = not world.api.broken


def dies(world: World, at: Boundary, left: int) -> None:
    world.doom(at, left)


def restarts(world: World) -> None:
    world.stops()


def starts(world: World) -> None:
    if len(world.alive) < world.setup.replicas:
        world.starts()


def _draws(*choices: Any) -> Draw:
    return lambda chance: tuple(chance.choice(one) for one in choices)


def _configuration(chance: random.Random) -> tuple[Any, ...]:
    number = chance.randrange(len(CONFIGURATIONS))
    return number, CONFIGURATIONS[number].words


PEOPLE = ("ana", "ben", "dan")
WHICH = range(3)
ALERTS = range(4)
ACTIONS = (
    Kind(name="fires", words="{0} fires as {1}; told {2}", weight=8, draw=_draws(NAMES, SEVERITIES, WAYS), play=fires),
    Kind(name="plainly fires", words="{0} fires as {1}; told {2}", weight=8, plain=True,
         draw=_draws(NAMES, SEVERITIES, PLAIN_WAYS), play=fires),
    Kind(name="fires anew", words="what fires as number {0} fires anew; told {1}", weight=3, draw=_draws(ALERTS, WAYS),
         play=fires_anew),
    Kind(name="resolves", words="what fires as number {0} ends; told {1}", weight=8, draw=_draws(ALERTS, WAYS),
         play=resolves),
    Kind(name="plainly resolves", words="what fires as number {0} ends; told {1}", weight=3, plain=True,
         draw=_draws(ALERTS, PLAIN_WAYS), play=resolves),
    Kind(name="repeats", words="the group {0} is told again", weight=2, draw=_draws(NAMES), play=repeats),
    Kind(name="comes late", words="late delivery {0} comes", weight=4, draw=_draws(range(5)), play=late_one_comes),
    Kind(name="comes again", words="old delivery {0} comes again", weight=2, draw=_draws(range(40)),
         play=old_one_comes_again),
    Kind(name="nothing new", words="the last delivery comes again {0} times", weight=2, draw=_draws(range(1, 3)),
         play=nothing_new),
    Kind(name="says", words="{1} types `{0}` (incident -{2})", weight=14, plain=True,
         draw=_draws(WORDS, PEOPLE, WHICH), play=says),
    Kind(name="merges", words="{0} merges incident -{1} into -{2}", weight=2, plain=True,
         draw=_draws(PEOPLE, WHICH, WHICH), play=merges),
    Kind(name="unmerges", words="{1} types `{0}` (incident -{2})", weight=1, plain=True,
         draw=_draws(("unmerge",), PEOPLE, WHICH), play=says),
    Kind(name="declares", words="{1} declares a {0}", weight=1, plain=True, draw=_draws(("P1", "P3"), PEOPLE),
         play=declares),
    Kind(name="in flight", words="while the next page is sent, {1} types `{0}` (incident -{2})", weight=3,
         draw=_draws(("ack", "ack", "resolve because", "unack", "escalate", "snooze 20m"), PEOPLE, WHICH),
         play=says_in_flight, alone=True),
    Kind(name="silences", words="what fires as number {0} is silenced at the source", weight=3,
         draw=_draws(ALERTS), play=silences),
    Kind(name="unsilences", words="the silences end", weight=1, draw=_draws(), play=unsilences),
    Kind(name="maintains", words="maintenance for {0} in {1} min, for {2} min", weight=2, plain=True,
         draw=_draws(NAMES, (0, 3), (5, 20)), play=maintains),
    Kind(name="ends maintenance", words="maintenance {0} is ended", weight=1, plain=True, draw=_draws((1, 2)),
         play=ends_maintenance),
    Kind(name="configures", words="the configuration becomes {1}", weight=3, plain=True,
         draw=_configuration, play=configures),
    Kind(name="passes", words="{0} min pass", weight=16, plain=True, draw=_draws(MINUTES), play=passes),
    Kind(name="sleeps", words="{0} min pass while nothing runs", weight=2, draw=_draws(MINUTES), play=sleeps),
    Kind(name="wakes", words="{0} min pass while nothing runs; then all goes on", weight=2, plain=True,
         draw=_draws(MINUTES), play=sleeps),
    Kind(name="clock steps", words="the clock steps by {0:+} h", weight=2, draw=_draws((-2, -1, -0.1, 0.1, 1, 2)),
         play=clock_steps),
    Kind(name="provider fails", words="{0} {1}, {2} times", weight=4,
         draw=_draws(("slack", "sms"), tuple(PROBLEMS), (1, 2, 3)), play=provider_fails),
    Kind(name="provider is down", words="{0} {1} from now on", weight=1,
         draw=_draws(("slack", "sms"), tuple(PROBLEMS)), play=provider_is_down),
    Kind(name="providers are well", words="the providers are well", weight=1, draw=_draws(), play=providers_are_well),
    Kind(name="answers are lost", words="{1} answers of {0} are lost", weight=2, draw=_draws(("slack", "sms"), (1, 2)),
         play=answers_are_lost),
    Kind(name="API breaks", words="the source's API breaks, or is well again", weight=1, draw=_draws(),
         play=api_breaks),
    Kind(name="dies", words="a process will die at {0} number {1}", weight=6,
         draw=_draws(BOUNDARIES, (1, 1, 2, 3, 5, 8, 13)), play=dies),
    Kind(name="restarts", words="a process ends in order", weight=1, draw=_draws(), play=restarts),
    Kind(name="starts", words="a process begins", weight=3, draw=_draws(), play=starts),
)  # fmt: skip
"""Everything that can happen. A new kind of action is one line here and one function above."""
