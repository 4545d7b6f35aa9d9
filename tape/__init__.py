"""The tape: every tick numbered once, journalled, kept for a while in memory, read back by mark.

The durability rule is in `docs/decisions/0004-durability-rule.md`; format, states and
recovery in `docs/tape.md`.

Cores: bar_audit, bar_book, bar_drafts, bar_orphans, bar_rules, bars, batch, errors, feed_clock,
frames, latest, outage, ring, rows, sequencer, state, unsynced.
Shells: archive, disk, files, folder, journal, marks, reader, recovery, segment, syncer, tape.
"""
