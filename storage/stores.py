"""Which store the settings name, opened."""

from pathlib import Path
from typing import Final

from config.settings import StorageSettings
from storage.contract import StoreReader, StoreWriter
from storage.errors import UnknownStore
from storage.sqlite.reader import SqliteReader
from storage.sqlite.writer import SqliteWriter

STORE_FOLDER: Final = "store"
"""In the data folder: what a store keeps there."""


def open_writer(settings: StorageSettings, data_dir: Path, boot_id: str) -> StoreWriter:
    """The writing half of the store that the settings name.

    Raises:
        UnknownStore: they name none that exists.
        StoreUnavailable, StoreDamaged: it cannot be opened.
    """
    check_store(settings)
    return SqliteWriter(
        data_dir / STORE_FOLDER, boot_id, open_files=settings.open_files, cache_kib=settings.cache_kib
    )


def open_reader(settings: StorageSettings, data_dir: Path) -> StoreReader:
    """The reading half; the store need not exist yet.

    Raises:
        UnknownStore: the settings name none that exists.
    """
    check_store(settings)
    return SqliteReader(data_dir / STORE_FOLDER)


def check_store(settings: StorageSettings) -> None:
    """Make sure that the settings name a store that exists. The rest of an address may hold a password.

    Raises:
        UnknownStore: they do not.
    """
    if settings.url != "sqlite:":
        raise UnknownStore(f"no such store: {settings.url.partition(':')[0][:32]!r} (there is sqlite:)")
