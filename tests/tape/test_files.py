"""One file of a tape at a time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from tape import frames, segment
from tape.archive import compress_segment
from tape.files import ArchiveFile, SegmentFile, open_file
from tape.frames import BATCH, Frame
from tape.rows import first_receive_time
from tape.segment import TapeFile
from tests.tape.making import NOW_NS, SETTINGS, fill, flip, tape_in

TICKS = 900


@pytest.fixture(params=["segment", "archive"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> TapeFile:
    """A file of 900 marks: as a segment, and as an archive of many blocks."""
    with tape_in(tmp_path, structs.replace(SETTINGS, segment_bytes=1 << 30)) as tape:
        fill(tape, TICKS, each=4)
    found = segment.list_files(tmp_path)[0]
    if request.param == "segment":
        return found
    path = segment.archive_path(tmp_path, 1)
    path.parent.mkdir()
    path.write_bytes(compress_segment(found.path.read_bytes(), SETTINGS.table_rows, 1))
    return TapeFile(1, path, True)


@pytest.fixture
def opened(file: TapeFile) -> Iterator[SegmentFile | ArchiveFile]:
    """The same, opened."""
    made = open_file(file)
    yield made
    made.close()


def batches(opened: SegmentFile | ArchiveFile) -> list[Frame]:
    """The batches from the present place on."""
    return [frame for frame in opened.frames() if frame.kind == BATCH]


def marks(found: list[Frame]) -> list[int]:
    """Their marks."""
    return [m for frame in found for m in range(frame.first_m, frame.first_m + frame.count)]


def test_a_file_is_walked_from_its_beginning_to_its_end(opened: SegmentFile | ArchiveFile) -> None:
    """And then there is nothing more."""
    assert marks(batches(opened)) == list(range(1, TICKS + 1))
    assert batches(opened) == []


@pytest.mark.parametrize("m", [0, 1, 2, 31, 32, 33, 450, 896, 897, 900, 901, 5_000])
def test_a_walk_after_a_seek_meets_every_row_from_there(opened: SegmentFile | ArchiveFile, m: int) -> None:
    """It may begin a little earlier."""
    list(opened.frames())
    opened.seek(m)
    found = marks(batches(opened))
    assert found == list(range(found[0], TICKS + 1)) if found else m > TICKS
    assert not found or found[0] <= max(m, 1)


@pytest.mark.parametrize("share", [-1.0, 0.0, 0.003, 0.5, 0.9, 1.0, 2.0])
def test_a_walk_after_a_seek_by_time_meets_every_row_received_later(
    opened: SegmentFile | ArchiveFile, share: float
) -> None:
    """The receive times of these ticks are one nanosecond apart."""
    time_ns = NOW_NS + round(share * TICKS)
    opened.seek_time(time_ns)
    found = batches(opened)
    later = [m for m in range(1, TICKS + 1) if NOW_NS + m - 1 > time_ns]
    assert set(marks(found)) >= set(later)
    if share > 0 and found:
        assert first_receive_time(found[0]) <= time_ns


def test_tables_are_those_at_the_beginning(opened: SegmentFile | ArchiveFile) -> None:
    """Asking for them does not move the place."""
    opened.seek(450)
    place = opened._offset
    kinds = [frame.kind for frame in opened.tables()]
    assert kinds[:3] == [frames.EPOCH, frames.RESERVE, frames.POSITIONS]
    assert BATCH not in kinds
    assert opened._offset == place


def test_every_table_of_names_is_found(opened: SegmentFile | ArchiveFile) -> None:
    """Wherever it stands, with the frames between left out."""
    opened.seek(450)
    found = list(opened.names())
    assert found
    assert {frame.kind for frame in found} == {frames.CHANNELS}


def test_walking_goes_on_where_it_ended(opened: SegmentFile | ArchiveFile) -> None:
    """Frame by frame, by as many walks."""
    seen: list[int] = []
    while True:
        frame = next(opened.frames(), None)
        if frame is None:
            break
        if frame.kind == BATCH:
            seen += marks([frame])
    assert seen == list(range(1, TICKS + 1))


def test_a_segment_that_grows_is_walked_on(tmp_path: Path) -> None:
    """What is written after a walk has ended is met by the next; half a frame is waited for."""
    with tape_in(tmp_path, structs.replace(SETTINGS, segment_bytes=1 << 30)) as tape:
        fill(tape, 20)
        source = segment.list_files(tmp_path)[0].path.read_bytes()
    path = tmp_path / "growing.seg"
    seen: list[int] = []
    with path.open("wb", buffering=0) as target:
        growing = SegmentFile(TapeFile(1, path, False))
        for at in range(0, len(source), 37):
            target.write(source[at : at + 37])
            seen += marks(batches(growing))
    assert seen == list(range(1, 21))
    growing.close()


def test_frames_longer_than_a_chunk_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader asks for as much as the frame says."""
    from tape import files

    monkeypatch.setattr(files, "CHUNK_BYTES", 1_000)
    with tape_in(tmp_path, structs.replace(SETTINGS, segment_bytes=1 << 30)) as tape:
        fill(tape, 300, each=60)
    opened = SegmentFile(segment.list_files(tmp_path)[0])
    assert marks([frame for frame in opened.frames(1_000) if frame.kind == BATCH]) == list(range(1, 301))
    assert [frame.kind for frame in opened.names()]
    opened.close()


def test_a_file_under_the_same_name_is_noticed(tmp_path: Path) -> None:
    """After a failed sync nothing of the first was durable; one that has gone was sealed."""
    path = tmp_path / "00000000000000000001.seg"
    path.write_bytes(b"old")
    opened = SegmentFile(TapeFile(1, path, False))
    assert not opened.replaced()
    other = tmp_path / "other"
    other.write_bytes(b"new")
    other.replace(path)
    assert opened.replaced()
    path.unlink()
    assert not opened.replaced()
    opened.close()


def test_blocks_are_found_whatever_is_damaged(tmp_path: Path) -> None:
    """A bit in a block's header or in the index costs at most that block."""
    with tape_in(tmp_path, structs.replace(SETTINGS, segment_bytes=1 << 30)) as tape:
        fill(tape, 300, each=4)
    data = compress_segment(segment.list_files(tmp_path)[0].path.read_bytes(), SETTINGS.table_rows, 1)
    path = tmp_path / "00000000000000000001.arc"
    path.write_bytes(data)
    whole = ArchiveFile(TapeFile(1, path, True))
    places = [entry.offset for entry in whole._index]
    assert len(places) > 5
    whole.close()
    index_at = max(at for at in frames.headers_of_kind(data, frames.INDEX))
    for begin in (*places, index_at):
        for at in range(begin, begin + frames.HEADER_BYTES):
            flip(path, at, at % 8)
            opened = ArchiveFile(TapeFile(1, path, True))
            found = marks(batches(opened))
            assert len(found) >= 300 - 36
            assert found == sorted(set(found))
            if begin == index_at:
                assert len(found) == 300
            opened.close()
            flip(path, at, at % 8)


def test_a_file_that_is_gone_cannot_be_opened(tmp_path: Path) -> None:
    """The caller looks again where it is now."""
    for archived in (False, True):
        with pytest.raises(FileNotFoundError):
            open_file(TapeFile(1, tmp_path / "gone", archived))
