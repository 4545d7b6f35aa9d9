"""The nouns: frozen ticks, their kinds, channels, symbols, conditions, calendar, codecs.

Imports nothing of ours, does no I/O and reads no clock: every module is a core.

Cores: calendar, channels, codec, conditions, decimals, errors, flags, keys, kinds, model, packing,
sessions, sources, symbols, templates, times.
Shells: none.
"""
