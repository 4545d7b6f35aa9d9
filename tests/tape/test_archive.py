"""Sealed segments, compressed and deleted."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import structs

from tape import archive, segment
from tape.archive import archive_sealed, compress_segment, retire, unpack_block
from tape.disk import Disk
from tape.errors import FormatError, NewerFormat
from tape.frames import BATCH, BLOCK, INDEX, Frame, encode_frame, frame_at, scan
from tape.reader import Damage
from tape.state import TapeState
from tape.tape import Tape
from tests.tape.faulty_disk import Died, FaultyDisk
from tests.tape.making import NOW_NS, SETTINGS, fill, flip, places, read_all, tape_in
from tests.tape.test_segment import newer

SECOND_NS = 1_000_000_000


def names(folder: Path) -> list[str]:
    """The files of a tape."""
    return [file.path.name for file in segment.list_files(folder)]


def test_what_is_stored_is_compressed_and_the_last_file_left_alone(tmp_path: Path) -> None:
    """Only whole files of which every tick is stored; and the tape reads the same."""
    with tape_in(tmp_path) as tape:
        last_m = fill(tape, 600)
        tape.flush()
        before = read_all(tmp_path, last_m)
        files = segment.list_files(tmp_path)
        assert len(files) > 4
        stored_m = files[3].first_m - 1
        assert archive_sealed(tmp_path, stored_m - 1, SETTINGS) == 2
        assert archive_sealed(tmp_path, stored_m, SETTINGS) == 1
        assert [file.archived for file in segment.list_files(tmp_path)] == [True] * 3 + [False] * (
            len(files) - 3
        )
        assert archive_sealed(tmp_path, last_m, SETTINGS) == len(files) - 4
        assert [file.first_m for file in segment.list_files(tmp_path)] == [file.first_m for file in files]
        assert read_all(tmp_path, last_m) == before
        assert archive_sealed(tmp_path, last_m, SETTINGS) == 0


def test_every_block_stands_alone(tmp_path: Path) -> None:
    """Its tables say what the writer's were; the index names each block; rows are as many as asked for."""
    with tape_in(tmp_path, structs.replace(SETTINGS, segment_bytes=30_000)) as tape:
        fill(tape, 700)
    file = segment.list_files(tmp_path)[0]
    data = compress_segment(file.path.read_bytes(), 32, file.first_m)
    items = [item for item in scan(data, segment.HEADER_BYTES) if isinstance(item, Frame)]
    *blocks, index = items
    assert [block.kind for block in blocks] == [BLOCK] * len(blocks)
    assert index.kind == INDEX
    assert len(blocks) > 5
    whole = TapeState()
    for item in scan(file.path.read_bytes(), segment.HEADER_BYTES):
        assert isinstance(item, Frame)
        whole.apply(item)
    last = TapeState()
    for block in blocks:
        state = TapeState()
        rows = 0
        for item in scan(unpack_block(block)):
            assert isinstance(item, Frame)
            state.apply(item)
            rows += item.count if item.kind == BATCH else 0
        assert rows <= 36
        last = state
    for field in ("channels", "ns", "next_m", "positions", "epochs", "reserved_m"):
        assert getattr(last, field) == getattr(whole, field), field


def test_copies_that_the_next_file_has_are_left_out(tmp_path: Path) -> None:
    """A file ends where the next one begins."""
    with tape_in(tmp_path) as tape:
        fill(tape, 100, sync_ticks=1 << 20)
    data = segment.list_files(tmp_path)[0].path.read_bytes()
    content = compress_segment(data, 32, 1, end_m=51)
    marks: list[int] = []
    for block in scan(content, segment.HEADER_BYTES):
        if isinstance(block, Frame) and block.kind == BLOCK:
            for item in scan(unpack_block(block)):
                assert isinstance(item, Frame)
                if item.kind == BATCH:
                    marks += range(item.first_m, item.first_m + item.count)
    assert marks == list(range(1, 51))


