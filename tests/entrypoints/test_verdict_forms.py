"""The buttons of the incident page after it is over, without script: verdicts, and how the runbook did."""

from __future__ import annotations

import re
from datetime import timedelta

from incident_bot.entrypoints.sheet import FORM_HEADERS
from tests.entrypoints.conftest import World

BROWSER = {"origin": "http://localhost:8080", "sec-fetch-site": "same-origin", **FORM_HEADERS}


def test_what_an_alert_was_worth_and_how_the_runbook_did(world: World) -> None:
    client = world.client(headers=BROWSER)
    number = world.open_incident()
    assert "Was it worth a page?" not in client.get(f"/incidents/{number}").text
    for line in ("ack", "resolve over"):
        client.post(f"/incidents/{number}/commands", data={"text": line, "key": line})
    page = client.get(f"/incidents/{number}").text
    assert "Was it worth a page?" in page
    assert {"verdict noise HighCPU", "verdict threshold HighCPU"} <= set(
        re.findall(r'value="(verdict [^"]*)"', page)
    )
    said = client.post(
        f"/incidents/{number}/commands", data={"text": "verdict noise HighCPU", "key": "k1", "back": "here"}
    )
    assert said.status_code == 303
    fields = {"text": "runbook outdated", "reason": "the host <b>is</b> gone", "key": "k2", "back": "here"}
    assert client.post(f"/incidents/{number}/commands", data=fields).status_code == 303
    after = client.get(f"/incidents/{number}").text
    assert "verdict noise HighCPU" not in re.findall(r'value="(verdict [^"]*)"', after)
    assert "out of date" in after
    book = client.get("/runbooks/infrastructure/high-cpu.md").text
    assert "Worked 0 of 1 times" in book
    assert "the host &lt;b&gt;is&lt;/b&gt; gone" in book
    world.clock.advance(timedelta(minutes=1))
    insights = client.get("/insights").text
    assert "noise 1" in insights
    assert "Runbooks</h2>" in insights
