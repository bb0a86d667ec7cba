"""`/oncall`: its words, what they do, and what happens around a hand-off.

`run` takes a line from any surface; `handoffs` is what a schedule's timer does.
"""
