"""Stage 8: one incident's record to one draft. Decides nothing about how it looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from incident_bot.core.model import Episode, Event, Incident, Ladder, Person
from incident_bot.core.nearby import Nearby
from incident_bot.core.postmortem import responses, sections, telling
from incident_bot.core.postmortem.answers import answers
from incident_bot.core.postmortem.draft import (
    Block,
    Completeness,
    Draft,
    Measures,
    PageFact,
    Question,
    Row,
    RunbookLike,
    Section,
    Story,
    event_source,
)
from incident_bot.core.postmortem.graphs import GraphFact, drawn, sli_loss
from incident_bot.core.postmortem.measures import measure
from incident_bot.core.postmortem.prompts import PROMPTS
from incident_bot.core.postmortem.questions import questions
from incident_bot.core.similar import Similar
from incident_bot.core.timeline import Entry, entries, redact

TITLES: Final = (
    "About",
    "Summary",
    "Impact",
    "Key times",
    "Detection",
    "Background",
    "Lead-up and trigger",
    "What happened",
    "What we believed, and what we decided",
    "Contributing conditions, and what limited the damage",
    "Mitigation",
    "Response",
    "Communications",
    "What went well, what went poorly, where we were lucky",
    "Open questions",
    "Follow-ups",
    "Recurrence",
    "Timeline",
    "Appendix",
)
BLANKS_SHOWN: Final = 3
_IMPACT: Final = TITLES.index("Impact")
_APPENDIX: Final = TITLES.index("Appendix")


def build(
    incident: Incident,
    events: Iterable[Event],
    episodes: Iterable[Episode] = (),
    pages: Iterable[PageFact] = (),
    *,
    people: Mapping[str, Person],
    ladder: Ladder,
    runbook: RunbookLike | None = None,
    written: str = "",
    changes: Iterable[Nearby] = (),
    graphs: Iterable[GraphFact] = (),
    similar: Iterable[Similar] = (),
    told: Sequence[Entry] | None = None,
    parts: Mapping[int, Sequence[Block]] | None = None,
    now: datetime,
) -> Draft:
    """Draft the post-mortem of one incident; `written` is the document as people have saved it.

    `told` is the whole timeline in words, where somebody has it already: it is most of the work.
    `parts` are further generated blocks by the number of their section.
    """
    names = {person.id: person.name for person in people.values()}
    numbered = (page if page.id else replace(page, id=number) for number, page in enumerate(pages, 1))
    story = Story(
        incident=_redacted(incident),
        entries=entries(events, names) if told is None else tuple(told),
        episodes=tuple(sorted(episodes, key=lambda episode: (episode.starts_at, episode.id))),
        pages=tuple(numbered),
        people=people,
        ladder=ladder,
        runbook=runbook,
        written=written,
        changes=tuple(changes),
        similar=tuple(similar),
        now=now,
    )
    measures = measure(story)
    asked = questions(story, measures)
    return Draft(
        header=sections.header(story, measures),
        sections=_with_graphs(_sections(story, measures, asked, parts or {}), tuple(graphs)),
        measures=measures,
        questions=tuple(" ".join(filter(None, (one.text, one.source))) for one in asked),
        asked=asked,
        completeness=_completeness(story, measures),
    )


def _redacted(incident: Incident) -> Incident:
    """Hide secrets in what people and alerts wrote into the incident itself."""
    items = tuple(
        replace(
            item,
            text=redact(item.text),
            undo=redact(item.undo) if item.undo else None,
            why=redact(item.why) if item.why else None,
        )
        for item in incident.items
    )
    said = redact(incident.impact) if incident.impact else None
    return replace(incident, title=redact(incident.title), impact=said, items=items)


def _sections(
    story: Story, measures: Measures, asked: tuple[Question, ...], parts: Mapping[int, Sequence[Block]]
) -> tuple[Section, ...]:
    """Give the sections in their fixed order, each with what was generated for it and its prompts."""
    head = sections.header(story, measures)
    blocks: dict[int, tuple[Block, ...]] = {
        0: (sections.header_block(story, head, measures),),
        3: sections.key_times(story, measures),
        6: (sections.lead_up(story),),
        8: sections.beliefs(story),
        10: (sections.mitigation(story, measures), sections.silences(story), _runbook(story)),
        11: responses.response(story, measures),
        12: responses.communications(story, measures),
        14: (_questions(asked),),
        15: (responses.follow_ups(story),),
        16: (responses.recurrence(story),),
        17: (responses.timeline(story),),
        18: responses.appendix(story),
    }
    single: dict[int, Callable[[Story, Measures], Block]] = {
        1: telling.summary,
        2: sections.impact,
        4: sections.detection,
        7: sections.phases,
        9: telling.conditions,
        13: telling.lessons,
    }
    blocks |= {number: (write(story, measures),) for number, write in single.items()}
    return tuple(
        Section(
            number=number,
            title=title,
            blocks=(*blocks.get(number, ()), *parts.get(number, ())),
            prompts=PROMPTS.get(number, ()),
        )
        for number, title in enumerate(TITLES)
    )


def _with_graphs(written: tuple[Section, ...], graphs: tuple[GraphFact, ...]) -> tuple[Section, ...]:
    """Add what the graphs say to the impact and to the appendix; without graphs nothing is added."""
    if not graphs:
        return written
    loss = sli_loss(graphs)
    impact, appendix = written[_IMPACT], written[_APPENDIX]
    told = replace(impact.blocks[0], rows=(*impact.blocks[0].rows, *loss))
    with_them = {
        _IMPACT: replace(impact, blocks=(told, *impact.blocks[1:])),
        _APPENDIX: replace(appendix, blocks=(*appendix.blocks, drawn(graphs))),
    }
    return tuple(with_them.get(place, section) for place, section in enumerate(written))


def _questions(asked: tuple[Question, ...]) -> Block:
    """List what the record raises and cannot answer."""
    rows = tuple(Row(cells=(f"{one.text} (section {one.section})",), source=one.source) for one in asked)
    return Block(name="questions", rows=rows, nothing="The record raises none that are not answered.")


def _runbook(story: Story) -> Block:
    """Name the runbook that was at hand."""
    found = [entry for entry in story.entries if entry.kind.value == "runbook_found"]
    path = story.runbook.path if story.runbook else story.incident.runbook
    if not path:
        return Block(name="runbook", nothing="No runbook was at hand.")
    title = f"{story.runbook.title} ({path})" if story.runbook else path
    row = Row(
        cells=(f"Runbook at hand: {title}.",),
        source=event_source(*(found[-1:] or story.opening)),
    )
    return Block(name="runbook", rows=(row,))


def _completeness(story: Story, measures: Measures) -> Completeness:
    """Count recorded facts and answered prompts, and name what is most useful to fill."""
    incident = story.incident
    facts = {
        "the impact in words (`impact …`)": bool(incident.impact),
        "who led (`lead @u`)": bool(incident.lead or measures.at("Led")),
        "an acknowledgement": measures.at("Acknowledged") is not None,
        "a time of mitigation (`status monitoring`)": measures.at("Mitigated") is not None,
        "the end": measures.at("Resolved") is not None,
        "a runbook": bool(story.runbook or incident.runbook),
        "at least one update": measures.at("First update") is not None,
    }
    total = len(facts) + sum(len(asked) for asked in PROMPTS.values())
    blanks = answers(story.written).blanks
    lacking = [name for name, is_there in facts.items() if not is_there]
    missing = (*blanks[:BLANKS_SHOWN], *lacking)[:BLANKS_SHOWN]
    return Completeness(done=total - len(blanks) - len(lacking), total=total, missing=missing)
