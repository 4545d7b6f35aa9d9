import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from proofs.aims import ProofError
from proofs.lib import Child
from proofs.replays import nanoseconds, port_of, quote_of, same, trade_of, troubles, units


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2016-08-23T19:30:32.572715948Z", 1471980632572715948),
        ("2016-08-23T19:30:32.5Z", 1471980632500000000),
    ],
)
def test_times_are_read_to_the_nanosecond(text: str, ns: int) -> None:
    """Up to nine digits, missing ones are zeros."""
    assert nanoseconds(text) == ns


@pytest.mark.parametrize(("value", "digits", "number"), [(752, 9, 752 * 10**9), (Decimal("0.000001"), 6, 1)])
def test_numbers_are_read_exactly(value: int | Decimal, digits: int, number: int) -> None:
    """Integers and decimals become integers of the smallest unit."""
    assert units(value, digits) == number


def test_a_number_with_too_many_digits_is_refused() -> None:
    """A price that has been through a float is not taken for the exact one."""
    with pytest.raises(ProofError, match="more than 9 digits"):
        units(Decimal("99.0500000000000001"), 9)


def test_rows_are_read_in_the_reference_s_terms() -> None:
    """Exact prices in 1e-9, sizes in 1e-6, absent sides as None."""
    head = {"symbol": "ZIEXT", "ts_event": "2016-08-23T19:30:32.572715948Z"}
    trade = trade_of({**head, "price": Decimal("99.05"), "size": 100, "trade_id": 429974})
    assert trade == ("ZIEXT", 1471980632572715948, 99_050_000_000, 100_000_000, 429974)
    quote = quote_of({**head, "bid_price": 99, "bid_size": 1, "ask_price": None, "ask_size": 0})
    assert quote == ("ZIEXT", 1471980632572715948, 99_000_000_000, 1_000_000, None, 0)


def test_what_the_log_says_about_a_recording_is_found(tmp_path: Path) -> None:
    """Counts and damage of this file, without what is said of every file; other lines are passed over."""
    lines = [
        '{"time":"t","level":"info","event":"recording played","file":"a.pcap","ticks":9,"lost":2}',
        '{"time":"t","level":"warning","event":"recording is damaged","file":"a.pcap","damage":"cut"}',
        '{"time":"t","level":"warning","event":"recording is damaged","file":"b.pcap","damage":"cut"}',
        "no JSON",
    ]
    code = f"import sys; sys.stderr.write({chr(10).join(lines)!r})"
    child = Child([sys.executable, "-c", code], {}, tmp_path / "log")
    assert child.wait(60) == 0
    assert troubles(child, Path("a.pcap")) == {
        "recording played: lost": "2",
        "recording is damaged: damage": "cut",
    }


def test_a_row_is_the_same_but_for_corrections() -> None:
    """A mark keeps its content; only that it was corrected may be added."""
    row = {"m": 1, "price": 2, "upd": None}
    assert same({"m": 1, "price": 2, "upd": "cancelled"}, row)
    assert not same({"m": 1, "price": 3, "upd": None}, row)
    assert not same(None, row)


@contextmanager
def hub_that_says(tmp_path: Path, *lines: str) -> Iterator[Child]:
    """A process with these lines in its log."""
    code = f"import sys; sys.stderr.write({chr(10).join(lines)!r})"
    child = Child([sys.executable, "-c", code], {}, tmp_path / "log")
    yield child
    assert child.wait(60) == 0


def test_a_hub_says_itself_where_it_listens(tmp_path: Path) -> None:
    """A port that was free a moment ago may be a stranger's by now."""
    line = '{"time":"t","level":"info","event":"listening","url":"http://127.0.0.1:46193"}'
    with hub_that_says(tmp_path, '{"event":"tape opened"}', line) as child:
        assert port_of(child) == 46193


def test_a_hub_that_ends_without_listening_is_an_error(tmp_path: Path) -> None:
    """With its last words."""
    with (
        hub_that_says(tmp_path, "tapewire: port 8080 is in use") as child,
        pytest.raises(ProofError, match="port 8080 is in use"),
    ):
        port_of(child)
