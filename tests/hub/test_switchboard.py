"""The switchboard: what connected clients are told when the tape moves, and when they do not keep up."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.callers import Access
from tests.hub.phone import Phone, missing
from tests.hub.rig import SYMBOLS, MemoryTape, Rig, User, cancel, feed_event, quote, trade

CHANNELS = tuple(f"{kind}:{symbol}" for symbol in SYMBOLS for kind in "tq")


def test_hello_and_sub_in_one_frame_are_enough() -> None:
    """Welcome, ok, the newest state of what has one, and the mark, in this order."""
    rig = Rig()
    rig.publish(trade("AAPL", 3))
    phone = Phone(rig).connect()
    phone.send(
        {"op": "hello", "token": "token"},
        {"op": "sub", "id": 1, "symbols": ["AAPL"], "kinds": ["t", "q"], "mode": "raw"},
    )
    assert [m["op"] for m in phone.messages] == ["welcome", "ok", "snap", "mark"]
    welcome, ok, snap, mark = phone.messages
    assert (welcome["v"], welcome["m"], welcome["e"]) == (1, 1, 1)
    assert ok["chans"] == {"t:AAPL": {"n": 1}, "q:AAPL": {"n": 0}}
    assert (snap["c"], snap["n"], snap["tick"]["px"]) == ("t:AAPL", 1, 3)
    assert mark["m"] == 1


def test_raw_ticks_of_a_loop_turn_leave_in_one_write() -> None:
    """Also those of several batches."""
    rig = Rig()
    phone = Phone(rig).hello()
    phone.sub(start="live")
    before = rig.board.counters["writes"]
    rig.publish(trade("AAPL"), quote("AAPL"))
    rig.publish(trade("MSFT"), trade("OTHER"))
    rig.flush()
    phone.read()
    assert rig.board.counters["writes"] == before + 1
    assert [(m["c"], m["n"]) for m in phone.data] == [("t:AAPL", 1), ("q:AAPL", 1), ("t:MSFT", 1)]


def test_interval_ticks_leave_at_their_turn_of_the_wheel_folded() -> None:
    """`k` says how many ticks one stands for."""
    rig = Rig()
    phone = Phone(rig).hello()
    phone.sub(start="live", mode="interval", hz=4)
    for price in (2, 5, 3):
        rig.publish(trade("AAPL", price))
        rig.flush()
    phone.read()
    assert phone.data == []
    rig.turn(4)
    phone.read()
    (message,) = phone.data
    assert (message["n"], message["k"], message["px"], message["hi"], message["lo"]) == (3, 3, 3, 5, 2)


def test_mark_says_what_the_slowest_subscription_has_been_sent() -> None:
    """A raw one is further, but its client would resume both from the mark."""
    rig = Rig()
    phone = Phone(rig).hello()
    phone.sub(1, ["AAPL"], "live")
    phone.sub(2, ["MSFT"], "live", mode="interval", hz=4)
    rig.publish(trade("AAPL"), trade("MSFT"))
    rig.pass_seconds(1)
    rig.flush()
    phone.read()
    assert phone.marks == []
    rig.turn(4)
    phone.read()
    assert max(phone.marks) == 2


def test_resume_sends_what_was_missed_and_certifies_it() -> None:
    """One integer for the whole watchlist."""
    rig = Rig()
    phone = Phone(rig).hello()
    phone.sub()
    rig.publish(*(trade(symbol) for symbol in SYMBOLS))
    rig.settle()
    phone.read()
    phone.cut()
    rig.publish(quote("AAPL"), trade("SPY"))
    rig.flush()
    phone.hello(resume={"m": phone.stored_m})
    phone.sub(start={"m": phone.stored_m})
    assert [(m["c"], m["n"]) for m in phone.data] == [("q:AAPL", 1), ("t:SPY", 2)]
    (cont,) = phone.of("cont")
    assert (cont["since"], cont["m"]) == (3, 5)
    assert cont["chans"]["t:SPY"] == {
        "from": 1, "to": 2, "sent": 1, "folded": 0, "skipped": 0, "complete": True
    }  # fmt: skip
    assert not phone.holes
    assert not missing(phone, CHANNELS, 0)


def test_resume_from_before_memory_reads_the_journal() -> None:
    """Ring first, then the disk, then live."""
    rig = Rig(MemoryTape(ring_ticks=8))
    for price in range(1, 101):
        rig.publish(trade("AAPL", price))
    rig.tape.sync()
    phone = Phone(rig).hello()
    phone.sub(start={"m": 0})
    assert not phone.data
    rig.settle()
    phone.read()
    assert [m["n"] for m in phone.data] == list(range(1, 101))
    assert phone.of("cont")[0]["chans"]["t:AAPL"]["complete"]


def test_unsub_is_confirmed_behind_the_last_tick_and_nothing_follows() -> None:
    """What was due leaves before the answer."""
    rig = Rig()
    phone = Phone(rig).hello()
    phone.sub(start="live")
    rig.publish(trade("AAPL"))
    phone.send({"op": "unsub", "id": 1})
    rig.publish(trade("AAPL"))
    rig.settle()
    phone.read()
    assert [m["op"] for m in phone.messages[-2:]] in (["t", "ok"], ["mark", "ok"])
    assert [m["n"] for m in phone.data] == [1]


def test_sub_of_the_same_id_takes_the_place_of_the_first() -> None:
    """Not both are served."""
    rig = Rig()
    phone = Phone(rig).hello()
    phone.sub(1, ["AAPL"], "live")
    phone.sub(1, ["MSFT"], "live")
    rig.publish(trade("AAPL"), trade("MSFT"))
    rig.settle()
    phone.read()
    assert [m["c"] for m in phone.data] == ["t:MSFT"]


def test_idle_client_is_told_the_mark_every_ping_s() -> None:
    """A phone whose symbols are quiet still gets a fresh place to resume from."""
    rig = Rig(ping_s=20)
    phone = Phone(rig).hello()
    phone.sub(1, ["AAPL"], "live")
    for _ in range(3):
        rig.publish(trade("OTHER"))
        rig.flush()
        rig.pass_seconds(20)
        assert phone.connection is not None
        rig.board.heard(phone.connection, rig.now)
        rig.sweep()
    phone.read()
    assert phone.marks[-3:] == [1, 2, 3]


def test_change_of_epoch_reaches_everybody_before_its_first_tick() -> None:
    """Then gap and newest states; nothing of either epoch is lost."""
    rig = Rig()
    raw, slow, idle = Phone(rig).hello(), Phone(rig).hello(), Phone(rig).hello()
    raw.sub(start="live")
    slow.sub(start="live", mode="interval", hz=0.25)
    rig.publish(trade("AAPL"), trade("MSFT"))
    rig.tape.go_volatile()
    rig.publish(trade("AAPL"))
    rig.settle()
    for phone in (raw, slow):
        phone.read()
        ops = [m["op"] for m in phone.messages if m["op"] not in ("mark", "welcome", "ok")]
        assert ops == ["t", "t", "epoch", "gap", "t", "snap", "snap", "cont"]
        assert not missing(phone, CHANNELS, 0)
        assert phone.of("epoch")[0]["why"] == "volatile"
    idle.read()
    assert [m["op"] for m in idle.messages] == ["welcome", "epoch"]


def test_users_connections_are_limited_and_a_dead_one_makes_room() -> None:
    """The oldest that does not read goes; without one the new one is refused."""
    rig = Rig(connections_per_user_max=2)
    first, second = Phone(rig).hello(), Phone(rig).hello()
    third = Phone(rig).hello()
    assert third.wire.closed == (4506, "connection limit")
    assert third.of("err")[0]["code"] == "CONN_LIMIT"
    assert second.connection is not None
    rig.board.stall(second.connection, rig.now)
    assert Phone(rig).hello().wire.closed
    rig.pass_seconds(6)
    fourth = Phone(rig).hello()
    assert fourth.of("welcome")
    assert second.wire.closed is not None
    assert first.wire.closed is None


def test_hub_that_is_full_asks_to_come_again() -> None:
    """With a code that says so."""
    rig = Rig(connections_max=1)
    Phone(rig).hello()
    assert rig.board.full
    late = Phone(rig).connect()
    assert late.connection is None
    assert late.wire.closed is not None
    assert late.wire.closed[0] == 4101
    assert rig.board.counters["refused"] == 1


def test_those_who_say_nothing_do_not_keep_out_those_who_do() -> None:
    """The stranger who has waited longest makes room; somebody who was let in never does."""
    rig = Rig(connections_max=2)
    known = Phone(rig).hello()
    strangers = [Phone(rig).connect() for _ in range(3)]
    assert [phone.wire.closed is None for phone in (known, *strangers)] == [True, False, False, True]
    full = [rig.board.full]
    late = Phone(rig).hello()
    full.append(rig.board.full)
    assert late.of("welcome")
    assert strangers[2].wire.closed is not None
    assert full == [False, True]
    assert len(rig.board.connections) == 2


def test_withdrawn_rights_end_those_channels_live_and_on_the_way() -> None:
    """The others go on."""
    rig = Rig()
    rig.users["narrow"] = User(grants=lambda _, kind, __: Access.LIVE if kind == "t" else Access.NONE)
    phone = Phone(rig).hello()
    phone.sub(start="live")
    phone.send({"op": "auth", "token": "narrow"})
    rig.publish(trade("AAPL"), quote("AAPL"))
    rig.settle()
    phone.read()
    assert [m["c"] for m in phone.data] == ["t:AAPL"]
    assert phone.of("err")[0]["chans"] == ["q:AAPL", "q:MSFT", "q:SPY"]


def test_rights_withdrawn_on_the_way_through_the_journal_end_there() -> None:
    """Neither ticks nor certificate speak of those channels any more."""
    rig = Rig(MemoryTape(ring_ticks=4))
    for _ in range(10):
        rig.publish(trade("AAPL"), quote("AAPL"))
    rig.tape.sync()
    rig.users["narrow"] = User(grants=lambda _, kind, __: Access.LIVE if kind == "t" else Access.NONE)
    phone = Phone(rig).hello()
    phone.sub(1, ["AAPL"], {"m": 0})
    phone.send({"op": "auth", "token": "narrow"})
    rig.settle()
    phone.read()
    assert {m["c"] for m in phone.data} == {"t:AAPL"}
    assert list(phone.of("cont")[0]["chans"]) == ["t:AAPL"]


def test_star_gets_every_symbol_of_its_kinds_also_those_to_come() -> None:
    """And nothing else."""
    rig = Rig()
    rig.publish(trade("AAPL"))
    phone = Phone(rig).hello()
    phone.sub(1, "*", kinds=["t"])
    rig.publish(trade("AAPL"), trade("NEW"), quote("NEW"))
    rig.flush()
    phone.read()
    assert phone.of("ok")[0]["star"] is True
    assert [m["c"] for m in phone.of("snap")] == ["t:AAPL"]
    assert [(m["c"], m["n"]) for m in phone.data] == [("t:AAPL", 2), ("t:NEW", 1)]


def test_market_gap_that_was_open_before_the_hub_began_is_certified() -> None:
    """It is still in memory."""
    tape = MemoryTape()
    tape.publish([feed_event("gap_open", "AAPL"), trade("AAPL")])
    rig = Rig(tape)
    phone = Phone(rig).hello()
    rig.publish(trade("AAPL"))
    phone.sub(1, ["AAPL"], {"m": 2})
    (cont,) = phone.of("cont")
    assert cont["upstream"] == [{"from": 1, "to": None, "scope": "AAPL", "why": "outage"}]


def test_batches_published_before_we_listened_are_read_from_the_tape() -> None:
    """A gap in the marks of batches is made good, and counted."""
    rig = Rig()
    phone = Phone(rig).hello()
    phone.sub(start="live")
    rig.tape.publish([trade("AAPL")] * 3)
    rig.publish(trade("AAPL"))
    rig.settle()
    phone.read()
    assert [m["n"] for m in phone.data] == [1, 2, 3, 4]
    assert rig.board.counters["missed"] == 1


def test_lost_connection_leaves_nothing() -> None:
    """Neither in the router nor in the feeder nor among the users."""
    rig = Rig(connections_per_user_max=1)
    phone = Phone(rig).hello()
    phone.sub(1)
    phone.sub(2, "*", kinds=["t"])
    phone.sub(3, start={"m": 0})
    phone.cut()
    rig.publish(trade("AAPL"))
    rig.settle()
    assert rig.board.feeder.behind == 0
    assert not rig.board.connections
    assert Phone(rig).hello().of("welcome")


def test_shutting_down_flushes_and_tells_where_to_go_on() -> None:
    """`drain` with the mark, then a code to come back."""
    rig = Rig()
    phone = Phone(rig).hello()
    phone.sub(start="live", mode="interval", hz=0.25)
    rig.publish(trade("AAPL"), cancel("AAPL"))
    rig.board.shut(rig.now)
    phone.read()
    assert [m["n"] for m in phone.data] == [1, 2]
    (drain,) = phone.of("drain")
    assert drain["m"] == 2
    assert phone.wire.closed == (4100, "drain")


def test_fault_of_ours_is_told_and_ends_one_connection() -> None:
    """With the code that says to come again."""
    rig = Rig()
    phone = Phone(rig).hello()
    assert phone.connection is not None
    rig.board.fail(phone.connection, rig.now)
    phone.read()
    assert phone.of("err")[0]["code"] == "HUB"
    assert phone.wire.closed == (1011, "internal error")


@pytest.mark.parametrize("packed", [False, True])
def test_both_codecs_tell_the_same(packed: bool) -> None:
    """MessagePack prices are integers × 1e-9."""
    rig = Rig()
    phone = Phone(rig, packed=packed).hello()
    phone.sub(start="live")
    rig.publish(trade("AAPL", 7))
    rig.settle()
    phone.read()
    (message,) = phone.data
    assert next(iter(message)) == "op"
    assert message["px"] == (7 * 10**9 if packed else 7)


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False),
    st.text(max_size=6),
    st.sampled_from(("AAPL", "*", "t", "t!b", "raw", "interval", "live", "iex")),
)  # fmt: skip
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)
symbols = st.lists(st.sampled_from(("AAPL", "MSFT", "*")) | st.text(max_size=6), max_size=4)
client_messages = st.fixed_dictionaries(
    {"op": st.sampled_from(("sub", "sub", "sub", "unsub", "ping", "hello", "auth", "bye", "nope"))},
    optional={
        "id": st.integers(0, 4) | anything,
        "symbols": symbols | st.just("*") | anything,
        "kinds": st.lists(st.sampled_from(("t", "q", "f", "b1m", "t!b")), max_size=3) | anything,
        "mode": st.sampled_from(("raw", "interval", "conflated")) | anything,
        "hz": anything,
        "from": st.fixed_dictionaries({"m": st.integers(0, 30)}) | anything,
        "lineup": anything,
        "token": st.just("token") | anything,
        "ct": anything,
    },
)


@settings(max_examples=150, deadline=None)
@given(frames=st.lists(st.lists(client_messages, max_size=4) | anything, max_size=6), packed=st.booleans())
def test_whatever_a_client_says_is_answered_and_its_neighbour_has_every_tick(
    frames: list[Any], packed: bool
) -> None:
    """Nothing raises, every answer can be encoded, and the hub goes on."""
    rig = Rig(MemoryTape(8), commands_burst=10_000)
    neighbour, phone = Phone(rig).hello(), Phone(rig, packed=packed).hello()
    neighbour.sub(start="live")
    for frame in frames:
        if phone.wire.closed:
            phone.cut()
            phone.hello()
        phone.send(*frame) if isinstance(frame, list) else phone.send_raw(msgspec.json.encode(frame))
        rig.publish(trade("AAPL"))
        rig.flush()
        rig.turn(2)
    rig.tape.sync()
    rig.settle()
    neighbour.read()
    phone.read()
    assert [m["n"] for m in neighbour.data] == list(range(1, len(frames) + 1))
