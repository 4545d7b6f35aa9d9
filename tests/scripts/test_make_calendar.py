"""The shipped trading calendar is what its generator makes."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests import checkout


def test_the_shipped_table_is_what_the_generator_makes() -> None:
    """Nobody edited the table by hand, and the package that knows the days still agrees."""
    if find_spec("pandas_market_calendars") is None:
        pytest.skip("NOT CHECKED: the generator needs the `calendar` extra (pandas_market_calendars)")
    script = checkout.ROOT / "scripts" / "make_calendar.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
