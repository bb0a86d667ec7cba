"""From somebody's command to the change on another person's screen: a real bot, a real browser, one figure a command.

The clock starts before the command is sent and stops when the browser's document has changed, so the command itself,
its commit, the stream, the fresh page and the change of the document are all in it.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.rig.report import emit, middle, progress, table, versions
from tests.e2e.bodies import alert, delivery
from tests.e2e.configuration import small, write
from tests.e2e.harness import RunningBot, wait_for
from tests.e2e.sink import WebhookSink

GOAL_MS = 1000
EACH = 40
ENTRIES = 150
"""How many entries the incident's page holds before anything is measured: as many as a page shows."""
WATCH = """selector => {
  window.seen = {};
  const look = () => {
    const text = document.querySelector(selector)?.textContent ?? "";
    for (const [mark] of text.matchAll(/mark-[0-9]+-[0-9]+-/g)) window.seen[mark] ??= Date.now();
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def measure(bot: RunningBot, page: Page, selector: str, verb: str, *, turn: int, each: int) -> list[float]:
    """Give the milliseconds of so many commands, from before they are sent until the document shows them."""
    page.evaluate(WATCH, selector)
    took = []
    for number in range(each):
        mark = f"mark-{turn}-{number}-"
        began = time.time()
        bot.command("INC-1", f"{verb} {mark} seen")
        page.wait_for_function("mark => window.seen[mark]", arg=mark, timeout=30_000)
        took.append(page.evaluate("mark => window.seen[mark]", mark) - began * 1000)
    return took


def prepared(bot: RunningBot, entries: int) -> None:
    """Open one incident and fill its timeline."""
    told = alert("Live", severity="critical", service="checkout")
    assert bot.deliver(delivery([told], group="Live")).status_code == 200
    wait_for(bot.incidents, what="an incident")
    bot.command("INC-1", "ack")
    for number in range(entries):
        bot.command("INC-1", f"note entry {number}")


def described(name: str, rounds: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Give the median over the rounds of each round's median and slowest tenth, and the slowest of all."""
    ordered = [sorted(one) for one in rounds]
    return {
        "page": name,
        "p50_ms": middle(one[len(one) // 2] for one in ordered),
        "p90_ms": middle(one[int(len(one) * 0.9)] for one in ordered),
        "most_ms": round(max(one[-1] for one in ordered), 2),
        "commands": sum(len(one) for one in ordered),
    }


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a look in seconds; the figures mean nothing")
    chosen = parser.parse_args()
    rounds, each, entries = (1, 3, 5) if chosen.quick else (chosen.rounds, EACH, ENTRIES)
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("There is no `chromium` here; `make system-deps` installs it.")
    pages: dict[str, list[list[float]]] = {"incident": [], "now": []}
    with (
        tempfile.TemporaryDirectory() as made,
        WebhookSink() as sink,
        RunningBot(
            write(Path(made), small()),
            database_url=f"sqlite:///{made}/bot.db",
            environment={"INCIDENT_BOT_WEBHOOK_URL": sink.url},
        ) as bot,
        sync_playwright() as playwright,
    ):
        prepared(bot, entries)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        for number in range(rounds):
            progress(f"round {number + 1} of {rounds}: {each} commands on each of two pages")
            for name, path, selector, verb in (
                ("incident", "/incidents/INC-1", ".entries", "note"), ("now", "/", ".cards", "title"),
            ):  # fmt: skip
                page = browser.new_page(base_url=bot.url)
                page.goto(path, wait_until="load")
                pages[name].append(measure(bot, page, selector, verb, turn=number, each=each))
                page.close()
        browser.close()
    figures = [described(name, found) for name, found in pages.items()]
    table(list(figures[0]), (list(one.values()) for one in figures))
    emit({"benchmark": "live", "versions": versions(), "goals": {"most_ms": GOAL_MS}, "rounds": rounds,
          "figures": figures})  # fmt: skip


if __name__ == "__main__":
    main()
