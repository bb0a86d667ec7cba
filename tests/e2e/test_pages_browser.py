"""Every page of the application in a real browser, and the stories that people live through on them.

The pages come from the application's own list of routes: a new one is walked without being named here. Pictures of all
of them are left in `build/screenshots`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Literal

import pytest
from fastapi.routing import APIRoute
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from incident_bot import bootstrap
from incident_bot.config.settings import Settings
from tests.e2e.bodies import alert, delivery
from tests.e2e.configuration import ROOT, small, write
from tests.e2e.harness import RunningBot, wait_for
from tests.e2e.sink import WebhookSink
from tests.e2e.test_console_browser import (
    DESK,
    PATIENCE,
    PHONE,
    Visit,
    browser,  # noqa: F401 - a fixture is found by its name here
    violations,
    watched,
)

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("browser")]

PICTURES = ROOT / "build" / "screenshots"
PICTURED_MOST = 6000
HOSTILE = "<script>fetch('/pwned')</script><img src=x onerror=alert(1)>"
TEXTS = (
    HOSTILE,
    "\u202egnol\u202c \u200f\u05e9\u05dc\u05d5\u05dd {{ 7 * 7 }} ${7*7} \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "x" * 3900,
    "two\nlines 'quoted' \"twice\" `ticked --><!--]]>",
)
VERBS = ("note", "task", "did", "theory", "decide", "impact", "followup", "update", "title")
RUNBOOK = """---
title: Disk
alerts: [Disk]
owner: platform
---
## Investigation

1. Run `df -h` on the host
2. Find what grew

## Mitigation

1. Delete old logs
"""
STATUS = """
status:
  name: Example status
  url: https://status.example.com
  components:
    checkout: {name: Checkout, services: [checkout]}
"""
ROUTES = """
  - {match: ['severity=~"info|P4"', 'alertname!="Disk"'], action: notify}
"""
SHOWN = (HTTPStatus.OK, HTTPStatus.NOT_FOUND)
PLACES = {"id": "INC-1", "schedule": "primary", "path": "services/disk.md", "name": "alice", "token": "none"}
MORE = (
    "/incidents/INC-2", "/incidents?state=resolved&severity=P1", "/incidents?q=nothing", "/nothing-is-here",
    "/routing?text=alertname%3DDisk%0Aseverity%3Dcritical", "/oncall/primary?view=month",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    """One bot with hostile texts in every field, an incident that is over, and one that is open."""

    bot: RunningBot
    addresses: tuple[str, ...]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("pages")
    files = small()
    files["rotations/routing.yaml"] = files["rotations/routing.yaml"].replace(
        "routes:\n", f"routes:{ROUTES}", 1
    )
    files["rotations/teams.yaml"] = (
        "teams: {platform: {schedule: primary, lead: bob, services: [checkout]}}\n"
    )
    write(directory, {**files, "runbooks/services/disk.md": RUNBOOK, "rotations/status.yaml": STATUS})
    url = f"sqlite:///{directory}/bot.db"
    with (
        WebhookSink() as sink,
        RunningBot(directory, database_url=url, environment={"INCIDENT_BOT_WEBHOOK_URL": sink.url}) as bot,
    ):
        deliver(bot, "Disk", annotations={"summary": "The disk of db-1 is full", "description": "97 % used"})
        for line in ("ack", "lead @alice", "note 02:10 it began with the import", "task tell support @alice",
                     "theory the import wrote too much", "did stopped the import undo: start it again", "tick 1",
                     "decide we wait for the cleanup", "update Cleaning up next 30m", "lead @bob",
                     "followup alert at 80 % @bob 7d"):  # fmt: skip
            bot.command("INC-1", line)
        deliver(
            bot, "Broken", service=HOSTILE, instance=TEXTS[2][:500], a_long_name_of_a_label_that_breaks="y" * 200,
            annotations={
                "summary": f"Broken {TEXTS[0]}", "description": TEXTS[1], "runbook_url": "javascript:alert(1)",
            },
        )  # fmt: skip
        for text in TEXTS:
            for verb in VERBS:
                bot.post("/api/v1/incidents/INC-2/commands", _json(f"{verb} {text}"))
        bot.post("/api/v1/incidents/INC-2/commands", _json(f"edit last {TEXTS[1]}"))
        deliver(bot, "Over")
        bot.command("INC-3", "resolve it healed by itself")
        wait_for(lambda: bot.pages("INC-2"), what="pages of the second")
        yield Stage(bot, tuple(dict.fromkeys(addresses(directory))))
        assert not bot.errors()


def _json(text: str) -> bytes:
    return json.dumps({"text": text}).encode()


def deliver(bot: RunningBot, name: str, *, annotations: dict[str, str] | None = None, **labels: str) -> None:
    """Deliver one critical alert, and wait for its incident."""
    known = len(bot.incidents())
    named = {"severity": "critical", "service": "checkout", **labels}
    told = alert(name, starts_at=None, ends_at=None, annotations=annotations, **named)
    assert bot.deliver(delivery([told], group=name)).status_code == 200
    wait_for(lambda: len(bot.incidents()) > known, what=f"an incident of {name}")


def addresses(directory: Path) -> Iterator[str]:
    """Every address that a browser may open, from the application's own list."""
    settings = {"INCIDENT_BOT_DATABASE_URL": "sqlite://", "INCIDENT_BOT_CONFIG_DIR": str(directory)}
    application = bootstrap.build(Settings.load(settings))
    try:
        routers = [getattr(one, "original_router", None) for one in application.app.routes]
        for router in (one for one in routers if one is not None):
            for route in router.routes:
                if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
                    yield asked(route.path)
    finally:
        application.close()
    yield from MORE


