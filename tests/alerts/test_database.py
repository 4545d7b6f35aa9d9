"""The file of alerts: made whole, recognised, and its errors in our words."""

import sqlite3
from pathlib import Path

import pytest

from alerts.database import FILE_NAME, in_our_words, open_database, transaction
from alerts.errors import StoreDamaged, StoreUnavailable


def test_a_new_file_has_all_tables_and_is_synced_at_each_commit(tmp_path: Path) -> None:
    """A ring is delivered as soon as it is committed: it must not be lost afterwards."""
    connection = open_database(tmp_path)
    assert connection.execute("pragma synchronous").fetchone() == (2,)
    assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    tables = {row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")}
    assert {"alerts", "fires", "outbox", "owners", "watchlists", "stream_values", "meta"} <= tables
    connection.close()
    open_database(tmp_path).close()


def test_every_table_of_owned_things_has_the_owner_in_its_key(tmp_path: Path) -> None:
    """So no query can mix two owners by leaving out a join."""
    connection = open_database(tmp_path)
    for table in ("alerts", "fires", "owners", "watchlists"):
        keys = {row[5]: row[1] for row in connection.execute(f"pragma table_info({table})")}
        assert (keys[1], keys[2]) == ("tenant", "user")
    connection.close()


@pytest.mark.parametrize("content", [b"not a database at all, but long enough " * 40, None])
def test_another_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """Neither garbage nor another format is written to."""
    if content is None:
        connection = open_database(tmp_path)
        connection.execute("update meta set value = 99 where key = 'format'")
        connection.close()
    else:
        (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(StoreDamaged, match=FILE_NAME):
        open_database(tmp_path)


def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    """It may be there later."""
    with pytest.raises(StoreUnavailable):
        open_database(tmp_path / "missing")


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    """Whatever ends it."""
    connection = open_database(tmp_path)

    def stop() -> None:
        with transaction(connection):
            connection.execute("update meta set value = 7 where key = 'm'")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        stop()
    assert connection.execute("select value from meta where key = 'm'").fetchone() == (0,)
    with transaction(connection):
        connection.execute("update meta set value = 7 where key = 'm'")
    assert connection.execute("select value from meta where key = 'm'").fetchone() == (7,)
    connection.close()


def test_errors_say_whether_trying_again_helps() -> None:
    """A lock passes; a broken statement does not."""
    busy = sqlite3.OperationalError("locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
    with pytest.raises(StoreUnavailable), in_our_words():
        raise busy
    with pytest.raises(StoreDamaged), in_our_words():
        sqlite3.connect(":memory:").execute("nonsense")
