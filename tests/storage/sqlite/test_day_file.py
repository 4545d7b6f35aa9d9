"""One file of rows as the writer holds it."""

import sqlite3
from pathlib import Path

import pytest

from storage.errors import StoreDamaged, StoreUnavailable
from storage.sqlite import database
from storage.sqlite.columns import Filed
from storage.sqlite.day_file import DayFile
from tests.storage.making import NOON, cancel, trade


def filed(*ticks: object, first_m: int = 1) -> dict[str, list[Filed]]:
    """Ticks of the default line-up, as the writer sorts them."""
    return {"": [(m, m, 1, tick) for m, tick in enumerate(ticks, first_m)]}  # type: ignore[misc]  # ticks they are


def select(path: Path, sql: str) -> list[tuple[object, ...]]:
    """What another process would see."""
    connection = database.open_to_read(path)
    rows = connection.execute(sql).fetchall()
    connection.close()
    return rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file will lie."""
    return tmp_path / "2026-07-13-trades.sqlite"


def test_a_commit_is_seen_at_once_with_the_mark_it_reaches(path: Path) -> None:
    """Rows and mark come in one transaction; the mark never goes back."""
    file = DayFile(path, "trades", 1_024)
    file.commit(filed(trade("A"), trade("B")), 17)
    assert select(path, "select count(*) from trades") == [(2,)]
    assert select(path, "select value from meta where key = 'mark'") == [(17,)]
    file.commit(filed(trade("A"), first_m=3), 9)
    assert select(path, "select value from meta where key = 'mark'") == [(17,)]
    file.close()


def test_symbols_keep_their_ids_when_the_file_is_opened_again(path: Path) -> None:
    """And each line-up has its own."""
    for first_m, lineup in ((1, ""), (11, "iex"), (21, "")):
        file = DayFile(path, "trades", 1_024)
        file.commit({lineup: filed(trade("A"), trade("B"), trade("A"), first_m=first_m)[""]}, first_m + 2)
        file.close()
    assert select(path, "select lineup, symbol from series order by id") == [
        ("", "A"), ("", "B"), ("iex", "A"), ("iex", "B"),
    ]  # fmt: skip
    assert select(path, "select series_id, count(*) from trades group by 1") == [
        (1, 4),
        (2, 2),
        (3, 2),
        (4, 1),
    ]


def test_a_failed_commit_stores_nothing(path: Path) -> None:
    """A disk that is full (here: a page limit) leaves the file as it was."""
    file = DayFile(path, "trades", 1_024)
    file.commit(filed(trade("A")), 1)
    file._connection.execute("pragma max_page_count = 12")
    with pytest.raises(StoreUnavailable, match=r"2026-07-13-trades\.sqlite: .*full"):
        file.commit(filed(*(trade(f"S{i}") for i in range(2_000)), first_m=2), 2_001)
    file.close()
    assert select(path, "select m from trades") == [(1,)]
    assert select(path, "select symbol from series") == [("A",)]
    assert select(path, "select value from meta where key = 'mark'") == [(1,)]


def test_a_locked_file_is_unavailable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For now; the round is repeated."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.0)
    file = DayFile(path, "trades", 1_024)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(StoreUnavailable, match="locked"):
        file.commit(filed(trade()), 1)
    other.execute("rollback")
    file.commit(filed(trade()), 1)
    other.close()
    file.close()


def test_a_file_that_is_none_is_damaged(path: Path) -> None:
    """And stays as it is for somebody to look at."""
    path.write_bytes(b"x" * 5_000)
    with pytest.raises(StoreDamaged):
        DayFile(path, "trades", 1_024)
    assert path.read_bytes() == b"x" * 5_000


def test_a_file_of_another_format_is_refused(path: Path) -> None:
    """A newer version may have written it."""
    DayFile(path, "trades", 1_024).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("update meta set value = 99 where key = 'format'")
    connection.close()
    with pytest.raises(StoreDamaged, match="format 99"):
        DayFile(path, "trades", 1_024)


def test_a_day_with_more_corrections_than_one_statement_takes(path: Path) -> None:
    """All are found, though they are looked up in parts."""
    file = DayFile(path, "trades", 1_024)
    prints = [trade("A", NOON + i, i) for i in range(1, 1_201)]
    cancels = [cancel("A", NOON + 5_000 + i, i) for i in range(1, 1_201)]
    file.commit(filed(*prints, *cancels), 2_400)
    file.close()
    assert select(path, "select count(*), sum(upd_m - m) from trades where upd = 1") == [
        (1_200, 1_200 * 1_200)
    ]


def test_the_query_by_series_and_time_needs_no_sorting(path: Path) -> None:
    """The index alone gives the rows in order; SQLite must not build a list of its own."""
    DayFile(path, "trades", 1_024).close()
    plan = select(
        path,
        "explain query plan select * from trades indexed by trades_by_time where series_id = 1 "
        "and (ts_event, m) > (5, 6) and ts_event < 9 and m <= 99 order by ts_event, m limit 10",
    )
    text = " ".join(str(row[3]) for row in plan)
    assert "trades_by_time (series_id=? AND ts_event>? AND ts_event<?)" in text
    assert "TEMP B-TREE" not in text
