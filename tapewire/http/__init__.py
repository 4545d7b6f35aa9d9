"""HTTP: a table of routes, each parsed, settled and answered in the same way.

From the outside in: `server` (what the parser refuses), `application` (what all requests share),
`routes` (the table), `answers` (the types of what is taken and answered), `parameters` and
`questions` (typed values), `access` and `settle` (who may see how much, as of which mark),
`data`, `gaps`, `latest`, `status`, `page`,
`alerts`, `watchlists`, `webhooks` (the handlers), `owned`, `bodies`, `idempotency` (what those that change
something share), `rows`, `ndjson`, `responses`, `problems` (what is sent).
"""
