from __future__ import annotations

from tests.plugins.story import plain_logs  # noqa: F401 - fixtures are found by their names here
