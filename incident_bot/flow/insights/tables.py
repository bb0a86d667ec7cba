"""Insights as CSV, one table at a time; no cell is one that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

from incident_bot.flow.insights.views import InsightsView, SpreadView, TimesView

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_MEASURES: Final = ("detect", "acknowledge", "mitigate", "resolve")

_Rows: TypeAlias = Iterable[Sequence[object]]


def as_csv(view: InsightsView, table: str) -> str:
    """Write one of `TABLES` with a header; every line says of which span it is."""
    heads, rows = TABLES[table](view)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["from", "to", *heads])
    for row in rows:
        writer.writerow([_cell(cell) for cell in (view.start.isoformat(), view.end.isoformat(), *row)])
    return out.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _times(
    pick: Callable[[InsightsView], Sequence[TimesView]], head: str
) -> Callable[[InsightsView], tuple[list[str], _Rows]]:
    def table(view: InsightsView) -> tuple[list[str], _Rows]:
        heads = [f"{name}_{part}" for name in _MEASURES for part in ("n", "median_seconds", "p90_seconds")]
        rows = [
            (one.key, one.incidents, *(cell for name in _MEASURES for cell in _spread(getattr(one, name))))
            for one in pick(view)
        ]
        return [head, "incidents", *heads], rows

    return table


def _spread(one: SpreadView | None) -> tuple[object, object, object]:
    return (one.n, one.median, one.p90) if one else (0, None, None)


def _weeks(view: InsightsView) -> tuple[list[str], _Rows]:
    names = sorted({name for one in view.weeks for name in one.severities})
    rows = [(one.week, one.incidents, *(one.severities.get(name, 0) for name in names)) for one in view.weeks]
    return ["week", "incidents", *names], rows


def _people(view: InsightsView) -> tuple[list[str], _Rows]:
    heads = ["person", "name", "time_zone", "pages", "night", *(f"{hour:02}h" for hour in range(24))]
    return heads, [
        (one.person, one.name, one.time_zone, one.pages, one.night, *one.hours) for one in view.people
    ]


def _hours(view: InsightsView) -> tuple[list[str], _Rows]:
    return ["hour", "pages"], list(enumerate(view.hours))


def _noise(view: InsightsView) -> tuple[list[str], _Rows]:
    heads = ["alert", "episodes", "incidents", "pages", "night", "judged", "actionable", "share", "median_seconds",
             "flapping", "verdicts", "proposal"]  # fmt: skip
    rows = [
        (one.alert, one.episodes, one.incidents, one.pages, one.night, one.judged, one.actionable, one.share,
         one.length.median if one.length else None, one.flapping,
         "; ".join(f"{name} {count}" for name, count in one.verdicts.items()), one.proposal)
        for one in view.noise
    ]  # fmt: skip
    return heads, rows


def _gaps(view: InsightsView) -> tuple[list[str], _Rows]:
    rows = [(one.schedule, one.start.isoformat(), one.end.isoformat(), one.why) for one in view.gaps]
    return ["schedule", "gap_from", "gap_to", "why"], rows


def _runbooks(view: InsightsView) -> tuple[list[str], _Rows]:
    heads = ["runbook", "worked", "failed", "outdated", "last", "last_at", "last_incident", "last_reason"]
    rows = [
        (one.path, one.worked, one.failed, one.outdated, one.last, one.last_at.isoformat() if one.last_at else None,
         one.last_incident, one.last_reason)
        for one in view.runbooks
    ]  # fmt: skip
    return heads, rows


TABLES: Final[Mapping[str, Callable[[InsightsView], tuple[list[str], _Rows]]]] = MappingProxyType(
    {
        "severities": _times(lambda view: view.severities, "severity"),
        "teams": _times(lambda view: view.teams, "team"),
        "services": _times(lambda view: view.services, "service"),
        "alerts": _times(lambda view: view.alerts, "alert"),
        "weeks": _weeks,
        "people": _people,
        "hours": _hours,
        "noise": _noise,
        "gaps": _gaps,
        "runbooks": _runbooks,
    }
)
"""Every table, by the word that asks for it."""
