"""Which format an answer has: by the `format` parameter, else by `Accept`, else JSON."""

from typing import Final, Literal

from tapewire.http.problems import Fault, Problem

Format = Literal["json", "ndjson"]

ACCEPT_CHARS_MAX: Final = 1_024
"""What stands behind this in an `Accept` header is not read."""
_OFFERED: Final[tuple[tuple[str, Format], ...]] = (
    ("application/json", "json"),
    ("application/x-ndjson", "ndjson"),
    ("application/ndjson", "ndjson"),
)


def choose(wanted: Format | None, accept: str | None) -> Format:
    """The format of an answer.

    Args:
        wanted: the `format` parameter; it wins over the header.
        accept: the `Accept` header (RFC 9110, section 12.5.1); the most specific range decides about
            each format, the highest weight wins, JSON wins a tie.

    Raises:
        Problem: `not-acceptable`, when the header excludes everything there is.
    """
    if wanted is not None:
        return wanted
    ranges = _ranges(accept or "")
    if not ranges:
        return "json"
    weights = [(_weight(media_type, ranges), form) for media_type, form in _OFFERED]
    best, form = max(weights, key=lambda weighed: weighed[0])
    if best <= 0:
        raise Problem("not-acceptable", errors=[Fault(media_type) for media_type, _ in _OFFERED])
    return form


def _ranges(accept: str) -> dict[str, float]:
    """Media range → weight; what cannot be read counts as not said."""
    found: dict[str, float] = {}
    for part in accept[:ACCEPT_CHARS_MAX].split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name.count("/") == 1:
            found[name] = next((_quality(text[2:]) for text in parameters if text.startswith("q=")), 1.0)
    return found


def _quality(text: str) -> float:
    """A weight from 0 to 1; 0 when it is not written as one."""
    if len(text) > 5 or not text.replace(".", "", 1).isdecimal() or not text.isascii():
        return 0.0
    return min(float(text), 1.0)


def _weight(media_type: str, ranges: dict[str, float]) -> float:
    kind = media_type.partition("/")[0]
    for name in (media_type, f"{kind}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0
