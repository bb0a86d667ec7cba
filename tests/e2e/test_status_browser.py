"""The status page in a real browser: without script, light and dark, on a phone, and for people who do not see it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.bodies import alert, delivery
from tests.e2e.configuration import small, write
from tests.e2e.harness import RunningBot, wait_for
from tests.e2e.sink import WebhookSink
from tests.e2e.test_console_browser import (
    DESK,
    PATIENCE,
    PHONE,
    browser,  # noqa: F401 - a fixture is found by its name here
    violations,
    watched,
)

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("browser")]

TEAMS = "teams: {platform: {schedule: primary, lead: bob, services: [checkout, edge]}}\n"
STATUS = """
status:
  name: Example status
  url: https://status.example.com
  publish: auto
  severities: {P1: partial_outage, P2: degraded_performance}
  components:
    checkout: {name: Checkout, group: Shop, services: [checkout], description: Paying for what is in the cart}
    website: {name: Website with a long name, group: Shop, services: [edge]}
    accounts: {name: Accounts, teams: [platform], since: 2026-10-01, description: Signing in}
"""
PICTURES = os.environ.get("STATUS_PICTURES")


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    directory = tmp_path_factory.mktemp("status")
    write(directory, {**small(), "rotations/teams.yaml": TEAMS, "rotations/status.yaml": STATUS})
    environment = {"INCIDENT_BOT_STATUS_DIR": str(directory / "public")}
    with WebhookSink() as sink:
        environment["INCIDENT_BOT_WEBHOOK_URL"] = sink.url
        url = f"sqlite:///{directory}/bot.db"
        with RunningBot(directory, database_url=url, environment=environment) as running:
            published(running, "checkout", "One payment in ten fails. Others are not affected. next 30m")
            published(running, "edge", "Pages are slow to load. next 45m")
            running.command("INC-1", "status mitigating")
            running.command("INC-2", "resolve the cache is warm again")
            wait_for(
                lambda: running.get("/status.json")["components"][1]["status"] == "operational",
                what="the page is made anew",
            )
            yield running
            assert not running.errors()


def published(bot: RunningBot, service: str, text: str) -> None:
    known = len(bot.incidents())
    body = delivery([alert(f"Story{service}", severity="critical", service=service)], group=service)
    assert bot.deliver(body).status_code == 200
    wait_for(lambda: len(bot.incidents()) > known, what=f"an incident of {service}")
    bot.command(f"INC-{known + 1}", f"publish {text}")


@pytest.fixture
def page(browser: Browser, bot: RunningBot) -> Iterator[Page]:  # noqa: F811 - as above
    context = browser.new_context(base_url=bot.url, java_script_enabled=False, color_scheme="light")
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def of_incident(bot: RunningBot) -> str:
    (incident,) = bot.get("/status.json")["incidents"]
    return f"/status/incidents/{incident['id']}"


def test_everything_is_there_without_script_and_nobody_else_is_asked(page: Page, bot: RunningBot) -> None:
    visit = watched(page)
    visit.open("/status")
    expect(page.locator("h1")).to_have_text("Example status")
    expect(page.locator(".whole")).to_contain_text("Partial outage")
    expect(page.locator("main")).to_contain_text("One payment in ten fails.")
    expect(page.locator("svg.bars")).to_have_count(3)
    page.get_by_role("link", name="Checkout: partial outage").click()
    expect(page.locator("h1")).to_have_text("Checkout: partial outage")
    expect(page.locator("main")).to_contain_text("Identified")
    page.get_by_role("link", name="All of Example status").click()
    expect(page).to_have_url(f"{bot.url}/status")
    assert not visit.complaints
    assert {url for url in visit.requests if not url.startswith(bot.url)} == set()


def test_nothing_scrolls_sideways_on_a_phone(browser: Browser, bot: RunningBot) -> None:  # noqa: F811 - as above
    context = browser.new_context(base_url=bot.url, viewport=PHONE)
    page = context.new_page()
    for path in ("/status", of_incident(bot)):
        page.goto(path, wait_until="load")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        picture(page, "phone", path)
    context.close()


def test_axe_finds_nothing(browser: Browser, bot: RunningBot) -> None:  # noqa: F811 - as above
    # The policy of the page forbids what injects axe; it is tested elsewhere.
    context = browser.new_context(base_url=bot.url, bypass_csp=True)
    page = context.new_page()
    found: list[str] = []
    for path in ("/status", of_incident(bot)):
        page.goto(path, wait_until="load")
        found += violations(page, "light", DESK)
        picture(page, "light", path)
        found += violations(page, "dark", PHONE)
        page.set_viewport_size(DESK)
        picture(page, "dark", path)
    context.close()
    assert not found, "\n".join(found)


def test_the_folder_shows_the_same_without_us(page: Page, bot: RunningBot) -> None:
    folder = bot.directory / "public"
    wait_for(
        lambda: (
            (folder / "index.html").exists()
            and "Partial outage" in (folder / "index.html").read_text("utf-8")
            and len(list((folder / "incidents").iterdir())) == 2
        ),
        what="the folder is written",
    )
    page.goto((folder / "index.html").as_uri())
    expect(page.locator(".whole")).to_contain_text("Partial outage")
    page.get_by_role("link", name="Checkout: partial outage").click()
    expect(page.locator("h1")).to_have_text("Checkout: partial outage")
    page.get_by_role("link", name="All of Example status").click()
    expect(page.locator("svg.bars")).to_have_count(3)


def picture(page: Page, name: str, path: str) -> None:
    """Keep a picture where somebody asks for them."""
    if PICTURES:
        kind = "incident" if "incidents" in path else "home"
        page.screenshot(path=Path(PICTURES) / f"{kind}-{name}.png", full_page=True)
