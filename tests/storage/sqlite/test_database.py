"""Files of the store: names, opening, errors."""

import sqlite3
from pathlib import Path

import pytest

from storage.errors import StoreDamaged, StoreUnavailable
from storage.filing import STRAYS
from storage.sqlite import database
from ticks.errors import CodecError
from ticks.times import day_number

DAY_13 = day_number("2026-07-13")


def made(path: Path, format_number: int = database.FORMAT) -> Path:
    """A file with nothing but its format number."""
    database.make_file(path, iter([
        "create table meta (key text primary key, value integer)",
        f"insert into meta values ('format', {format_number})",
    ]))  # fmt: skip
    return path


def test_files_are_named_by_day_and_family_and_found_again(tmp_path: Path) -> None:
    """The strays first, then by day; everything else in the folder is passed over."""
    for family, day in (("trades", DAY_13), ("quotes", DAY_13), ("trades", STRAYS), ("trades", DAY_13 - 400)):
        made(database.file_path(tmp_path, family, day))
    for other in (
        "checkpoint.sqlite",
        "2026-07-13-depth.sqlite",
        "2026-02-31-trades.sqlite",
        "x",
        "trades.sqlite",
    ):
        (tmp_path / other).touch()
    found = [(file.family, file.day) for file in database.list_files(tmp_path)]
    assert found == [("trades", STRAYS), ("trades", DAY_13 - 400), ("quotes", DAY_13), ("trades", DAY_13)]
    assert (tmp_path / "2026-07-13-trades.sqlite").exists()
    assert (tmp_path / "strays-trades.sqlite").exists()


def test_a_folder_that_is_not_there_holds_no_files(tmp_path: Path) -> None:
    """Readers may come before the writer."""
    assert database.list_files(tmp_path / "none") == []


def test_a_file_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    """A failure in between leaves no file under its name, and the next attempt works."""
    path = tmp_path / "x.sqlite"
    with pytest.raises(sqlite3.OperationalError):
        database.make_file(path, iter(["create table a (b)", "nonsense"]))
    assert not path.exists()
    made(path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["x.sqlite"]


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    """Not by mistake either."""
    connection = database.open_to_read(made(tmp_path / "a?b#.sqlite"))
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("delete from meta")
    connection.close()


def test_a_writer_uses_the_write_ahead_log_and_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    """The journal is what survives a power cut; `sync` is what waits."""
    connection = database.open_to_write(made(tmp_path / "x.sqlite"), 1_024)
    for pragma, value in (("journal_mode", "wal"), ("synchronous", 1), ("cache_size", -1_024)):
        assert connection.execute(f"pragma {pragma}").fetchone() == (value,)
    connection.close()


def test_another_format_is_refused(tmp_path: Path) -> None:
    """Instead of being misread."""
    connection = database.open_to_read(made(tmp_path / "x.sqlite", database.FORMAT + 1))
    with pytest.raises(StoreDamaged, match=r"x\.sqlite: format 2, expected 1"):
        database.check_format(connection, tmp_path / "x.sqlite")
    connection.close()


def test_what_is_no_database_is_damaged(tmp_path: Path) -> None:
    """Repeating does not help."""
    path = tmp_path / "x.sqlite"
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 20)
    with pytest.raises(StoreDamaged, match=r"x\.sqlite"), database.in_our_words(path):
        database.open_to_write(path, 1_024)


def test_a_folder_in_a_files_place_is_unavailable(tmp_path: Path) -> None:
    """It may be gone when it is tried again."""
    with pytest.raises(StoreUnavailable, match=tmp_path.name), database.in_our_words(tmp_path):
        database.open_to_read(tmp_path).execute("select 1 from sqlite_master")


@pytest.mark.parametrize(
    ("error", "ours"), [(OSError(28, "No space left"), StoreUnavailable), (CodecError("bad"), StoreDamaged)]
)
def test_other_errors_have_their_place_too(tmp_path: Path, error: Exception, ours: type[Exception]) -> None:
    """The disk is unavailable, undecodable rows are damage; the file is named."""
    with pytest.raises(ours, match="x"), database.in_our_words(tmp_path / "x"):
        raise error
