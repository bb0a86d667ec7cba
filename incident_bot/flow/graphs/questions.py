"""What is asked of which Prometheus for one incident, and what came of it. Never raises for what a Prometheus does."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from incident_bot.config.revision import Revision, SourceConfig
from incident_bot.core.expressions import Drawn, Rule, Threshold, choose, split, told_by
from incident_bot.core.impact import Window
from incident_bot.core.model import Episode, Incident
from incident_bot.core.model.series import Series, SeriesRange, agree
from incident_bot.core.timeline import redact
from incident_bot.outgoing import Client
from incident_bot.prometheus_api import Prometheus, PrometheusError
from incident_bot.render.graphs import SHOWN

ALERTS_MOST: Final = 5
"""Alerts whose expressions are asked for."""
COARSER: Final = 6
"""How much wider the step is when an answer was too large."""
ALERT: Final = "alert"
SLI: Final = "sli"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing to draw."""

    kind: str
    """`alert` or `sli`."""
    title: str
    source: SourceConfig
    labels: tuple[Mapping[str, str], ...] = ()
    """Of the alerts; a series is to agree with one of them."""
    generator_url: str = ""
    sli: Drawn | None = None
    starts_at: datetime
    """When the first of its alerts began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one question."""

    question: Question
    drawn: Drawn
    range: SeriesRange


@dataclass(slots=True)
class Answers:
    """What came of all questions, and what went wrong."""

    found: list[Answer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    passing: bool = False
    """Whether something went wrong that may go right later."""
    unwell: set[str] = field(default_factory=set)
    """The sources whose Prometheus did not answer."""
    heard: dict[str, str | None] = field(default_factory=dict)
    """What went wrong with the Prometheus of each source that was asked; None where it answers, whatever it said."""


def prometheus_of(
    client: Client, source: SourceConfig, *, over: Callable[[], bool] | None = None
) -> Prometheus:
    """Give the Prometheus of a source with its credentials; it has one. Once it is `over` nothing more is asked."""
    variable = source.prometheus_token_env
    credentials = os.environ.get(variable) if variable else None
    return Prometheus(client, url=source.prometheus_url or "", credentials=credentials, over=over)


def questions(revision: Revision, incident: Incident, episodes: Sequence[Episode]) -> list[Question]:
    """Give what is to be asked: each alert name once, the first first, and the service's own measure."""
    sources = {source.name: source for source in revision.sources if source.prometheus_url}
    grouped: dict[tuple[str, str], list[Episode]] = {}
    for episode in sorted(episodes, key=lambda one: (one.starts_at, one.id)):
        if episode.source in sources and episode.labels.get("alertname"):
            grouped.setdefault((episode.source, episode.labels["alertname"]), []).append(episode)
    found = [
        Question(
            kind=ALERT,
            title=name,
            source=sources[source],
            labels=tuple(dict(one.labels) for one in group),
            generator_url=group[0].generator_url,
            starts_at=group[0].starts_at,
        )
        for (source, name), group in list(grouped.items())[:ALERTS_MOST]
    ]
    service = revision.services.get(incident.service or "")
    if service is not None and service.sli and sources:
        near = next((episode.source for episode in episodes if episode.source in sources), None)
        bad = None if service.sli_objective is None else Threshold(compare="<", value=service.sli_objective)
        found.append(
            Question(
                kind=SLI,
                title=f"SLI of {service.name}",
                source=sources[near] if near else next(iter(sources.values())),
                sli=Drawn(expression=service.sli, threshold=bad),
                starts_at=min([incident.opened_at, *(one.starts_at for one in episodes)]),
            )
        )
    return found


def answered(
    client: Client,
    asked: Sequence[Question],
    window: Window,
    *,
    resting: Collection[str] = (),
    over: Callable[[], bool] | None = None,
) -> Answers:
    """Ask, one question after the other; of a Prometheus that is unwell nothing more is asked.

    `resting` are the sources of those that did not answer a moment ago: they are not asked at all. Once it is `over`
    nothing more is asked of any; what was answered until then counts.
    """
    answers = Answers()
    seen: set[tuple[str, str]] = set()
    for question in asked:
        name = question.source.name
        if name in answers.unwell:
            continue
        if name in resting:
            answers.failures.append(f"{question.title}: Prometheus did not answer a moment ago")
            answers.unwell.add(name)
            answers.passing = True
            continue
        prometheus = prometheus_of(client, question.source, over=over)
        try:
            drawn = question.sli or _drawn(prometheus, question)
            if drawn is None:
                answers.failures.append(f"{question.title}: Prometheus has no rule of this name")
                answers.heard[name] = None
                continue
            if (name, drawn.expression) in seen:
                continue
            seen.add((name, drawn.expression))
            found = _range(prometheus, question, drawn, window)
        except PrometheusError as error:
            answers.failures.append(f"{question.title}: {error}")
            if not error.lasting:
                answers.unwell.add(name)
                answers.passing = True
            answers.heard[name] = None if error.lasting and not error.locked else str(error)
            continue
        answers.heard[name] = None
        answers.found.append(Answer(question=question, drawn=drawn, range=_safe(found)))
    return answers


def _drawn(prometheus: Prometheus, question: Question) -> Drawn | None:
    """Find the alert's own expression; where the rules cannot be read, what the alert says of it."""
    told = told_by(question.generator_url)
    try:
        rules = [
            Rule(expression=one.expression, labels=one.labels) for one in prometheus.rules(question.title)
        ]
    except PrometheusError as error:
        if not error.lasting or (error.locked and not told):
            raise
        rules = []
    expression = choose(rules, question.labels[0], told)
    return split(expression) if expression else None


def _range(prometheus: Prometheus, question: Question, drawn: Drawn, window: Window) -> SeriesRange:
    common = _common(question.labels)
    found = _asked(prometheus, drawn.expression, window, common)
    if not found.series and common:
        # Labels may be rewritten on their way to Alertmanager: all series are better than none.
        return _asked(prometheus, drawn.expression, window, {})
    if len(question.labels) > 1:
        near = tuple(
            one for one in found.series if any(agree(one.labels, labels) for labels in question.labels)
        )
        return replace(found, series=near or found.series, more=found.more)
    return found


def _asked(prometheus: Prometheus, expression: str, window: Window, labels: Mapping[str, str]) -> SeriesRange:
    def ask(step: timedelta) -> SeriesRange:
        return prometheus.query_range(
            expression, start=window.start, end=window.end, step=step, matching=labels or None
        )

    try:
        return ask(window.step)
    except PrometheusError as error:
        if not error.too_large:
            raise
        return ask(window.step * COARSER)


def _common(labels: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Give the labels that all alerts have alike, without those that a rule and not a series has."""
    if not labels:
        return {}
    return {
        name: value
        for name, value in labels[0].items()
        if name != "alertname" and all(one.get(name) == value for one in labels[1:])
    }


def _safe(found: SeriesRange) -> SeriesRange:
    """Keep what a picture can show, without secrets in labels."""
    kept = tuple(
        Series(labels={name: redact(value) for name, value in one.labels.items()}, values=one.values)
        for one in found.series[:SHOWN]
    )
    return replace(found, series=kept, more=found.more + len(found.series) - len(kept))
