"""Named lists of symbols, each owner's own."""

from collections.abc import Iterable

from alerts.changes import Changes
from alerts.errors import Conflict, Invalid, LimitReached, NotFound
from alerts.form import symbol_of
from alerts.model import Owner, Watchlist
from config.settings import AlertSettings

NAME_CHARS_MAX = 64


class Watchlists:
    """The lists of all owners, in memory. Another owner's list is as if it did not exist.

    Every change is noted in `changes`, to be written down by whoever takes those.
    """

    def __init__(self, settings: AlertSettings, kept: Iterable[Watchlist] = ()) -> None:
        self._settings = settings
        self._lists: dict[Owner, dict[str, Watchlist]] = {}
        for one in kept:
            self._lists.setdefault(one.owner, {})[one.name] = one

    def put(
        self,
        owner: Owner,
        name: object,
        symbols: object,
        now_ns: int,
        changes: Changes,
        if_rev: int | None = None,
    ) -> Watchlist:
        """Make or replace a list; the same symbols again change nothing.

        Args:
            owner: whose it is.
            name: 1–64 characters without control characters.
            symbols: a list of symbols, in the order to keep; each once, in canonical or Alpaca's form.
            now_ns: our clock.
            changes: where the change is noted.
            if_rev: the revision it must be at; 0 = it must not be there yet; None = either way.

        Raises:
            Invalid: name or symbols are none.
            Conflict: it is at another revision.
            LimitReached: the owner has too many lists.
        """
        name, wanted = self._name(name), self._symbols(symbols)
        lists = self._lists.get(owner, {})
        before = lists.get(name)
        rev = 0 if before is None else before.rev
        if if_rev is not None and if_rev != rev:
            raise Conflict("the watchlist is at another revision", rev)
        if before is not None and before.symbols == wanted:
            return before
        limit = self._settings.watchlists_per_user_max
        if before is None and len(lists) >= limit:
            raise LimitReached("watchlists", limit, len(lists))
        made = Watchlist(owner, name, rev + 1, wanted, now_ns)
        self._lists.setdefault(owner, lists)[name] = made
        changes.watchlists[owner, name] = made
        return made

    def get(self, owner: Owner, name: str) -> Watchlist:
        """A list of this owner.

        Raises:
            NotFound: there is none.
        """
        found = self._lists.get(owner, {}).get(name)
        if found is None:
            raise NotFound("no such watchlist")
        return found

    def list(self, owner: Owner) -> list[Watchlist]:
        """All lists of this owner, by name."""
        return [one for _, one in sorted(self._lists.get(owner, {}).items())]

    def delete(self, owner: Owner, name: str, changes: Changes) -> None:
        """Delete a list of this owner.

        Raises:
            NotFound: there is none.
        """
        self.get(owner, name)
        lists = self._lists[owner]
        del lists[name]
        if not lists:
            del self._lists[owner]
        changes.watchlists[owner, name] = None

    @staticmethod
    def _name(name: object) -> str:
        if isinstance(name, str) and 1 <= len(name) <= NAME_CHARS_MAX and _is_plain(name):
            return name
        raise Invalid("bad_value", "/name", f"1 to {NAME_CHARS_MAX} printable characters are due here")

    def _symbols(self, symbols: object) -> tuple[str, ...]:
        if not isinstance(symbols, list | tuple):
            raise Invalid("bad_value", "/symbols", "a list of symbols is due here")
        limit = self._settings.watchlist_symbols_max
        if len(symbols) > limit:
            raise Invalid("too_many", "/symbols", f"at most {limit} are allowed")
        found = tuple(symbol_of(value, f"/symbols/{place}") for place, value in enumerate(symbols))
        if len(set(found)) < len(found):
            raise Invalid("bad_value", "/symbols", "a symbol stands there twice")
        return found


def _is_plain(name: str) -> bool:
    # `isprintable` leaves out lone surrogates, marks of direction and line breaks as well.
    return name.isprintable() and name == name.strip()
