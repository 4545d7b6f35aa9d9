"""Slices of the slow tests: together they are all of them, and none twice."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import checkout
from tests.conftest import divide


@given(count=st.integers(0, 50), parts=st.integers(1, 9))
def test_slices_divide_the_tests_without_rest(count: int, parts: int) -> None:
    """Each test is in exactly one of the N slices, which are equally long but for one test."""
    slices = [divide(range(count), f"{part}/{parts}") for part in range(1, parts + 1)]
    assert sorted(place for kept, _ in slices for place in kept) == list(range(count))
    assert all(sorted([*kept, *rest]) == list(range(count)) for kept, rest in slices)
    lengths = [len(kept) for kept, _ in slices]
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("chosen", ["0/7", "8/7", "1/0"])
def test_a_slice_that_does_not_exist_is_refused(chosen: str) -> None:
    """A misspelt slice does not quietly run nothing."""
    with pytest.raises(pytest.UsageError):
        divide(range(10), chosen)


def test_the_option_selects_a_slice(tmp_path: Path) -> None:
    """`pytest --slice 2/3` collects the second of three parts."""
    (tmp_path / "conftest.py").write_text((checkout.ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_sample.py").write_text(
        "import pytest\n@pytest.mark.parametrize('n', range(7))\ndef test_n(n): pass\n"
    )
    listing = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "--slice", "2/3", str(tmp_path)],
        cwd=checkout.ROOT, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert re.findall(r"test_n\[(\d)\]", listing.stdout) == ["1", "4"]


def test_no_property_test_is_timed() -> None:
    """A busy machine must not make one fail."""
    assert settings().deadline is None
