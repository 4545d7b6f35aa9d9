"""Structured logs on standard error: one line for each event, JSON or text.

A line cannot be broken or coloured by what it reports (control characters are escaped, long
values cut), and a secret does not get into one: values under secret names and bearer tokens
inside text are masked. stdout is never written: it is for data.

Modules log with `structlog.get_logger()`, the libraries' own `logging` arrives here too. Nothing
logs on a tick's way.
"""

import logging
import re
import sys
import time
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, TextIO

import msgspec
import structlog

from config.settings import MASK, LogSettings, is_secret
from ticks.times import format_time

VALUE_CHARS_MAX: Final = 2_000
"""Longest text of one value; a traceback's end, which says most, is kept."""

_BEARER: Final = re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+")
_QUERY: Final = re.compile(r"(?i)([?&](?:[\w.-]*(?:token|secret|password|key))=)[^&\s\"']*")
_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Make this process log as the settings say, to `stream` or standard error."""
    target = sys.stderr if stream is None else stream
    as_text = settings.format == "text" or (settings.format == "auto" and target.isatty())
    level = _LEVELS[settings.level]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _clean,
            _as_text if as_text else _as_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    # libraries below warning are chatter; at debug they are what one looks for
    library_level = level if level == logging.DEBUG else max(level, logging.WARNING)
    logging.basicConfig(handlers=[_Forward()], level=library_level, force=True)


class _Forward(logging.Handler):
    """Hands what libraries log to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        log.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)


def mask(text: str) -> str:
    """Text without the credentials that stand in it as headers or query parameters."""
    return _QUERY.sub(rf"\1{MASK}", _BEARER.sub(rf"\1 {MASK}", text))


def _clean(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Time first, secrets masked, everything that is not a plain value turned into text."""
    cleaned: dict[str, Any] = {
        "time": format_time(time.time_ns()),
        "level": event.pop("level"),
        "event": _plain(event.pop("event", "")),
    }
    for name, value in event.items():
        if value is not None:
            cleaned[_plain(name)] = MASK if is_secret(name) else _value(value)
    return cleaned


def _value(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_value(entry) for entry in value[:100]]
    return _plain(value)


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    if len(text) > VALUE_CHARS_MAX:
        half = VALUE_CHARS_MAX // 2
        text = f"{text[:half]}…{text[-half:]}"
    # a lone surrogate, as an odd file name brings it, cannot be encoded at all
    return mask(text).encode("utf-8", "backslashreplace").decode()


def _escape(text: str) -> str:
    """What is not printable as the escapes of JSON, which a reader of text knows too."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(f"\\u{int.from_bytes(units[at : at + 2]):04x}" for at in range(0, len(units), 2))


def _as_json(_logger: Any, _method: str, event: Mapping[str, Any]) -> str:
    return _escape(msgspec.json.encode(event).decode())


def _as_text(_logger: Any, _method: str, event: Mapping[str, Any]) -> str:
    rest = " ".join(f"{name}={_shown(value)}" for name, value in list(event.items())[3:])
    return _escape(f"{event['time']} {event['level']:<7} {event['event']} {rest}".rstrip())


def _shown(value: Any) -> str:
    """A value in a text line, in quotes where it would not be one word."""
    if isinstance(value, str) and value and not re.search(r"[\s\"=]", value):
        return value
    return msgspec.json.encode(value).decode()
