"""The weekly digest of a team's alerts: Monday at nine on the team's clock, once a team and week, whoever restarts.

The message's key names team and week: whichever replica is first writes it, and it is never written again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from incident_bot.core.effects import Moment
from incident_bot.core.errors import NotFound
from incident_bot.core.insights import burdens
from incident_bot.core.model import Json, Team, rfc3339
from incident_bot.core.postmortem import duration
from incident_bot.core.walltime import to_instant
from incident_bot.flow.context import Context
from incident_bot.flow.insights import Asked, gather
from incident_bot.flow.insights.views import NoiseView, noise
from incident_bot.flow.oncall.notices import Notices
from incident_bot.flow.sight import NOBODY
from incident_bot.store import outbox
from incident_bot.store.outbox import NewMessage

AT: Final = time(9)
LATE_MOST: Final = timedelta(days=2)
"""A bot that was down on Monday morning still sends it until Wednesday."""
WEEK: Final = timedelta(weeks=1)
WEEKS_COMPARED: Final = 4
"""What a changed rule would have done is told of so many weeks."""
ALERTS_SHOWN: Final = 5
_NAME_MOST: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What one team is told of one week."""

    team: str
    week: str
    title: str
    lines: tuple[str, ...]
    page: str
    """The address of all of it, below the bot's own."""
    empty: bool
    """Whether nothing fired and nobody was paged."""

    @property
    def text(self) -> str:
        """Give all of it as text."""
        return "\n".join([self.title, *self.lines])


@dataclass(slots=True)
class Digests:
    """Sends digests that are due; remembers what it has looked at, so that a quiet week costs nothing."""

    context: Context
    seen: set[str] = field(default_factory=set)

    def step(self, *, now: datetime) -> int:
        """Write what is due, and say how many there were."""
        sent = 0
        for team in self.context.live.current.revision.teams.values():
            monday = due_at(self.context, team, now=now)
            key = f"digest:{team.id}:{_week(monday.astimezone(zone_of(self.context, team)).date())}"
            if not team.digest or now - monday > LATE_MOST or key in self.seen:
                continue
            sent += self._send(team, key, monday, now)
            self.seen.add(key)
        return sent

    def _send(self, team: Team, key: str, monday: datetime, now: datetime) -> int:
        with self.context.store.read() as tx:
            if outbox.is_there(tx, key):
                return 0
        told = digest(self.context, team, end=monday)
        if told.empty:
            return 0
        with self.context.store.write() as tx:
            current = self.context.live.current
            data: dict[str, Json] = {
                "team": team.id, "text": told.title, "lines": list(told.lines), "page": told.page, "at": rfc3339(monday)
            }  # fmt: skip
            notices = Notices(self.context, tx, current=current, now=now)
            if team.slack_channel:
                messages = notices.to_channels([team.slack_channel], Moment.DIGEST, key, data)
            else:
                lead = team.lead or team.manager
                messages = notices.to_person(lead, Moment.DIGEST, key, data) if lead else []
            # One key for the team and week, however it is sent.
            fresh: Sequence[NewMessage] = outbox.add_messages(
                tx, [replace(one, key=key) for one in messages[:1]], now=now
            )
        self.context.signals.changed()
        return len(fresh)


def digest(context: Context, team: Team, *, end: datetime) -> Digest:
    """Give what a team is told of the week until then; without private incidents, as many read it."""
    zone = zone_of(context, team)
    everybody = context.seen_by(NOBODY)
    with context.store.read() as tx:
        week = Asked(start=end - WEEK, end=end, team=team.id, zone=zone)
        month = replace(week, start=end - WEEKS_COMPARED * WEEK)
        found = gather(everybody, tx, week)
        compared = {one.alert: one for one in noise(gather(everybody, tx, month), month)}
    ranked = noise(found, week)
    local = end.astimezone(zone).date() - timedelta(days=1)
    night = sum(one.night for one in burdens(found.pages, found.zones))
    acted = sum(case.acted is True for case in found.cases)
    incidents = _count(len(found.cases), "incident")
    lines = [
        f"{_count(len(found.pages), 'page')}, {night} at night; {incidents}, {acted} of them acted upon."
    ]
    for place, one in enumerate(ranked[:ALERTS_SHOWN], 1):
        lines += ["", f"{place}. {one.alert[:_NAME_MOST]}: {_said(one)}", *_proposal(compared.get(one.alert))]
    if len(ranked) > ALERTS_SHOWN:
        lines += ["", f"… and {len(ranked) - ALERTS_SHOWN} more alerts."]
    missing = sum(not one.verdicts for one in ranked if one.incidents)
    if missing:
        lines += [
            "",
            f"{_count(missing, 'alert')} without a verdict: `verdict noise` in the incident says it.",
        ]
    query = urlencode({"team": team.id, "from": rfc3339(week.start), "to": rfc3339(end)})
    return Digest(
        team=team.id,
        week=_week(end.astimezone(zone).date()),
        title=f"Alerts of {team.name}, the week to {local:%a} {local.day} {local:%b}",
        lines=tuple(lines),
        page=f"insights?{query}",
        empty=not (found.cases or found.pages),
    )


def digests(context: Context, team: str | None = None, *, now: datetime) -> list[Digest]:
    """Give what the teams, or one of them, would be told of the seven days until now; raises NotFound."""
    teams = context.live.current.revision.teams
    if team is not None and team not in teams:
        message = f"There is no team {team[:40]!r}; known: {', '.join(sorted(teams)) or 'none'}."
        raise NotFound(message)
    return [digest(context, one, end=now) for name, one in sorted(teams.items()) if team in (None, name)]


def due_at(context: Context, team: Team, *, now: datetime) -> datetime:
    """Give the last Monday at nine on the team's clock."""
    zone = zone_of(context, team)
    today = now.astimezone(zone).date()
    monday = to_instant(datetime.combine(today - timedelta(days=today.weekday()), AT), zone)
    if monday <= now:
        return monday
    return to_instant(datetime.combine(today - timedelta(days=today.weekday()) - WEEK, AT), zone)


def zone_of(context: Context, team: Team) -> ZoneInfo:
    """Give a team's zone: its schedule's, else its lead's, else UTC."""
    revision = context.live.current.revision
    schedule = revision.schedules.get(team.schedule or "")
    if schedule is not None:
        return schedule.zone
    lead = revision.people.get(team.lead or "")
    return ZoneInfo(lead.time_zone if lead else "UTC")


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def _said(one: NoiseView) -> str:
    parts = [f"{_count(one.pages, 'page')}{f' ({one.night} at night)' if one.night else ''}"]
    parts.append(f"fired {one.episodes} {'time' if one.episodes == 1 else 'times'}")
    if one.judged:
        parts.append(f"acted upon in {one.actionable} of {one.judged}")
    if one.length:
        parts.append(f"lasts {duration(timedelta(seconds=one.length.median))}")
    parts += [f"{name} {count}" for name, count in one.verdicts.items()]
    return ", ".join(parts)


def _proposal(one: NoiseView | None) -> list[str]:
    if one is None or one.proposal is None or one.patch is None:
        return []
    # A name of an alert may hold what would end the block.
    return [one.proposal, f"```\n{one.patch.replace('`', chr(39)).rstrip()}\n```"]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
