"""What may be asked."""

import pytest

from storage.contract import ScanQuery
from storage.errors import QueryError
from storage.queries import LIMIT_MAX, check_family, check_query, check_times
from ticks import kinds
from ticks.kinds import FAMILIES


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_may_be_asked_for(family: str) -> None:
    """With the smallest and the largest page."""
    check_query(ScanQuery(family, 0, limit=1))
    check_query(ScanQuery(family, 0, limit=LIMIT_MAX, order="desc"))


def test_kinds_of_the_family_may_be_asked_for() -> None:
    """Those of another may not."""
    check_family("bars", (kinds.BAR, kinds.BAR_DAILY))
    with pytest.raises(QueryError, match="no kind"):
        check_family("bars", (kinds.BAR, kinds.TRADE))


@pytest.mark.parametrize(
    "query",
    [
        ScanQuery("depth", 0),
        ScanQuery("trades", 0, limit=0),
        ScanQuery("trades", 0, limit=LIMIT_MAX + 1),
        ScanQuery("trades", 0, start_ns=2**64),
        ScanQuery("trades", 0, order="sideways"),  # type: ignore[arg-type]  # that is the point
    ],
)
def test_anything_else_is_refused(query: ScanQuery) -> None:
    """With the one error that is the caller's fault."""
    with pytest.raises(QueryError):
        check_query(query)


def test_a_reversed_range_is_no_fault() -> None:
    """Nothing is in it, which is an answer."""
    check_times(5, 4)
    with pytest.raises(QueryError):
        check_times(0, 2**63 + 1)
