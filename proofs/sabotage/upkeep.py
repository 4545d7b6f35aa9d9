"""Planted defects of what is done to the tape's files beside the writer."""

import time
from typing import Any

from msgspec import structs

from proofs.sabotage.defects import acted, defect


@defect("segment-first", "tape.archive")
def segment_first(module: Any) -> None:
    """A segment is removed some time before its archive gets its name."""
    original = module._archive_one

    def broken(directory: Any, file: Any, end_m: int, table_rows: int, disk: Any) -> None:
        rename = disk.rename

        def late(source: Any, target: Any) -> None:
            acted()
            disk.unlink(file.path)
            time.sleep(0.1)
            rename(source, target)

        disk.rename = late
        original(directory, file, end_m, table_rows, disk)
        disk.rename = rename

    module._archive_one = broken


@defect("retire-unstored", "storage.upkeep")
def retire_unstored(module: Any) -> None:
    """Segments are deleted as soon as they are sealed, stored or not."""
    original = module.retire
    module.EVERY_SECONDS = 0.01

    def broken(directory: Any, _: int, settings: Any, now_ns: int) -> int:
        eager = structs.replace(settings, tape_retention_bytes=1)
        deleted: int = original(directory, 1 << 53, eager, now_ns)
        if deleted:
            acted()
        return deleted

    module.retire = broken
