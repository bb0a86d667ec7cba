"""Modals: facts and what was typed so far to a view of Block Kit. Pure; every builder keeps Block Kit's limits."""
