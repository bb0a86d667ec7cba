"""SIGKILL at the worst moments: what was answered with 200 is kept, and what was planned is sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from incident_bot.flow.deliver import LEASE
from tests.e2e.bodies import alert, delivery
from tests.e2e.configuration import small, write
from tests.e2e.harness import RunningBot, wait_for
from tests.e2e.sink import Mode, WebhookSink
from tests.e2e.storm import Storm, assert_conserved, assert_one_incident_a_name, assert_paged, bodies

NAMES = 40
# A killed sender's rows come back when their lease ends (S4); a retry's pause comes on top.
LEASE_SECONDS = 45.0


@pytest.fixture
def bot(store_url: str, tmp_path: Path, sink: WebhookSink) -> Iterator[RunningBot]:
    environment = {"INCIDENT_BOT_WEBHOOK_URL": sink.url}
    with RunningBot(write(tmp_path, small()), database_url=store_url, environment=environment) as running:
        yield running


def test_killed_in_a_storm(bot: RunningBot, sink: WebhookSink) -> None:
    storm = Storm(bot.url, bodies(400, names=NAMES))

    def kill(running: Storm) -> None:
        wait_for(lambda: len(running.promised) > 150, what="a good part was answered", step=0.002)
        bot.kill()

    storm.run(kill)
    assert storm.unsent, "everything was answered before the kill"
    promised = set(storm.promised)
    bot.start()
    assert_conserved(bot, promised)
    storm.again()
    assert len(storm.promised) == 800
    assert_conserved(bot, storm.promised)
    incidents = assert_one_incident_a_name(bot, {f"Storm{number:03d} fires" for number in range(NAMES)})
    assert_paged(bot, sink, incidents, seconds=LEASE_SECONDS)
    assert not bot.errors()


def test_killed_alone_on_its_database_it_waits_for_no_lease(
    sqlite_url: str, tmp_path: Path, sink: WebhookSink
) -> None:
    environment = {"INCIDENT_BOT_WEBHOOK_URL": sink.url}
    with RunningBot(write(tmp_path, small()), database_url=sqlite_url, environment=environment) as bot:
        sink.behave(Mode.HANG)
        bot.deliver(delivery([alert("Killed", severity="critical")], group="killed"))
        wait_for(sink.pages, what="the page hangs at the provider")
        bot.kill()
        sink.release()
        bot.start()
        (incident,) = bot.incidents()
        wait_for(lambda: bot.pages(incident["id"])[0]["state"] == "sent", what="the page is sent again")
        lost, sent = bot.pages(incident["id"])[0]["attempts"]
        assert (lost["result"], sent["result"]) == ("unknown", "sent")
        pause = datetime.fromisoformat(sent["at"]) - datetime.fromisoformat(lost["at"])
        assert pause < LEASE
        assert len({post.key for post in sink.pages()}) == 1


def test_killed_while_pages_are_being_sent(bot: RunningBot, sink: WebhookSink) -> None:
    sink.behave(Mode.HANG)
    storm = Storm(bot.url, bodies(60, names=30))
    storm.run()
    assert not storm.unsent
    wait_for(lambda: len(sink.pages()) >= 8, what="pages hang at the provider")
    bot.kill()
    sink.release()
    bot.start()
    assert_conserved(bot, storm.promised)
    incidents = assert_one_incident_a_name(bot, {f"Storm{number:03d} fires" for number in range(30)})
    assert_paged(bot, sink, incidents, seconds=LEASE_SECONDS)
    taken = {post.key for post in sink.taken_pages()}
    assert len(taken) == 30
    assert not bot.errors()
