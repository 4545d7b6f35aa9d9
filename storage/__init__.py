"""The store and its writer, and the queries that read the past.

May import `tape`, `ticks` and `config`; never a sibling (`feeds`, `hub`, `alerts`, `accounts`).

Cores: bars, contract, corrections, cursor, encode, errors, filing, gaps, history, memory, queries,
scan_messages, sqlite.columns, tail, tail_cache, writer.
Shells: child, key_file, pool, process, scan_process, sqlite.checkpoint, sqlite.database, sqlite.day_file,
sqlite.reader, sqlite.writer, stores, upkeep.
"""
