"""Errors of the vocabulary.

TickError
├── ChannelError    a channel name that does not follow the grammar
├── SymbolError     a symbol that no exchange would use
├── CodecError      bytes that are not a tick
└── CalendarError   a day outside the trading-calendar table
"""


class TickError(ValueError):
    """Anything wrong with a value of this package's vocabulary."""


class ChannelError(TickError):
    """A channel name does not follow the grammar."""


class SymbolError(TickError):
    """A symbol is empty, too long, or holds a character no exchange uses."""


class CodecError(TickError):
    """Bytes or text do not decode to a tick."""


class CalendarError(TickError):
    """The day is outside the trading-calendar table."""
