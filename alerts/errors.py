"""Errors of alerts and watchlists.

AlertsError
├── Invalid              what was sent is no rule or watchlist: `kind`, `pointer`, `allowed`
│   └── AlreadyTrue      the condition holds now, and the rule asked to be refused then
├── NotFound             there is no such object, or it is somebody else's: both read the same
├── Conflict             the caller's name is taken, or the revision has moved on
├── LimitReached         the owner has as many as are allowed: `limit`, `used`
├── NotReady             the tape is being caught up with: try again shortly
├── StoreUnavailable     the file cannot be written now: nothing is lost, try again later
└── StoreDamaged         the file is not what this package wrote: somebody has to look
"""


class AlertsError(Exception):
    """Anything that goes wrong with alerts and watchlists."""


class Invalid(AlertsError):
    """What was sent cannot be a rule or a watchlist.

    Args:
        kind: what is wrong, in one word for machines: `malformed unknown_member missing_member
            unknown_symbol bad_level unknown_feature unknown_op unknown_session unknown_channel
            contradiction expired_in_past too_many bad_value already_true`.
        pointer: JSON pointer to the place, such as `/when/all/1/level`; empty = the whole.
        detail: one sentence for people.
        allowed: what may stand there, when that is a short list.
    """

    def __init__(self, kind: str, pointer: str, detail: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(f"{pointer or '/'}: {detail}")
        self.kind = kind
        self.pointer = pointer
        self.detail = detail
        self.allowed = allowed


class AlreadyTrue(Invalid):
    """The condition holds already, and `on_true_at_creation` is `reject`."""

    def __init__(self) -> None:
        super().__init__("already_true", "/when", "the condition is true already")


class NotFound(AlertsError):
    """No such object of this owner."""


class Conflict(AlertsError):
    """The caller's name is taken, or the object is not at the revision that was named."""

    def __init__(self, detail: str, rev: int) -> None:
        super().__init__(detail)
        self.rev = rev
        """The revision that is there."""


class LimitReached(AlertsError):
    """The owner, or the whole hub, has as many as are allowed."""

    def __init__(self, what: str, limit: int, used: int) -> None:
        super().__init__(f"no more than {limit} {what} are allowed")
        self.limit = limit
        self.used = used


class NotReady(AlertsError):
    """The engine has not caught up with the tape yet; the same call succeeds shortly."""


class StoreUnavailable(AlertsError):
    """The file cannot be written or read now."""


class StoreDamaged(AlertsError):
    """The file is damaged, or of another format. The message names it."""
