"""The text of a post-mortem as people write it: read, saved version by version, and merged where two write at once.

A text is saved upon the version that its writer has seen. Where another one was saved meanwhile nothing is stored: the
writer gets both, merged where that is clean. Every version stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.incident import SavePostmortem, decide
from incident_bot.core.model import Incident, Review
from incident_bot.core.postmortem import Draft, join, merge, written_by_people
from incident_bot.flow import export
from incident_bot.flow.context import Context
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.sight import visible
from incident_bot.render.documents import postmortem_markdown
from incident_bot.store import interventions, papers
from incident_bot.store.papers import SavedPostmortem
from incident_bot.store.transaction import LostRace, Tx

MARKDOWN_MOST: Final = 2 * 1024 * 1024
HISTORY_SHOWN: Final = 50
DRAFTED_BY: Final = "postmortem"
"""Who saved a version that no person wrote."""
_RACES_MOST: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A post-mortem as it reads now: what people saved, brought up to date with the record."""

    number: int
    version: int
    """The saved version that it was made from; 0 where none was saved yet."""
    text: str
    saved_by: str | None
    saved_at: datetime | None
    conflicts: tuple[str, ...]
    """The parts that people edited and that the record has news for; both stand in the text."""
    review: Review | None
    draft: Draft


class Clash(Refused):
    """Somebody saved another version meanwhile; nothing was stored, and nothing of either text is lost."""

    def __init__(self, newest: SavedPostmortem, mine: str, base: str) -> None:
        """Carry the newest version, and both texts in one."""
        super().__init__(
            f"{newest.saved_by} saved version {newest.version} of this post-mortem meanwhile; nothing was stored. "
            "Look at both together and save again."
        )
        joined = join(base, mine, newest.text)
        self.version = newest.version
        self.saved_by = newest.saved_by
        self.saved_at = newest.saved_at
        self.theirs = newest.text
        self.mine = mine
        self.merged = joined.text
        self.clashes = joined.clashes


def read(context: Context, number: int, *, now: datetime) -> Document:
    """Give the post-mortem as it reads now; raises NotFound."""
    fresh = export.draft(context, number, now=now)
    with context.store.read() as tx:
        incident = visible(tx, context.seer, number)
        saved = papers.newest(tx, number)
    text = postmortem_markdown(context.live.current.templates, fresh).text
    conflicts: tuple[str, ...] = ()
    if saved is not None:
        merged = merge(saved.text, text)
        text, conflicts = merged.text, merged.conflicts
    return Document(
        number=number,
        version=saved.version if saved else 0,
        text=text,
        saved_by=saved.saved_by if saved else None,
        saved_at=saved.saved_at if saved else None,
        conflicts=conflicts,
        review=incident.review,
        draft=fresh,
    )


def save(
    context: Context,
    number: int,
    markdown: str,
    *,
    after: int | None,
    actor: str,
    source: str = "postmortem",
    now: datetime,
) -> SavedPostmortem:
    """Keep what a person wrote upon version `after`, or upon whatever there is where that is None; every version stays.

    Raises NotFound, Clash where another version was saved meanwhile, and Refused for a text that is empty or too long.
    The same text again is no new version.
    """
    text = _clean(markdown)
    fresh = export.draft(context, number, written=text, now=now)
    counted = fresh.completeness
    for _ in range(_RACES_MOST):
        try:
            with context.store.write() as tx:
                incident = visible(tx, context.seer, number, lock=True)
                before = papers.newest(tx, number)
                if before is not None and before.text == text:
                    return before
                if before is not None and after not in (None, before.version) and _is_peoples(before):
                    raise Clash(before, text, _base(tx, number, after or 0))
                kept = papers.save(
                    tx,
                    number,
                    text,
                    after=before.version if before else 0,
                    by=actor,
                    counts=(counted.done, counted.total, counted.missing),
                    now=now,
                )
                _note(context, tx, incident, before, text, actor=actor, source=source, now=now)
            break
        except LostRace:
            # Another one was faster by a moment: look again at what is the newest now.
            continue
    else:
        message = "the same post-mortem is being saved by others; try again"
        raise Refused(message)
    context.signals.changed()
    context.store.notify()
    return kept


def begin(context: Context, number: int, *, now: datetime) -> None:
    """Keep the draft as it is generated, where nobody saved one; does nothing where somebody did."""
    fresh = export.draft(context, number, now=now)
    text = postmortem_markdown(context.live.current.templates, fresh).text
    counted = fresh.completeness
    counts = (counted.done, counted.total, counted.missing)
    try:
        with context.store.write() as tx:
            if papers.newest(tx, number) is None:
                papers.save(tx, number, text, after=0, by=DRAFTED_BY, counts=counts, now=now)
    except LostRace:
        return
    context.signals.changed()


def history(context: Context, number: int) -> list[SavedPostmortem]:
    """Give who saved which version when, the newest first, without the texts; raises NotFound."""
    with context.store.read() as tx:
        visible(tx, context.seer, number)
        return papers.history(tx, number, limit=HISTORY_SHOWN)


def version(context: Context, number: int, wanted: int) -> SavedPostmortem:
    """Give one saved version as it was; raises NotFound."""
    with context.store.read() as tx:
        visible(tx, context.seer, number)
        found = papers.version(tx, number, wanted) if 0 < wanted < 2**31 else None
    if found is None:
        message = f"There is no version {wanted} of this post-mortem."
        raise NotFound(message)
    return found


def _clean(markdown: str) -> str:
    """Give the text as it is kept: browsers send other line ends than they were given."""
    text = markdown.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    if len(text) > MARKDOWN_MOST:
        message = f"A post-mortem has at most {MARKDOWN_MOST} characters."
        raise Refused(message)
    if not text.strip():
        message = "The text is empty; write something, or `postmortem waive <reason>` says why there is none."
        raise Refused(message)
    return text


def _is_peoples(saved: SavedPostmortem) -> bool:
    """Say whether a person saved it, and not the bot when the incident was over."""
    return saved.saved_by != DRAFTED_BY


def _base(tx: Tx, number: int, after: int) -> str:
    """Give the text that both began with; without one everything that differs is a clash."""
    found = papers.version(tx, number, after) if 0 < after < 2**31 else None
    return found.text if found else ""


def _note(
    context: Context,
    tx: Tx,
    incident: Incident,
    before: SavedPostmortem | None,
    text: str,
    *,
    actor: str,
    source: str,
    now: datetime,
) -> None:
    """Put it into the audit and, where it means something for the review, onto the timeline."""
    interventions.record(tx, actor, "postmortem.saved", {"incident": incident.id}, now=now)
    first = before is None or not _is_peoples(before)
    changed = before is not None and written_by_people(before.text) != written_by_people(text)
    ledger = Ledger(context, tx, now=now)
    rules = ledger.current.revision.rules
    command = SavePostmortem(first=first, changed=changed)
    decision = decide(command, incident, actor=actor, source=source, rules=rules, now=now)
    if decision.events:
        ledger.take(decision)
        ledger.flush()
