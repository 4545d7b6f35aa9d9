"""What sessions ask of the hub: who somebody is, whether there is room, what is on the tape."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from config.settings import HubSettings
from hub import codes
from hub.callers import Caller
from hub.connection import Connection
from hub.desk import Desk
from hub.effects import Subscribe
from hub.errors import MessageError
from hub.messages import FromMark
from hub.moment import Moment
from hub.router import Router
from hub.subscription import Subscription
from hub.tape_view import TapeView

CHANNELS_IN_OK: Final = 500
"""An `ok` names no more channels than this; the first message of each other one tells its number."""

DEAD_STALL_NS: Final = 5_000_000_000
"""Who takes nothing for so long makes room for a new connection of the same user; short stalls are normal."""


class Reception:
    """Knows who is connected. `authenticate(token, utc_ns)` returns the caller or raises `MessageError`."""

    def __init__(
        self,
        settings: HubSettings,
        view: TapeView,
        router: Router,
        authenticate: Callable[[str | None, int], Caller],
        desk: Desk | None = None,
    ) -> None:
        self.authenticate = authenticate
        self._settings = settings
        self._view = view
        self._router = router
        self._desk = desk
        self._users: dict[tuple[str, str], dict[Connection, None]] = {}

    def watchlist(self, caller: Caller, name: str) -> Sequence[str]:
        """The symbols of a caller's list.

        Raises:
            MessageError: the caller has none of this name.
        """
        if self._desk is None:
            raise MessageError(codes.NOT_FOUND, "there are no watchlists here")
        return self._desk.watchlist(caller, name)

    def check_start(self, start: FromMark) -> None:
        """Make sure that a place is on this tape.

        Raises:
            MessageError: it is not.
        """
        if start.m > self._router.head_m:
            raise MessageError(codes.EPOCH, "from.m: beyond anything this tape has given")
        if start.e is None:
            return
        if not self._view.knows_epoch(start.e):
            raise MessageError(codes.EPOCH, "from.e: not an epoch of this tape")
        if start.e < self._view.epoch_at(start.m):
            raise MessageError(codes.EPOCH, "from.m: given in a later epoch than from.e")

    def welcome(self, now: Moment) -> dict[str, Any]:
        """The fields of `welcome`."""
        settings = self._settings
        head_m = self._router.head_m
        return {
            "v": 1,
            "now": now.utc_ns // 1_000,
            "ping_s": settings.ping_s,
            "e": self._view.epoch_at(head_m),
            "m": head_m,
            "limits": {
                "conns": settings.connections_per_user_max,
                "channels": settings.channels_max,
                "subs": settings.subs_max,
                "commands_per_s": settings.commands_per_s,
                "burst": settings.commands_burst,
                "message_bytes": settings.message_bytes,
            },
            "reconnect": {"min": 500, "max": 20_000, "factor": 2, "jitter": "full"},
        }

    def confirm(
        self, wish: Subscribe, subscription: Subscription, epoch: int, *, resumed: bool
    ) -> dict[str, Any]:
        """The `ok` of a subscription; `epoch` is that of its numbers.

        Where it goes on from a mark, its numbers there are not looked for: the certificate has them.
        """
        answer: dict[str, Any] = {"op": "ok", "id": wish.sub_id, "e": epoch, "m": subscription.cursor_m}
        if wish.star:
            answer["star"] = True
        elif len(subscription.channels) <= CHANNELS_IN_OK:
            names = subscription.channels
            answer["chans"] = {name: {} if resumed else {"n": self._view.count(name)} for name in names}
        else:
            answer["channels"] = len(subscription.channels)
        answer["mode"] = "interval" if subscription.rate else "raw"
        if subscription.rate:
            answer["hz"] = subscription.rate
        if wish.denied:
            answer["denied"] = list(wish.denied[:CHANNELS_IN_OK])
            if len(wish.denied) > CHANNELS_IN_OK:
                answer["denied_more"] = len(wish.denied) - CHANNELS_IN_OK
        return answer

    def admit(self, connection: Connection, caller: Caller, now: Moment) -> Connection | None:
        """Let a user's connection in. Returns a dead one of the same user that has to go for it.

        Raises:
            MessageError: the user has as many connections as one may have, and all are alive.
        """
        user = (caller.tenant, caller.user)
        mine = self._users.setdefault(user, {})
        dead = None
        if len(mine) >= self._settings.connections_per_user_max:
            dead = next((other for other in mine if self._seems_dead(other, now)), None)
            if dead is None:
                raise MessageError(codes.CONN_LIMIT, "close another one first")
        mine[connection] = None
        connection.user = user
        return dead

    def leave(self, connection: Connection) -> None:
        """A connection has ended."""
        if connection.user is None:
            return
        mine = self._users.get(connection.user, {})
        mine.pop(connection, None)
        if not mine:
            self._users.pop(connection.user, None)
        connection.user = None

    def _seems_dead(self, connection: Connection, now: Moment) -> bool:
        """Whether it does not read, or has not answered a ping for a while."""
        silent_ns = now.awake_ns - connection.heard_ns
        stalled_ns = now.awake_ns - connection.stalled_ns if connection.stalled else 0
        return stalled_ns > DEAD_STALL_NS or silent_ns > self._settings.ping_s * 1_500_000_000
