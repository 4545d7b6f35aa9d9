"""The checker that keeps I/O out of the cores sees what it has to see."""

import pytest

from tests.purity import impurities


@pytest.mark.parametrize(
    "source",
    [
        "import socket",
        "import os.path",
        "from time import monotonic_ns",
        "from pathlib import Path\ndef f(p: Path): return p.exists()",
        "def f(path):\n    return [child for child in path.iterdir()]",
        "from urllib import request",
        "def f():\n    import asyncio",
        "def f(path):\n    return open(path)",
        "from datetime import datetime\nx = datetime.now()",
        "from uuid import uuid4\nimport uuid\nx = uuid.uuid4()",
        "async def f(): ...",
        "try:\n    import sqlite3\nexcept ImportError:\n    sqlite3 = None",
    ],
)
def test_reaching_outside_is_found(source: str) -> None:
    """Imports at any depth, clock and disk calls, and waiting are all seen."""
    assert impurities(source)


@pytest.mark.parametrize(
    "source",
    [
        "import struct, zlib, hashlib, heapq",
        "from urllib.parse import urlsplit",
        "from pathlib import Path\ndef f(folder: Path) -> Path:\n    return folder / 'a'",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import socket",
        "def f(now_ns: int) -> int:\n    return now_ns + 1",
        "from datetime import date\nx = date.fromordinal(1)",
        "from websockets.server import ServerProtocol",
    ],
)
def test_plain_computation_is_left_alone(source: str) -> None:
    """Parsing, hashing, values of time and sans-IO protocols belong in a core."""
    assert impurities(source) == []
