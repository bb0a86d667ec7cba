"""`user`: the way in when no other one works, who is signed in, and out with them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from incident_bot import bootstrap
from incident_bot.config.settings import Settings
from incident_bot.flow import signin
from tests.cli.command_line import CommandLine


def opened(bot: CommandLine, url: str, sqlite_url: str) -> None:
    """Do what the page behind the link does."""
    environ = {"INCIDENT_BOT_DATABASE_URL": sqlite_url, "INCIDENT_BOT_CONFIG_DIR": str(bot.directory)}
    application = bootstrap.build(Settings.load(environ))
    try:
        secret = urlsplit(url).path.rpartition("/")[2]
        signin.use_link(application.context, secret, agent="curl/8", now=application.clock.now())
    finally:
        application.close()


def test_a_link_opens_a_session_that_can_be_seen_and_ended(bot: CommandLine, sqlite_url: str) -> None:
    assert bot.ok("user", "sessions") == "nobody is signed in\n"
    for words in (("ana", "--role", "admin"), ("ben",), ()):
        address = bot.ok("user", "sign-in", *words).splitlines()[0]
        assert re.fullmatch(r"http://127\.0\.0\.1:8080/sign-in/link/[A-Za-z0-9_-]{43}", address)
        opened(bot, address, sqlite_url)
    listed = bot.ok("user", "sessions").splitlines()
    assert re.fullmatch(r"3  operator as admin  by link 20.* seen 20.* until 20.*  curl/8", listed[0])
    assert [line.split("  by")[0] for line in listed[1:]] == ["2  Ben Example", "1  Ana Example as admin"]
    assert bot.ok("user", "sessions", "ben").startswith("2  Ben Example  by link")
    assert bot.ok("user", "sign-out", "ben") == "1 session is ended\n"
    assert bot.ok("user", "sign-out", "--session", "1") == "session 1 is ended\n"
    assert "no session 1 that still opens anything" in bot.refused("user", "sign-out", "--session", "1")
    assert bot.ok("user", "sign-out", "--all") == "1 session is ended\n"
    assert bot.ok("user", "sessions") == "nobody is signed in\n"


@pytest.mark.parametrize(
    "words, said",
    [
        (("sign-in", "anna"), "There is no active person 'anna' in people.yaml"),
        (("sign-in", "ana", "--minutes", "9999"), "lasts 1 to 1440 minutes"),
        (("sign-out",), "say whose: a name, --session NUMBER, or --all"),
        (("sign-out", "ana", "--all"), "say whose"),
        (("sign-out", "anna"), "there is nobody 'anna' in people.yaml"),
    ],
)
def test_what_is_refused_says_what_to_write(bot: CommandLine, words: tuple[str, ...], said: str) -> None:
    assert said in bot.refused("user", *words)


def test_the_list_says_what_everybody_may_do(bot: CommandLine) -> None:
    assert "ana  Ana Example  responder of every team" in bot.ok("user", "list")
    bot.write({"rotations/access.yaml": "roles: {ben: {'*': admin}}\n"})
    listed = bot.ok("user", "list")
    assert "ben  Ben Example  admin of every team" in listed
    assert "ana  Ana Example  viewer of every team, responder of web" in listed
