"""Where the real recordings are, and what their README says is in them."""

import os
from pathlib import Path
from typing import Final

import pytest

from tests import checkout

_FOLDER: Final = Path(os.environ.get("TAPEWIRE_DATA", checkout.ROOT.parent / "shared" / "data"))

TOPS_2026: Final = "iex/20260713_TOPS1.6_premarket_150000pkts.pcap.gz"
DEEP_2026: Final = "iex/20260713_DEEP1.0_premarket_150000pkts.pcap.gz"
TOPS_LAB: Final = "iex/20170710_TOPS1.6_lab.pcap.gz"


def real(name: str) -> Path:
    """The path of a real recording; skips the test, saying why, when it is not there."""
    path = _FOLDER / name
    if not path.is_file():
        pytest.skip(f"no real recordings here: {path} is missing (set TAPEWIRE_DATA)")
    return path
