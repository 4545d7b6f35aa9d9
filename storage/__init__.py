"""The store and its writer, and the queries that read the past.

May import `tape`, `ticks` and `config`; never a sibling (`feeds`, `hub`, `alerts`, `accounts`).

Cores: contract, corrections, errors, filing, gaps, memory, queries, sqlite.columns.
Shells: sqlite.checkpoint, sqlite.database, sqlite.day_file, sqlite.reader, sqlite.writer.
"""
