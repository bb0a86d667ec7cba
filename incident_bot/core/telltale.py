"""What changed, by what the series of Prometheus give away: another build, a restart, a configuration reloaded.

What several instances did within a few minutes is one change. Reads no clock, asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from incident_bot.core.model.series import Series, SeriesRange

TOGETHER: Final = timedelta(minutes=10)
"""What is alike and begins within this of the first is told as one."""
TOLD_MOST: Final = 10
NARROW: Final = ("cluster", "namespace", "job", "instance", "pod")
"""Labels by which the series of an alert's own process are found."""
_VERSIONS: Final = ("version", "tag", "revision")
_NAME_MOST: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Telltale:
    """One change."""

    kind: str
    """As of `nearby.ChangeEvent`."""
    what: str
    at: datetime
    labels: Mapping[str, str]
    """Of `NARROW`, those of the process."""
    version: str | None = None
    count: int = 1
    """How many instances did it."""


def selector(labels: Iterable[Mapping[str, str]]) -> str:
    """Give the matchers of the labels that all of these have alike, as PromQL writes them; or nothing."""
    listed = list(labels)
    if not listed:
        return ""
    same = {
        name: listed[0][name]
        for name in NARROW
        if name in listed[0] and all(one.get(name) == listed[0][name] for one in listed)
    }
    # A cluster or a namespace alone says little of what belongs to an alert.
    if not same.keys() & {"job", "instance", "pod"}:
        return ""
    return ",".join(f'{name}="{_quoted(value)}"' for name, value in same.items())


def builds(found: SeriesRange) -> list[Telltale]:
    """Give where the version of a build information changed: the value is always 1, the label says which."""
    told: dict[tuple[tuple[str, str], ...], list[tuple[int, str]]] = {}
    for series in found.series:
        version = next((series.labels[name] for name in _VERSIONS if series.labels.get(name)), None)
        if version is None:
            continue
        key = tuple((name, series.labels[name]) for name in ("__name__", *NARROW) if name in series.labels)
        told.setdefault(key, []).extend(
            (place, version) for place, value in enumerate(series.values) if value is not None
        )
    changes = []
    for key, versions in told.items():
        labels = dict(key)
        last: str | None = None
        for place, version in sorted(versions):
            if last is not None and version != last:
                name = labels.get("__name__", "").removesuffix("_build_info").removesuffix("_info") or "app"
                changes.append(
                    Telltale(
                        kind="deploy",
                        what=f"build of {name[:_NAME_MOST]}: {last[:_NAME_MOST]} → {version[:_NAME_MOST]}",
                        at=found.at(place),
                        labels=_narrow(labels),
                        version=version[:_NAME_MOST],
                    )
                )
            last = version
    return changes


def restarts(found: SeriesRange) -> list[Telltale]:
    """Give where the start of a process changed; the value says when it was."""
    return _stamped(found, "infrastructure", lambda _name: "process restarted")


def reloads(found: SeriesRange) -> list[Telltale]:
    """Give where the time of the last good reload of a configuration changed; the value says when it was."""
    ending = "_config_last_reload_success_timestamp_seconds"

    def what(name: str) -> str:
        return f"configuration of {name.removesuffix(ending)[:_NAME_MOST] or 'the process'} reloaded"

    return _stamped(found, "config", what)


def container_restarts(found: SeriesRange) -> list[Telltale]:
    """Give where the count of a container's restarts rose."""
    return [
        Telltale(
            kind="infrastructure",
            what="container restarted",
            at=found.at(place),
            labels=_narrow(series.labels),
        )
        for series in found.series
        for place, before, value in _steps(series)
        if value > before
    ]


def together(told: Iterable[Telltale]) -> tuple[Telltale, ...]:
    """Put together what is alike and close in time; the latest come first, a few at most."""
    groups: list[list[Telltale]] = []
    open_: dict[tuple[str, str], list[Telltale]] = {}
    for one in sorted(told, key=lambda one: (one.at, one.what, sorted(one.labels.items()))):
        key = (one.kind, one.what)
        group = open_.get(key)
        if group is None or one.at - group[0].at > TOGETHER:
            group = open_[key] = []
            groups.append(group)
        group.append(one)
    groups.sort(key=lambda group: (group[0].at, group[0].what), reverse=True)
    return tuple(_one(group) for group in groups[:TOLD_MOST])


def _one(group: list[Telltale]) -> Telltale:
    first = group[0]
    shared = {
        name: value
        for name, value in first.labels.items()
        if all(one.labels.get(name) == value for one in group)
    }
    count = len({tuple(sorted(one.labels.items())) for one in group})
    where = shared.get("instance") or shared.get("pod")
    who = f"{count} instances" if count > 1 else where
    return replace(first, what=f"{first.what} ({who})" if who else first.what, labels=shared, count=count)


def _stamped(found: SeriesRange, kind: str, what: Callable[[str], str]) -> list[Telltale]:
    changes = []
    for series in found.series:
        for place, before, value in _steps(series):
            at = found.at(place)
            # A clock that is read anew differs a little; what lies elsewhere than here is no time.
            if value - before < 1 or abs(value - at.timestamp()) > 2 * TOGETHER.total_seconds():
                continue
            changes.append(
                Telltale(
                    kind=kind,
                    what=what(series.labels.get("__name__", "")),
                    at=datetime.fromtimestamp(int(value), UTC),
                    labels=_narrow(series.labels),
                )
            )
    return changes


def _steps(series: Series) -> Iterable[tuple[int, float, float]]:
    """Give each place where the value is another than the last known one, with both."""
    before: float | None = None
    for place, value in enumerate(series.values):
        if value is None:
            continue
        if before is not None and value != before:
            yield place, before, value
        before = value


def _narrow(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: labels[name] for name in NARROW if name in labels}


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
