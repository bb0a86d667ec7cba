"""Each benchmark runs, prints one JSON object, and loses nothing; what it measures here means nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(name: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), "--quick", *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["benchmark"] == name
    assert {"python", "sqlite", "uvicorn", "cores"} <= set(told["versions"])
    assert "round 1 of 1" in done.stderr
    return told


def test_floor() -> None:
    figures = run("floor", "--databases", "sqlite")["figures"]["sqlite"]
    assert set(figures) == {"new1", "rep1", "new50", "rep50"}
    assert figures["new1"]["alerts_per_second"] > 0


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_ingest(kind: str) -> None:
    told = run("ingest", "--databases", kind, "--shapes", "new1", "rep50")
    assert {(one["connections"], one["shape"]) for one in told["figures"]} == {(16, "new1"), (16, "rep50")}
    assert all(one["product_alerts_per_second"] > 0 and one["ratio"] > 0 for one in told["figures"])
    assert (told["lost"], told["refused"]) == (0, 0)


def test_paging() -> None:
    (figures,) = run("paging", "--databases", "sqlite")["figures"]
    assert figures["pages"] > 5
    assert (figures["lost"], figures["twice"], figures["refused"]) == (0, 0, 0)
    assert figures["received_to_page_p50_ms"] > 0
    assert figures["cpu_ms_per_page"] > 0


def test_stages() -> None:
    figures = run("stages", "--databases", "sqlite")["figures"]
    assert [one["batch"] for one in figures] == [1, 8, 32]
    stages = ("intake", "claim", "words", "send", "record")
    assert all(one[name] > 0 for one in figures for name in (*stages, "whole"))


def test_load() -> None:
    told = run("load", "--databases", "sqlite")
    by_part = {one["part"]: one for one in told["figures"]}
    assert list(by_part) == ["free", "paced", "stopped", "replay"]
    for one in by_part.values():
        assert not any(one.get(name) for name in ("lost", "twice", "passed_over", "claimed_after_ack"))
    assert by_part["free"]["messages"] == 10
    assert 0 < by_part["paced"]["messages"] <= 50
    assert by_part["paced"]["most_in_a_minute"] <= by_part["paced"]["rate"]
    # How many still waited when somebody acknowledged is a question of the machine's speed.
    assert by_part["stopped"]["cancelled"] <= by_part["stopped"]["acknowledged"]
    assert by_part["replay"]["replay_per_second"] > 0


def test_timers() -> None:
    (figures,) = run("timers", "--databases", "sqlite")["figures"]
    assert all(figures[name] > 0 for name in ("find_ms", "arm_us", "fire_us", "idle_pss_mb", "ready_s"))
    assert figures["late_most_s"] < 30


def test_commands() -> None:
    (figures,) = run("commands", "--databases", "sqlite")["figures"]
    assert figures["open"] >= 20
    assert figures["ack_p99_ms"] >= figures["ack_p50_ms"] > 0
    assert figures["claimed_after_ack"] == 0


def test_pages() -> None:
    told = run("pages", "--databases", "sqlite")
    asked = {one["route"]: one for one in told["figures"]}
    assert {
        "/",
        "/incidents",
        "/incidents/{id}",
        "/api/v1/alerts",
        "/oncall",
        "/metrics",
        "/health",
    } <= asked.keys()
    assert not [one["address"] for one in told["figures"] if one["status"] >= 500]
    assert all(one["p50_ms"] > 0 for one in told["figures"])


def test_slack() -> None:
    (figures,) = run("slack", "--weather", "storm")["figures"]
    assert (figures["trouble"], figures["incidents"]) == ({}, 12)
    assert figures["calls"]["conversations.create"] == 8


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_model(kind: str) -> None:
    told = run("model", "--database", kind, "--replicas", "2", "--seed", "1")
    assert (told["stories"], told["violations"]) == (3, [])
    assert sum(told["actions"].values()) > 20
    assert told["seen"]["pages sent"] > 0


@pytest.mark.needs("chromium")
def test_live() -> None:
    figures = run("live")["figures"]
    assert [one["page"] for one in figures] == ["incident", "now"]
    assert all(one["p50_ms"] > 0 for one in figures)


def test_export() -> None:
    told = run("export")
    assert set(told["figures"]) == {"Markdown", "HTML", "PDF", "JSON", "editor", "bundle"}
    assert told["entries"] == 50
