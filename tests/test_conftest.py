"""Slices of the slow tests: together they are all of them, and none twice."""

import re
import subprocess
import sys
from pathlib import Path

from tests import checkout

SAMPLE = "import pytest\n@pytest.mark.parametrize('n', range(7))\ndef test_n(n): pass\n"


def collected(folder: Path, *options: str) -> list[str]:
    """The names of the sample's tests that pytest would run with `options`."""
    listing = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *options, str(folder)],
        cwd=checkout.ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return re.findall(r"test_n\[\d\]", listing.stdout)


def test_slices_divide_the_tests_without_rest(tmp_path: Path) -> None:
    """Each test is in exactly one of the N slices."""
    (tmp_path / "conftest.py").write_text((checkout.ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_sample.py").write_text(SAMPLE)
    everything = collected(tmp_path)
    assert len(everything) == 7
    slices = [collected(tmp_path, "--slice", f"{part}/3") for part in (1, 2, 3)]
    assert sorted(name for names in slices for name in names) == everything
    assert {len(names) for names in slices} == {2, 3}