def test_what_is_damaged_is_left_out_and_found_missing(tmp_path: Path) -> None:
    """Neither a bad frame nor a bad header nor bad tables keep a segment out of the archive."""
    with tape_in(tmp_path) as tape:
        last_m = fill(tape, 600)
        tape.flush()
        files = segment.list_files(tmp_path)
        flip(files[1].path, 5)
        flip(files[2].path, segment.HEADER_BYTES + 50)
        hit = places(files[3].path)[2]
        flip(files[3].path, hit.end - 1)
        before = read_all(tmp_path, last_m)
        assert before[1] == [Damage(hit.first_m, hit.last_m, "disk")]
        assert archive_sealed(tmp_path, last_m, SETTINGS) == len(files) - 1
        assert read_all(tmp_path, last_m) == before


def test_a_segment_in_which_nothing_is_sound_is_archived_as_nothing(tmp_path: Path) -> None:
    """It must not stop the files behind it."""
    with tape_in(tmp_path) as tape:
        last_m = fill(tape, 600)
        tape.flush()
        files = segment.list_files(tmp_path)
        files[1].path.write_bytes(b"nonsense" * 1000)
        assert archive_sealed(tmp_path, last_m, SETTINGS) == len(files) - 1
        ticks, holes = read_all(tmp_path, last_m)
        assert [(hole.first_m, hole.last_m) for hole in holes] == [(files[1].first_m, files[2].first_m - 1)]
        assert len(ticks) == last_m - (files[2].first_m - files[1].first_m)


def test_a_newer_segment_is_not_touched(tmp_path: Path) -> None:
    """What we do not understand we do not rewrite."""
    with tape_in(tmp_path) as tape:
        last_m = fill(tape, 300)
        tape.flush()
        path = segment.list_files(tmp_path)[0].path
        data = path.read_bytes()
        header = segment.decode_header(data[: segment.HEADER_BYTES])
        path.write_bytes(newer(header) + data[segment.HEADER_BYTES :])
        with pytest.raises(NewerFormat):
            archive_sealed(tmp_path, last_m, SETTINGS)
        assert path.exists()


def test_the_archive_is_on_the_disk_before_the_segment_goes(tmp_path: Path) -> None:
    """Written, synced, named, the folder synced; only then the segment is removed."""

    class Watched(FaultyDisk):
        calls: list[str]

        def sync(self, descriptor: int) -> None:
            self.calls.append("sync")
            super().sync(descriptor)

        def rename(self, source: Path, target: Path) -> None:
            self.calls.append(f"name {target.suffix}")
            super().rename(source, target)

        def sync_folder(self, path: Path) -> None:
            self.calls.append(f"sync {path.name}")
            super().sync_folder(path)

        def unlink(self, path: Path) -> None:
            self.calls.append(f"remove {path.suffix}")
            super().unlink(path)

    disk = Watched()
    disk.calls = []
    with tape_in(tmp_path / "data", disk=disk) as tape:
        fill(tape, 300)
        tape.flush()
        disk.calls.clear()
        assert archive_sealed(
            tmp_path / "data", segment.list_files(tmp_path / "data")[1].first_m - 1, SETTINGS, disk
        )
        assert disk.calls == ["sync data", "sync", "name .arc", "sync archive", "remove .seg"]


@pytest.mark.parametrize("fault", ["no room", "failed sync", "no file"])
def test_a_disk_that_refuses_leaves_the_segment_and_no_draft(tmp_path: Path, fault: str) -> None:
    """It is tried again another time; and a half-made file must not be what fills the disk."""
    disk = FaultyDisk()
    with tape_in(tmp_path, disk=disk) as tape:
        last_m = fill(tape, 300)
        tape.flush()
        before = names(tmp_path)
        if fault == "no room":
            disk.room_bytes = 100
        elif fault == "failed sync":
            (tmp_path / "archive").mkdir()
            disk.sync_failures = 1
        else:
            disk.refuse_files = 1
        with pytest.raises(OSError, match=r"space|failed"):
            archive_sealed(tmp_path, last_m, SETTINGS, disk)
        assert sum(disk.acted.values())
        assert names(tmp_path) == before
        assert segment.list_drafts(tmp_path / "archive") == []
        disk.heal()
        assert archive_sealed(tmp_path, last_m, SETTINGS, disk)
        assert read_all(tmp_path, last_m)[1] == []


