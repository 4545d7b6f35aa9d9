"""What one client has subscribed to: limits, rights, and what is left of them under another token."""

from collections.abc import Callable
from typing import Final

from msgspec import structs

from config.settings import HubSettings
from hub import codes
from hub.callers import Access, Caller
from hub.effects import Answer, Effect, Subscribe, Unsubscribe, Withdraw, error_message
from hub.errors import MessageError
from hub.messages import FromMark, Sub
from ticks.channels import channel_name, parse_channel
from ticks.errors import SymbolError
from ticks.kinds import CHANNEL_KINDS
from ticks.model import MARKET
from ticks.symbols import canonical

CHANNELS_PER_COMMAND: Final = 500
"""A `sub` counts as one command more for each so many channels: commands cost what they cause."""
STARS_MAX: Final = 8
"""Subscriptions to every symbol that one connection may have; each may stand for thousands of channels."""
DEFAULT_KINDS: Final = ("t", "q")
DEFAULT_HZ: Final = 4.0
CONFLATED_HZ: Final = 16.0
"""`conflated` is this for now: as soon as the line is free, but no more often."""
BACKFILLED: Final = "!b"
NARROWER: Final = "the token's rights are narrower now"


class Wishes:
    """The subscriptions of one session. Bounds: `subs_max`, `channels_max`, and `STARS_MAX`."""

    def __init__(self, settings: HubSettings) -> None:
        self._settings = settings
        self._by_id: dict[int, Subscribe] = {}

    def add(
        self, message: Sub, caller: Caller, start: FromMark | str, spend: Callable[[int], bool]
    ) -> Subscribe:
        """Turn a `sub` into the subscription that is granted; it takes the place of one of the same id.

        `spend` takes so many commands more from the session's budget, or says no.

        Raises:
            MessageError: it cannot be granted; nothing has changed.
        """
        assert message.symbols is not None  # the session has put those of a watchlist in
        kinds, lineup = _kinds(message), message.lineup or ""
        if message.symbols == MARKET:
            self._check_star(message, kinds, caller)
            wish = Subscribe(message.id, lineup, (), kinds, True, _rate(message), start)
        else:
            self._check_room(message.id, len(message.symbols) * len(kinds))
            # Judged by what is asked for, before any work is done for it.
            if not spend(len(message.symbols) * len(kinds) // CHANNELS_PER_COMMAND):
                raise MessageError(codes.RATE, "a sub counts by its channels; ask again later", message.id)
            channels, denied = _channels(message, kinds, caller)
            wish = Subscribe(message.id, lineup, channels, kinds, False, _rate(message), start, denied)
        # What was denied is told once, and not kept.
        self._by_id[message.id] = structs.replace(wish, denied=())
        return wish

    def remove(self, sub_id: int) -> bool:
        """Forget a subscription; False when there is none of that id."""
        return self._by_id.pop(sub_id, None) is not None

    def narrow(self, caller: Caller) -> list[Effect]:
        """End what the caller may not have any more, and say so."""
        effects: list[Effect] = []
        for wish in list(self._by_id.values()):
            effects.extend(self._narrow_star(wish, caller) if wish.star else self._narrow_one(wish, caller))
        return effects

    def _narrow_star(self, wish: Subscribe, caller: Caller) -> list[Effect]:
        least = min(caller.access(wish.lineup, kind, MARKET) for kind in wish.kinds)
        if least is Access.LIVE:
            return []
        del self._by_id[wish.sub_id]
        told = error_message(_denial(least), NARROWER, wish.sub_id)
        return [Unsubscribe(wish.sub_id), Answer({**told, "ended": True})]

    def _narrow_one(self, wish: Subscribe, caller: Caller) -> list[Effect]:
        lost: dict[Access, list[str]] = {}
        kept: list[str] = []
        for name in wish.channels:
            channel = parse_channel(name)
            access = caller.access(channel.lineup, channel.kind, channel.symbol)
            (kept if access is Access.LIVE else lost.setdefault(access, [])).append(name)
        if lost:
            self._by_id[wish.sub_id] = structs.replace(wish, channels=tuple(kept))
        effects: list[Effect] = []
        for access, names in lost.items():
            told = error_message(_denial(access), NARROWER, wish.sub_id)
            effects += [Withdraw(wish.sub_id, tuple(names)), Answer({**told, "chans": names})]
        return effects

    def _check_star(self, message: Sub, kinds: tuple[str, ...], caller: Caller) -> None:
        """Every symbol of some kinds: only for those who may have all of them."""
        for kind in kinds:
            if kind.endswith(BACKFILLED):
                hint = "kinds: back-filled channels are asked for by symbol"
                raise MessageError(codes.BAD_MSG, hint, message.id)
            access = caller.access(message.lineup or "", kind, MARKET)
            if access is not Access.LIVE:
                hint = "symbols: all of them are more than you may have"
                raise MessageError(_denial(access), hint, message.id)
        self._check_room(message.id, 0)
        stars = sum(wish.star for wish in self._by_id.values() if wish.sub_id != message.id)
        if stars >= STARS_MAX:
            raise MessageError(codes.SYMBOL_LIMIT, f"at most {STARS_MAX} subs to all symbols", message.id)

    def _check_room(self, sub_id: int, wanted: int) -> None:
        """Make sure that one more is within the limits of the connection."""
        settings = self._settings
        others = [wish for wish in self._by_id.values() if wish.sub_id != sub_id]
        if len(others) >= settings.subs_max:
            raise MessageError(codes.SYMBOL_LIMIT, f"at most {settings.subs_max} subs", sub_id)
        if sum(len(wish.channels) for wish in others) + wanted > settings.channels_max:
            raise MessageError(codes.SYMBOL_LIMIT, f"at most {settings.channels_max} channels", sub_id)


def _kinds(message: Sub) -> tuple[str, ...]:
    kinds = message.kinds or DEFAULT_KINDS
    for kind in kinds:
        if kind.removesuffix(BACKFILLED) not in CHANNEL_KINDS:
            raise MessageError(codes.BAD_MSG, f"kinds: one of {' '.join(sorted(CHANNEL_KINDS))}", message.id)
    return tuple(dict.fromkeys(kinds))


def _rate(message: Sub) -> float | None:
    if message.mode in (None, "raw"):
        return None
    if message.hz is not None:
        return message.hz
    return CONFLATED_HZ if message.mode == "conflated" else DEFAULT_HZ


def _channels(
    message: Sub, kinds: tuple[str, ...], caller: Caller
) -> tuple[tuple[str, ...], tuple[dict[str, str], ...]]:
    """The channels that are granted, and what is not. Partial success is normal."""
    lineup = message.lineup or ""
    channels: dict[str, None] = {}
    denied: list[dict[str, str]] = []
    for text in message.symbols or ():
        try:
            symbol = MARKET if text == MARKET else canonical(text)
        except SymbolError:
            denied.append({"symbol": text[:32], "code": codes.UNKNOWN_SYMBOL.word})
            continue
        for kind in kinds:
            base = kind.removesuffix(BACKFILLED)
            access = caller.access(lineup, base, symbol)
            if access is Access.LIVE:
                channels[channel_name(base, symbol, lineup, base != kind)] = None
            else:
                denied.append({"symbol": symbol, "kind": kind, "code": _denial(access).word})
    return tuple(channels), tuple(denied)


def _denial(access: Access) -> codes.ErrorCode:
    return codes.ENT_DELAYED if access is Access.DELAYED else codes.ENT_NONE
