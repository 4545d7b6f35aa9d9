"""Choosing a store by its address."""

from pathlib import Path

import pytest

from config.settings import StorageSettings
from storage.contract import ScanQuery
from storage.errors import UnknownStore
from storage.stores import open_reader, open_writer
from tests.storage.making import batch, trade


def test_sqlite_keeps_its_files_in_the_data_folder(tmp_path: Path) -> None:
    """What the writer writes there the reader finds."""
    reader = open_reader(StorageSettings(), tmp_path)
    writer = open_writer(StorageSettings(open_files=2, cache_kib=100), tmp_path, "boot")
    writer.write([batch([trade()])], 1)
    assert len(reader.scan(ScanQuery("trades", 1)).rows) == 1
    assert (tmp_path / "store" / "2026-07-13-trades.sqlite").exists()
    reader.close()
    writer.close()


@pytest.mark.parametrize("url", ["", "sqlite", "sqlite:/elsewhere", "mysql://secret@host"])
def test_another_store_is_unknown(tmp_path: Path, url: str) -> None:
    """Both halves say so."""
    settings = StorageSettings(url=url)
    with pytest.raises(UnknownStore):
        open_writer(settings, tmp_path, "boot")
    with pytest.raises(UnknownStore):
        open_reader(settings, tmp_path)
