"""Settings as text for people: TOML, with secrets masked and, if asked for, with comments."""

import json
import re
from collections.abc import Iterator

from config.describe import Setting, allowed, settings_of
from config.settings import MASK, Section, Settings


def to_toml(settings: Settings, *, commented: bool = False, masked: bool = True) -> str:
    """The settings as a TOML document.

    Args:
        settings: what to show.
        commented: put each setting's documentation above it, and each default behind it as a
            comment, so that the text can serve as a first configuration file.
        masked: print `********` for secrets; without it the text reads back as the same settings.
    """
    lines = "\n".join(_section(settings, "", commented, masked))
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"


def toml_value(value: object) -> str:
    """One plain value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple | list):
        return "[" + ", ".join(toml_value(entry) for entry in value) + "]"
    return str(value)


def _section(section: Section, path: str, commented: bool, masked: bool) -> Iterator[str]:
    """The lines of one section: its plain values, then its tables."""
    settings = settings_of(type(section), path)
    for setting in settings:
        if setting.section is None:
            yield from _line(setting, getattr(section, setting.name), commented, masked)
    for setting in settings:
        below = getattr(section, setting.name)
        if setting.section is None:
            continue
        yield f"\n# {setting.doc}" if commented else ""
        if setting.is_list and not below and commented:
            yield from _example(setting)
        for entry in below if setting.is_list else (below,):
            yield f"[[{setting.path}]]" if setting.is_list else f"[{setting.path}]"
            yield from _section(entry, setting.path, commented, masked)
            yield ""


def _line(setting: Setting, value: object, commented: bool, masked: bool) -> Iterator[str]:
    if commented:
        yield f"# {setting.doc} Allowed: {allowed(setting.value_type, setting.name)}."
    shown = MASK if masked and setting.is_secret and value else value
    yield f"{setting.name} = {toml_value(shown)}"


def _example(setting: Setting) -> Iterator[str]:
    """A list of tables that has no entry yet, as comments: what one entry may hold."""
    assert setting.section is not None
    yield f"# [[{setting.path}]]"
    for below in settings_of(setting.section):
        start = "…" if below.required else toml_value(below.default)
        yield f"# {below.name} = {start}  # {below.doc}"
