"""Who wants what: the router, the flush wheel, back-pressure, resume, and the native protocol.

Docs: `docs/native-protocol.md`. May import `tape`, `ticks` and `config`; never a sibling.

Cores: bucket, callers, catchup, certificates, channel_table, codes, connection, desk, effects,
errors, feeder, market_gaps, messages, moment, pieces, reception, router, sender, session, subscription,
switchboard, tape_view, websocket, windows, wire, wishes.
Shells: hub, stream, turn.
"""