def test_an_interrupted_step_is_finished_the_next_time(tmp_path: Path) -> None:
    """A draft that was left, and a segment beside its archive."""
    with tape_in(tmp_path) as tape:
        last_m = fill(tape, 300)
        tape.flush()
        first = segment.list_files(tmp_path)[0]
        content = compress_segment(first.path.read_bytes(), 32, first.first_m)
        (tmp_path / "archive").mkdir()
        segment.archive_path(tmp_path, 1).write_bytes(content)
        draft = segment.archive_path(tmp_path, 50).with_suffix(segment.DRAFT_SUFFIX)
        draft.write_bytes(b"half")
        assert read_all(tmp_path, last_m)[1] == []
        assert archive_sealed(tmp_path, last_m, SETTINGS)
        assert not first.path.exists()
        assert not draft.exists()
        assert read_all(tmp_path, last_m)[1] == []


Work = Callable[[Path, int, Disk], object]
"""What is done to a tape's files, with everything up to a mark stored."""


def interrupted(folder: Path, cut: int | None, prepare: Work, work: Work) -> Iterator[tuple[Path, int]]:
    """Tapes and their last marks, on which `work` has died: in its first disk call, its second, and so on.

    With `cut` the power fails at that moment. On the last of them `work` has come to its end.
    """
    died, calls = True, 0
    while died:
        disk, tape_folder = FaultyDisk(), folder / str(calls)
        with tape_in(tape_folder, disk=disk) as tape:
            last_m = fill(tape, 500)
        prepare(tape_folder, last_m, disk)
        disk.shut_down()
        disk.calls_left = calls
        try:
            work(tape_folder, last_m, disk)
            died = False
        except Died:
            calls += 1
        disk.process_died()
        if cut is not None:
            disk.power_cut(random.Random(f"{cut} {calls}"))
        yield tape_folder, last_m
    assert calls > len(names(tape_folder))


def archive_all(folder: Path, stored_m: int, disk: Disk) -> None:
    """Archive what is sealed."""
    archive_sealed(folder, stored_m, SETTINGS, disk)


