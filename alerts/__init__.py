"""Price alerts: rules, the engine, watchlists, the outbox and what it needs to survive a crash.

What rings when, and what is kept: `docs/alerts.md`. May import `tape`, `ticks` and `config`; never
a sibling.

Cores: book, changes, engine, errors, form, machine, model, proof, streams, thresholds, values,
watchlists.
Shells: committer, database, follower, outbox, runtime, store.
"""
