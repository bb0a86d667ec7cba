"""Silences of incidents: what one would hide, and the worker that has the sources of alerts hold and lift them."""