def archive_half(folder: Path, stored_m: int, disk: Disk) -> None:
    """Archive what is sealed of the older half."""
    archive_sealed(folder, stored_m // 2, SETTINGS, disk)


def retire_all(folder: Path, stored_m: int, disk: Disk) -> None:
    """Delete all files but the last."""
    retire(folder, stored_m, structs.replace(SETTINGS, tape_retention_bytes=1), NOW_NS, disk)


def nothing(folder: Path, stored_m: int, disk: Disk) -> None:
    """Do nothing."""


@pytest.mark.parametrize("cut", [None, 1, 2, 3])
def test_archiving_that_is_cut_short_at_any_call_loses_nothing(tmp_path: Path, cut: int | None) -> None:
    """Every tick is read as before, the tape goes on, and the next archiving finishes the work."""
    for folder, last_m in interrupted(tmp_path, cut, nothing, archive_all):
        ticks, holes = read_all(folder, last_m)
        assert [tick.src_seq for _, tick in sorted(ticks.items())] == list(range(500))
        assert holes == []
        with tape_in(folder) as tape:
            assert (tape.verdict, tape.sequencer.state.next_m) == ("continue", last_m + 1)
        archive_sealed(folder, last_m, SETTINGS)
        assert [file.archived for file in segment.list_files(folder)][:-1] == [True] * (
            len(names(folder)) - 1
        )
        assert len(segment.list_segments(folder)) == 1
        assert segment.list_drafts(folder / "archive") == []
        assert read_all(folder, last_m) == (ticks, [])


@pytest.mark.parametrize("cut", [None, 1, 2, 3])
def test_retiring_that_is_cut_short_at_any_call_leaves_the_newer_files(
    tmp_path: Path, cut: int | None
) -> None:
    """What is gone is gone from the beginning on; no file comes back behind a hole."""
    left: set[int] = set()
    for folder, last_m in interrupted(tmp_path, cut, archive_half, retire_all):
        first_m = segment.list_files(folder)[0].first_m
        left.add(len(names(folder)))
        ticks, holes = read_all(folder, last_m)
        assert sorted(ticks) == list(range(first_m, last_m + 1))
        assert holes == ([Damage(1, first_m - 1, "retention")] if first_m > 1 else [])
        retire_all(folder, last_m, Disk())
        assert len(names(folder)) == 1
    assert cut is not None or len(left) > 3


def aged(folder: Path) -> int:
    """A tape of four segments begun an hour apart; its last mark."""
    for hour in range(4):
        (folder / "boot").write_text(f"boot-{hour}")  # each boot begins a segment
        settings = structs.replace(SETTINGS, boot_id_path=str(folder / "boot"), segment_bytes=1 << 20)
        tape = Tape(settings, folder, NOW_NS + hour * 3600 * SECOND_NS)
        last_m = fill(tape, 50)
        tape.close()
    assert len(names(folder)) == 4
    return last_m


@pytest.mark.parametrize("archived", [False, True])
def test_files_go_when_they_are_too_old(tmp_path: Path, archived: bool) -> None:
    """A file is as old as the beginning of the next: then its last tick was received."""
    last_m = aged(tmp_path)
    if archived:
        archive_sealed(tmp_path, last_m, SETTINGS)
    settings = structs.replace(SETTINGS, tape_retention_s=3600)
    ends = NOW_NS + 3600 * SECOND_NS
    assert retire(tmp_path, last_m, settings, ends + 3600 * SECOND_NS) == 0
    assert retire(tmp_path, last_m, settings, ends + 3600 * SECOND_NS + 1) == 1
    assert retire(tmp_path, 100, settings, NOW_NS + 10**6 * SECOND_NS) == 1, "only what is stored"
    assert retire(tmp_path, last_m, settings, NOW_NS + 10**6 * SECOND_NS) == 1
    assert len(names(tmp_path)) == 1, "never the last file"
    assert retire(tmp_path, last_m, settings, NOW_NS - 10**6 * SECOND_NS) == 0, "the clock went back"


def test_files_go_when_there_are_too_many_bytes(tmp_path: Path) -> None:
    """The oldest first, until what is left fits the budget."""
    last_m = aged(tmp_path)
    sizes = [file.path.stat().st_size for file in segment.list_files(tmp_path)]
    for budget, gone in ((sum(sizes), 0), (sum(sizes) - 1, 1), (1, 2)):
        settings = structs.replace(SETTINGS, tape_retention_bytes=budget)
        assert retire(tmp_path, last_m, settings, NOW_NS) == gone


def test_a_segment_beside_its_archive_goes_with_it(tmp_path: Path) -> None:
    """Else the archive would come back when the segment has gone."""
    last_m = aged(tmp_path)
    first = segment.list_files(tmp_path)[0]
    (tmp_path / "archive").mkdir()
    segment.archive_path(tmp_path, 1).write_bytes(compress_segment(first.path.read_bytes(), 32, 1))
    total = sum(file.path.stat().st_size for file in segment.list_files(tmp_path))
    settings = structs.replace(SETTINGS, tape_retention_bytes=total - 1)
    assert retire(tmp_path, last_m, settings, NOW_NS) == 1
    assert list((tmp_path / "archive").iterdir()) == []


def test_a_damaged_header_does_not_keep_files_for_ever(tmp_path: Path) -> None:
    """Its age is then taken from the file system."""
    last_m = aged(tmp_path)
    for file in segment.list_files(tmp_path)[1:]:
        file.path.write_bytes(bytes(segment.HEADER_BYTES) + file.path.read_bytes()[segment.HEADER_BYTES :])
    written_ns = segment.list_files(tmp_path)[-1].path.stat().st_mtime_ns
    settings = structs.replace(SETTINGS, tape_retention_s=1)
    assert retire(tmp_path, last_m, settings, written_ns - 10 * SECOND_NS) == 0
    assert retire(tmp_path, last_m, settings, written_ns + 10 * SECOND_NS) == 3


def block(payload: bytes) -> Frame:
    """A sound block of any content."""
    found = frame_at(memoryview(encode_frame(BLOCK, 1, 0, 1, payload)), 0)
    assert found is not None
    return found


def test_a_block_that_does_not_decompress_is_an_error() -> None:
    """Nor is one believed that says an absurd size, or none."""
    import zstandard

    whole = zstandard.ZstdCompressor().compress(bytes(1000))
    assert unpack_block(block(whole)) == bytes(1000)
    unknown = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1000))
    huge = zstandard.ZstdCompressor().compress(bytes(archive.BLOCK_BYTES_MAX + 1))
    for payload in (b"", b"nonsense", whole[:-3], unknown, huge):
        with pytest.raises(FormatError):
            unpack_block(block(payload))