def asked(path: str) -> str:
    """The address of a route, with something that is there in each of its places."""
    if path.startswith("/alerts/"):
        return re.sub(r"\{\w+\}", "1", path)
    return re.sub(r"\{(\w+)[^}]*\}", lambda found: PLACES.get(found[1], "1"), path)


def is_page(context: BrowserContext, address: str) -> bool:
    """Say whether a browser is shown a page there, and not a feed, a file or another page."""
    if address.endswith("/live") or address.startswith(("/api/", "/static/")):
        return False
    answer = context.request.get(address, headers={"accept": "text/html"}, max_redirects=0)
    return answer.headers.get("content-type", "").startswith("text/html") and answer.status in (
        HTTPStatus.OK,
        HTTPStatus.NOT_FOUND,
    )


@pytest.mark.parametrize("scheme, size", [("light", DESK), ("dark", PHONE)], ids=["light-desk", "dark-phone"])
def test_every_page_is_quiet_fits_and_is_for_everybody(
    browser: Browser,  # noqa: F811 - as above
    stage: Stage,
    scheme: Literal["light", "dark"],
    size: ViewportSize,
) -> None:
    context = browser.new_context(
        base_url=stage.bot.url, color_scheme=scheme, viewport=size, reduced_motion="reduce", bypass_csp=False
    )
    context.set_default_timeout(PATIENCE)
    PICTURES.mkdir(parents=True, exist_ok=True)
    visit = watched(context.new_page())
    faults: list[str] = []
    walked = [address for address in stage.addresses if is_page(context, address)]
    for address in walked:
        faults += [f"{address} {fault}" for fault in looked_at(visit, address, scheme, size)]
        name = re.sub(r"[^a-zA-Z0-9]+", "-", address).strip("-") or "now"
        # A page of hostile texts is as high as a house: drawing all of it takes longer than walking the rest.
        whole = visit.page.evaluate("document.documentElement.scrollHeight") <= PICTURED_MOST
        visit.page.screenshot(path=PICTURES / f"{name}-{scheme}.png", full_page=whole, timeout=60_000)
    context.close()
    assert not faults, "\n".join(faults)
    assert len(walked) >= 16, walked


def looked_at(visit: Visit, address: str, scheme: Literal["light", "dark"], size: ViewportSize) -> list[str]:
    """Open one page, and give everything that is wrong with it."""
    visit.complaints.clear()
    page = visit.page
    answer = page.goto(address, wait_until="load")
    faults = [] if page.locator("h1").count() == 1 else [f"has {page.locator('h1').count()} h1"]
    width = page.evaluate("document.documentElement.scrollWidth")
    if width > size["width"]:
        faults.append(f"is {width} wide")
    if answer is not None and answer.status == HTTPStatus.NOT_FOUND:
        # The browser itself complains of a page that is not there.
        visit.complaints.clear()
    faults += [f"complains: {one}" for one in visit.complaints]
    faults += [f"pops up: {one}" for one in visit.dialogs]
    faults += [f"asks for {one}" for one in visit.requests if "pwned" in one]
    return faults + violations(page, scheme, size)


@pytest.fixture
def context(browser: Browser, stage: Stage) -> Iterator[BrowserContext]:  # noqa: F811 - as above
    made = browser.new_context(base_url=stage.bot.url, color_scheme="light", viewport=DESK)
    made.set_default_timeout(PATIENCE)
    yield made
    made.close()


def fresh(stage: Stage, name: str) -> str:
    deliver(stage.bot, name)
    found: str = stage.bot.incidents()[0]["id"]
    return found


def say(page: Page, text: str) -> None:
    page.get_by_label("Command", exact=True).fill(text)
    page.get_by_label("Command", exact=True).press("Enter")


