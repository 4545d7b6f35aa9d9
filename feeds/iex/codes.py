"""The codes in IEX messages, and our words for them."""

from typing import Final

_SALE_LETTERS: Final = ((0x80, "F"), (0x40, "T"), (0x20, "I"), (0x10, "8"), (0x08, "X"))
_QUOTE_LETTERS: Final = ((0x80, "H"), (0x40, "T"))


def _letters(table: tuple[tuple[int, str], ...]) -> tuple[str, ...]:
    return tuple("".join(letter for bit, letter in table if flags & bit) for flags in range(256))


SALE_CONDITIONS: Final = _letters(_SALE_LETTERS)
"""Sale flags → letters: F intermarket sweep, T extended hours, I odd lot, 8 trade-through exempt,
X single-price cross."""
QUOTE_CONDITIONS: Final = _letters(_QUOTE_LETTERS)
"""Quote flags → letters: H halted or unavailable, T outside the regular session."""
EXTENDED_HOURS: Final = 0x40

END_OF_MESSAGES: Final = "end_of_messages"
"""Our word for the system event that ends the exchange's day."""
STATES: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "H": ("trading", {"H": "halted", "O": "order_acceptance", "P": "paused", "T": "trading"}),
    "O": ("operational", {"O": "halted", "N": "normal"}),
    "P": ("short_sale", {"0": "unrestricted", "1": "restricted"}),
    "I": ("retail", {" ": "none", "A": "buy", "B": "sell", "C": "both"}),
    "E": ("security", {"O": "opening_complete", "C": "closing_complete"}),
    "S": (
        "system",
        {
            "O": "start_of_messages",
            "S": "start_of_system",
            "R": "start_of_regular",
            "M": "end_of_regular",
            "E": "end_of_system",
            "C": END_OF_MESSAGES,
        },
    ),
    "X": ("official_price", {"Q": "opening", "M": "closing"}),
}
"""Type of message → which state of a `Status` it sets, and our word for each of its codes."""
AUCTIONS: Final = {"O": "open", "C": "close", "I": "ipo", "H": "halt", "V": "volatility"}
UNKNOWN_STATE: Final = "unknown"
"""Our word for a code that the specification does not have; `raw` keeps the code."""
