"""What a request for data comes to: who may see what of it, where it starts, at which mark it is frozen.

It is settled here for every route, once a request:

* entitlements give a ceiling: none for live data, else fifteen minutes ago;
* `known_at` is the mark in the cursor, else the one asked for, else the newest; under a ceiling at
  most the one that stood then.
"""

from typing import Any, Final

from msgspec import Struct

from accounts import Access
from storage.cursor import CursorOwner, Place
from storage.errors import CursorError, HistoryBusy, QueryError, StorageError
from storage.scan_messages import PageRequest
from tapewire.http.access import Ceiling, permit
from tapewire.http.call import Call
from tapewire.http.parameters import KnownAt
from tapewire.http.problems import Fault, Problem
from tapewire.http.questions import Question, below
from ticks.times import NS_PER_SECOND

RETRY_SECONDS: Final = "1"
"""When a client that was turned away may come back."""


class Frozen(Struct, frozen=True):
    """A request for rows, settled."""

    question: Question
    ceiling: Ceiling
    place: Place | None
    """Of a cursor: where to go on."""
    known_at: int

    def page_request(self, limit: int, *, lines: bool) -> PageRequest:
        """What the history is asked first."""
        return PageRequest(
            query=below(self.question.query, self.ceiling),
            known_at=self.known_at,
            after=None if self.place is None else self.place.after,
            limit=limit,
            names=dict(self.question.names),
            lines=lines,
            newest=self.question.query.family == "bars",
        )

    def about(self, complete_until: int) -> dict[str, Any]:
        """What every answer says of itself."""
        return {
            "known_at": self.known_at,
            "complete_until": complete_until,
            "access": self.ceiling.access.name.lower(),
        }


async def settle(call: Call, question: Question, kind: str) -> Frozen:
    """Settle a request for rows of one kind of channel.

    Raises:
        Problem: not entitled, a cursor that cannot be continued, or a mark not given yet.
    """
    ceiling = permit(
        call.services.accounts,
        call.principal,
        question.query.lineup,
        kind,
        question.entitled_symbols,
        call.now_ns,
    )
    place = _open(call, question)
    asked = None if question.known_at is None else await known_mark(call, question.known_at)
    if place is None:
        known_at = call.services.marks.accepted if asked is None else asked
    else:
        _check_asked(question.known_at, asked, place, ceiling)
        known_at = place.known_at
    return Frozen(question, ceiling, place, await lowered(call, known_at, ceiling))


async def lowered(call: Call, known_at: int, ceiling: Ceiling) -> int:
    """A mark, lowered to what was received up to the ceiling: the one place that computes it."""
    if ceiling.time_ns is None:
        return known_at
    # where nobody knows any more what is old enough, nothing counts as old enough
    return min(known_at, await _mark_at(call, ceiling.time_ns, known_at) or 0)


async def known_mark(call: Call, asked: KnownAt) -> int:
    """The mark that a `known_at` parameter stands for.

    Raises:
        Problem: a mark that has not been given yet, or a time before what is kept of the tape.
    """
    accepted = call.services.marks.accepted
    if asked.time_ns:
        mark = await _mark_at(call, asked.time_ns, accepted)
        if mark is None:
            raise _bad_known_at("the tape is no longer kept so far back; give a mark")
        return mark
    if asked.m > accepted:
        raise _bad_known_at(f"the newest mark is {accepted}")
    return asked.m


def _bad_known_at(detail: str) -> Problem:
    return Problem("bad-parameter", f"known_at: {detail}", [Fault(detail, "known_at")])


def cursor_behind(call: Call, frozen: Frozen, place: Place) -> str:
    """The cursor with which whoever asks goes on behind a place."""
    now_s = call.now_ns // NS_PER_SECOND
    return call.services.cursors.seal(frozen.question.query, _owner(call), place, now_s)


def storage_problem(error: StorageError) -> Problem:
    """What a failure of the store is to a client."""
    if isinstance(error, QueryError):
        return Problem("bad-parameter", str(error))
    name = "busy" if isinstance(error, HistoryBusy) else "store-unavailable"
    return Problem(name, headers={"Retry-After": RETRY_SECONDS})


def _open(call: Call, question: Question) -> Place | None:
    if question.cursor is None:
        return None
    now_s = call.now_ns // NS_PER_SECOND
    try:
        return call.services.cursors.open(question.cursor, question.query, _owner(call), now_s)
    except CursorError as error:
        raise Problem("bad-cursor", str(error), [Fault(str(error), "cursor")]) from None


def _check_asked(known_at: KnownAt | None, asked: int | None, place: Place, ceiling: Ceiling) -> None:
    """A `known_at` beside a cursor has to be the one of the first page.

    Exactly, where that can be told: under a ceiling the first page was frozen lower, and a time to
    come stands for ever newer marks.
    """
    if known_at is None or asked is None:
        return
    exact = known_at.time_ns == 0 and ceiling.access is Access.LIVE
    if asked < place.known_at or (exact and asked != place.known_at):
        raise Problem("bad-cursor", "the cursor belongs to another known_at", [Fault("differs", "known_at")])


async def _mark_at(call: Call, time_ns: int, up_to_m: int) -> int | None:
    try:
        return await call.services.history.mark_at(time_ns, up_to_m)
    except StorageError as error:
        raise storage_problem(error) from error


def _owner(call: Call) -> CursorOwner:
    return CursorOwner(call.principal.tenant, call.principal.user)
