"""The files under observability/ are accepted by the programs that read them, and fit the bot."""

import importlib
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "observability/prometheus"
ALERTMANAGER = ROOT / "observability/alertmanager/alertmanager.yml"
RULE_FILES = sorted((PROMETHEUS / "rules").glob("*.yml"))

# What the seeds ask for; a rule may be added, none of these may get lost.
EXPECTED_RULES = {
    "infrastructure": {
        "HighCPUUsage",
        "CriticalCPUUsage",
        "HighMemoryUsage",
        "CriticalMemoryUsage",
        "HighDiskUsage",
        "CriticalDiskUsage",
        "ServiceDown",
    },
    "application": {
        "HighErrorRate",
        "CriticalErrorRate",
        "HighResponseTime",
        "CriticalResponseTime",
        "LowCacheHitRate",
        "SlowDatabaseQueries",
    },
    "database": {
        "HighDatabaseConnections",
        "LowDatabaseCacheHitRatio",
        "DatabaseDeadlocks",
        "HighRollbackRate",
        "DatabaseDown",
    },
    "incident_bot": {"Watchdog", "IncidentBotDown"},
}


def load(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def rules_of(path: Path) -> list[dict[str, Any]]:
    return [rule for group in load(path)["groups"] for rule in group["rules"]]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.needs("promtool")
def test_promtool_accepts_the_rules(program: Callable[[str], str]) -> None:
    result = run(program("promtool"), "check", "rules", *RULE_FILES)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.needs("promtool")
def test_promtool_accepts_the_prometheus_configuration(program: Callable[[str], str]) -> None:
    result = run(program("promtool"), "check", "config", PROMETHEUS / "prometheus.yml")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.needs("amtool")
def test_amtool_accepts_the_alertmanager_configuration(program: Callable[[str], str]) -> None:
    result = run(program("amtool"), "check-config", ALERTMANAGER)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("group", sorted(EXPECTED_RULES))
def test_the_promised_rules_exist(group: str) -> None:
    names = {rule["alert"] for rule in rules_of(PROMETHEUS / "rules" / f"{group}.yml")}
    assert EXPECTED_RULES[group] <= names


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.stem)
def test_every_alert_says_how_bad_and_what(path: Path) -> None:
    for rule in rules_of(path):
        assert rule["labels"].get("severity"), rule["alert"]
        assert rule["labels"].get("component"), rule["alert"]
        assert rule["annotations"].get("summary"), rule["alert"]
        assert rule["annotations"].get("description"), rule["alert"]


def test_alertmanager_posts_to_the_bot_with_a_token_from_a_file() -> None:
    receivers = {receiver["name"]: receiver for receiver in load(ALERTMANAGER)["receivers"]}
    (webhook,) = receivers["incident-bot"]["webhook_configs"]
    assert webhook["url"].endswith("/webhooks/alertmanager")
    assert webhook["send_resolved"] is True
    authorization = webhook["http_config"]["authorization"]
    assert authorization["type"] == "Bearer"
    assert set(authorization) == {"type", "credentials_file"}


def test_rules_ask_only_for_metrics_that_the_bot_has() -> None:
    known = importlib.import_module("incident_bot.telemetry").METRICS
    asked = {
        name
        for path in RULE_FILES
        for rule in rules_of(path)
        for name in re.findall(r"incident_bot_[a-z_]+", rule["expr"])
    }
    unknown = {
        name for name in asked if name not in known and re.sub(r"_(bucket|count|sum)$", "", name) not in known
    }
    assert asked
    assert not unknown
