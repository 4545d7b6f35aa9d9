"""The tape: every tick numbered once, journalled, then handed on.

`Tape` puts the parts together: sequencer, journal, latest values, ring, shared marks, and
what happens when the journal cannot be written (DESIGN 3, rule 4: a volatile epoch, and a
declared gap when it is over).
"""

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import structs

from config.settings import TapeSettings
from tape.batch import Batch, SourcePosition
from tape.disk import Disk
from tape.errors import JournalFailed, NumberingStopped, TickRefused
from tape.folder import lock_folder, read_boot_id
from tape.journal import Journal
from tape.latest import Latest, LatestTable
from tape.marks import Marks
from tape.outage import UNKNOWN, Outage, gap_ticks, journalled_ns
from tape.reader import Damage, TapeReader
from tape.recovery import Recovered, Verdict, next_epoch, recover, verdict
from tape.ring import Ring
from tape.segment import JOURNAL, list_drafts
from tape.sequencer import Sequencer
from tape.state import EPOCHS_AHEAD, TapeState
from ticks.kinds import FEED_EVENT
from ticks.model import Tick

WARM_TICKS: Final = 50_000
"""How many ticks are read back at the start, so that latest values and ring are not empty."""

FLUSH_TRIES: Final = 3
"""How often a flush begins anew when the disk fails, works, and fails again."""


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

        When ticks may be lost, the gap is published before this returns: `on_batch` is called.

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
        self._disk = disk or Disk()
        self._now_ns = now_ns
        self._outage: Outage | None = None
        self._last_tick: Tick | None = None
        self.ring = Ring(settings.ring_ticks)
        self.latest_table = LatestTable()
        self._disk.make_folder(directory)
        self._lock = lock_folder(directory)
        try:
            self.marks = Marks(directory)
            try:
                self._start(now_ns)
            except BaseException:
                self.marks.close()
                raise
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def epoch(self) -> int:
        """The epoch in which ticks are numbered now."""
        return self.sequencer.state.epoch

    @property
    def volatile(self) -> bool:
        """Whether ticks are handed on without being journalled."""
        return self._outage is not None

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

        Raises:
            TickRefused: a tick does not fit the format; none of them was numbered.
        """
        self.tend(now_ns)
        return self._publish(lineup, ticks, position, now_ns)

    def tend(self, now_ns: int) -> None:
        """Notice a failed sync and try a failed journal again. Call it now and then when no ticks come."""
        self._now_ns = now_ns
        if self._outage is not None:
            if self._outage.due(now_ns, self._settings.retry_ms * 1_000_000):
                self._try_to_recover(self._outage, now_ns)
        elif self.journal.sync_failed or self.journal.failed:
            self._rewrite(now_ns)

    def position(self, key: str) -> bytes | None:
        """The newest journalled position of a source; None when it never had one.

        It stays where it is while the journal cannot be written: a source that starts again there
        brings what was not kept.
        """
        return self.sequencer.state.positions.get(key)

    def latest(self, channel: str) -> Latest | None:
        """The newest tick of a channel; None when there was none lately.

        Raises:
            ChannelError: not the name of a channel.
        """
        channel_id = self.sequencer.channel_id(channel)
        return None if channel_id is None else self.latest_table.get(channel_id)

    def reader(self) -> TapeReader:
        """A new reader of this tape's files."""
        return TapeReader(self._directory)

    def flush(self) -> None:
        """Make everything journalled durable now; does nothing while the journal cannot be written."""
        for _ in range(FLUSH_TRIES):
            if self._outage is not None:
                return
            try:
                self.journal.flush()
            except JournalFailed:
                self._rewrite(self._now_ns)  # which may publish a gap, to be flushed as well
            else:
                return

    def close(self) -> None:
        """End cleanly. What was accepted while the journal failed is not kept."""
        try:
            if self._outage is not None:
                self._try_to_recover(self._outage, self._now_ns)
            self.flush()
            self.journal.close()
        except JournalFailed:
            pass  # the next start finds no clean end, and acts accordingly
        finally:
            self.marks.close()
            os.close(self._lock)

    def _start(self, now_ns: int) -> None:
        boot_id = read_boot_id(Path(self._settings.boot_id_path))
        marks = self.marks
        known = marks.stamped(boot_id)
        self.recovered = recover(self._directory, marks.durable if known else 0)
        """What the files said at the start."""
        recovered, state = self.recovered, self.recovered.state
        self.verdict: Verdict = verdict(recovered, boot_id, marks.accepted if known else None, marks.epoch)
        """How numbering goes on: `fresh`, `continue` or `restart`."""
        if self.verdict == "fresh" and (marks.accepted or marks.epoch):
            # Somebody took the files away. The store and the clients still know the marks.
            state.reserved_m = marks.accepted + self._settings.reserve_marks
            state.reserved_epoch = marks.epoch + EPOCHS_AHEAD
            self.verdict = "restart"
        kept_m = state.next_m - 1
        self.sequencer = Sequencer(state)
        if self.verdict == "fresh":
            self.sequencer.begin_epoch(1, 1, "start", 0)
        elif self.verdict == "restart":
            epoch, first_m = next_epoch(recovered, self._settings.reserve_marks)
            self.sequencer.begin_epoch(epoch, first_m, "restart", kept_m)
        tape_id = (recovered.header.tape_id if recovered.header is not None else "") or uuid.uuid4().hex
        self.journal = Journal(
            self._settings, self._directory, state, boot_id, tape_id, self._on_durable, self._disk
        )
        try:
            self._start_journal(recovered, boot_id, now_ns)
            marks.epoch = state.epoch
            marks.accepted = self.journal.written_m
            marks.durable = self.journal.durable_m
            marks.stamp(boot_id)
            self._warm(kept_m)
            if _is_undeclared(state):
                self._declare(UNKNOWN, self._last_ts_event(), now_ns)
        except BaseException:
            self.journal.abandon()
            raise

    def _start_journal(self, recovered: Recovered, boot_id: str, now_ns: int) -> None:
        file, header = recovered.file, recovered.header
        worthless = [file.path for file in recovered.worthless]
        try:
            for path in (*list_drafts(self._directory / JOURNAL), *worthless):
                self._disk.unlink(path)
        except OSError as error:
            raise JournalFailed("the journal's folder cannot be written") from error
        if file is not None and header is not None and not file.archived:
            if header.boot_id != boot_id:
                recovered.durable_end = recovered.end  # it was read from the disk itself
            elif self.verdict == "continue":
                self.journal.resume(recovered)
                return
            self._disk.close(self.journal.secure(recovered))
        self.journal.restart(now_ns)

    def _warm(self, kept_m: int) -> None:
        """Fill ring and latest values from the end of the tape, and find its newest receive time."""
        state, reader = self.sequencer.state, self.reader()
        for item in reader.read(max(0, kept_m - min(WARM_TICKS, self._settings.ring_ticks)), kept_m):
            if isinstance(item, Damage):
                self.ring = Ring(self._settings.ring_ticks)  # it must have no hole
                continue
            self.ring.append(item)
            self.latest_table.update(item)
            self._note_last(item)
            # The last segment may have no row yet.
            state.last_ts_recv = max(state.last_ts_recv, item.ticks[-1].ts_recv)
        reader.close()

    def _on_durable(self, m: int) -> None:
        self.marks.durable = m

    def _publish(
        self, lineup: str, ticks: list[Tick], position: SourcePosition | None, now_ns: int
    ) -> Batch | None:
        batch = self._number(lineup, ticks, position, now_ns)
        if batch is None:
            self.numbering_stopped += 1
            if self._outage is not None:
                self._outage.lost += len(ticks)
            return None
        if self._outage is not None:
            self._outage.lost += len(ticks)
        elif ticks or position is not None:
            try:
                self.journal.append(batch, now_ns)
            except JournalFailed:
                batch = self._go_volatile(batch, now_ns)
            except TickRefused:
                self.sequencer.take_back(batch)
                raise
        self._hand_on(batch)
        return batch

    def _number(
        self, lineup: str, ticks: list[Tick], position: SourcePosition | None, now_ns: int
    ) -> Batch | None:
        """Number a batch; None when no mark may be given. Positions move only with the journal."""
        sequencer = self.sequencer
        sequencer.limit_m = self.journal.limit_m
        if self._outage is not None:
            position = None
        try:
            return sequencer.number(lineup, ticks, now_ns, position)
        except NumberingStopped:
            if self._outage is not None:
                return None
        try:
            self.journal.reserve(sequencer.state.next_m - 1 + len(ticks))
        except JournalFailed:
            self._rewrite(now_ns)
        sequencer.limit_m = self.journal.limit_m
        try:
            return sequencer.number(lineup, ticks, now_ns, None if self._outage is not None else position)
        except NumberingStopped:
            return None

    def _hand_on(self, batch: Batch) -> None:
        """Show a batch to everybody: marks, latest values, ring, and the listener."""
        if batch.ticks:
            self.marks.accepted = batch.last_m
            self.latest_table.update(batch)
            self.ring.append(batch)
            self._note_last(batch)
        if self.on_batch is not None:
            self.on_batch(batch)

    def _note_last(self, batch: Batch) -> None:
        tick = batch.ticks[-1]
        if tick.kind != FEED_EVENT:
            self._last_tick = tick

    def _last_ts_event(self) -> int:
        return 0 if self._last_tick is None else self._last_tick.ts_event

    def _rewrite(self, now_ns: int) -> None:
        """After a failed sync: write again what was not durable; numbering goes on when that works."""
        try:
            lost = self.journal.restart(now_ns)
        except JournalFailed:
            state = self.sequencer.state
            self._go_volatile(Batch(0, "", state.next_m, [], [], []), now_ns)
            return
        if lost:
            self._declare(lost, 0, now_ns)

    def _go_volatile(self, unwritten: Batch, now_ns: int) -> Batch:
        """Begin a volatile epoch with the batch that could not be written."""
        state = self.sequencer.state
        kept_m = self.journal.written_m
        self._outage = Outage(
            journalled_ns(state, unwritten), kept_m, len(unwritten.ticks),
            now_ns + self._settings.retry_ms * 1_000_000, self._last_ts_event(),
        )  # fmt: skip
        self.sequencer.take_back_position(unwritten)
        self.sequencer.begin_epoch(state.epoch + 1, unwritten.first_m, "volatile", kept_m)
        state.next_m = unwritten.last_m + 1
        self.marks.epoch = state.epoch
        return structs.replace(unwritten, epoch=state.epoch, position=None)

    def _try_to_recover(self, outage: Outage, now_ns: int) -> None:
        """Open a new segment in a new epoch; stay volatile when the disk still refuses."""
        state = self.sequencer.state
        volatile_ns = state.ns
        state.ns = [*outage.ns, *[0] * (len(volatile_ns) - len(outage.ns))]
        self.sequencer.begin_epoch(state.epoch + 1, state.next_m, "recovered", outage.kept_m)
        try:
            lost = self.journal.restart(now_ns)
        except JournalFailed:
            state.epochs.pop()
            state.epoch -= 1
            state.ns = volatile_ns
            outage.retry_at_ns = now_ns + self._settings.retry_ms * 1_000_000
            return
        self.marks.epoch = state.epoch
        self._outage = None
        self._declare(lost + outage.lost, outage.from_ts, now_ns)

    def _declare(self, lost: int, from_ts: int, now_ns: int) -> None:
        """Publish a gap that is over, in every line-up of this tape."""
        gap = gap_ticks(self._last_tick, lost, from_ts, self.last_ts_recv, now_ns)
        for lineup in self.sequencer.lineups or [""]:
            self._publish(lineup, gap, None, now_ns)
        if self._outage is not None and lost > 0:
            self._outage.lost += lost  # not even that could be written


def _is_undeclared(state: TapeState) -> bool:
    """Whether the newest epoch follows a loss and has no tick yet, so not the one that says so."""
    start = state.epochs[-1]
    return start.why in ("restart", "recovered") and start.first_m == state.next_m