def test_an_incident_from_its_declaration_to_the_record_taken_away(
    context: BrowserContext, stage: Stage
) -> None:
    visit = watched(context.new_page())
    page = visit.open("/incidents/INC-1")
    say(page, "new P1 Cards are refused at the till")
    expect(page.get_by_role("heading", level=1)).to_have_text("Cards are refused at the till")
    expect(page).to_have_url(re.compile(r"/incidents/INC-\d+$"))
    incident = page.url.rpartition("/")[2]
    page.evaluate("window.stayed = true")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".held")).to_contain_text("Taken by")
    say(page, "update One card in ten fails next 30m")
    expect(page.locator(".entries")).to_contain_text("One card in ten fails")
    expect(page.get_by_label("Command", exact=True)).to_have_value("")
    page.get_by_label("Note", exact=True).fill("the provider confirms")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".entries")).to_contain_text("the provider confirms")
    say(page, "task call the provider")
    page.get_by_role("button", name="Done").first.click()
    expect(page.locator("#items-1")).to_contain_text("0 open")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator(".held")).to_contain_text("Over since")
    assert page.evaluate("window.stayed") is True
    page.get_by_role("link", name="Read the post-mortem draft").click()
    expect(page.locator("body")).to_contain_text("Cards are refused at the till")
    draft = context.request.get(f"/api/v1/incidents/{incident}/postmortem?format=md")
    assert "the provider confirms" in draft.text()
    assert context.request.get(f"/api/v1/incidents/{incident}/bundle").body().startswith(b"PK")
    assert not visit.complaints


def test_two_people_see_each_other_and_keep_what_they_type(context: BrowserContext, stage: Stage) -> None:
    incident = fresh(stage, "Shared")
    here, there = watched(context.new_page()), watched(context.new_page())
    mine, theirs = here.open(f"/incidents/{incident}"), there.open(f"/incidents/{incident}")
    theirs.get_by_label("Note", exact=True).fill("half a sent")
    theirs.locator("details:has-text('How it came to this')").last.locator("summary").click()
    theirs.get_by_label("Note", exact=True).focus()
    mine.get_by_label("Note", exact=True).fill("seen on my side")
    mine.get_by_role("button", name="Add note").click()
    expect(theirs.locator(".entries")).to_contain_text("seen on my side")
    expect(theirs.get_by_label("Note", exact=True)).to_have_value("half a sent")
    expect(theirs.get_by_label("Note", exact=True)).to_be_focused()
    expect(theirs.locator("details[open]:has-text('How it came to this')").last).to_be_visible()
    theirs.get_by_role("button", name="Acknowledge").click()
    expect(mine.locator(".held")).to_contain_text("Taken by")
    expect(theirs.get_by_label("Note", exact=True)).to_have_value("half a sent")
    expect(mine.get_by_label("Note", exact=True)).to_have_value("")
    assert not here.complaints
    assert not there.complaints


def test_now_changes_while_one_looks(context: BrowserContext, stage: Stage) -> None:
    visit = watched(context.new_page())
    page = visit.open("/")
    incident = fresh(stage, "Appears")
    row = page.locator(f"[id='{incident}']")
    expect(row).to_contain_text("Appears")
    expect(row.locator("time[data-countdown]")).to_have_text(re.compile(r"^1[45]:\d\d$"))
    row.get_by_role("button", name="Acknowledge").click()
    expect(row).to_contain_text("Taken by")
    assert not visit.complaints


def test_a_note_is_put_right_without_leaving_the_page(context: BrowserContext, stage: Stage) -> None:
    incident = fresh(stage, "Corrected")
    page = watched(context.new_page()).open(f"/incidents/{incident}?show=people")
    page.get_by_label("Note", exact=True).fill("the dick is full")
    page.get_by_role("button", name="Add note").click()
    entry = page.locator(".entry-note")
    entry.locator("summary", has_text="Edit").click()
    entry.get_by_label("reads").fill("the disk is full")
    entry.get_by_role("button", name="Save").click()
    expect(entry).to_contain_text("noted: the disk is full (edited)")
    expect(page.locator(".tabs [aria-current]")).to_have_text("People")
    entry.locator("summary", has_text="edited, history").click()
    expect(entry.locator(".history")).to_contain_text("the dick is full")


def test_the_palette_leads_there_and_acts_on_nothing(context: BrowserContext, stage: Stage) -> None:
    incident = fresh(stage, "Sought")
    visit = watched(context.new_page())
    page = visit.open(f"/incidents/{incident}")
    page.keyboard.press("Control+k")
    words = page.get_by_role("combobox", name="Find a page")
    expect(words).to_be_focused()
    words.fill("resolve")
    expect(page.get_by_role("option").first).to_contain_text("resolve [reason]")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Command", exact=True)).to_have_value("resolve ")
    assert stage.bot.get(f"/api/v1/incidents/{incident}")["escalation"] == "triggered"
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    words.fill("routing")
    expect(page.get_by_role("option").first).to_contain_text("Routing")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert not [one for one in violations(page, "light", DESK) if "color-contrast" not in one]
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/routing$"))
    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(page).to_have_url(re.compile("/incidents$"))
    assert not visit.complaints
