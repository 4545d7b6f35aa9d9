"""The nouns: frozen ticks, their kinds, channels, symbols, conditions, calendar, codecs.

Imports nothing of ours, does no I/O and reads no clock: every module is a core.

Cores: calendar, channels, conditions, decimals, errors, flags, kinds, model, packing, sessions,
sources, symbols, times.
Shells: none.
"""
