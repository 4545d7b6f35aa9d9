"""Price alerts: rules, the engine, watchlists, the outbox and what it needs to survive a crash.

May import `tape`, `ticks` and `config`;
never a sibling.

Cores: engine, errors, form, machine, model, proof, streams, thresholds, values.
Shells: none.
"""
