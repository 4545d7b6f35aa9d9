"""The client's rule against the hub's own core: random markets, cuts, resumes, stalls and epochs."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tapewire_client.continuity import DATA_OPS
from tests.hub.rig import SYMBOLS, MemoryTape, Rig, cancel, quote, trade
from tests.tapewire_client.follower import Follower
from ticks.model import Tick

Event = tuple[Callable[[str], Tick], str]
EVERYTHING: Final = [(event, symbol) for event in (trade, quote) for symbol in SYMBOLS]
TICKS: Final = st.lists(
    st.tuples(st.sampled_from((trade, quote, cancel)), st.sampled_from(SYMBOLS)), min_size=1, max_size=12
)
PUBLISH: Final = st.tuples(st.just("publish"), TICKS)
STEPS: Final = st.one_of(
    PUBLISH,
    PUBLISH,
    st.tuples(st.just("read"), st.one_of(st.none(), st.integers(0, 600))),
    st.tuples(st.just("cut"), st.integers(0, 900)),
    st.tuples(st.just("turn"), st.integers(1, 5)),
    st.tuples(st.just("subscribe"), st.integers(0, 60)),
    st.tuples(st.sampled_from(("flush", "sync", "settle", "volatile", "recover", "retire")), st.none()),
)
TRADES: Final = {"kinds": ["t"], "symbols": list(SYMBOLS), "mode": "raw"}
QUOTES: Final = {"kinds": ["q"], "symbols": "*", "mode": "interval", "hz": 16}
SUBS: Final = st.sampled_from(
    (
        (TRADES, QUOTES),
        (QUOTES, TRADES),
        ({**TRADES, "symbols": "*"}, {**QUOTES, "symbols": list(SYMBOLS[:2]), "hz": 2}),
        ({**TRADES, "mode": "interval", "hz": 8}, {**QUOTES, "mode": "raw"}),
    )
)


def publish(rig: Rig, events: Sequence[Event]) -> None:
    """Publish ticks in one batch."""
    rig.publish(*(event(symbol) for event, symbol in events))


def act(follower: Follower, second: dict[str, Any], step: tuple[str, Any]) -> None:
    """Make one thing happen."""
    rig, (name, value) = follower.rig, step
    tape = rig.tape
    if name == "publish":
        publish(rig, value)
    elif name == "read":
        follower.read(value)
    elif name == "cut":
        follower.cut(value)
        follower.connect()
    elif name == "turn":
        rig.turn(value)
    elif name == "flush":
        rig.flush()
    elif name == "settle":
        rig.settle()
    elif name == "subscribe" and len(follower.continuity.subscriptions) == 1:
        since = value if value <= rig.board.router.head_m else None
        follower.subscribe(second, start="live" if since is None else "snapshot", since=since)
    elif name == "recover" and tape.volatile:
        tape.recover()
    elif name == "sync" and not tape.volatile:
        tape.sync()
    elif name == "volatile" and not tape.volatile:
        tape.go_volatile()
    elif name == "retire" and not tape.volatile:
        tape.retire(tape.durable)


def finish(follower: Follower) -> None:
    """Let everything arrive that is owed."""
    rig = follower.rig
    if rig.tape.volatile:
        rig.tape.recover()
    for _ in range(3):
        publish(rig, EVERYTHING)
        rig.tape.sync()
        rig.turn(64)
        for _ in range(50):
            rig.settle()
            follower.read()
            rig.board.feeder.retry()
        rig.turn(64)
        follower.read()


@settings(max_examples=150, deadline=None)
@given(
    before=st.integers(0, 80),
    since=st.one_of(st.none(), st.integers(0, 80)),
    room=st.sampled_from((1 << 40, 2_000, 400)),
    behind_max=st.sampled_from((10_000, 10)),
    subs=SUBS,
    steps=st.lists(STEPS, min_size=10, max_size=60),
)
def test_whatever_an_honest_hub_sends_has_no_hole(
    before: int,
    since: int | None,
    room: int,
    behind_max: int,
    subs: tuple[dict[str, Any], dict[str, Any]],
    steps: list[tuple[str, Any]],
) -> None:
    """Over cuts at any byte, stalls, lost marks and new epochs: no hole, no tick twice, none missing."""
    rig = Rig(MemoryTape(ring_ticks=24), resume_ticks_max=behind_max)
    for place in range(before):
        publish(rig, [EVERYTHING[place % len(EVERYTHING)]])
    rig.tape.sync()
    follower = Follower(rig, room)
    follower.subscribe(subs[0], since=None if since is None else min(since, before))
    follower.connect()
    for step in steps:
        act(follower, subs[1], step)
    head_m = rig.board.router.head_m
    finish(follower)
    assert follower.continuity.holes == []
    assert follower.doubles() == []
    assert follower.missing() == []
    assert follower.continuity.mark is not None
    assert follower.continuity.mark >= head_m


@settings(max_examples=100, deadline=None)
@given(
    subs=SUBS,
    batches=st.lists(TICKS, min_size=3, max_size=20),
    lost=st.integers(0, 1_000),
    resumed=st.booleans(),
)
def test_a_message_that_is_lost_on_the_way_is_found(
    subs: tuple[dict[str, Any], dict[str, Any]], batches: list[list[Event]], lost: int, resumed: bool
) -> None:
    """By the next number of its channel, or by the certificate of a resume; nothing else is accused."""
    rig = Rig(MemoryTape(ring_ticks=4_096))
    publish(rig, EVERYTHING)
    follower = Follower(rig)
    for sub in subs:
        follower.subscribe(sub, since=1 if resumed else None)
    if not resumed:
        follower.connect()
        follower.read()
    for events in batches:
        publish(rig, events)
        rig.flush()
        rig.turn(4)
    if resumed:
        follower.connect()
    rig.settle()
    rig.turn(64)
    data = [message for message in follower.waiting() if message["op"] in DATA_OPS]
    if not data:  # everything was of channels that nobody asked for
        return
    victim = data[lost % len(data)]
    follower.lose = lambda message: message == victim
    follower.read()
    publish(rig, EVERYTHING)
    rig.flush()
    rig.turn(64)
    follower.read()
    (hole,) = follower.continuity.holes
    assert (hole.channel, hole.before) == (victim["c"], victim["n"] + 1)
    assert hole.after >= victim["n"] - victim.get("k", 1)
