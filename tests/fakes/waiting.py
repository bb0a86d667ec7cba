"""For real threads: look until it is so. Never sleeps for a fixed time."""

from __future__ import annotations

import threading
from collections.abc import Callable

PATIENCE_SECONDS = 20.0
STEP_SECONDS = 0.01


def eventually(happened: Callable[[], object], what: str = "it") -> None:
    """Return as soon as it is so; fail by name when it does not become so."""
    pause = threading.Event()
    for _ in range(int(PATIENCE_SECONDS / STEP_SECONDS)):
        if happened():
            return
        pause.wait(STEP_SECONDS)
    raise AssertionError(f"waited {PATIENCE_SECONDS:.0f} s in vain for {what}")
