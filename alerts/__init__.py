"""Price alerts: rules, the engine, watchlists, the outbox and what it needs to survive a crash.

What rings when, and what is kept: `docs/alerts.md`. May import `tape`, `ticks` and `config`; never
a sibling.

Cores: book, changes, engine, errors, form, machine, model, proof, streams, thresholds, values,
watchlists, webhooks.address, webhooks.lanes, webhooks.plan, webhooks.signature.
Shells: committer, database, follower, outbox, runtime, store, webhooks.deliverer, webhooks.endpoints,
webhooks.sender.
"""
