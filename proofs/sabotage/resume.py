"""Planted defects of resuming: what is sent, where a resume begins, what a certificate says."""

from typing import Any

from msgspec import structs

from proofs.sabotage.defects import acted, defect


def _every_thousandth(original: Any, change: Any) -> Any:
    """The same function; each thousandth of its results goes through `change`."""
    count = 0

    def broken(*arguments: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        result = original(*arguments, **options)
        if count % 1000:
            return result
        acted()
        return change(result)

    return broken


@defect("raw-skips", "hub.pieces")
def raw_skips(module: Any) -> None:
    """One tick in a thousand is not sent raw."""
    module.NativeEncoder.json = _every_thousandth(module.NativeEncoder.json, lambda _: b"")


@defect("raw-twice", "hub.pieces")
def raw_twice(module: Any) -> None:
    """One tick in a thousand is sent raw twice."""
    module.NativeEncoder.json = _every_thousandth(module.NativeEncoder.json, lambda data: data * 2)


@defect("resume-late", "hub.catchup")
def resume_late(module: Any) -> None:
    """A resume begins one mark too late."""
    original = module.CatchUp.__init__

    def broken(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        if options.get("certify") and options["after_m"]:
            acted()
            self.read_m += 1

    module.CatchUp.__init__ = broken


@defect("hollow-certificate", "hub.catchup")
def hollow_certificate(module: Any) -> None:
    """One tick in a thousand is lost on the way to a client who catches up, and certified all the same."""
    original = module.CatchUp._put
    count = 0

    def broken(self: Any, data: bytes) -> int:
        nonlocal count
        count += 1
        if count % 1000:
            put: int = original(self, data)
            return put
        acted()
        return len(data)

    module.CatchUp._put = broken


@defect("no-certificate", "hub.catchup")
def no_certificate(module: Any) -> None:
    """A resume ends without a certificate."""
    original = module.CatchUp.settle

    def broken(self: Any) -> bool:
        if self._certify:
            acted()
            self._certify = False
        settled: bool = original(self)
        return settled

    module.CatchUp.settle = broken


@defect("other-content", "hub.catchup")
def other_content(module: Any) -> None:
    """After a resume, one quote in a hundred comes with another size than before."""
    original = module.CatchUp._serve
    count = 0

    def broken(self: Any, name: str, n: int, tick: Any) -> int:
        nonlocal count
        if self._statement.since_m and name.startswith("q:"):
            count += 1
            if count % 100 == 0:
                acted()
                tick = structs.replace(tick, ask_size=tick.ask_size + 1_000_000)
        used: int = original(self, name, n, tick)
        return used

    module.CatchUp._serve = broken


@defect("mark-ahead", "hub.connection")
def mark_ahead(module: Any) -> None:
    """A client that is behind is told the mark of those who are not."""
    original = module.Connection.mark

    def broken(self: Any, head_m: int, flushed: Any) -> int | None:
        mark: int | None = original(self, head_m, flushed)
        if mark is None or mark == head_m:
            return mark
        acted()
        return head_m

    module.Connection.mark = broken


@defect("never-waits", "tapewire.app")
def never_waits(module: Any) -> None:
    """A replay goes on, however far its subscribers are behind."""

    async def broken(self: Any) -> None:
        if self.hub.backlog() > module.BEHIND_MARKS_MAX:
            acted()

    module.System.ready = broken


@defect("never-stalls", "hub.stream")
def never_stalls(module: Any) -> None:
    """What a client does not take is written all the same, and kept in memory."""

    def broken(self: Any) -> None:
        acted()

    module.StreamProtocol.pause_writing = broken
    module.StreamProtocol.resume_writing = lambda self: None
