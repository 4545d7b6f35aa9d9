"""Errors of the tape.

TapeError
├── FormatError            bytes on disk are not what the format says (also: a newer format)
├── TapeLocked             another process has this data folder
└── NumberingStopped       no mark may be given any more until the journal can be written again
"""


class TapeError(Exception):
    """Anything that goes wrong with the tape."""


class FormatError(TapeError):
    """A file of the tape does not follow the format, or follows a newer one."""


class TapeLocked(TapeError):
    """Another process writes to this data folder."""


class NumberingStopped(TapeError):
    """The reserved marks are used up while the journal cannot be written (DESIGN 3, rule 4)."""
