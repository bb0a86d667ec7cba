"""Incidents and the events that make them."""

from incident_bot.store.incidents.buckets import bucket, buckets, save_buckets
from incident_bot.store.incidents.chain import digest_of, first_broken, hashed
from incident_bot.store.incidents.reading import (
    closed_by_keys,
    count_by_paging,
    count_flapping,
    end_of_merges,
    events,
    events_since,
    get,
    get_many,
    last_of_kind,
    latest_seq,
    list_incidents,
    numbers_of,
    of_kinds,
    open_between,
    open_by_keys,
    private_among,
    published,
    verify_chain,
)
from incident_bot.store.incidents.saving import save

__all__ = [
    "bucket",
    "buckets",
    "closed_by_keys",
    "count_by_paging",
    "count_flapping",
    "digest_of",
    "end_of_merges",
    "events",
    "events_since",
    "first_broken",
    "get",
    "get_many",
    "hashed",
    "last_of_kind",
    "latest_seq",
    "list_incidents",
    "numbers_of",
    "of_kinds",
    "open_between",
    "open_by_keys",
    "private_among",
    "published",
    "save",
    "save_buckets",
    "verify_chain",
]
