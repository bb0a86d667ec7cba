"""The audit of what people set up and end: the thing as it was before, and as it is after."""

from __future__ import annotations

from datetime import timedelta

from incident_bot.core.model import Json, rfc3339
from incident_bot.flow import access, calendars, interventions, roster
from incident_bot.flow.audits import Sought, entries
from incident_bot.flow.calendars import FeedKind
from incident_bot.flow.roster import Wanted
from tests.plugins.story import Story

HOUR = timedelta(hours=1)


def test_each_entry_says_what_was_before_and_what_is_after(story: Story) -> None:
    context, now = story.context, story.clock.now()
    work = interventions.add_maintenance(
        context, matchers=['service="db"'], start=now, end=now + HOUR, reason="disks", actor="ben", now=now
    )
    made = roster.make_override(context, "web", Wanted(cover=("dan",), end=now + HOUR), actor="ben", now=now)
    link = calendars.link(context, FeedKind.PERSON, "ana", by="ben", now=now)
    access.create_token(context, "ci", frozenset({"read"}), by="ben", now=now)
    story.clock.advance(timedelta(minutes=10))
    later = story.clock.now()
    number = work["id"]
    assert isinstance(number, int)
    interventions.end_maintenance(context, number, actor="ben", now=later)
    roster.end_override(context, made.id, actor="ben", now=later)
    calendars.revoke(context, link.link.id, by="ben", now=later)
    access.revoke_token(context, 1, by="ben", now=later)
    found = {one.action: (one.before, one.after) for one in entries(context, Sought())}

    def change(action: str, key: str) -> tuple[Json, Json]:
        before, after = found[action]
        return (before or {}).get(key), (after or {}).get(key)

    end, cut = rfc3339(now + HOUR), rfc3339(later)
    assert change("maintenance.added", "end") == (None, end)
    assert change("maintenance.ended", "end") == (end, cut)
    assert change("override.added", "end") == (None, end)
    assert change("override.ended", "end") == (end, cut)
    assert change("calendar.linked", "name") == (None, "ana")
    assert change("calendar.revoked", "name") == ("ana", None)
    assert change("token.created", "name") == (None, "ci")
    assert change("token.revoked", "name") == ("ci", None)
    assert change("token.revoked", "scopes") == (["read"], None)
