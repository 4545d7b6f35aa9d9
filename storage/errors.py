"""Errors of the store and of queries about the past.

StorageError
├── StoreUnavailable    the store cannot do it now (disk full, locked, unreachable): try again later
├── StoreDamaged        what lies on the disk is not what the store wrote: somebody has to look
├── StoreLocked         another writer has this store
├── StoreMismatch       the store holds marks that this tape never gave: not the same tape
├── UnknownStore        the settings name no store that exists
├── QueryError          the caller asks for something that cannot be
├── KeyFileBroken       the file of the key that signs cursors holds no key
├── HistoryBusy         too many queries are waiting: try again later
└── CursorError         the caller's cursor cannot be continued
    ├── CursorForged    not a cursor that this hub made
    ├── CursorForeign   made for another query or another user
    └── CursorExpired   made too long ago
"""


class StorageError(Exception):
    """Anything that goes wrong with the store or a query."""


class StoreUnavailable(StorageError):
    """The store cannot do it now; the same call may succeed later."""


class StoreDamaged(StorageError):
    """A file of the store is damaged or of another format. The message names it."""


class StoreLocked(StorageError):
    """Another writer has this store."""


class StoreMismatch(StorageError):
    """The store is ahead of the tape: they do not belong together."""


class UnknownStore(StorageError):
    """The settings name no store that exists."""


class QueryError(StorageError):
    """A query that has no meaning, whatever the store holds."""


class KeyFileBroken(StorageError):
    """The key file holds no key. Deleting it ends all cursors that are out there, no more."""


class HistoryBusy(StorageError):
    """More queries wait than are allowed to."""


class CursorError(StorageError):
    """A cursor that cannot be continued; the caller has to start over."""


class CursorForged(CursorError):
    """Not made by this hub, or changed since."""


class CursorForeign(CursorError):
    """Made by this hub, but for another query or another user."""


class CursorExpired(CursorError):
    """Made by this hub for this query, too long ago."""
