"""The store that needs nothing installed: one SQLite file per trading day and family.

    store/2026-07-13-trades.sqlite      rows in order of marks, an index by series and time
    store/strays-trades.sqlite          rows whose event time cannot be true
    store/checkpoint.sqlite             how far everything has come, and the gaps

Why it is laid out so, with figures: `docs/decisions/0006-sqlite-layout.md`.
"""
