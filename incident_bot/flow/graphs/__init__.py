"""Graphs of an incident: asked for with a decision, taken from Prometheus by the worker, read by people."""
