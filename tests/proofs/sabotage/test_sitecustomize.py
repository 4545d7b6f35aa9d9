import os
import subprocess
import sys

from proofs.lib import SABOTAGE, SABOTAGE_FOLDER
from proofs.sabotage.defects import DEFECTS


def finders(**environment: str) -> str:
    """The import finders of a fresh Python that was started in `environment`."""
    return subprocess.run(
        [sys.executable, "-c", "import sys; print([type(finder).__name__ for finder in sys.meta_path])"],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip


def test_the_defect_named_in_the_environment_is_planted_at_start() -> None:
    """With the folder on PYTHONPATH, a process has the import hook before its first line runs."""
    assert "_Finder" in finders(PYTHONPATH=str(SABOTAGE_FOLDER), **{SABOTAGE: next(iter(DEFECTS))})


def test_without_a_name_nothing_is_planted() -> None:
    """The folder on PYTHONPATH alone changes nothing."""
    assert "_Finder" not in finders(PYTHONPATH=str(SABOTAGE_FOLDER))
