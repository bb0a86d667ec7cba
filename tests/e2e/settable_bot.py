"""`incident-bot serve` on a machine whose clock can be set: a file says by how many seconds it is off.

The product has no switch for that. This program wires it as `serve` does and hands in the clock, as all tests do.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from incident_bot import bootstrap, clock, serving
from incident_bot.config.settings import Settings
from incident_bot.telemetry import configure_logging

OFFSET_FILE = "clock_offset"


def main() -> None:
    settings = Settings.load(os.environ)
    configure_logging(level="info", style="json")
    file = Path(OFFSET_FILE)

    def wall() -> datetime:
        return clock.wall() + timedelta(seconds=float(file.read_text(encoding="ascii")))

    serving.serve(bootstrap.build(settings, clock=clock.SystemClock(wall=wall), exclusive=True))


if __name__ == "__main__":
    main()
