"""The types of messages, against the tables from which the hub makes them."""

from typing import Any, get_args, get_type_hints

import pytest

from tapewire_client import DATA_OPS, messages
from tapewire_client.messages import Bar, Cancel, Other, Quote, Tick, Trade
from tests.hub.phone import Phone
from tests.hub.rig import Rig, cancel, quote, trade
from ticks.codec import to_short_json
from ticks.keys import KEYS
from ticks.kinds import BAR, BAR_REVISION, KINDS, QUOTE, TRADE, TRADE_CANCEL

PLACE = {"op", "c", "n", "k", "tn"}
"""The keys that say where a tick stands, and the rest of its time."""


def short_keys(kind: int) -> set[str]:
    """The keys that the native wire has for a kind."""
    return {key.short for key in KEYS[kind] if key.short} | PLACE


def test_every_op_of_the_hub_is_known() -> None:
    """As data, and in one of the types."""
    assert {kind.op for kind in KINDS.values()} == DATA_OPS
    told = [get_args(get_type_hints(shape)["op"]) for shape in (Trade, Quote, Bar, Cancel, Other)]
    assert {op for ops in told for op in ops} == DATA_OPS


@pytest.mark.parametrize(
    ("shape", "kind", "more"),
    [(Trade, TRADE, {"hi", "lo"}), (Quote, QUOTE, set()), (Bar, BAR, set()), (Bar, BAR_REVISION, set()),
     (Cancel, TRADE_CANCEL, set())],
)  # fmt: skip
def test_each_key_of_a_type_is_one_of_the_wire(shape: Any, kind: int, more: set[str]) -> None:
    """Under the name that the hub writes."""
    assert set(get_type_hints(shape)) <= short_keys(kind) | more
    assert {"op", "c", "n", "ts", "src"} <= shape.__required_keys__


@pytest.mark.parametrize(("shape", "tick"), [(Trade, trade("A")), (Quote, quote("A")), (Cancel, cancel("A"))])
def test_what_is_required_is_there(shape: Any, tick: Any) -> None:
    """In the shortest message of its kind."""
    written = to_short_json(tick, "t:A", 1).decode()
    assert all(f'"{key}":' in written for key in shape.__required_keys__)


def test_control_messages_have_the_keys_that_are_required() -> None:
    """As the hub's core says them: a start, a resume, marks."""
    rig = Rig()
    phone = Phone(rig).hello()
    phone.sub(1, kinds=["t"])
    rig.publish(trade("AAPL"))
    rig.settle()
    phone.read()
    seen = phone.messages
    phone.cut()
    phone.hello()
    phone.sub(1, kinds=["t"], start={"m": 0})
    rig.settle()
    phone.read()
    shapes = {"welcome": "Welcome", "ok": "Granted", "mark": "Mark", "cont": "Certificate", "t": "Trade"}
    by_op = {message["op"]: message for message in seen + phone.messages}
    for op, name in shapes.items():
        shape = getattr(messages, name)
        assert set(by_op[op]) >= shape.__required_keys__, op
        assert set(by_op[op]) <= set(get_type_hints(shape)) | {"el", "tp"}, op


def test_a_tick_is_no_more_than_its_common_part() -> None:
    """The type that all share."""
    assert Tick.__required_keys__ == {"c", "n", "ts", "src"}
