"""Price alerts: rules, the engine, watchlists, the outbox and what it needs to survive a crash.

What rings when, and what is kept: `docs/alerts.md`. May import `tape`, `ticks` and `config`;
never a sibling.

Cores: errors, form, model.
Shells: none.
"""
