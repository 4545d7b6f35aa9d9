"""What a query may ask, checked the same way by every store."""

from typing import Final

from storage.contract import TIME_END_NS, TIME_MIN_NS, ScanQuery
from storage.errors import QueryError
from ticks.kinds import FAMILIES, KINDS

LIMIT_MAX: Final = 1_000_000
"""Most rows in one page; beyond it a page would not fit a worker's memory comfortably."""


def check_query(query: ScanQuery) -> None:
    """Refuse what has no meaning.

    Raises:
        QueryError: unknown family, a kind of another family, a limit or time out of range.
    """
    check_family(query.family, query.kinds)
    if not 1 <= query.limit <= LIMIT_MAX:
        raise QueryError(f"a page has 1 to {LIMIT_MAX} rows, not {query.limit}")
    check_times(query.start_ns, query.end_ns)
    if query.order not in ("asc", "desc"):
        raise QueryError(f"order is asc or desc, not {query.order!r}")


def check_family(family: str, kinds: tuple[int, ...] = ()) -> None:
    """Refuse a family that does not exist, and kinds that are not in it.

    Raises:
        QueryError: one of these.
    """
    if family not in FAMILIES:
        raise QueryError(f"no such table: {family!r} (there are {', '.join(FAMILIES)})")
    for kind in kinds:
        if kind not in KINDS or KINDS[kind].family != family:
            raise QueryError(f"table {family} has no kind {kind}")


def check_times(start_ns: int, end_ns: int) -> None:
    """Refuse times that no tick can have. An empty or reversed range is no fault: nothing is in it.

    Raises:
        QueryError: one of them is beyond 64 bits.
    """
    for time_ns in (start_ns, end_ns):
        if not TIME_MIN_NS <= time_ns <= TIME_END_NS:
            raise QueryError("a time must fit 64 bits")
