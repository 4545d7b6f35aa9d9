"""The defects that can be planted, each a patch of one module of the product at its import.

    @defect("skip-row", "storage.writer")
    def skip_row(module: Any) -> None:
        '''What is broken, in one line.'''
        original = module.rows_of

        def broken(batch: Batch) -> list[Row]:
            acted()
            return original(batch)[1:]

        module.rows_of = broken

A patch that no longer fits the product raises at import, so the process dies and
`make prove-proofs` says so. `acted` is called where the defect changes something: a run in which
it never acted has shown nothing.
"""

import importlib.util
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

Patch = Callable[[Any], None]

DEFECTS: Final[dict[str, tuple[str, Patch]]] = {}
"""Name → the module it patches, and the patch."""


def defect(name: str, module: str) -> Callable[[Patch], Patch]:
    """Register a patch of `module` as the defect `name`."""

    def register(patch: Patch) -> Patch:
        DEFECTS[name] = module, patch
        return patch

    return register


def acted() -> None:
    """Count that the planted defect has changed something."""
    handle = os.open(os.environ["TAPEWIRE_SABOTAGE_TALLY"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(handle, b".")
    finally:
        os.close(handle)


def plant(name: str) -> None:
    """Arrange that the defect's module is patched as soon as it has been imported.

    Raises:
        KeyError: there is no such defect.
    """
    module, patch = DEFECTS[name]
    sys.meta_path.insert(0, _Finder(module, patch))


class _Finder(MetaPathFinder):
    """Finds one module as Python would have, and patches it after its execution."""

    def __init__(self, module: str, patch: Patch) -> None:
        self.module = module
        self.patch = patch

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Patching(spec.loader, self.patch)
        return spec


class _Patching(Loader):
    """A loader that hands the loaded module to a patch."""

    def __init__(self, loader: Loader, patch: Patch) -> None:
        self.loader = loader
        self.patch = patch

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        self.patch(module)


@defect("lenient-keys", "config.check")
def lenient_keys(module: Any) -> None:
    """Unknown keys of the configuration are passed over in silence."""
    original = module._build_section

    def broken(section: Any, table: dict[str, Any], path: Any, raw: Any) -> Any:
        known = {setting.name for setting in module.settings_of(section)}
        kept = {key: value for key, value in table.items() if key in known}
        if len(kept) < len(table):
            acted()
        return original(section, kept, path, raw)

    module._build_section = broken


@defect("status-one", "tapewire.cli")
def status_one(module: Any) -> None:
    """A start that fails ends with status 1."""
    original = module._start

    def broken(*arguments: Any, **options: Any) -> int:
        status: int = original(*arguments, **options)
        if status != module.EXIT_CONFIG:
            return status
        acted()
        return 1

    module._start = broken


@defect("traceback", "tapewire.preflight")
def traceback(module: Any) -> None:
    """Errors at the start are shown as they were raised."""

    def broken(*_: Any) -> None:
        acted()

    module.explain = broken


@defect("skip-row", "storage.sqlite.writer")
def skip_row(module: Any) -> None:
    """The writer leaves out one tick in a thousand."""
    original = module.SqliteWriter._file

    def broken(self: Any, batches: Any) -> Any:
        filed = original(self, batches)
        for by_lineup in filed.values():
            for lineup, rows in by_lineup.items():
                kept = [row for row in rows if row[0] % 1000 != 7]
                if len(kept) < len(rows):
                    acted()
                by_lineup[lineup] = kept
        return filed

    module.SqliteWriter._file = broken


@defect("price-off-by-one", "feeds.iex.messages")
def price_off_by_one(module: Any) -> None:
    """Every thousandth quote is decoded with an ask that is one ten-thousandth too high."""
    original = module._quote
    count = 0

    def broken(data: Any, place: int) -> Any:
        nonlocal count
        *fields, ask, ask_size = original(data, place)
        count += 1
        if count % 1000 == 0 and ask:
            acted()
            ask += 1
        return *fields, ask, ask_size

    module._quote = broken


@defect("page-skips", "storage.history")
def page_skips(module: Any) -> None:
    """A page that follows another one begins a row too late."""
    original = module.History.page

    def broken(self: Any, query: Any, known_at: int, after: Any, limit: int) -> Any:
        page = original(self, query, known_at, after, limit)
        if after is not None and page.rows:
            acted()
            del page.rows[0]
        return page

    module.History.page = broken


@defect("position-lost", "tape.tape")
def position_lost(module: Any) -> None:
    """A replay that goes on forgets how far it had got."""
    original = module.Tape.position

    def broken(self: Any, key: str) -> None:
        if original(self, key) is not None:
            acted()

    module.Tape.position = broken


@defect("late-journal", "tape.journal")
def late_journal(module: Any) -> None:
    """Batches are published while their frames still wait for more to be written with them."""
    original = module.Journal._write

    def broken(self: Any, data: Any) -> None:
        held = self.__dict__.setdefault("held_back", bytearray())
        held += data
        if len(held) < 65_536:
            acted()
            return
        self.held_back = bytearray()
        original(self, held)

    module.Journal._write = broken


@defect("late-writer", "storage.sqlite.writer")
def late_writer(module: Any) -> None:
    """A writer that is started again begins fifty marks behind its checkpoint."""
    original = module.SqliteWriter.checkpoint

    def broken(self: Any) -> Any:
        checkpoint = original(self)
        if not checkpoint.m:
            return checkpoint
        acted()
        return module.Checkpoint(checkpoint.m + 50, checkpoint.ts_recv)

    module.SqliteWriter.checkpoint = broken


@defect("numbers-anew", "tape.sequencer")
def numbers_anew(module: Any) -> None:
    """A tape that goes on counts every channel from 1 again."""
    original = module.Sequencer.__init__

    def broken(self: Any, state: Any) -> None:
        if any(state.ns):
            acted()
            state.ns = [0] * len(state.ns)
        original(self, state)

    module.Sequencer.__init__ = broken


@defect("mark-twice", "tape.recovery")
def mark_twice(module: Any) -> None:
    """A tape that goes on gives its last mark once more."""
    original = module.recover

    def broken(*arguments: Any) -> Any:
        recovered = original(*arguments)
        if recovered.state.next_m > 1:
            acted()
            recovered.state.next_m -= 1
        return recovered

    module.recover = broken


@defect("segment-costs-all", "feeds.iex.messages")
def segment_costs_all(module: Any) -> None:
    """A message that cannot be used costs the whole segment around it."""
    original = module.MessageDecoder.decode

    def broken(self: Any, data: Any, spans: Any, sequence: int, send: int, received: int, ticks: Any) -> None:
        before, length = self.counters.quarantined, len(ticks)
        original(self, data, spans, sequence, send, received, ticks)
        if self.counters.quarantined > before:
            acted()
            del ticks[length:]

    module.MessageDecoder.decode = broken


@defect("repeats-kept", "feeds.iex.sequence")
def repeats_kept(module: Any) -> None:
    """A segment that comes a second time is taken for a new one."""
    original = module.place

    def broken(*arguments: Any) -> Any:
        placement = original(*arguments)
        spans = arguments[-1]
        if isinstance(placement, module.Placement) and spans and placement.fresh_from == len(spans):
            acted()
            return module.Placement()
        return placement

    module.place = broken


def slowed(original: Any, times: float) -> Any:
    """The same function, so many times slower."""
    told = False

    def broken(*arguments: Any, **options: Any) -> Any:
        nonlocal told
        began = time.perf_counter()
        result = original(*arguments, **options)
        end = began + times * (time.perf_counter() - began)
        if not told:
            told = True
            acted()
        while time.perf_counter() < end:
            pass
        return result

    return broken


@defect("slow-decode", "feeds.iex.messages")
def slow_decode(module: Any) -> None:
    """Decoding takes four times as long."""
    module.MessageDecoder.decode = slowed(module.MessageDecoder.decode, 4)


@defect("slow-journal", "tape.journal")
def slow_journal(module: Any) -> None:
    """Journalling takes ten times as long."""
    module.Journal.append = slowed(module.Journal.append, 10)


@defect("slow-store", "storage.sqlite.day_file")
def slow_store(module: Any) -> None:
    """Storing takes six times as long."""
    module.DayFile.commit = slowed(module.DayFile.commit, 6)


@defect("slow-pages", "storage.history")
def slow_pages(module: Any) -> None:
    """Looking up a page takes twenty times as long."""
    module.History.page = slowed(module.History.page, 20)


@defect("frames-lost", "hub.connection")
def frames_lost(module: Any) -> None:
    """Every thousandth flush of a connection is not written."""
    original = module.Connection.send
    count = 0

    def broken(self: Any, data: Any) -> None:
        nonlocal count
        count += 1
        if count % 1000:
            original(self, data)
        else:
            acted()

    module.Connection.send = broken


@defect("slow-fanout", "hub.connection")
def slow_fanout(module: Any) -> None:
    """Writing to a client takes fifteen times as long."""
    module.Connection.send = slowed(module.Connection.send, 15)


# Last, because it registers its defects with what is above.
from proofs.sabotage import deliveries, demo, durability, pages, resume, ringing, stream, upkeep  # noqa: E402, F401
