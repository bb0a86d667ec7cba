"""Episodes, and the deliveries and delivery groups that told of them."""

from incident_bot.store.alerts.deliveries import (
    count_deliveries,
    deferred,
    delivery,
    forget_deliveries,
    forget_digests,
    groups,
    insert_deliveries,
    save_groups,
    settle_delivery,
    touch_groups,
)
from incident_bot.store.alerts.episodes import (
    count_firing,
    episode,
    episodes_of_incident,
    firing_labels,
    held_episodes,
    insert_episodes,
    list_episodes,
    newest_episodes,
    open_of_groups,
    open_of_source,
    update_episodes,
)
from incident_bot.store.alerts.values import Group, NewDelivery, StoredDelivery, group_hash
from incident_bot.store.tables.states import DeliveryState

__all__ = [
    "DeliveryState",
    "Group",
    "NewDelivery",
    "StoredDelivery",
    "count_deliveries",
    "count_firing",
    "deferred",
    "delivery",
    "episode",
    "episodes_of_incident",
    "firing_labels",
    "forget_deliveries",
    "forget_digests",
    "group_hash",
    "groups",
    "held_episodes",
    "insert_deliveries",
    "insert_episodes",
    "list_episodes",
    "newest_episodes",
    "open_of_groups",
    "open_of_source",
    "save_groups",
    "settle_delivery",
    "touch_groups",
    "update_episodes",
]
