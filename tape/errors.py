"""Errors of the tape.

TapeError
├── FormatError            bytes on disk are not what the format says
│   ├── NewerFormat        a later tapewire wrote them
│   └── UnknownChannel     a row's channel is in no table that was read
├── TapeLocked             another process has this data folder
├── JournalFailed          the disk refuses; `__cause__` is the system's error
├── NumberingStopped       no mark may be given until the disk has confirmed a reservation
└── TickRefused            a tick does not fit the format; its batch was not numbered
"""


class TapeError(Exception):
    """Anything that goes wrong with the tape."""


class FormatError(TapeError):
    """A file of the tape does not follow the format."""


class NewerFormat(FormatError):
    """A file of the tape follows a later version of the format."""


class UnknownChannel(FormatError):
    """A row belongs to a channel that no table read so far names."""


class TapeLocked(TapeError):
    """Another process writes to this data folder."""


class JournalFailed(TapeError):
    """The journal cannot be written; `__cause__` is the system's error."""


class NumberingStopped(TapeError):
    """The marks that may be given are used up (DESIGN 3, rules 2 and 4)."""


class TickRefused(TapeError):
    """A tick has a symbol no channel can carry, or a field out of range; nothing was counted."""
