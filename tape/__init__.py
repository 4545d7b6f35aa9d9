"""The tape: every tick numbered once, journalled, kept for a while in memory, read back by mark.

The durability rule is in `docs/decisions/0004-durability-rule.md`; the format in the
docstrings of `frames`, `rows`, `segment` and `archive`.

Cores: batch, errors, frames, latest, ring, rows, segment, sequencer, state.
Shells: archive, disk, files, journal, marks, reader, recovery, syncer, tape.
"""
