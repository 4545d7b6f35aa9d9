"""The store and its writer, and the queries that read the past.

May import `tape`, `ticks` and `config`; never a sibling (`feeds`, `hub`, `alerts`, `accounts`).

Cores: none.
Shells: none.
"""
