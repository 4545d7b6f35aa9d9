"""The bits of `tick.flags`. Written into journals and stores: never change or reuse one."""

from typing import Final

SNAPSHOT: Final = 1 << 0
"""State sent at the start of a subscription, not an event of the market."""
REPLAY: Final = 1 << 1
"""Played from a recording."""
BACKFILL: Final = 1 << 2
"""Fetched later by REST; travels on the `!b` channel."""
LATE: Final = 1 << 3
"""Older than the last published tick of its symbol."""
OUT_OF_ORDER: Final = 1 << 4
"""The source itself sent it out of sequence."""
POSSIBLE_DUP: Final = 1 << 5
"""Same id as an earlier tick, other content: both are kept."""
AFTER_GAP: Final = 1 << 6
"""The first tick of its channel after a declared gap."""
SECONDARY_SOURCE: Final = 1 << 7
"""Published from a line-up's second or later source."""
PARTIAL_COVERAGE: Final = 1 << 8
"""The source sees one venue, not the consolidated tape."""
TS_EVENT_ESTIMATED: Final = 1 << 9
"""The source gave no usable event time; `ts_event` is the receive time."""
CLOCK_SUSPECT: Final = 1 << 10
"""Event and receive time disagree by more than half a second beyond the known offset."""
TEST_SYMBOL: Final = 1 << 11
"""A symbol that exchanges use for tests (`ZVZZT`); kept out of alerts by default."""
CORRECTED: Final = 1 << 12
"""The replacement that a correction announced."""

NAMES: Final[dict[int, str]] = {
    value: name.lower()
    for name, value in list(globals().items())
    if name.isupper() and isinstance(value, int)
}
"""Bit → name in lower case, as shown over HTTP."""


def names(flags: int) -> list[str]:
    """The names of the bits set in `flags`, lowest bit first; unknown bits are left out."""
    return [name for bit, name in NAMES.items() if flags & bit]
