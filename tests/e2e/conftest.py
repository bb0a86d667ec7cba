from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.sink import WebhookSink
from tests.plugins.databases import (  # noqa: F401 - fixtures are found by their names here
    _sqlite_template,
    empty_postgres_url,
    postgres_url,
    sqlite_url,
    store_url,
)


@pytest.fixture
def sink() -> Iterator[WebhookSink]:
    with WebhookSink() as running:
        yield running
