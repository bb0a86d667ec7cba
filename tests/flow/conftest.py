from __future__ import annotations

from tests.plugins.databases import (  # noqa: F401 - fixtures are found by their names here
    _sqlite_template,
    empty_postgres_url,
    postgres_url,
    sqlite_url,
    store_url,
)
from tests.plugins.story import (  # noqa: F401 - fixtures are found by their names here
    plain_logs,
    story,
    story_url,
    tell,
)
