"""Reading the tape back: by mark, from any mark, journal and archive alike.

Whoever follows the tape reads up to the *durable* mark, so it never sees what a power cut
could still take away. What the files no longer hold is yielded as `Damage`: a reader is
never left to think that nothing was there.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from tape import frames, rows
from tape.batch import Batch, Damage
from tape.errors import FormatError, NewerFormat, UnknownChannel
from tape.files import ArchiveFile, SegmentFile, open_file
from tape.frames import Frame
from tape.segment import NO_MARK, TapeFile, following_file, list_files, read_header
from tape.state import EpochStart, TapeState, never_kept

__all__ = ["Damage", "Span", "TapeReader"]

_TRIES: Final = 8
"""How often a file is looked for that is being archived at that very moment."""


class Span(Struct, frozen=True, gc=False):
    """Where one batch lies and which source position came with it, without its ticks."""

    first_m: int
    last_m: int
    position_key: str


class TapeReader:
    """Reads one tape's files. Not thread-safe; as many readers as you like may exist.

    Holds one open file, and of an archive file one decompressed block. Every method may raise
    `NewerFormat`, and `FormatError` when a file of another tape has got into the folder.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._state = TapeState()
        self._open: SegmentFile | ArchiveFile | None = None
        self._next_m = 0
        """The mark in front of which the open file stands; 0 when that is not known."""
        self._end_m = NO_MARK
        """Where the next file takes over."""
        self._tape_id = ""
        self._names_read: dict[Path, int] = {}

    def channels(self) -> list[str | None]:
        """Channel id → name, as far as the tape has been read."""
        return self._state.channels

    def epochs(self) -> list[EpochStart]:
        """The table of epochs, as far as the tape has been read."""
        return self._state.epochs

    def first_m(self) -> int:
        """The oldest mark that is kept; 1 for an empty tape."""
        files = list_files(self._directory)
        return files[0].first_m if files else 1

    def read(self, after_m: int, up_to_m: int) -> Iterator[Batch | Damage]:
        """Yield every tick with a mark in (after_m, up_to_m], in order, as batches.

        `up_to_m` must not lie beyond the durable mark. Marks that no tick on the tape ever
        had (in front of the beginning of an epoch) are passed over; marks whose ticks are
        gone are yielded as `Damage`. Reading on from where the last call ended costs nothing
        extra.
        """
        for item in self._frames(after_m, up_to_m):
            if isinstance(item, Damage):
                yield item
                continue
            first = max(0, after_m + 1 - item.first_m)
            count = min(item.count, up_to_m - item.first_m + 1)
            batch = self._decode(item, first, count)
            yield batch or Damage(item.first_m + first, item.first_m + count - 1, "disk")

    def spans(self, after_m: int, up_to_m: int) -> Iterator[Span | Damage]:
        """Like `read`, without decoding the ticks."""
        for item in self._frames(after_m, up_to_m):
            if isinstance(item, Damage):
                yield item
                continue
            position = rows.decode_prefix(item).position
            last_m = min(item.first_m + item.count - 1, up_to_m)
            yield Span(max(item.first_m, after_m + 1), last_m, position.key if position else "")

    def mark_at(self, time_ns: int, up_to_m: int) -> int:
        """The last mark up to `up_to_m` whose tick was received at or before `time_ns`; 0 when none was.

        Relies on `ts_recv` never falling along the tape.
        """
        before = None
        for item in self._frames(self._mark_before(time_ns), up_to_m):
            if isinstance(item, Damage):
                continue
            if rows.first_receive_time(item) > time_ns:
                break
            before = item
        if before is None:
            return 0
        times = rows.receive_times(before, rows.decode_prefix(before))
        return min(up_to_m, before.first_m + sum(1 for time in times if time <= time_ns) - 1)

    def close(self) -> None:
        """Close the file that is open."""
        if self._open is not None:
            self._open.close()
            self._open = None
        self._next_m = 0

    def _decode(self, frame: Frame, first: int, count: int) -> Batch | None:
        """Rows `first` … `count - 1`; None when they cannot be understood."""
        try:
            return rows.decode_batch(frame, self._state.symbols, first, count)
        except UnknownChannel:
            self._learn_names()
        except FormatError:
            return None
        try:
            return rows.decode_batch(frame, self._state.symbols, first, count)
        except FormatError:
            return None

    def _learn_names(self) -> None:
        """Take in every table of channels of the open file, and those of the one behind it.

        A seek leaves out what lies in front; and a name keeps its number for ever, so any
        later table stands in for a damaged one.
        """
        assert self._open is not None
        path, size = self._open.file.path, self._open.size()
        if self._names_read.get(path) == size:
            return
        self._names_read[path] = size
        for frame in self._open.names():
            self._state.apply(frame)
        following = self._following()
        if following is None:
            return
        try:
            behind = open_file(following)
        except FileNotFoundError:
            return
        for frame in behind.tables():
            if frame.kind == frames.CHANNELS:
                self._state.apply(frame)
        behind.close()

    def _frames(self, after_m: int, up_to_m: int) -> Iterator[Frame | Damage]:
        """Yield batch frames that reach into (after_m, up_to_m], and declared holes between them."""
        expected = after_m + 1
        if expected > up_to_m:
            return
        if self._open is None or self._next_m != expected or self._open.replaced():
            self._seek(expected)
        self._find_end()
        while self._open is not None:
            for frame in self._batch_frames():
                last_m = frame.first_m + frame.count - 1
                if last_m < expected:
                    continue
                # When anything of this frame is wanted next time, that call has to seek.
                self._next_m = last_m + 1 if last_m <= up_to_m else 0
                if frame.first_m > expected:
                    yield from self._missing(expected, min(frame.first_m, up_to_m + 1))
                    if frame.first_m > up_to_m:
                        return
                expected = last_m + 1
                yield frame
                if last_m >= up_to_m:
                    return
            if not self._advance(expected):
                break
        self._next_m = 0
        yield from self._missing(expected, up_to_m + 1)

    def _batch_frames(self) -> Iterator[Frame]:
        """Yield the frames with rows of the open file, up to where the next file takes over."""
        assert self._open is not None
        for frame in self._open.frames():
            if frame.kind == frames.BATCH:
                if frame.first_m >= self._end_m:
                    return  # the next file has a copy, and only that one is sure to be on the disk
                if frame.count:
                    yield frame
            elif frame.kind in (frames.CHANNELS, frames.EPOCH):
                self._state.apply(frame)

    def _missing(self, first_m: int, end_m: int) -> Iterator[Damage]:
        """Declare the marks in [first_m, end_m), but for those that no tick on the tape ever had."""
        oldest_m = min(self.first_m(), end_m)
        at = first_m
        for begin, end in [*never_kept(self._state.epochs, first_m, end_m), (end_m, end_m)]:
            if at < min(begin, oldest_m):
                yield Damage(at, min(begin, oldest_m) - 1, "retention")
            if max(at, oldest_m) < begin:
                yield Damage(max(at, oldest_m), begin - 1, "disk")
            at = max(at, end)

    def _following(self) -> TapeFile | None:
        return following_file(self._directory, self._open.file) if self._open is not None else None

    def _find_end(self) -> None:
        following = self._following()
        self._end_m = following.first_m if following is not None else NO_MARK

    def _seek(self, m: int) -> None:
        """Open the file that would hold mark `m`, and go there."""
        for _ in range(_TRIES):
            files = list_files(self._directory)
            file = next((file for file in reversed(files) if file.first_m <= m), files[0] if files else None)
            if file is None:
                self.close()
                return
            same = self._open is not None and self._open.file == file and not self._open.replaced()
            if same or self._switch(file):
                assert self._open is not None
                self._open.seek(m)
                self._apply_tables()
                return
        self.close()

    def _advance(self, expected: int) -> bool:
        """Go to the next file; False when there is none."""
        assert self._open is not None
        if self._open.replaced():
            self._seek(expected)
            self._find_end()
            return True
        following = self._following()
        if following is None:
            return False
        if not self._switch(following):
            self._seek(expected)  # archived or retired this very moment
        self._find_end()
        return True

    def _switch(self, file: TapeFile) -> bool:
        """Open another file; False when it is not there any more.

        Raises:
            FormatError: it is of a later version, or of another tape.
        """
        try:
            header = read_header(file)
        except NewerFormat:
            raise
        except FormatError:
            header = None  # damaged: the frames may be sound all the same
        except FileNotFoundError:
            return False
        # Empty in the archive of a segment whose header was damaged.
        if header is not None and header.tape_id:
            if self._tape_id not in ("", header.tape_id):
                raise FormatError(f"{file.path.name} belongs to another tape")
            self._tape_id = header.tape_id
        try:
            opened = open_file(file)
        except FileNotFoundError:
            return False
        self.close()
        self._open = opened
        return True

    def _apply_tables(self) -> None:
        assert self._open is not None
        for frame in self._open.tables():
            if frame.kind in (frames.CHANNELS, frames.EPOCH):
                self._state.apply(frame)

    def _mark_before(self, time_ns: int) -> int:
        """A mark up to which everything was received at or before `time_ns`."""
        files = list_files(self._directory)
        low, high = 0, len(files)
        while high - low > 1:
            middle = (low + high) // 2
            times = (self._first_received(file) for file in files[middle:high])
            first = next((time for time in times if time is not None), None)
            if first is None or first > time_ns:
                high = middle
            else:
                low = middle
        return self._mark_in(files[low], time_ns) if files else 0

    def _mark_in(self, file: TapeFile, time_ns: int) -> int:
        try:
            opened = open_file(file)
        except FileNotFoundError:
            return file.first_m - 1
        try:
            opened.seek_time(time_ns)
            first = next((frame for frame in opened.frames() if frame.kind == frames.BATCH), None)
        finally:
            opened.close()
        return file.first_m - 1 if first is None else max(first.first_m, file.first_m) - 1

    def _first_received(self, file: TapeFile) -> int | None:
        """When the first tick of a file was received, ns; None without one."""
        try:
            opened = open_file(file)
        except FileNotFoundError:
            return None
        try:
            found = (f for f in opened.frames() if f.kind == frames.BATCH and f.count)
            first = next(found, None)
        finally:
            opened.close()
        return None if first is None else rows.first_receive_time(first)
