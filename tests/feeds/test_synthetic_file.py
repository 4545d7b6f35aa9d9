"""Writing made-up recordings to files."""

import gzip
import json
from pathlib import Path

import pytest

from feeds.iex.market_day import Day
from feeds.replay import ReplayFeed
from feeds.synthetic import Container
from feeds.synthetic_file import main, write_recording
from tape.batch import SourcePosition
from ticks.model import Tick

DAY = Day(messages=2_000)


async def test_a_written_recording_can_be_replayed_with_the_stated_counts(tmp_path: Path) -> None:
    """From the file's name to the totals, packed and in the other format."""
    path = tmp_path / "day.pcap.gz"
    content = write_recording(path, DAY, Container("pcapng", True, (5,)), packed=True)
    ticks: list[Tick] = []

    def sink(batch: list[Tick], position: SourcePosition, now_ns: int) -> None:
        ticks.extend(batch)

    feed = ReplayFeed([path], speed=None, saved=lambda key: None)
    await feed.run(sink)
    assert dict(sorted(feed.decoded.items())) == content.messages
    assert len(ticks) == DAY.messages - content.messages["D"]


def test_equal_input_makes_equal_files_and_packing_changes_nothing_else(tmp_path: Path) -> None:
    """So a file's key is known from its description."""
    for name, packed in (("a", False), ("b", True), ("c", True)):
        write_recording(tmp_path / name, DAY, packed=packed)
    assert (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()
    assert gzip.decompress((tmp_path / "b").read_bytes()) == (tmp_path / "a").read_bytes()


def test_the_command_writes_a_file_and_says_what_is_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One JSON line with the exact content."""
    path = tmp_path / "day.pcap.gz"
    options = (
        "--messages 900 --symbols 9 --seed 3 --seconds 10 --format pcap-ns --big-endian --vlan 4 --vlan 5"
    )
    assert main([str(path), *options.split()]) == 0
    line = json.loads(capsys.readouterr().out)
    assert sum(line["messages"].values()) == 900
    assert line["symbols"] == 9
    assert gzip.decompress(path.read_bytes()).startswith(bytes.fromhex("a1b23c4d"))


@pytest.mark.parametrize("arguments", [["{}/none/day.pcap"], ["{}/day.pcap", "--messages", "3"]])
def test_what_cannot_be_made_is_refused_in_one_line(
    tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong path or an impossible day ends the command with the reason."""
    with pytest.raises(SystemExit):
        main([argument.format(tmp_path) for argument in arguments])
    assert "error:" in capsys.readouterr().err.splitlines()[-1]
