"""Reading the tape back: by mark, from any mark, journal and archive alike.

Whoever follows the tape reads up to the *durable* mark, so it never sees what a power cut
could still take away. What the files no longer hold is yielded as `Damage`: a reader is
never left to think that nothing was there.
"""

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from tape import frames, rows
from tape.batch import Batch
from tape.errors import FormatError
from tape.files import ArchiveFile, SegmentFile, open_file
from tape.frames import Frame
from tape.segment import TapeFile, list_files
from tape.state import TapeState


class Damage(Struct, frozen=True, gc=False):
    """Marks that were given but cannot be read any more."""

    first_m: int
    last_m: int
    reason: str
    """`retention` (deleted by age or budget) or `disk` (damaged)."""


class Span(Struct, frozen=True, gc=False):
    """Where one batch lies and which source position came with it, without its ticks."""

    first_m: int
    last_m: int
    position_key: str


class TapeReader:
    """Reads one tape's files. Not thread-safe; as many readers as you like may exist.

    Holds one open file, and of an archive file one decompressed block.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._state = TapeState()
        self._open: SegmentFile | ArchiveFile | None = None
        self._next_m = 0
        self._end_m = 1 << 62

    def channels(self) -> list[str | None]:
        """Channel id → name, as far as the tape has been read."""
        return self._state.channels

    def first_m(self) -> int:
        """The oldest mark that is kept; 1 for an empty tape."""
        files = list_files(self._directory)
        return files[0].first_m if files else 1

    def read(self, after_m: int, up_to_m: int) -> Iterator[Batch | Damage]:
        """Yield every tick with a mark in (after_m, up_to_m], in order, as batches.

        `up_to_m` must not lie beyond the durable mark. Marks that no tick ever had (the
        unused part of a reservation, at the beginning of an epoch) are passed over; marks
        whose ticks are gone are yielded as `Damage`. Reading on from where the last call
        ended costs nothing extra.
        """
        for item in self._frames(after_m, up_to_m):
            if isinstance(item, Damage):
                yield item
                continue
            last_m = item.first_m + item.count - 1
            first = max(0, after_m + 1 - item.first_m)
            count = min(item.count, up_to_m - item.first_m + 1)
            try:
                yield rows.decode_batch(item, self._state.symbols, first, count)
            except FormatError:
                yield Damage(item.first_m + first, min(last_m, up_to_m), "disk")

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
        found = 0
        for item in self._frames(self._before(time_ns), up_to_m):
            if isinstance(item, Damage) or not item.count:
                continue
            times = rows.receive_times(item, rows.decode_prefix(item))
            if times[0] > time_ns:
                break
            found = item.first_m + sum(1 for time in times if time <= time_ns) - 1
        return found

    def close(self) -> None:
        """Close the file that is open."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _frames(self, after_m: int, up_to_m: int) -> Iterator[Frame | Damage]:
        """Yield batch frames that reach into (after_m, up_to_m], and declared holes between them."""
        expected = after_m + 1
        if self._open is None or self._next_m != expected or self._open.replaced():
            self._seek(expected)
        self._end_m = self._following_m()
        while expected <= up_to_m and self._open is not None:
            for frame in self._batch_frames():
                last_m = frame.first_m + frame.count - 1
                if last_m < expected:
                    continue
                if frame.first_m > expected:
                    self._next_m = 0
                    yield from self._hole(expected, min(frame.first_m, up_to_m + 1), frame.first_m)
                    if frame.first_m > up_to_m:
                        return
                expected = last_m + 1
                # When the rest of the frame is wanted next time, that call has to seek.
                self._next_m = expected if last_m <= up_to_m else 0
                yield frame
                if last_m >= up_to_m:
                    return
            if not self._advance(expected):
                break
        if expected <= up_to_m:
            self._next_m = 0
            yield from self._hole(expected, up_to_m + 1, up_to_m + 1)

    def _batch_frames(self) -> Iterator[Frame]:
        """Yield the batch frames of the open file, up to where the next file takes over."""
        assert self._open is not None
        for frame in self._open.frames():
            if frame.kind == frames.BATCH:
                if frame.first_m >= self._end_m:
                    return  # written again in the next file, because the disk had failed
                yield frame
            elif frame.kind in (frames.CHANNELS, frames.EPOCH):
                self._state.apply(frame)

    def _hole(self, first_m: int, end_m: int, next_m: int) -> Iterator[Damage]:
        """Declare the marks in [first_m, end_m), but for those that no tick ever had.

        Between the last mark of an epoch and the first of the next, nothing was kept; what
        had been published there, if anything, the tape itself declares by a gap tick.
        `next_m` is the next mark that is known to exist.
        """
        if any(first_m < start.first_m <= next_m for start in self._state.epochs):
            return
        oldest_m = min(self.first_m(), end_m)
        if first_m < oldest_m:
            yield Damage(first_m, oldest_m - 1, "retention")
        if max(first_m, oldest_m) < end_m:
            yield Damage(max(first_m, oldest_m), end_m - 1, "disk")

    def _following(self) -> TapeFile | None:
        assert self._open is not None
        return next((f for f in list_files(self._directory) if f.first_m > self._open.file.first_m), None)

    def _following_m(self) -> int:
        following = self._following() if self._open is not None else None
        return following.first_m if following is not None else 1 << 62

    def _seek(self, m: int) -> None:
        """Open the file that would hold mark `m`."""
        for _ in range(8):
            files = list_files(self._directory)
            file = next((file for file in reversed(files) if file.first_m <= m), files[0] if files else None)
            if file is None:
                self.close()
                return
            same = self._open is not None and self._open.file == file and not self._open.replaced()
            if same or self._switch(file):
                assert self._open is not None
                self._open.seek(m)
                return
        self.close()

    def _advance(self, expected: int) -> bool:
        """Go to the next file; False when there is none."""
        assert self._open is not None
        if self._open.replaced():
            self._seek(expected)
            return True
        following = self._following()
        if following is None or not self._switch(following):
            return False
        self._end_m = self._following_m()
        return True

    def _switch(self, file: TapeFile) -> bool:
        try:
            opened = open_file(file)
        except FileNotFoundError:
            return False  # archived or retired this very moment
        self.close()
        self._open = opened
        return True

    def _before(self, time_ns: int) -> int:
        """A mark before which everything was received before `time_ns`."""
        after_m = 0
        for file in list_files(self._directory):
            first = self._first_received(file)
            if first is not None and first > time_ns:
                break
            after_m = file.first_m - 1
        return after_m

    def _first_received(self, file: TapeFile) -> int | None:
        try:
            opened = open_file(file)
        except FileNotFoundError:
            return None
        try:
            for frame in opened.frames():
                if frame.kind == frames.BATCH and frame.count:
                    return rows.receive_times(frame, rows.decode_prefix(frame))[0]
        finally:
            opened.close()
        return None
