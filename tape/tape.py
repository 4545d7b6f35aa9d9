"""The tape: every tick numbered once, journalled, then handed on.

`Tape` puts the parts together: sequencer, journal, latest values, ring, shared marks, and
what happens when the journal cannot be written (DESIGN 3, rule 4: a volatile epoch, and a
declared gap when it is over).
"""

import fcntl
import os
import uuid
from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from config.settings import TapeSettings
from tape.batch import Batch, SourcePosition
from tape.disk import Disk
from tape.errors import NumberingStopped, TapeLocked
from tape.journal import Journal, JournalFailed
from tape.latest import Latest, LatestTable
from tape.marks import Marks
from tape.reader import Damage, TapeReader
from tape.recovery import Recovered, recover, verdict
from tape.ring import Ring
from tape.sequencer import Sequencer
from ticks.model import MARKET, FeedEvent, Tick
from ticks.sources import HUB

WARM_TICKS = 50_000
"""How many ticks are read back at the start, so that latest values and ring are not empty."""


class Tape:
    """One tape in one data folder. One process writes it; not thread-safe."""

    def __init__(
        self,
        settings: TapeSettings,
        directory: Path,
        now_ns: int,
        on_batch: Callable[[Batch], None] | None = None,
        disk: Disk | None = None,
    ) -> None:
        """Recover the tape, or make a new one, and get ready to number.

        Raises:
            TapeLocked: another process has the folder.
            FormatError: the folder's files cannot be read, or are of a newer version.
            JournalFailed: the folder cannot be written.
            OSError: it cannot be made or opened.
        """
        self.on_batch = on_batch
        self.numbering_stopped = 0
        """How often ticks were turned away because no mark was left."""
        self._settings = settings
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(directory)
        self.marks = Marks(directory)
        self.ring = Ring(settings.ring_ticks)
        self.latest_table = LatestTable()
        self._volatile_ticks = 0
        self._lineups: set[str] = set()
        self._retry_at_ns = 0
        self._last_ts_event = 0
        boot_id = Path(settings.boot_id_path).read_text().strip()
        self.recovered = recover(directory)
        accepted_m = None if self.marks.fresh else self.marks.accepted
        self.verdict = verdict(self.recovered, boot_id, accepted_m, self.marks.epoch)
        """How numbering goes on: `fresh`, `continue` or `restart`."""
        state = self.recovered.state
        header = self.recovered.header
        tape_id = header.tape_id if header is not None else uuid.uuid4().hex
        self.sequencer = Sequencer(state)
        self._begin(boot_id)
        self._journalled_ns = state.ns
        self.journal = Journal(settings, directory, state, boot_id, tape_id, self._on_durable, disk)
        self._start_journal(boot_id, now_ns)
        self._set_marks()
        self._warm()
        if self.verdict == "restart":
            self._declare_lost("disk", -1, now_ns)

    @property
    def epoch(self) -> int:
        """The epoch in which ticks are numbered now."""
        return self.sequencer.state.epoch

    @property
    def volatile(self) -> bool:
        """Whether ticks are handed on without being journalled."""
        return self.journal.failed

    @property
    def last_ts_recv(self) -> int:
        """The newest receive time on the tape, ns: feeds clamp theirs to it."""
        return self.sequencer.state.last_ts_recv

    def publish(
        self, lineup: str, ticks: list[Tick], position: SourcePosition | None, now_ns: int
    ) -> Batch | None:
        """Number ticks, journal them, and hand them on, in this order.

        Returns the batch; None when numbering is stopped, because the journal cannot be
        written and the marks reserved on the disk are used up.
        """
        self.tend(now_ns)
        sequencer = self.sequencer
        sequencer.limit_m = self.journal.limit_m
        try:
            batch = sequencer.number(lineup, ticks, now_ns, position)
        except NumberingStopped:
            if self.journal.failed or not self._sync_reservation():
                self.numbering_stopped += 1
                return None
            batch = sequencer.number(lineup, ticks, now_ns, position)
        if not self.journal.failed:
            try:
                self.journal.append(batch, now_ns)
            except JournalFailed:
                batch = self._go_volatile(batch, now_ns)
        elif ticks:
            self._volatile_ticks += len(ticks)
        self._hand_on(batch)
        return batch

    def tend(self, now_ns: int) -> None:
        """Notice a failed sync and try a failed journal again. Call it now and then when no ticks come."""
        if self.journal.sync_failed and not self.journal.failed:
            self._after_failed_sync(now_ns)
        elif self.journal.failed and now_ns >= self._retry_at_ns:
            self._try_to_recover(now_ns)

    def position(self, key: str) -> bytes | None:
        """The newest journalled position of a source; None when it never had one."""
        return self.sequencer.state.positions.get(key)

    def latest(self, channel: str) -> Latest | None:
        """The newest tick of a channel; None when there was none lately."""
        channel_id = self.sequencer.channel_id(channel)
        return None if channel_id is None else self.latest_table.get(channel_id)

    def reader(self) -> TapeReader:
        """A new reader of this tape's files."""
        return TapeReader(self._directory)

    def flush(self) -> None:
        """Make everything accepted durable now; does nothing while the journal cannot be written."""
        if not self.journal.failed:
            try:
                self.journal.flush()
            except JournalFailed:
                self._retry_at_ns = 0

    def close(self) -> None:
        """End cleanly. What was accepted while the journal failed is not kept."""
        try:
            self.journal.close()
        except JournalFailed:
            pass
        finally:
            self.marks.close()
            os.close(self._lock)

    def _begin(self, boot_id: str) -> None:
        """Set epoch and mark by the verdict."""
        state = self.sequencer.state
        if self.verdict == "fresh":
            self.sequencer.begin_epoch(1, 1, "start")
        elif self.verdict == "restart":
            epoch = max(state.reserved_epoch, state.epoch, self.marks.epoch) + 1
            first_m = max(state.reserved_m + 1, state.next_m, self.marks.accepted + 1)
            self.sequencer.begin_epoch(epoch, first_m, "restart")

    def _start_journal(self, boot_id: str, now_ns: int) -> None:
        recovered = self.recovered
        file, header = recovered.file, recovered.header
        same = header is not None and header.boot_id == boot_id and not header.archive
        if self.verdict == "continue" and same and file is not None:
            self.journal.resume(file.path, recovered.end)
        else:
            self.journal.restart(now_ns)

    def _set_marks(self) -> None:
        state = self.sequencer.state
        self.marks.epoch = state.epoch
        self.marks.accepted = max(self.marks.accepted, self.journal.written_m)
        if self.verdict == "fresh":
            self.marks.accepted = 0
        self.marks.durable = self.journal.durable_m

    def _warm(self) -> None:
        """Fill ring and latest values from the end of the tape."""
        last_m = self.journal.durable_m
        reader = self.reader()
        for item in reader.read(max(0, last_m - min(WARM_TICKS, self._settings.ring_ticks)), last_m):
            if not isinstance(item, Damage):
                self.ring.append(item)
                self.latest_table.update(item)
                self._lineups.add(item.lineup)
                self._last_ts_event = item.ticks[-1].ts_event if item.ticks else self._last_ts_event
        reader.close()

    def _on_durable(self, m: int) -> None:
        self.marks.durable = m

    def _hand_on(self, batch: Batch) -> None:
        """Show a batch to everybody: marks, latest values, ring, and the listener."""
        if batch.ticks:
            self.marks.accepted = batch.last_m
            self.latest_table.update(batch)
            self.ring.append(batch)
            self._lineups.add(batch.lineup)
            self._last_ts_event = batch.ticks[-1].ts_event
        if self.on_batch is not None:
            self.on_batch(batch)

    def _sync_reservation(self) -> bool:
        """Wait for the disk to confirm the next reservation; False when it refuses."""
        try:
            self.journal.flush()
        except JournalFailed:
            return False
        self.sequencer.limit_m = self.journal.limit_m
        return True

    def _after_failed_sync(self, now_ns: int) -> None:
        """Write again what was not durable; numbering goes on when that works."""
        try:
            lost = self.journal.restart(now_ns)
        except JournalFailed:
            self._go_volatile(Batch(0, "", self.sequencer.state.next_m, [], [], []), now_ns)
            return
        if lost:
            self._declare_lost("disk", lost, now_ns)

    def _go_volatile(self, batch: Batch, now_ns: int) -> Batch:
        """Begin a volatile epoch with the batch that could not be written."""
        state = self.sequencer.state
        self._journalled_ns = list(state.ns)
        for channel_id, n in zip(reversed(batch.channel_ids), reversed(batch.ns), strict=True):
            self._journalled_ns[channel_id] = n - 1
        self._retry_at_ns = now_ns + self._settings.retry_ms * 1_000_000
        self._volatile_ticks = len(batch.ticks)
        self.sequencer.begin_epoch(state.epoch + 1, batch.first_m, "volatile")
        state.next_m = batch.last_m + 1
        self.marks.epoch = state.epoch
        return structs.replace(batch, epoch=state.epoch)

    def _try_to_recover(self, now_ns: int) -> None:
        """Open a new segment in a new epoch; stay volatile when the disk still refuses."""
        state = self.sequencer.state
        volatile_ns, volatile_m = state.ns, state.next_m
        state.ns = [*self._journalled_ns, *[0] * (len(state.ns) - len(self._journalled_ns))]
        self.sequencer.begin_epoch(state.epoch + 1, volatile_m, "recovered")
        try:
            lost = self.journal.restart(now_ns)
        except JournalFailed:
            state.epochs.pop()
            state.epoch -= 1
            state.ns = volatile_ns
            self._retry_at_ns = now_ns + self._settings.retry_ms * 1_000_000
            return
        self.marks.epoch = state.epoch
        self._declare_lost("disk", lost + self._volatile_ticks, now_ns)
        self._volatile_ticks = 0

    def _declare_lost(self, why: str, lost: int, now_ns: int) -> None:
        """Publish a gap that has already closed, in every line-up of this tape."""
        at_ns = max(now_ns, self.last_ts_recv)
        for lineup in sorted(self._lineups) or [""]:
            gap: list[Tick] = [
                FeedEvent(
                    HUB, 0, MARKET, now_ns, 0, at_ns, 0, 0,
                    what, why, MARKET, self._last_ts_event, now_ns, lost, "",
                )
                for what in ("gap_open", "gap_close")
            ]  # fmt: skip
            self.publish(lineup, gap, None, now_ns)


def _lock(directory: Path) -> int:
    """Take the folder for this process, for as long as the descriptor is open."""
    descriptor = os.open(directory / "tape.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise TapeLocked(f"{directory} is in use by another tapewire process") from error
    return descriptor


def describe(recovered: Recovered) -> str:
    """One line about what was found at the start."""
    if recovered.header is None:
        return "new tape"
    parts = [f"tape up to mark {recovered.state.next_m - 1}, epoch {recovered.state.epoch}"]
    if recovered.torn_bytes:
        parts.append(f"{recovered.torn_bytes} torn bytes cut off")
    parts.extend(recovered.damage)
    return "; ".join(parts)
