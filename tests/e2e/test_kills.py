"""A small sample of `benchmarks/kills.py`: the real process is killed again and again, and every page is counted."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.e2e.configuration import ROOT

SECONDS_MOST = 280
"""A machine with much else to do is slow to start a killed process again."""


@pytest.mark.parametrize(
    "database, replicas, kills", [("sqlite", 1, 3), ("postgresql", 3, 3)], ids=["sqlite", "postgresql"]
)
def test_nothing_is_lost_and_nothing_comes_twice_without_a_reason(
    database: str, replicas: int, kills: int
) -> None:
    done = subprocess.run(
        [
            sys.executable, str(ROOT / "benchmarks/kills.py"), "--databases", database,
            "--kills", str(kills), "--replicas", str(replicas),
        ],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=SECONDS_MOST,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    told: dict[str, Any] = json.loads(done.stdout)
    (figures,) = told["figures"]
    assert not any(told["wrong"].values()), told["wrong"]
    assert figures["kills"] == kills
    assert figures["deliveries_answered"] > kills
    assert figures["incidents"] > 0
    assert figures["pages"] > figures["incidents"] / 2
