"""The live table of `tapewire tail`, as rich draws it."""

from collections.abc import Iterable
from typing import Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from tapewire.tail_board import Row

COLUMNS: Final = ("symbol", "", "last", "size", "bid", "ask", "", "ticks", "age", "src")
LEFT: Final = frozenset(("symbol", "", "src"))
DIRECTIONS: Final = {1: ("▲", "green"), -1: ("▼", "red"), 0: (" ", "")}
"""The sign says it too: colour alone would not be seen by everybody, or everywhere."""


def draw(rows: Iterable[Row], status: str) -> Group:
    """The table as it is now, and below it the state of the connection.

    What a hub sends is text here, never markup.
    """
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in LEFT else "right", no_wrap=True, min_width=len(name))
    for row in rows:
        sign, colour = DIRECTIONS[row.direction]
        cells = (row.size, row.bid, row.ask, row.spark, row.ticks, row.age, row.source)
        table.add_row(Text(row.symbol, "bold"), Text(sign, colour), Text(row.last, colour), *map(Text, cells))
    return Group(table, Text(status, "dim"))
