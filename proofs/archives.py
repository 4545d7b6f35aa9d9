"""Which files of a tape are in its archive, and whether one is just on its way there."""

from pathlib import Path

from tape.segment import ARCHIVE, archive_path, list_drafts, list_files, list_segments


def files(folder: Path) -> dict[int, bool]:
    """First mark of each file → whether it is in the archive."""
    return {file.first_m: file.archived for file in list_files(folder)}


def half_archived(folder: Path) -> bool:
    """Whether the step of a file into the archive has begun and not ended."""
    if list_drafts(folder / ARCHIVE):
        return True
    return any(archive_path(folder, file.first_m).exists() for file in list_segments(folder))
