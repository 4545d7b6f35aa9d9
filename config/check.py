"""From nested tables to `Settings`, with every problem found on the way.

`msgspec.convert` stops at the first problem and quotes what it found; people want all of
them at once, the nearest known key, the allowed range, and never a secret. So the tables are
walked here and only whole, checked values are handed on.
"""

import difflib
import ipaddress
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from msgspec.inspect import FloatType, IntType, VarTupleType

from config.describe import Setting, allowed, every_setting, fits, settings_of
from config.lines import Path
from config.raw import Raw, dotted, plain
from config.settings import HttpSettings, Section, Settings, SourceSettings

SIMILAR: Final = 0.5
"""How alike two keys must be for one to be offered in place of the other, 0 … 1."""

S = TypeVar("S", bound=Section)


def build(raw: Raw) -> Settings | None:
    """The settings that the tables hold; None after adding to `raw.problems`."""
    before = len(raw.problems)
    settings = _build_section(Settings, raw.table, (), raw)
    if len(raw.problems) > before or settings is None:
        return None
    _check_http(settings.http, raw)
    _check_sources(settings.sources, raw)
    return settings if len(raw.problems) == before else None


def _build_section(section: type[S], table: Mapping[str, Any], path: Path, raw: Raw) -> S | None:
    """One section, or None when something below it is wrong (which has then been reported)."""
    known = {setting.name: setting for setting in settings_of(section)}
    values: dict[str, object] = {}
    count = len(raw.problems)
    for key, value in table.items():
        here = (*path, key)
        if key not in known:
            nearest = _nearest(key, path, known)
            raw.problems.append(f"{raw.origin(here)}: {dotted(here)}: unknown key; {nearest}")
        else:
            values[key] = _build_value(known[key], value, here, raw)
    for setting in known.values():
        if setting.required and setting.name not in table:
            raw.problems.append(f"{raw.origin(path)}: {dotted((*path, setting.name))}: is missing")
    return section(**values) if len(raw.problems) == count else None


def _build_value(setting: Setting, value: object, path: Path, raw: Raw) -> object:
    section = setting.section
    if section is not None and setting.is_list and isinstance(value, list):
        return tuple(_build_entry(setting, section, entry, (*path, i), raw) for i, entry in enumerate(value))
    if section is not None and not setting.is_list and isinstance(value, dict):
        return _build_section(section, value, path, raw)
    if section is None and fits(setting.value_type, value):
        return tuple(value) if isinstance(value, list) else value
    raw.problems.append(_misfit(setting, value, path, raw))
    return None


def _build_entry(setting: Setting, section: type[Section], entry: object, path: Path, raw: Raw) -> object:
    """One entry of a list of tables."""
    if isinstance(entry, dict):
        return _build_section(section, entry, path, raw)
    raw.problems.append(f"{raw.origin(path)}: {dotted(path)}: is {value_class(entry)}; allowed: a table")
    return None


def _misfit(setting: Setting, value: object, path: Path, raw: Raw) -> str:
    found = value_class(value)
    if isinstance(setting.value_type, IntType | FloatType) and isinstance(value, int) and abs(value) < 10**18:
        found = str(value).lower()  # a number where a number belongs is no secret
    if isinstance(setting.value_type, VarTupleType) and isinstance(value, list):
        wrong = [i for i, entry in enumerate(value) if not fits(setting.value_type.item_type, entry)]
        path, found = (*path, wrong[0]), value_class(value[wrong[0]])
        limits = allowed(setting.value_type.item_type)
    else:
        limits = allowed(setting.value_type, setting.name)
    return f"{raw.origin(path)}: {dotted(path)}: is {found}; allowed: {limits}"


def value_class(value: object) -> str:
    """What a value is, without saying it: it may be a secret that slipped into the wrong line."""
    match value:
        case bool():
            return "true or false"
        case int():
            return "an integer"
        case float():
            return "a number with a fraction"
        case str():
            return "text" if value.isprintable() else "text with control characters"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or time (put it in quotes)"


def _nearest(key: str, path: Path, known: Mapping[str, Setting]) -> str:
    """Which key was meant: one of the same section, else one of any."""
    here = difflib.get_close_matches(key.lower(), known, 1, SIMILAR)
    if here:
        return f"nearest: {dotted((*path, here[0]))}"
    paths: dict[str, list[str]] = {}
    for setting in every_setting(Settings):
        paths.setdefault(setting.name, []).append(setting.path)
    elsewhere = difflib.get_close_matches(key.lower(), paths, 1, SIMILAR)
    if elsewhere:
        return f"nearest: {' or '.join(paths[elsewhere[0]])}"
    return f"known: {', '.join(known)}"


def _check_http(http: HttpSettings, raw: Raw) -> None:
    """Bearer tokens travel in the clear without TLS: only to ourselves, or through a proxy."""
    for index, proxy in enumerate(http.trusted_proxies):
        try:
            ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            path: Path = ("http", "trusted_proxies", index)
            raw.problems.append(
                f"{raw.origin(path)}: {dotted(path)}: is {plain(proxy)}; allowed: an address or network"
            )
    if not is_loopback(http.host) and not http.trusted_proxies:
        raw.problems.append(
            f"{raw.origin(('http', 'host'))}: http.host: is not a loopback address; "
            "allowed: 127.0.0.1, ::1 or localhost, or any with http.trusted_proxies"
        )


def _check_sources(sources: tuple[SourceSettings, ...], raw: Raw) -> None:
    names: set[str] = set()
    for index, source in enumerate(sources):
        here: Path = ("sources", index)
        if source.name in names:
            raw.problems.append(f"{raw.origin((*here, 'name'))}: {dotted((*here, 'name'))}: is used twice")
        if not source.files:
            raw.problems.append(f"{raw.origin(here)}: {dotted((*here, 'files'))}: names no recording")
        names.add(source.name)


def is_loopback(host: str) -> bool:
    """Whether a listening address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
