"""Benchmarks: each module prints one JSON line with its figures and the machine's name."""
