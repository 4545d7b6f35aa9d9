"""The wiring: the whole system on a page, HTTP routes, the command line, metrics and logs.

Imports every other package; nobody imports it.

Cores: alert_words, demo, errors, health, options, pipeline, shapes, stream_messages, tail_board,
tail_lines, tail_options, throttle, totals, http.access, http.answers, http.formats, http.parameters,
http.problems, http.questions, http.rows, http.seats.
Shells: __main__, alert_cli, alert_desk, alert_stream, alerting, app, asyncapi, audit, bar_feed, cli,
demo_start, fanout, feeding, first_config, frontdoor, hub_metrics, hub_requests, logs, metrics, openapi,
preflight, replay_report, services, tail, tail_table, watch, writer_main, writer_process, http.alerts,
http.application, http.bodies, http.call, http.data, http.gaps, http.idempotency, http.latest,
http.ndjson, http.owned, http.page, http.responses, http.routes, http.server, http.services,
http.serving, http.settle, http.status, http.watchlists, http.webhooks.
"""
