"""The page about the native protocol: its examples are run, its tables compared with the code."""

import re
from collections.abc import Callable, Iterable
from typing import Final, get_args

import msgspec
import pytest
from msgspec import structs

from config.settings import HubSettings
from hub import codes
from hub.callers import Access
from hub.messages import MESSAGES_PER_FRAME, Message, Sub
from hub.websocket import CONTROLS_PER_SECOND_MAX, FRAGMENTS_MAX
from hub.wishes import CHANNELS_PER_COMMAND, STARS_MAX
from tests import checkout
from tests.hub.phone import DATA_OPS, Phone
from tests.hub.rig import BEGIN_NS, Rig, User, feed_event
from ticks.conditions import MIN_HL
from ticks.decimals import parse_price
from ticks.model import Quote, Tick, Trade, TradeCancel
from ticks.sources import IEX_TOPS

PAGE: Final = (checkout.ROOT / "docs" / "native-protocol.md").read_text()
CONVERSATIONS: Final = re.findall(r"^```conversation\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
NOT_YET: Final = ("mod", "pause", "ctx", "away", "rate", "health")


def head(milliseconds: int = 0) -> tuple[int, int, str, int, int, int, int, int]:
    """The fields that every tick begins with."""
    time_ns = BEGIN_NS + milliseconds * 1_000_000
    return (IEX_TOPS, 86, "AAPL", time_ns, time_ns, time_ns, 0, 0)


def trade(price: str, trade_id: int) -> Tick:
    """A trade of AAPL."""
    return Trade(*head(trade_id), parse_price(price), 100 * 10**6, trade_id, ord("C"), "@", MIN_HL)


def quote(bid: str, ask: str) -> Tick:
    """A quote of AAPL."""
    sides = (parse_price(bid), 300 * 10**6, parse_price(ask), 200 * 10**6)
    return Quote(*head(), *sides, 86, 86, "", ord("C"))


class Reader:
    """Reads one conversation of the page aloud, to a hub whose tape has a trade and a quote of AAPL."""

    def __init__(self) -> None:
        self.rig = Rig(resume_ticks_max=4)
        self.rig.users["demo"] = User(
            grants=lambda _, __, symbol: Access.DELAYED if symbol == "TSLA" else Access.LIVE
        )
        self.trades = 1
        self.rig.publish(trade("751.98", 1), quote("751.97", "752.01"))
        self.phone = Phone(self.rig, reading=False).connect()

    def answers(self) -> list[str]:
        """The messages that have come since, as they are written."""
        data = bytes(self.phone.wire.buffer)
        self.phone.wire.buffer.clear()
        return [bytes(raw).decode() for payload in payloads(data) for raw in payload]

    def say(self, frame: str) -> None:
        """The client sends a frame."""
        assert self.phone.wire.closed is None
        self.phone.send_raw(frame.encode())

    def happen(self, what: str) -> None:
        """Something happens meanwhile."""
        trades = re.fullmatch(r"AAPL trades at ([\d.]+)", what)
        if trades:
            self.trades += 1
            self.rig.publish(trade(trades[1], self.trades))
        else:
            EVENTS[what](self)
        self.rig.flush()
        while self.rig.step() or self.rig.read_journal():
            pass

    def break_off(self) -> None:
        """The connection is lost, and another one opened."""
        self.phone.cut()
        self.phone.connect()

    def withdraw(self) -> None:
        """The last trade is cancelled."""
        cancel = TradeCancel(
            *head(), parse_price("752.05"), 100 * 10**6, self.trades, ord("C"), "C"
        )  # fmt: skip
        self.rig.publish(cancel)

    def go_on(self) -> None:
        """More ticks come than a client may ask for at once."""
        self.rig.publish(*(trade(f"752.0{cent}", cent) for cent in range(5)))


EVENTS: Final[dict[str, Callable[[Reader], object]]] = {
    "the quote of AAPL changes": lambda reader: reader.rig.publish(quote("752.01", "752.04")),
    "a second passes": lambda reader: reader.rig.turn(16),
    "a quarter of a second passes": lambda reader: reader.rig.turn(4),
    "the last trade of AAPL is withdrawn": Reader.withdraw,
    "the connection breaks": Reader.break_off,
    "the disk is full": lambda reader: reader.rig.tape.go_volatile(),
    "the feed is away": lambda reader: reader.rig.publish(feed_event("gap_open")),
    "the feed is back": lambda reader: reader.rig.publish(feed_event("gap_close")),
    "five more ticks come, and hub.resume_ticks_max is 4": Reader.go_on,
}


def payloads(data: bytes) -> Iterable[list[msgspec.Raw]]:
    """The arrays in whole text frames."""
    at = 0
    while at < len(data):
        size, begin = data[at + 1], at + 2
        if size == 126:
            size, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
        at = begin + size
        yield msgspec.json.decode(data[begin:at], type=list[msgspec.Raw])


def read_aloud(conversation: str) -> list[str]:
    """The conversation with the answers that the hub gives."""
    reader = Reader()
    told: list[str] = []
    for line in conversation.splitlines():
        if line.startswith("→ "):
            reader.say(line[2:])
        elif line.startswith("("):
            reader.happen(line[1:-1])
        else:
            assert line.startswith("← "), line
            continue
        told += [line, *(f"← {answer}" for answer in reader.answers())]
    return told


@pytest.mark.parametrize("place", range(len(CONVERSATIONS)))
def test_examples_are_what_the_hub_answers(place: int) -> None:
    """Word by word."""
    assert read_aloud(CONVERSATIONS[place]) == CONVERSATIONS[place].splitlines()


def rows(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def words(cell: str) -> list[str]:
    """What is in backquotes."""
    return re.findall(r"`([^`]+)`", cell)


def test_every_op_of_a_client_is_on_the_page_with_its_fields() -> None:
    """And nothing else."""
    told = {words(op)[0]: words(fields) for op, fields, _ in rows("What a client says")}
    known = {}
    for struct in get_args(Message):
        fields = [field.encode_name for field in structs.fields(struct)]
        known[struct.__struct_config__.tag] = [name for name in fields if name not in ("where", "fields")]
    assert {op: sorted(fields) for op, fields in told.items()} == {
        op: sorted(fields) for op, fields in known.items()
    }
    assert {field.encode_name for field in structs.fields(Sub)} >= {"where", "fields"}


def test_every_op_of_the_hub_in_the_examples_is_on_the_page_with_its_fields() -> None:
    """Each field that is sent is named."""
    told = {words(op)[0]: words(fields) for op, fields, _ in rows("What the hub says")}
    for conversation in CONVERSATIONS:
        for line in conversation.splitlines():
            message = msgspec.json.decode(line[2:]) if line.startswith("← ") else {"op": "t"}
            if message["op"] not in DATA_OPS:
                assert set(message) - {"op"} <= set(told[message["op"]]), line


def test_error_table_is_the_code() -> None:
    """Word, number, class, meaning."""
    assert rows("Errors") == [
        [f"`{code.word}`", str(code.number), f"`{code.error_class}`", code.meaning] for code in codes.ERRORS
    ]


def test_close_code_table_is_the_code() -> None:
    """Number, reason, meaning."""
    assert rows("Close codes") == [[str(code.number), code.word, code.meaning] for code in codes.CLOSES]


def test_limits_are_the_defaults() -> None:
    """And the constants."""
    settings = HubSettings()
    table = {what: (default, text) for what, default, text in rows("Limits")}
    assert {name for what in table for name in words(what)} == {
        f"limits.{name}" for name in Phone(Rig()).hello().of("welcome")[0]["limits"]
    }
    defaults = {
        "`limits.message_bytes`": f"{settings.message_bytes}",
        "`limits.commands_per_s`, `limits.burst`": f"{settings.commands_per_s}, {settings.commands_burst}",
        "`limits.channels`": f"{settings.channels_max}",
        "`limits.subs`": f"{settings.subs_max}",
        "`limits.conns`": f"{settings.connections_per_user_max}",
        "–": f"{MESSAGES_PER_FRAME}",
    }
    assert {what: default for what, (default, _) in table.items()} == defaults
    assert f"{FRAGMENTS_MAX:,} fragments" in table["`limits.message_bytes`"][1]
    assert f"every {CHANNELS_PER_COMMAND} channels" in table["`limits.commands_per_s`, `limits.burst`"][1]
    assert f"at most {STARS_MAX} to every symbol" in table["`limits.subs`"][1]
    assert f"{CONTROLS_PER_SECOND_MAX} control frames" in table["–"][1]


@pytest.mark.parametrize("op", NOT_YET)
def test_what_is_not_there_yet_is_answered_as_unknown(op: str) -> None:
    """The page says so."""
    phone = Phone(Rig()).hello()
    phone.send({"op": op, "id": 3})
    (error,) = phone.of("err")
    assert (error["id"], error["code"], error["hint"]) == (3, "BAD_MSG", "unknown op")
    assert f"`{op}`" in PAGE.split("## What is not there yet")[1]
