"""Price alerts: rules, the engine, watchlists, devices, the outbox and the push senders.

No module yet: nothing rings in this version. May import `tape`, `ticks` and `config`; never a
sibling.

Cores: none.
Shells: none.
"""
