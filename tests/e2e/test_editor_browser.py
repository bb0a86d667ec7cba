"""Two people write one post-mortem in two browsers: nothing of either is lost, with a connection and without."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.bodies import alert, delivery
from tests.e2e.configuration import small, write
from tests.e2e.harness import RunningBot, wait_for
from tests.e2e.sink import WebhookSink
from tests.e2e.test_console_browser import (
    PATIENCE,
    browser,  # noqa: F401 - a fixture is found by its name here
    watched,
)

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("browser")]

EDIT = "/incidents/INC-1/postmortem/edit"
SUMMARY = "_To write: In three sentences: what broke, who felt it, what ended it._"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>[x](javascript:alert(3))"


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    """A bot with one incident that is over."""
    directory = tmp_path_factory.mktemp("editor")
    write(directory, small())
    url = f"sqlite:///{directory}/bot.db"
    with (
        WebhookSink() as sink,
        RunningBot(
            directory, database_url=url, environment={"INCIDENT_BOT_WEBHOOK_URL": sink.url}
        ) as running,
    ):
        told = alert("Story", severity="critical", annotations={"summary": "Story fires"})
        assert running.deliver(delivery([told], group="Story")).status_code == 200
        wait_for(running.incidents, what="an incident")
        for text in ("ack", "note it is the disk", "resolve the disk was full"):
            running.command("INC-1", text)
        yield running
        assert not running.errors()


@pytest.fixture
def writer(browser: Browser, bot: RunningBot) -> Iterator[Callable[[str], Page]]:  # noqa: F811 - the fixture
    """Open the editor as somebody, in a browser of their own."""
    opened = []

    def enter(person: str) -> Page:
        context = browser.new_context(base_url=bot.url, color_scheme="light")
        context.set_default_timeout(PATIENCE)
        context.add_cookies([{"name": "incident_bot_person", "value": person, "url": bot.url}])
        visit = watched(context.new_page())
        opened.append((context, visit))
        visit.page.goto(EDIT, wait_until="load")
        return visit.page

    yield enter
    for context, visit in opened:
        assert not visit.dialogs
        context.close()


def change(page: Page, old: str, new: str) -> None:
    """Type, and save at once."""
    text = page.input_value("#text")
    assert old in text
    page.fill("#text", text.replace(old, new))
    page.keyboard.press("Control+s")


def test_two_write_at_once(writer: Callable[[str], Page], bot: RunningBot) -> None:
    alice, bob = writer("alice"), writer("bob")
    saving = {page: page.locator("#saving") for page in (alice, bob)}
    change(alice, SUMMARY, f"Checkout was down.\n\n{HOSTILE}")
    expect(saving[alice]).to_contain_text("Saved as version")
    expect(alice.locator("#preview")).to_contain_text("Checkout was down.")
    assert alice.locator("#preview img, #preview script").count() == 0

    change(bob, "## 5. Background", "## 5. Background\n\nThe disk is shared.")
    expect(saving[bob]).to_contain_text("both changes are in the text")
    assert "Checkout was down." in bob.input_value("#text")
    bob.keyboard.press("Control+s")
    expect(saving[bob]).to_contain_text("Saved as version")
    stored = document(bot)
    assert "Checkout was down." in stored
    assert "The disk is shared." in stored

    change(alice, "Checkout was down.", "Nobody could pay.")
    expect(saving[alice]).to_contain_text("both changes are in the text")
    alice.keyboard.press("Control+s")
    expect(saving[alice]).to_contain_text("Saved as version")
    change(bob, "Checkout was down.", "Cards were refused.")
    expect(saving[bob]).to_contain_text("quoted beneath yours")
    both = bob.input_value("#text")
    for words in ("Cards were refused.", "> The other version has:", "Nobody could pay."):
        assert words in both
    assert "Nobody could pay." in document(bot)
    bob.keyboard.press("Control+s")
    expect(saving[bob]).to_contain_text("Saved as version")
    assert "> The other version has:" in document(bot)


def test_without_a_connection_the_text_is_kept_and_saved_later(
    writer: Callable[[str], Page], bot: RunningBot
) -> None:
    page = writer("alice")
    page.context.set_offline(True)
    change(page, "## 5. Background", "## 5. Background\n\nWritten in a tunnel.")
    expect(page.locator("#saving")).to_contain_text("kept in this browser")
    assert "tunnel" in page.evaluate("localStorage.getItem('postmortem:INC-1')")
    page.context.set_offline(False)
    expect(page.locator("#saving")).to_contain_text("Saved as version")
    assert "Written in a tunnel." in document(bot)
    assert page.evaluate("localStorage.getItem('postmortem:INC-1')") is None
    # A blank that is filled: the bot's own line of how many are is another one now.
    page.fill("#text", page.input_value("#text").replace("_To write: What went well?_", "The bridge held."))
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(re.compile("saved="))
    assert "The bridge held." in page.input_value("#text")
    expect(page.locator("#kept")).to_be_hidden()
    assert page.evaluate("localStorage.getItem('postmortem:INC-1')") is None

    # What a form brings back unsaved is saved by itself as well, and kept until it is.
    page.fill("#text", page.input_value("#text").replace("The bridge held.", "The bridge held, just so."))
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.locator("#preview")).to_contain_text("just so")
    assert "just so" in page.evaluate("localStorage.getItem('postmortem:INC-1')")
    expect(page.locator("#saving")).to_contain_text("Saved as version")
    assert "just so" in document(bot)

    page.context.set_offline(True)
    change(page, "Written in a tunnel.", "Written in a tunnel, twice.")
    expect(page.locator("#saving")).to_contain_text("kept in this browser")
    context = page.context
    page.close()
    context.set_offline(False)
    again = context.new_page()
    again.goto(EDIT, wait_until="load")
    expect(again.locator("#saving")).to_contain_text("Take it or forget it")
    again.locator("#text").focus()
    again.keyboard.type("typed over it")
    assert "twice" in again.evaluate("localStorage.getItem('postmortem:INC-1')")
    again.click("#take")
    again.keyboard.press("Control+s")
    expect(again.locator("#saving")).to_contain_text("Saved as version")
    assert "Written in a tunnel, twice." in document(bot)
    assert "typed over it" not in document(bot)


def document(bot: RunningBot) -> str:
    text: str = bot.get("/api/v1/incidents/INC-1/postmortem/document")["text"]
    return text
