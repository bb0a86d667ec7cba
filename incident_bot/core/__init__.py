"""The decisions: pure functions and values that are given the time. No I/O, no clock, no framework."""
