"""How long the exports of one incident take whose timeline has 5,000 entries; each is to take less than two seconds."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from time import process_time

from benchmarks.rig.report import emit, middle, progress, table, versions
from incident_bot.core.model import Event, Kind
from incident_bot.flow import export
from incident_bot.flow.bundle import bundle
from incident_bot.flow.postmortems import documents
from incident_bot.store import incidents
from tests.plugins.story import START, Story
from tests.plugins.story_files import documents as configuration

ENTRIES = 5_000
ROUNDS = 5
GOAL_SECONDS = 2.0
END = START + timedelta(hours=3)


def told(directory: Path, entries: int) -> Story:
    """Tell one incident with so many entries: two notes to each page."""
    files = directory / "configuration"
    files.mkdir()
    story = Story(files, f"sqlite:///{directory / 'bot.db'}", configuration(), start=START)
    story.fires()
    story.says("ack", by="ana")
    story.says("lead me", by="ben")
    with story.context.store.write() as tx:
        incident = incidents.get(tx, 1, lock=True)
        if incident is None:
            message = "the alert opened no incident"
            raise RuntimeError(message)
        events = [
            Event(
                kind=Kind.NOTE if number % 3 else Kind.PAGE_SENT,
                actor="ana",
                source="api",
                happened_at=START + timedelta(seconds=number),
                data={
                    "text": f"Ben sees region {number % 7} slow, {number} requests failed",
                    "person": "ana",
                    "via": "slack",
                },
            )
            for number in range(entries)
        ]
        incidents.save(tx, [(incident, events)], now=START)
    return story


def measured(name: str, work: Callable[[], object], rounds: int) -> list[float]:
    """Give the processor time of each round, in seconds: other work on the machine does not count."""
    found = []
    for number in range(1, rounds + 1):
        progress(f"{name}: round {number} of {rounds}")
        began = process_time()
        work()
        found.append(process_time() - began)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=ENTRIES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument(
        "--quick", action="store_true", help="Once, with few entries: such figures mean nothing."
    )
    chosen = parser.parse_args(arguments)
    entries, rounds = (50, 1) if chosen.quick else (chosen.entries, chosen.rounds)
    with tempfile.TemporaryDirectory() as directory:
        story = told(Path(directory), entries)
        context = story.context
        works: dict[str, Callable[[], object]] = {
            "Markdown": lambda: export.postmortem(context, 1, now=END),
            "HTML": lambda: export.postmortem(context, 1, format="html", now=END),
            "PDF": lambda: export.pdf(context, 1, now=END),
            "JSON": lambda: export.postmortem(context, 1, format="json", now=END),
            "editor": lambda: documents.read(context, 1, now=END),
            "bundle": lambda: bundle(context, 1, actor="benchmark", now=END),
        }
        medians = {}
        for name, work in works.items():
            medians[name] = middle(measured(name, work, rounds))
        story.close()
    table(("export", "median, s"), medians.items())
    emit(
        {
            "benchmark": "export",
            "versions": versions(),
            "entries": entries,
            "goal_seconds": GOAL_SECONDS,
            "figures": medians,
        }
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
