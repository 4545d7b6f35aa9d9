"""The wiring: the whole system on a page, HTTP routes, the command line, metrics and logs.

Imports every other package; nobody imports it.

Cores: none.
Shells: none.
"""
