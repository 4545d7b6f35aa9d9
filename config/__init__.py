"""Every setting, with its default, unit and line of documentation, and where they are read from.

Imports nothing of ours. The environment and the TOML file are read here and nowhere else.

Cores: settings, describe, errors, lines, raw, check, show, schema.
Shells: files, load.
"""
