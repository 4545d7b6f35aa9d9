"""The wiring: the whole system on a page, HTTP routes, the command line, metrics and logs.

Imports every other package; nobody imports it.

Cores: errors, options, health, pipeline, throttle, totals.
Shells: __main__, cli, logs, metrics, preflight.
"""
