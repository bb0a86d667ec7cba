"""The doors: what comes in over HTTP is checked, handed to `flow`, and answered.

Decides nothing, stores nothing.
"""
