"""Planted defects of the tape: each breaks one part of the durability rule."""

from contextlib import suppress
from typing import Any

from proofs.sabotage.defects import acted, defect


@defect("drop-fsync", "tape.syncer")
def drop_fsync(module: Any) -> None:
    """The sync thread says that it has synced, and has not."""

    def broken(self: Any, descriptor: int, folder: Any, sealed: Any) -> None:
        acted()
        for other in sealed:
            self._disk.close(other)

    module.Syncer._work = broken


@defect("retry-fsync", "tape.syncer")
def retry_fsync(module: Any) -> None:
    """A failed fdatasync is tried again on the same file, until it works."""
    original = module.Syncer._work

    def broken(self: Any, *arguments: Any) -> Any:
        for _ in range(50):
            error = original(self, *arguments)
            if error is None:
                return None
            acted()
        return error

    module.Syncer._work = broken


@defect("no-reservation", "tape.sequencer")
def no_reservation(module: Any) -> None:
    """Marks are given whether they are reserved on the disk or not."""
    original = module.Sequencer.number

    def broken(self: Any, lineup: str, ticks: Any, *rest: Any) -> Any:
        if self.state.next_m + len(ticks) - 1 > self.limit_m:
            acted()
            self.limit_m = 1 << 53
        return original(self, lineup, ticks, *rest)

    module.Sequencer.number = broken


@defect("publish-before-write", "tape.tape")
def publish_before_write(module: Any) -> None:
    """A batch is handed on first, and journalled afterwards."""

    def broken(self: Any, lineup: str, ticks: Any, position: Any, now_ns: int) -> Any:
        batch = self._number(lineup, ticks, position, now_ns)
        if batch is None:
            return None
        acted()
        self._hand_on(batch)
        if self._outage is not None:
            self._outage.lost += len(ticks)
        else:
            try:
                self.journal.append(batch, now_ns)
            except module.JournalFailed:
                self._go_volatile(batch, now_ns)
        return batch

    module.Tape._publish = broken


@defect("keep-torn-tail", "tape.recovery")
def keep_torn_tail(module: Any) -> None:
    """A torn end is not cut off: what is written next stands behind it."""
    original = module._read

    def broken(recovered: Any, *rest: Any) -> None:
        original(recovered, *rest)
        if recovered.torn_bytes:
            acted()
            recovered.end += recovered.torn_bytes
            recovered.torn_bytes = 0

    module._read = broken


@defect("trust-changed-boot", "tape.recovery")
def trust_changed_boot(module: Any) -> None:
    """After another start of the machine numbering goes on as if nothing could be missing."""
    original = module.verdict

    def broken(recovered: Any, boot_id: str, *rest: Any) -> Any:
        header = recovered.header
        if header is not None and header.boot_id != boot_id:
            acted()
            return "continue"
        return original(recovered, boot_id, *rest)

    module.verdict = broken


@defect("clean-end-stays", "tape.journal")
def clean_end_stays(module: Any) -> None:
    """A tape that goes on behind a clean end does not say so before it publishes."""
    original = module.Journal.reserve

    def broken(self: Any, last_m: int) -> None:
        if not self.failed:
            original(self, last_m)
            return
        acted()  # it is being resumed
        self._syncer.wrote(self.written_m, self.state.reserved_m)
        with suppress(OSError):
            self._syncer.flush()

    module.Journal.reserve = broken


@defect("no-copies", "tape.unsynced")
def no_copies(module: Any) -> None:
    """A segment begins without copies of what is not durable."""
    original = module.Unsynced.frames

    def broken(self: Any) -> list[bytes]:
        if original(self):
            acted()
        return []

    module.Unsynced.frames = broken


@defect("old-pages-trusted", "tape.recovery")
def old_pages_trusted(module: Any) -> None:
    """What the process before had not synced is synced without being written again."""
    original = module._read

    def broken(recovered: Any, *rest: Any) -> None:
        original(recovered, *rest)
        if recovered.durable_end < recovered.end:
            acted()
            recovered.durable_end = recovered.end

    module._read = broken


@defect("silent-loss", "tape.tape")
def silent_loss(module: Any) -> None:
    """What was not kept is not declared."""

    def broken(self: Any, *_: Any) -> None:
        acted()

    module.Tape._declare = broken


@defect("silent-hole", "tape.reader")
def silent_hole(module: Any) -> None:
    """Marks that cannot be read are passed over."""
    original = module.TapeReader._missing

    def broken(self: Any, first_m: int, end_m: int) -> Any:
        if list(original(self, first_m, end_m)):
            acted()
        return iter(())

    module.TapeReader._missing = broken


@defect("archive-unsynced", "tape.archive")
def archive_unsynced(module: Any) -> None:
    """A segment is removed before its archive is on the disk."""
    original = module._archive_one

    class Hasty:
        """A disk that does not wait for the archive's data."""

        def __init__(self, disk: Any) -> None:
            self._disk = disk

        def __getattr__(self, name: str) -> Any:
            return getattr(self._disk, name)

        def sync(self, descriptor: int) -> None:
            acted()

    def broken(directory: Any, file: Any, end_m: int, table_rows: int, disk: Any) -> None:
        original(directory, file, end_m, table_rows, Hasty(disk))

    module._archive_one = broken


@defect("numbers-skip", "tape.sequencer")
def numbers_skip(module: Any) -> None:
    """After an outage each channel leaves out a number."""
    original = module.Sequencer.begin_epoch

    def broken(self: Any, epoch: int, first_m: int, why: str, kept_m: int) -> None:
        if why == "recovered" and any(self.state.ns):
            acted()
            self.state.ns = [n + 1 for n in self.state.ns]
        original(self, epoch, first_m, why, kept_m)

    module.Sequencer.begin_epoch = broken
