"""Prints answers for people and as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import typer

from incident_bot.flow.views import PlannedView, SimulatedView


def shown(instant: datetime | None) -> str:
    """Give an instant as people read it, in UTC."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z" if instant else "–"


def print_json(value: object) -> None:
    """Print a value as JSON, instants as RFC 3339."""
    typer.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def _plain(value: object) -> str:
    return (
        value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if isinstance(value, datetime)
        else str(value)
    )


def print_simulated(view: SimulatedView) -> None:
    """Print the whole decision on one alert."""
    lines = [
        f"{view.title}",
        f"  labels    {', '.join(f'{name}={value}' for name, value in sorted(view.labels.items()))}",
        *(
            f"  tried     {one['place']}: {one['matcher']} on {one['value']!r}: {_mark(one['matched'])}"
            for one in view.tried
        ),
        f"  route     {view.route} → {view.action}, team {view.team}, severity {view.severity}",
        f"  runbook   {view.runbook or view.runbook_url or 'none'} ({view.runbook_reason})",
    ]
    if view.muted:
        lines.append(f"  held      {view.muted}")
    lines += [_planned(page) for page in view.pages]
    if not view.pages:
        lines.append("  nobody is paged")
    lines += [f"  note      {note}" for note in view.notes]
    lines += [f"  assumed   {one}" for one in view.assumed]
    typer.echo("\n".join(lines))


def _mark(matched: object) -> str:
    return "matches" if matched else "no"


def _planned(page: PlannedView) -> str:
    what = f"{page.name} by {page.channel}" if page.person else page.kind
    return f"  +{page.minute:6.1f} min  {shown(page.at)}  {what} – {page.reason}"
