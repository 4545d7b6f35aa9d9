"""What the routes need, and who has it."""

from pathlib import Path

from config.settings import StorageSettings
from storage.pool import HistoryPool
from tape.marks import Marks as TapeMarks
from tapewire.http.services import History, Marks


def test_the_pool_and_the_shared_marks_are_what_the_routes_need(tmp_path: Path) -> None:
    """Checked by mypy as well: the real ones fit where the tests put small ones."""
    history: History = HistoryPool(StorageSettings(), tmp_path)
    marks: Marks = TapeMarks(tmp_path)
    assert callable(history.stream)
    assert (marks.epoch, marks.accepted, marks.durable, marks.stored) == (0, 0, 0, 0)
