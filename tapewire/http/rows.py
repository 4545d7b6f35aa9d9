"""Pages, streams and gaps as JSON. Rows come encoded from the history workers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from storage.contract import TIME_END_NS, TIME_MIN_NS, Gap
from ticks import sources
from ticks.model import MARKET
from ticks.times import format_time


def page_body(
    key: str, rows: bytes, gaps: Sequence[Gap], next_cursor: str | None, about: Mapping[str, Any]
) -> bytes:
    """A JSON page: the rows (objects between commas) under `key`, then what is known about them."""
    documents = [gap_document(gap) for gap in gaps]
    tail = msgspec.json.encode({"next_cursor": next_cursor, **about, "gaps": documents})
    return b'{"%b":[%b],%b' % (key.encode(), rows, tail[1:])


def trailer_line(
    rows: int, crc: int, gaps: Sequence[Gap], next_cursor: str | None, about: Mapping[str, Any]
) -> bytes:
    """The last line of a stream: that it is the last, what was sent, and what is known about it."""
    return msgspec.json.encode(
        {
            "end": True,
            "rows": rows,
            "crc": crc,
            "next_cursor": next_cursor,
            **about,
            "gaps": [gap_document(gap) for gap in gaps],
        }
    )


def gaps_about(gaps: Iterable[Gap], symbols: Sequence[str] | None) -> list[Gap]:
    """Those gaps that concern any of the symbols; all of them when no symbols were named."""
    if symbols is None:
        return list(gaps)
    wanted = {*symbols, MARKET}
    return [gap for gap in gaps if gap.scope in wanted]


def gap_document(gap: Gap) -> dict[str, Any]:
    """One gap as it stands in answers."""
    return {
        "lineup": None if gap.every_lineup else gap.lineup,
        "scope": gap.scope,
        "why": gap.why,
        "from": _time(gap.from_ts or None),
        "to": _time(gap.to_ts),
        "lost": None if gap.lost < 0 else gap.lost,
        "open_m": gap.open_m,
        "close_m": gap.close_m or None,
        "source": None if gap.every_lineup else sources.name(gap.source),
    }


def _time(time_ns: int | None) -> str | None:
    """RFC 3339; null for a time that is not known or has not come."""
    return None if time_ns is None or not TIME_MIN_NS < time_ns < TIME_END_NS else format_time(time_ns)
