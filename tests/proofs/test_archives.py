from pathlib import Path

from config.settings import TapeSettings
from proofs import archives
from tape.archive import archive_sealed
from tape.tape import Tape
from ticks.model import Quote
from ticks.sources import IEX_TOPS


def test_files_on_their_way_into_the_archive_are_seen(tmp_path: Path) -> None:
    """By their draft, and by standing in both places."""
    settings = TapeSettings(segment_bytes=65_536)
    quote = Quote(IEX_TOPS, 86, "ZVZZT", 1, 1, 1, 1, 0, 1, 1, 2, 1, 86, 86, "", 0)
    tape = Tape(settings, tmp_path, now_ns=1)
    for _ in range(12):
        tape.publish("", [quote] * 100, None, now_ns=1)
        tape.flush()
    tape.close()
    kept = {first_m: (tmp_path / "journal" / f"{first_m:020}.seg") for first_m in archives.files(tmp_path)}
    first = kept[1].read_bytes()
    assert not archives.half_archived(tmp_path)
    archive_sealed(tmp_path, 1_200, settings)
    *archived, _ = kept
    assert archives.files(tmp_path) == {first_m: first_m in archived for first_m in kept}
    assert not archives.half_archived(tmp_path)
    kept[1].write_bytes(first)
    assert archives.half_archived(tmp_path)
    kept[1].unlink()
    (tmp_path / "archive" / "1.new").touch()
    assert archives.half_archived(tmp_path)
