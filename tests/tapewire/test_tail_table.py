"""The table as rich draws it."""

import io

from rich.console import Console

from tapewire.tail_board import Board
from tapewire.tail_table import draw
from tests.tapewire.test_tail_board import NOW_US, quote, trade


def drawn(board: Board, status: str = "", *, colour: bool = False) -> str:
    """The table on a terminal of 80 columns."""
    out = io.StringIO()
    console = Console(
        _environ={"TERM": "xterm"},
        file=out,
        width=80,
        force_terminal=True,
        color_system="standard" if colour else None,
        legacy_windows=False,
    )
    console.print(draw(board.rows(NOW_US), status))
    return out.getvalue()


def test_everything_fits_into_eighty_columns() -> None:
    """Headings, a busy row of a symbol with a long name, and the state below."""
    board = Board(("BRK.B",))
    for price in ("472.83", "472.8354", "1472.84", "1472.85", "12345.67", "12345.68", "12345.69", "12345.70"):
        board.take(trade(price, symbol="BRK.B", k=123_456))
        board.rows(NOW_US)
    lines = drawn(board, "99 ticks").splitlines()
    assert lines[0].split() == ["symbol", "last", "size", "bid", "ask", "ticks", "age", "src"]
    assert lines[1].split()[:4] == ["BRK.B", "▲", "12345.70", "100"]
    assert "…" not in lines[0] + lines[1]
    assert lines[-1].strip() == "99 ticks"


def test_the_direction_is_seen_without_colour_too() -> None:
    """By its sign."""
    board = Board()
    for price in ("5", "4"):
        board.take(trade(price))
    assert "▼" in drawn(board)
    assert "\x1b[31m" in drawn(board, colour=True)
    assert "\x1b[3" not in drawn(board)


def test_what_a_hub_sends_is_no_markup() -> None:
    """Not even in the name of a source."""
    board = Board()
    board.take(quote("5", "6") | {"src": "[red]x[/red]"})
    assert "[red]x[/red]" in drawn(board, "[bold]status[/bold]")
    assert "[bold]status[/bold]" in drawn(board, "[bold]status[/bold]")
