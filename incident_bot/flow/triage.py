"""Stages 2 to 4 for episodes: enriched, routed, muted or not, and put on exactly one incident or given a reason.

Used by the intake, by the timers of held episodes and by the reconciler, so that an alert found late is treated as
one that came in time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from incident_bot.core.effects import TimerKind
from incident_bot.core.incident import (
    AlertsAttached,
    AlertsRefired,
    AlertsResolved,
    AttachedAlert,
    Opening,
    Paused,
    Resumed,
    observe,
    open_incident,
    takes_alerts,
)
from incident_bot.core.matchers import matches_all, parse_matcher
from incident_bot.core.model import (
    Disposition,
    Episode,
    Flag,
    Incident,
    JsonObject,
    Paging,
    Running,
    Severity,
    Status,
    copied,
)
from incident_bot.core.muting import Inhibitors, Maintenance, Muted, in_maintenance, muted_by
from incident_bot.core.routing import Action, Routed, title
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.noise import Adoption, adopt
from incident_bot.flow.placed import Placed, attached, incidents_of, runbook_of
from incident_bot.flow.team_notice import notice
from incident_bot.store import alerts, incidents, interventions, timers
from incident_bot.store.timers import Timer

NO_INHIBITORS: Final = Inhibitors()
INHIBITED_LOOK_AGAIN: Final = timedelta(seconds=60)
"""The end of an inhibition has no clock time: a held target is looked at again this often."""


class Triage:
    """Places episodes within one transaction."""

    def __init__(self, ledger: Ledger) -> None:
        """Take the transaction's ledger."""
        self._ledger = ledger
        self._tx = ledger.tx
        self._revision = ledger.current.revision
        self._now = ledger.now
        self._maintenance: tuple[Maintenance, ...] | None = None
        self._firing: Inhibitors | None = None

    def place(self, episode: Episode, firing: Sequence[Episode] = ()) -> Placed:
        """Route one firing episode; `firing` are others of this transaction that the store does not hold yet."""
        way = self._ledger.current.ways.of(episode)
        routed = way.routed
        placed = Placed(episode)
        disposition, reason = Disposition.INCIDENT, None
        if routed.action is Action.RECORD:
            disposition, reason = Disposition.RECORD, f"recorded only: {routed.place} says so"
        elif (muted := self._muted(episode, routed, firing)) is not None:
            placed.held_until = muted.until or self._now + INHIBITED_LOOK_AGAIN
            disposition, reason = Disposition.HELD, muted.reason
        elif routed.action is Action.NOTIFY:
            disposition, reason = (
                Disposition.NOTIFY,
                f"told to the team's channel only: {routed.place} says so",
            )
            placed.notify = way.key_of(episode)
        else:
            placed.key = way.key_of(episode)
        why: JsonObject = {**episode.why, **way.why} if episode.why else way.why
        if disposition is Disposition.HELD:
            # Kept when it is let through: the answer to why nobody was paged at once.
            why = {**why, "held": reason}
        # One copy for everything: in a storm this line is the most expensive of the stage.
        placed.episode = copied(
            episode,
            severity=routed.severity.name,
            service=routed.service,
            team=routed.team,
            runbook=way.runbook,
            why=why,
            disposition=disposition,
            reason=reason,
        )
        return placed

    def attach(self, placed: Sequence[Placed]) -> list[Incident]:
        """Put each placed episode on the open incident of its key, on a reopened one, or on a new one.

        The episodes get their incident's number from the ledger's `flush`: a new incident has none before.
        """
        by_key: dict[str, list[Placed]] = defaultdict(list)
        for item in placed:
            if item.key is not None:
                by_key[item.key].append(item)
        if not by_key:
            return []
        opened, closed = self._known(by_key)
        adoptions = self._adopted(by_key, opened, closed)
        return [
            self._attach_one(key, items, opened.get(key), closed.get(key), adoptions.get(key))
            for key, items in by_key.items()
        ]

    def _known(self, by_key: dict[str, list[Placed]]) -> tuple[dict[str, Incident], dict[str, Incident]]:
        """Find the open and the newest closed incident of each key; what belongs to a merged one changes its key."""
        opened = incidents.open_by_keys(self._tx, by_key)
        missing = [key for key in by_key if key not in opened]
        closed = incidents.closed_by_keys(self._tx, missing) if missing else {}
        for key, incident in [(key, one) for key, one in closed.items() if one.paging is Paging.MERGED]:
            target = self._after_merges(incident, opened)
            if target is not None and self._takes(target):
                # What fires for a merged incident belongs to the one that it went into, under that one's key.
                moved = by_key.pop(key)
                for item in moved:
                    item.key = target.key
                by_key.setdefault(target.key, []).extend(moved)
                opened[target.key] = target
            elif target is not None:
                closed[key] = target
        return opened, closed

    def _adopted(
        self, by_key: dict[str, list[Placed]], opened: dict[str, Incident], closed: dict[str, Incident]
    ) -> dict[str, Adoption]:
        """Put what a storm adopts under the key of its incident (I12); gives each storm by that key."""

        def would_open(key: str) -> bool:
            known = opened.get(key) or closed.get(key)
            return known is None or not self._takes(self._ledger.incident(known))

        opening = {key: items for key, items in by_key.items() if would_open(key)}
        adoptions = adopt(self._ledger, opening)
        if not adoptions:
            return {}
        storms = {
            storm: [item for key in adoption.keys for item in by_key.pop(key)]
            for storm, adoption in adoptions.items()
        }
        for storm, items in storms.items():
            adoptions[storm].put(items, storm)
        storm_opened, storm_closed = self._known(storms)
        opened.update(storm_opened)
        closed.update(storm_closed)
        # A storm that was merged into another incident has that one's key now.
        for key, items in storms.items():
            by_key.setdefault(key, []).extend(items)
        return adoptions

    def resolved(self, episodes: Sequence[Episode]) -> None:
        """Tell the incidents of ended episodes; called when the ends are written, as the count is the store's."""
        by_incident = incidents_of(episodes)
        if not by_incident:
            return
        counts = alerts.count_firing(self._tx, by_incident.keys())
        for number, ended in sorted(by_incident.items()):
            incident = incidents.get(self._tx, number, lock=True)
            if incident is None:
                continue
            incident = self._ledger.incident(incident)
            observation = AlertsResolved(
                alerts=tuple(self._told(episode) for episode in ended), still_firing=counts.get(number, 0)
            )
            self._ledger.take(observe(observation, incident, rules=self._revision.rules, now=self._now))

    def refired(self, episodes: Sequence[Episode]) -> set[int]:
        """Tell the incidents of open episodes that fired again unseen (I5): counted, no page by itself.

        Gives the ids of those whose incident ended too long ago to take them: they are to be placed anew.
        """
        strays: set[int] = set()
        rules = self._revision.rules
        for number, again in sorted(incidents_of(episodes).items()):
            incident = incidents.get(self._tx, number, lock=True)
            if incident is None:
                continue
            incident = self._ledger.incident(incident)
            if takes_alerts(incident, rules=rules, now=self._now):
                observation = AlertsRefired(alerts=tuple(self._told(episode) for episode in again))
                self._ledger.take(observe(observation, incident, rules=rules, now=self._now))
            else:
                strays.update(episode.id for episode in again)
        return strays

    def hold(self, placed: Sequence[Placed]) -> None:
        """Have held episodes looked at again; to be called when they have their ids."""
        waiting = [
            Timer(
                id=0,
                kind=TimerKind.EPISODE,
                key=f"episode:{item.episode.id}",
                incident_id=None,
                subject=item.episode.id,
                epoch=None,
                due_at=item.held_until,
                data={},
                attempts=0,
            )
            for item in placed
            if item.held_until is not None
        ]
        if waiting:
            timers.set_timers(self._tx, waiting, now=self._now)

    def notify(self, placed: Sequence[Placed]) -> None:
        """Tell the team's channel of episodes whose route says `notify`; to be called when they have their ids."""
        for item in placed:
            if item.notify is not None:
                self._ledger.tell(notice(self._ledger, item.episode, item.notify))

    def _muted(self, episode: Episode, routed: Routed, firing: Sequence[Episode]) -> Muted | None:
        revision = self._revision
        inhibitors = NO_INHIBITORS
        rules = revision.routing.inhibit
        if any(matches_all(rule.target, episode.labels) for rule in rules):
            if self._firing is None:
                stored = [labels for _, labels in alerts.firing_labels(self._tx)]
                self._firing = Inhibitors.of(rules, [*stored, *(other.labels for other in firing)])
            inhibitors = self._firing
        return muted_by(
            episode.labels,
            routed,
            hours=revision.hours,
            inhibitors=inhibitors,
            firing_since=episode.opened_at,
            now=self._now,
        )

    def _after_merges(self, merged: Incident, opened: dict[str, Incident]) -> Incident | None:
        """Give the incident that has the alerts of a merged one, locked; a newer open one of its key goes first."""
        end = incidents.end_of_merges(self._tx, merged)
        if end is None:
            return None
        if not end.paging.is_open:
            end = opened.get(end.key) or incidents.open_by_keys(self._tx, [end.key]).get(end.key) or end
        end = incidents.get(self._tx, end.id, lock=True) or end
        return self._ledger.incident(end)

    def _takes(self, incident: Incident) -> bool:
        return takes_alerts(incident, rules=self._revision.rules, now=self._now)

    def _attach_one(
        self,
        key: str,
        items: list[Placed],
        opened: Incident | None,
        closed: Incident | None,
        storm: Adoption | None,
    ) -> Incident:
        new = tuple(self._told(item.episode) for item in items)
        rules = self._revision.rules
        known = opened or closed
        if known is not None:
            known = self._ledger.incident(known)
        if known is not None and self._takes(known):
            observation = AlertsAttached(
                alerts=new,
                policy=self._policy(items, known.team),
                adopted=len(storm.keys) if storm else 0,
            )
            incident = self._ledger.take(observe(observation, known, rules=rules, now=self._now))
            return self._minded(incident, known, items)
        return self._open(key, items, new, previous=known.id if known else None, storm=storm)

    def _minded(self, incident: Incident, before: Incident, items: Sequence[Placed]) -> Incident:
        """Hold back what begins again within a maintenance; go on where an alert outside of it joins."""
        window = self._in_maintenance(items)
        decided: Paused | Resumed
        if window is not None and incident.epoch != before.epoch:
            decided = Paused(reason=f"maintenance: {window.reason}", until=window.end)
        elif window is None and before.progress.state is Running.PAUSED:
            decided = Resumed(reason="An alert outside the maintenance joined", still_firing=len(items))
        else:
            return incident
        return self._ledger.take(observe(decided, incident, rules=self._revision.rules, now=self._now))

    def reconsider(self, numbers: Iterable[int]) -> None:
        """Hold back the paging of what is wholly silenced or in maintenance, and go on with what no longer is.

        For triggered incidents by number; others are left alone. To be called when the episodes are written.
        """
        for number in sorted(set(numbers)):
            found = incidents.get(self._tx, number, lock=True)
            incident = self._ledger.incident(found) if found is not None else None
            if incident is None or incident.paging is not Paging.TRIGGERED:
                continue
            episodes = alerts.episodes_of_incident(self._tx, number)
            firing = [episode for episode in episodes if episode.status is Status.FIRING]
            decided: Paused | Resumed | None = self.held_back(firing)
            if decided is None and incident.progress.state is Running.PAUSED:
                decided = Resumed(
                    reason="Nothing holds it back any more",
                    still_firing=len(firing),
                    had_alerts=bool(episodes),
                )
            if decided is not None:
                self._ledger.take(observe(decided, incident, rules=self._revision.rules, now=self._now))

    def held_back(self, firing: Sequence[Episode]) -> Paused | None:
        """Say what holds all of these alerts back, the one with an end first."""
        if not firing:
            return None
        window = self._in_maintenance([Placed(episode) for episode in firing])
        if window is not None:
            return Paused(reason=f"maintenance: {window.reason}", until=window.end)
        silenced = all(Flag.SILENCED in episode.flags for episode in firing)
        if silenced and self._revision.rules.pause_on_silence:
            return Paused(reason="every alert of it is silenced")
        return None

    def _told(self, episode: Episode) -> AttachedAlert:
        """Give what the incident is told of an episode: the rule by which it flaps as well, if it does (I11)."""
        told = attached(episode)
        if Flag.FLAPPING not in episode.flags:
            return told
        return replace(told, flapping=self._ledger.current.ways.of(episode).routed.flapping)

    def _policy(self, items: Sequence[Placed], team: str) -> JsonObject:
        return self._ledger.policy(self._worst(items), team)

    def _worst(self, items: Sequence[Placed]) -> Severity:
        ladder = self._revision.ladder
        worst = ladder.worst(tuple(item.episode.severity or "" for item in items))
        return worst or ladder.rungs[len(ladder.rungs) // 2]

    def _open(
        self,
        key: str,
        items: list[Placed],
        new: tuple[AttachedAlert, ...],
        *,
        previous: int | None,
        storm: Adoption | None,
    ) -> Incident:
        revision = self._revision
        severity = self._worst(items)
        first = next(item.episode for item in items if item.episode.severity == severity.name)
        team = first.team or revision.routing.default.team
        pause = self._in_maintenance(items)
        opening = Opening(
            key=key,
            title=storm.title if storm else title(first.labels, first.annotations),
            severity=severity.name,
            team=team,
            service=None if storm else first.service,
            runbook=None if storm else runbook_of(items),
            storm=storm.route if storm else None,
            reason=storm.reason if storm else None,
            policy=self._ledger.policy(severity, team),
            revision=revision.id,
            opened_by=first.source,
            source=first.source,
            alerts=new,
            previous=previous,
            paused_reason=f"maintenance: {pause.reason}" if pause else None,
            paused_until=pause.end if pause else None,
        )
        return self._ledger.take(open_incident(opening, now=self._now))

    def _in_maintenance(self, items: Sequence[Placed]) -> Maintenance | None:
        """Give the window that covers all these alerts, the first to end; one alert outside is paged for."""
        if self._maintenance is None:
            self._maintenance = tuple(
                Maintenance(
                    id=str(window.id),
                    matchers=tuple(parse_matcher(text) for text in window.matchers),
                    start=window.start,
                    end=window.end,
                    reason=window.reason,
                    by=window.created_by,
                )
                for window in interventions.maintenance(self._tx, now=self._now)
            )
        windows = [in_maintenance(item.episode.labels, self._maintenance, self._now) for item in items]
        covering = [window for window in windows if window is not None]
        return min(covering, key=lambda window: window.end) if len(covering) == len(items) else None
