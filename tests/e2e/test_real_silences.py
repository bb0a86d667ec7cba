"""Silences at the real Alertmanager 0.25 or newer: made, moved and lifted by commands at the bot's own door."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.e2e.configuration import small, write
from tests.e2e.harness import RunningBot, wait_for
from tests.e2e.real_alertmanager import RealAlertmanager, configuration
from tests.e2e.sink import WebhookSink

pytestmark = pytest.mark.needs("alertmanager")

DISK = {"alertname": "DiskFilling", "instance": "host-01", "cluster": "eu", "severity": "critical"}
OTHER = {"alertname": "DiskFilling", "instance": "host-02", "cluster": "us", "severity": "critical"}


def silences(alertmanager: RealAlertmanager) -> list[dict[str, Any]]:
    """Those that hold now, by their start."""
    found = httpx2.get(f"{alertmanager.url}/api/v2/silences", trust_env=False).raise_for_status().json()
    return [one for one in found if one["status"]["state"] == "active"]


def suppressed(alertmanager: RealAlertmanager) -> set[str]:
    return {one["labels"]["instance"] for one in alertmanager.alerts() if one["status"]["silencedBy"]}


def test_a_silence_is_made_moved_and_lifted_with_its_incident(
    sqlite_url: str, tmp_path: Path, sink: WebhookSink, program: Callable[[str], str]
) -> None:
    # The two need each other's addresses; Alertmanager keeps trying a webhook whose bot is not up yet.
    environment = {"INCIDENT_BOT_WEBHOOK_URL": sink.url}
    bot = RunningBot(write(tmp_path, small()), database_url=sqlite_url, environment=environment)
    config = configuration(f"{bot.url}/webhooks/alertmanager", group_by=("alertname", "cluster"))
    with RealAlertmanager(program("alertmanager"), tmp_path / "am", config=config) as alertmanager:
        write(tmp_path, small(alertmanager.url))
        with bot:
            alertmanager.fire(DISK, OTHER)
            wait_for(lambda: len(bot.incidents()) == 2, what="an incident for each cluster")
            (eu,) = [one["id"] for one in bot.incidents() if one["title"] == "a story"][-1:]
            detail = bot.get(f"/api/v1/incidents/{eu}")
            mine = detail["alerts"][0]["labels"]["instance"]

            reply = bot.command(eu, "silence 2h moving the disk")["reply"]
            assert "It hides 1 alert that fires now." in reply["text"]
            wait_for(lambda: suppressed(alertmanager) == {mine}, what="its alert is silenced, and no other")
            (made,) = silences(alertmanager)
            assert {one["name"]: one["value"] for one in made["matchers"]} == {
                "alertname": "DiskFilling",
                "cluster": detail["alerts"][0]["labels"]["cluster"],
                "service": "",
            }
            assert f"{eu} a story: moving the disk" in made["comment"]
            wait_for(
                lambda: bot.get(f"/api/v1/incidents/{eu}")["silences"][0]["state"] == "held",
                what="the incident knows that it holds",
            )

            bot.command(eu, "silence 4h")
            wait_for(lambda: silences(alertmanager)[0]["endsAt"] > made["endsAt"], what="its end has moved")
            assert [one["id"] for one in silences(alertmanager)] == [made["id"]]

            bot.command(eu, "resolve moved")
            wait_for(lambda: not silences(alertmanager), what="it is lifted with the incident")
            wait_for(
                lambda: bot.get(f"/api/v1/incidents/{eu}")["silences"][0]["state"] == "over",
                what="the incident knows that it is lifted",
            )
            assert suppressed(alertmanager) == set()
            assert bot.errors() == []
