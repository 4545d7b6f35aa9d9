"""What reading SQLite needs beyond the contract: files that come, go, or are broken."""

from pathlib import Path

import pytest

from storage.contract import ScanQuery
from storage.errors import StoreDamaged
from storage.sqlite import database
from storage.sqlite import reader as reader_module
from storage.sqlite.reader import SqliteReader
from storage.sqlite.writer import SqliteWriter
from tests.storage.making import DAY, NOON, batch, trade, walk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Trades of three days for two symbols, and the writer gone."""
    writer = SqliteWriter(tmp_path, "boot")
    ticks = [trade(symbol, NOON + day * DAY, i + 1) for i, day in enumerate((0, 1, 2)) for symbol in "AB"]
    writer.write([batch(ticks)], 6)
    writer.close()
    return tmp_path


def test_a_reader_may_come_before_the_store_exists(tmp_path: Path) -> None:
    """It sees the store when it has come."""
    reader = SqliteReader(tmp_path / "store")
    assert reader.stored_m() == 0
    writer = SqliteWriter(tmp_path / "store", "boot")
    writer.write([batch([trade()])], 1)
    assert reader.stored_m() == 1
    assert len(reader.scan(ScanQuery("trades", 1)).rows) == 1
    reader.close()
    writer.close()


def test_a_day_that_was_retired_is_gone_and_its_descriptor_with_it(folder: Path) -> None:
    """Retention deletes a file; readers go on without it."""
    reader = SqliteReader(folder)
    assert len(walk(reader, ScanQuery("trades", 6))) == 6
    database.list_files(folder)[0].path.unlink()
    assert [row.m for row in walk(reader, ScanQuery("trades", 6))] == [3, 5, 4, 6]
    reader.close()


def test_a_file_that_was_replaced_is_opened_anew(folder: Path) -> None:
    """A day imported again must not be answered from the old one."""
    reader = SqliteReader(folder)
    assert len(walk(reader, ScanQuery("trades", 6))) == 6
    database.list_files(folder)[0].path.unlink()
    writer = SqliteWriter(folder, "boot")
    writer.write([batch([trade("C", NOON)], 7)], 7)
    assert [row.tick.symbol for row in walk(reader, ScanQuery("trades", 7))] == ["A", "A", "B", "B", "C"]
    writer.close()
    reader.close()


def test_open_files_are_bounded(folder: Path) -> None:
    """However many days a query spans."""
    reader = SqliteReader(folder, open_files=2)
    assert len(walk(reader, ScanQuery("trades", 6), [1])) == 6
    assert len(reader._open) == 2
    reader.close()


def test_a_page_that_would_look_too_long_ends_early(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two symbols, in both directions; the walk is complete all the same."""
    monkeypatch.setattr(reader_module, "LOOKS_PER_PAGE", 3)
    reader = SqliteReader(folder)
    for query in (ScanQuery("trades", 6), ScanQuery("trades", 6, order="desc")):
        page = reader.scan(query)
        assert [row.tick.symbol for row in page.rows] == ["A"] * 3
        assert page.next_key is not None
        assert page.next_key.symbol == "A"
        assert len(walk(reader, query)) == 6
    reader.close()


@pytest.mark.parametrize("content", [b"", b"x" * 8_192])
def test_a_broken_file_is_named(folder: Path, content: bytes) -> None:
    """Whoever has to look at it knows where."""
    file = database.list_files(folder)[1]
    file.path.write_bytes(content)
    reader = SqliteReader(folder)
    with pytest.raises(StoreDamaged, match=file.path.name):
        reader.scan(ScanQuery("trades", 6))
    assert [row.m for row in reader.scan(ScanQuery("trades", 6, end_ns=NOON + 1)).rows] == [1, 2]
    reader.close()


def test_a_file_only_beyond_the_mark_is_not_looked_at(folder: Path) -> None:
    """As of an early mark a later day costs nothing per symbol."""
    reader = SqliteReader(folder)
    assert [row.m for row in reader.scan(ScanQuery("trades", 2)).rows] == [1, 2]
    reader.close()
