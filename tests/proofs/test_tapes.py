from collections.abc import Callable
from pathlib import Path

import pytest

from config.settings import TapeSettings
from proofs import tapes
from proofs.aims import ProofError
from tape.archive import retire
from tape.segment import list_files
from tape.tape import Tape
from ticks.model import Tick, Trade
from ticks.sources import IEX_TOPS


def trades(prices: list[int]) -> list[Tick]:
    """One trade for each price."""
    return [
        Trade(IEX_TOPS, 86, "ZVZZT", 1, 1, 1, n, 0, price, 1, n, 0, "", 0) for n, price in enumerate(prices)
    ]


@pytest.fixture
def publish(tmp_path: Path) -> Callable[[list[int]], None]:
    """Open the tape in the test's folder, publish trades of these prices, and end it."""

    def publish(prices: list[int]) -> None:
        tape = Tape(TapeSettings(), tmp_path, now_ns=1)
        tape.publish("", trades(prices), None, now_ns=1)
        tape.close()

    return publish


def test_every_mark_has_its_content(publish: Callable[[list[int]], None], tmp_path: Path) -> None:
    """Marks are read over restarts, and keep what they had."""
    publish([1, 2])
    before = tapes.contents(tmp_path)
    publish([2])
    after = tapes.contents(tmp_path)
    assert list(after) == [1, 2, 3]
    assert {m: after[m] for m in before} == before
    assert len(set(after.values())) == 3


def test_marks_that_were_retired_are_left_out(tmp_path: Path) -> None:
    """Nobody can compare what has been deleted; what is left is read."""
    settings = TapeSettings(segment_bytes=65_536, tape_retention_bytes=1)
    tape = Tape(settings, tmp_path, now_ns=1)
    for part in range(12):
        tape.publish("", trades(list(range(part, part + 100))), None, now_ns=1)
        tape.flush()
    tape.close()
    before, files = tapes.contents(tmp_path), [file.first_m for file in list_files(tmp_path)]
    assert len(files) > 1
    assert retire(tmp_path, 1_200, settings, now_ns=1)
    assert tapes.contents(tmp_path) == {m: before[m] for m in range(files[-1], 1_201)}


def test_what_cannot_be_read_is_an_error(publish: Callable[[list[int]], None], tmp_path: Path) -> None:
    """A proof never takes a damaged tape for a short one."""
    publish([1, 2])
    publish([3])
    (segment,) = (tmp_path / "journal").glob("*.seg")
    data = bytearray(segment.read_bytes())
    place = data.index(b"ZVZZT")
    data[place + 40] ^= 1
    segment.write_bytes(data)
    with pytest.raises(ProofError, match="cannot be read"):
        tapes.contents(tmp_path)


def test_every_channel_has_its_last_number(publish: Callable[[list[int]], None], tmp_path: Path) -> None:
    """Over restarts too; there is nothing to skip on a sound tape."""
    publish([1, 2])
    publish([3])
    assert tapes.numbers(tmp_path) == {"t:ZVZZT": 3}
