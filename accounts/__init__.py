"""Who may read what: credentials in, principals and decisions out.

May import `ticks` and `config` only; never the tape, never a sibling.

Cores: none.
Shells: none.
"""
