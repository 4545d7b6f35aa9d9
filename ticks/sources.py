"""The sources: small numbers for configured feeds.

Numbers are written into journals and stores: never change or reuse one. Numbers from
`FIRST_CONFIGURED` on belong to whoever runs the hub (a second simulator, an own feed).
"""

from typing import Final

UNKNOWN: Final = 0
ALPACA_SIP: Final = 1
ALPACA_IEX: Final = 2
IEX_TOPS: Final = 3
IEX_DEEP: Final = 4
SIM: Final = 5
REPLAY: Final = 6
DERIVED: Final = 7
HUB: Final = 8
"""The hub itself, as the author of feed events about its own journal."""
SIM_B: Final = 9
FIRST_CONFIGURED: Final = 64

NAMES: Final[dict[int, str]] = {
    UNKNOWN: "unknown",
    ALPACA_SIP: "alpaca-sip",
    ALPACA_IEX: "alpaca-iex",
    IEX_TOPS: "iex-tops",
    IEX_DEEP: "iex-deep",
    SIM: "sim",
    REPLAY: "replay",
    DERIVED: "derived",
    HUB: "hub",
    SIM_B: "sim-b",
}
"""Number → name."""


def name(source: int) -> str:
    """The name of a source; `source-N` for one that has none."""
    return NAMES.get(source) or f"source-{source}"
