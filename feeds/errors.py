"""Errors of the feeds.

FeedError
├── MessageError      the vendor sent bytes that are no message of its protocol
├── PositionError     a saved position is not one that this reader wrote: start afresh or stop
├── RecordingError    a file cannot be read, or is no packet capture
└── PacingError       a playing speed that makes no sense

Bytes from a running feed never raise: they are counted and left out, because one bad
frame must not cost the good ones after it. `MessageError` comes from the functions that
decode one message for a caller who asked for exactly that.
"""


class FeedError(Exception):
    """Anything that goes wrong with a feed or a recording."""


class MessageError(FeedError):
    """Bytes are not a message of the vendor's protocol, or hold a value that no tick can."""


class PositionError(FeedError):
    """A saved position was not written by this reader, or by a newer one."""


class RecordingError(FeedError):
    """A file cannot be opened, or does not begin like a packet capture."""


class PacingError(FeedError):
    """A playing speed is neither `max` nor a positive number."""
