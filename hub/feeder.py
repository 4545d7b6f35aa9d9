"""Feeding subscriptions that are behind, a slice at a time, until they have caught up.

The newest ticks come from the tape's ring; older ones from journal and archive, which somebody
else reads: `journal_wish` says what, `feed` takes it. A slice is bounded in bytes, and ends when
the client stops reading, so what is not sent is not kept either: it is read from the tape again.

Policy for a subscription that is further behind than `resume_ticks_max`: it is told so (gap, why
`budget` or `slow`) and goes on from the present. Pure: nothing here waits.

One that reads at an interval *joins* the router as soon as it has read the tape to its end: what
comes from then on is folded for it together with everybody's. What it still has to be put out must be
out before the router's next flush at its rate; else it *parts* again, and what came meanwhile is
folded into what it has not been sent. So a slow client gets newer states and not more of them.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from config.settings import HubSettings
from hub.catchup import CatchUp
from hub.router import Router
from hub.subscription import Subscription
from hub.tape_view import TapeView
from tape.batch import Batch, Damage

RING_SLICE: Final = 1_024
"""Marks taken from the ring at once."""
JOURNAL_SLICE_MIN: Final = 256
JOURNAL_SLICE_MAX: Final = 8_192
"""Marks read from the journal at once; decoding so many takes some tens of ms of a thread."""
SCAN_BYTES: Final = 8
"""Looking at a tick costs about as much as writing so many bytes: a slice is bounded in both."""


class Feeder:
    """Owns the subscriptions that are behind.

    `serve(subscription)` writes its connection's outbox. One that has caught up is attached to the
    router, and live. `on_work` is called when there is something to do after there was nothing.
    """

    def __init__(
        self,
        settings: HubSettings,
        view: TapeView,
        router: Router,
        serve: Callable[[Subscription], None],
    ) -> None:
        self.on_work: Callable[[], None] = lambda: None
        self.serving: Subscription | None = None
        """Whom the last slice was for."""
        self._view = view
        self._router = router
        self._serve = serve
        self._room = settings.write_buffer_bytes
        self._ticks_max = settings.resume_ticks_max
        self._behind: dict[Subscription, CatchUp] = {}
        # Of those behind: ready for a slice from memory; waiting for a reader of the journal; waiting for
        # the disk. Those in none of them wait for their client, or are being read for.
        self._ready: dict[CatchUp, None] = {}
        self._hurried: dict[CatchUp, None] = {}
        """The same, of those who have joined: their time is short."""
        self._joined: dict[CatchUp, None] = {}
        self._journal: dict[CatchUp, None] = {}
        self._unsynced: list[CatchUp] = []

    def add(self, catch_up: CatchUp) -> None:
        """Begin to feed a subscription."""
        self._behind[catch_up.subscription] = catch_up
        self.wake(catch_up.subscription)

    def wake(self, subscription: Subscription) -> None:
        """Its client takes bytes again."""
        catch_up = self._behind.get(subscription)
        if catch_up is not None and not catch_up.busy and not subscription.connection.stalled:
            (self._hurried if catch_up in self._joined else self._ready)[catch_up] = None
            self.on_work()

    def forget(self, subscription: Subscription) -> None:
        """It is not wanted any more."""
        catch_up = self._behind.pop(subscription, None)
        if catch_up is not None:
            self._part(catch_up)
            self._ready.pop(catch_up, None)
            self._journal.pop(catch_up, None)

    def drop(self, subscription: Subscription, names: list[str]) -> None:
        """Some of its channels are not wanted any more."""
        catch_up = self._behind.get(subscription)
        if catch_up is not None:
            catch_up.drop(names)
            if catch_up in self._joined:
                self._router.detach_channels(subscription, names)

    def part(self, rates: Sequence[float]) -> None:
        """The router is about to flush these rates: who has joined and is not ready goes on by itself."""
        for catch_up in [c for c in self._joined if c.subscription.rate in rates]:
            self._part(catch_up)

    def backlog(self) -> int:
        """How many marks the raw subscription that is furthest behind lacks."""
        head_m = self._router.head_m
        return max((head_m - c.read_m for s, c in self._behind.items() if not s.rate), default=0)

    @property
    def behind(self) -> int:
        """How many subscriptions are behind."""
        return len(self._behind)

    def step(self) -> bool:
        """Serve one slice from memory to whoever has waited longest; False when nobody can be served."""
        ready = self._hurried or self._ready
        if not ready:
            return False
        catch_up = next(iter(ready))
        self.serve_now(catch_up.subscription)
        return True

    def serve_now(self, subscription: Subscription) -> None:
        """Serve one slice from memory to a subscription that is behind; often that is all it takes."""
        catch_up = self._behind.get(subscription)
        if catch_up is None or not (catch_up in self._ready or catch_up in self._hurried):
            return
        self._ready.pop(catch_up, None)
        self._hurried.pop(catch_up, None)
        self.serving = subscription
        if subscription.connection.stalled:
            return  # `wake` puts it back
        wanting = self._from_memory(catch_up)
        self._serve(subscription)
        if self._behind.get(subscription) is not catch_up:
            return
        if wanting:
            self._journal[catch_up] = None
            self.on_work()
        else:
            self.wake(subscription)

    def _from_memory(self, catch_up: CatchUp) -> bool:
        """Feed from the ring until the room is used up or it is live; True when it wants the journal."""
        room = self._room
        while room > 0:
            head_m = self._router.head_m
            read_m = catch_up.read_m
            if catch_up.owing:
                room = catch_up.emit(room)
            elif catch_up in self._joined or read_m >= head_m:
                done = catch_up.settle()
                self._join(catch_up, live=done)
                if done:
                    return False
            elif self._view.distance(read_m, head_m) > self._ticks_max:
                catch_up.skip(head_m, catch_up.late_why)
            else:
                up_to_m = min(read_m + RING_SLICE, head_m)
                batches = self._view.memory.ring(read_m, up_to_m)
                if batches is None:
                    return True
                room = self._take(catch_up, batches, up_to_m, room)
        return False

    def _join(self, catch_up: CatchUp, *, live: bool) -> None:
        """Let the router serve it from here on; all at once when nothing else is owed to it."""
        subscription = catch_up.subscription
        if catch_up not in self._joined and (live or subscription.rate):
            self._joined[catch_up] = None
            self._router.attach(subscription)
        if live:
            subscription.live = True
            del self._joined[catch_up], self._behind[subscription]

    def _part(self, catch_up: CatchUp) -> None:
        if catch_up in self._joined:
            del self._joined[catch_up]
            self._router.detach(catch_up.subscription)
        if catch_up in self._hurried:
            del self._hurried[catch_up]
            self._ready[catch_up] = None

    def _take(self, catch_up: CatchUp, batches: list[Batch], up_to_m: int, room: int) -> int:
        """Let a subscription take batches that are everything up to `up_to_m`."""
        begin_m = catch_up.read_m
        for batch in batches:
            room = catch_up.take(batch, room)
            if catch_up.read_m < batch.last_m:
                return room - (catch_up.read_m - begin_m) * SCAN_BYTES
        self._pass(catch_up, up_to_m, empty=not batches)
        return room - (up_to_m - begin_m) * SCAN_BYTES

    def _pass(self, catch_up: CatchUp, up_to_m: int, *, empty: bool) -> None:
        """Everything up to a mark was taken; where the tape is `empty`, the next ticks may be far off."""
        if empty:
            up_to_m = min(self._router.head_m, self._view.pass_over(up_to_m))
        catch_up.pass_to(up_to_m)

    # -- the journal -----------------------------------------------------------------------

    def journal_wish(self) -> tuple[CatchUp, int, int] | None:
        """Who wants the journal, and which marks: (after, up to). To be answered by `feed` and `fed`."""
        while self._journal:
            catch_up = next(iter(self._journal))
            del self._journal[catch_up]
            if catch_up.subscription.connection.stalled:
                continue  # `wake` puts it back
            after_m = catch_up.read_m
            up_to_m = min(after_m + catch_up.slice_marks, self._view.memory.durable_m())
            if up_to_m > after_m:
                catch_up.busy = True
                return catch_up, after_m, up_to_m
            self._wait_or_skip(catch_up)
        return None

    def _wait_or_skip(self, catch_up: CatchUp) -> None:
        """Neither in memory nor on the disk: either not yet, or it was never kept."""
        first_m = self._view.memory.ring_first_m()
        if self._view.is_volatile(catch_up.read_m + 1) and first_m > catch_up.read_m + 1:
            catch_up.skip(first_m - 1, "restart", "replay")
            self.wake(catch_up.subscription)
        else:
            self._unsynced.append(catch_up)

    def retry(self) -> None:
        """Look again whether the disk has what was not there before; call it now and then."""
        waiting, self._unsynced = self._unsynced, []
        for catch_up in waiting:
            if self._behind.get(catch_up.subscription) is catch_up:
                self.wake(catch_up.subscription)

    def feed(self, catch_up: CatchUp, items: deque[Batch | Damage]) -> bool:
        """Serve one slice of what was read; False when its client takes no more, or has gone."""
        subscription = catch_up.subscription
        if self._behind.get(subscription) is not catch_up or subscription.connection.stalled:
            return False
        self.serving = subscription
        room = self._room
        while items and room > 0:
            item = items[0]
            before_m = catch_up.read_m
            if catch_up.owing:
                room = catch_up.emit(room)
            elif item.last_m <= before_m:
                items.popleft()
            elif isinstance(item, Damage):
                catch_up.take_damage(item)
            else:
                room = catch_up.take(item, room) - (catch_up.read_m - before_m) * SCAN_BYTES
        self._serve(subscription)
        return bool(items)

    def fed(self, catch_up: CatchUp, after_m: int, up_to_m: int, *, whole: bool, empty: bool) -> None:
        """The reader is done with (after_m, up_to_m], which `journal_wish` had asked for.

        `whole` says that everything was taken, `empty` that the tape had nothing there.
        """
        catch_up.busy = False
        subscription = catch_up.subscription
        if self._behind.get(subscription) is not catch_up:
            return
        if whole:
            self._pass(catch_up, up_to_m, empty=empty)
            catch_up.slice_marks = min(JOURNAL_SLICE_MAX, catch_up.slice_marks * 2)
        else:
            taken = catch_up.read_m - after_m
            catch_up.slice_marks = max(JOURNAL_SLICE_MIN, min(JOURNAL_SLICE_MAX, 2 * taken))
        self.wake(subscription)
