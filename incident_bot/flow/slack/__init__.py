"""Slack: rooms as projections of incidents, and what people do there."""
