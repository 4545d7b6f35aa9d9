"""The numbered, journalled stream of all ticks: the one truth that every other part reads.

May import `ticks` and `config`. The disk is reached from the shells only.

Cores: batch.
Shells: none.
"""
