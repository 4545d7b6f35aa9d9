"""Pages, streams and gaps as JSON."""

import json

from storage.contract import TIME_END_NS, Gap
from tapewire.http.rows import gap_document, gaps_about, page_body, trailer_line
from ticks.sources import IEX_TOPS

OPEN = Gap("", "AAPL", "outage", 1_000, None, -1, 7, 0, IEX_TOPS)
HOLE = Gap("", "*", "disk", 0, TIME_END_NS, -1, 5, 9, 0, every_lineup=True)


def test_a_page_holds_its_rows_then_what_is_known() -> None:
    """Rows are put in as they come from the workers."""
    body = page_body("trades", b'{"a":1},{"a":2}', [], "next", {"known_at": 5})
    assert body == b'{"trades":[{"a":1},{"a":2}],"next_cursor":"next","known_at":5,"gaps":[]}'
    assert json.loads(page_body("quotes", b"", [], None, {})) == {
        "quotes": [],
        "next_cursor": None,
        "gaps": [],
    }


def test_a_trailer_says_that_it_is_the_end() -> None:
    """First of all."""
    line = trailer_line(2, 77, [], None, {"known_at": 5})
    assert line == b'{"end":true,"rows":2,"crc":77,"next_cursor":null,"known_at":5,"gaps":[]}'


def test_what_is_not_known_of_a_gap_is_null() -> None:
    """An end that has not come, a number that nobody counted, the beginning of all."""
    assert gap_document(OPEN) == {
        "lineup": "",
        "scope": "AAPL",
        "why": "outage",
        "from": "1970-01-01T00:00:00.000001000Z",
        "to": None,
        "lost": None,
        "open_m": 7,
        "close_m": None,
        "source": "iex-tops",
    }
    hole = gap_document(HOLE)
    assert (hole["lineup"], hole["from"], hole["to"], hole["source"]) == (None, None, None, None)


def test_gaps_of_other_symbols_are_left_out() -> None:
    """Those of the market stay."""
    assert gaps_about([OPEN, HOLE], ("AAPL",)) == [OPEN, HOLE]
    assert gaps_about([OPEN, HOLE], ("MSFT",)) == [HOLE]
    assert gaps_about([OPEN, HOLE], None) == [OPEN, HOLE]
