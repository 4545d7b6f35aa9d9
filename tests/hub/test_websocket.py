"""The WebSocket core: handshakes, messages from fragments, limits, and every way to end."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.websocket import (
    AFTER_END_BYTES_MAX,
    AFTER_END_FRAMES_MAX,
    CONTROLS_PER_SECOND_MAX,
    FRAGMENTS_MAX,
    REASON_BYTES_MAX,
    Ended,
    Event,
    Heard,
    Message,
    Opened,
    Refusal,
    WebSocketCore,
)

SECOND_NS = 1_000_000_000
LIMIT = 1_024
TEXT, BINARY, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
HEAD = {
    "Host": "127.0.0.1",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


def head(*more: tuple[str, str], **changed: str | None) -> bytes:
    """An upgrade request; `Upgrade=None` leaves a field out (underscores stand for hyphens)."""
    fields = {**HEAD, **{name.replace("_", "-"): value for name, value in changed.items()}}
    lines = [f"{name}: {value}" for name, value in [*fields.items(), *more] if value is not None]
    return "\r\n".join(["GET /v1/stream HTTP/1.1", *lines, "", ""]).encode()


def masked(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """A frame as clients send it."""
    first = (0x80 if fin else 0) | rsv | opcode
    size = len(payload)
    if size < 126:
        header = bytes((first, 0x80 | size))
    elif size < 65_536:
        header = bytes((first, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        header = bytes((first, 0x80 | 127)) + size.to_bytes(8, "big")
    mask = b"\x01\x02\x03\x04"
    return header + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


class Line:
    """A core, what it said, and what it sent."""

    def __init__(self, *, opened: bool = True, refusal: Refusal | None = None, limit: int = LIMIT) -> None:
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.refusal = refusal
        self.core = WebSocketCore(message_bytes=limit, subprotocols=("one", "two"), check=self.check)
        self.events: list[Event] = []
        self.sent = bytearray()
        self.half_closed = False
        self.now_ns = 5 * SECOND_NS
        if opened:
            assert isinstance(self.feed(head())[0], Opened)
            self.sent.clear()

    def check(self, path: str, origin: str | None, host: str | None) -> Refusal | None:
        """Note what was asked."""
        self.asked.append((path, origin, host))
        return self.refusal

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes bring."""
        new = []
        for event in self.core.receive(data, self.now_ns):
            new.append(event)
            self.collect()
        self.collect()
        return new

    def collect(self) -> None:
        """Take what is to be sent."""
        for data in self.core.data_to_send():
            self.half_closed = self.half_closed or not data
            self.sent += data

    def close_code(self) -> int:
        """The code of the close frame that was sent."""
        self.collect()
        place = self.sent.index(b"\x88")
        return int.from_bytes(self.sent[place + 2 : place + 4], "big")


def test_upgrade_is_accepted_and_the_first_frame_in_the_same_packet_is_heard() -> None:
    """Both come in one read when a client does not wait."""
    line = Line(opened=False)
    opened, message = line.feed(head() + masked(TEXT, b"[]"))
    assert opened == Opened("/v1/stream", "")
    assert message == Message(b"[]", True)
    assert line.sent.startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("cut", range(1, len(head()) + 3, 7))
def test_bad_frame_in_the_packet_of_the_upgrade_is_told_like_any_other(cut: int) -> None:
    """The response comes first, then the close frame; wherever the network cuts."""
    line = Line(opened=False)
    data = head() + b"\x81\x02[]"
    events = line.feed(data[:cut]) + line.feed(data[cut:])
    assert events == [Opened("/v1/stream", ""), Ended(1002)]
    assert line.sent.startswith(b"HTTP/1.1 101 ")
    assert line.close_code() == 1002


@pytest.mark.parametrize(
    ("last", "code"), [(b"\x83\x80\x01\x02\x03\x04", 1002), (masked(CLOSE, b"\x03\xe8"), 1000)]
)
def test_what_came_before_the_end_is_answered_before_the_end(last: bytes, code: int) -> None:
    """Although both came in the same packet; behind the end nothing may be sent."""
    line = Line()
    sent = []
    for event in line.core.receive(masked(TEXT, b"[1]") + masked(TEXT, b"[2]") + last, line.now_ns):
        sent += line.core.data_to_send()
        if isinstance(event, Message):
            assert line.core.open
            sent.append(event.payload)
        else:
            assert event == Ended(code)
            assert not line.core.open
    assert sent[:2] == [b"[1]", b"[2]"]
    assert sent[2].startswith(b"\x88")


def test_compression_is_never_agreed_to() -> None:
    """A client may offer it; a compressed frame is then a fault of the client's."""
    line = Line(opened=False)
    line.feed(head(("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")))
    assert b"Extensions" not in line.sent
    line.sent.clear()
    assert line.feed(masked(TEXT, b"[]", rsv=0x40)) == [Ended(1002)]
    assert line.close_code() == 1002


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [(None, ""), ("one", "one"), ("two", "two"), ("two, one", "one"), ("other, two", "two")],
)
def test_subprotocol_is_the_first_of_ours_that_is_offered(offered: str | None, agreed: str) -> None:
    """To offer nothing is no error."""
    line = Line(opened=False)
    assert line.feed(head(Sec_WebSocket_Protocol=offered)) == [Opened("/v1/stream", agreed)]
    assert (b"Sec-WebSocket-Protocol" in line.sent) == bool(agreed)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Sec_WebSocket_Protocol": "other"}, 400),
        ({"Upgrade": None}, 426),
        ({"Connection": None}, 426),
        ({"Sec_WebSocket_Key": None}, 400),
        ({"Sec_WebSocket_Key": "short"}, 400),
        ({"Sec_WebSocket_Version": "12"}, 426),
        ({"Sec_WebSocket_Version": None}, 426),
    ],
)
def test_upgrade_that_is_none_is_refused(changed: dict[str, str | None], status: int) -> None:
    """With the status that says what is wrong."""
    line = Line(opened=False)
    assert line.feed(head(**changed)) == [Ended(1006)]
    assert line.sent.startswith(f"HTTP/1.1 {status} ".encode())
    assert not line.core.open


def test_refusal_tells_why_and_when_to_come_again() -> None:
    """The check sees path, origin and host."""
    line = Line(opened=False, refusal=Refusal(503, "full", 5))
    assert line.feed(head(Origin="https://a.example")) == [Ended(1006)]
    assert line.asked == [("/v1/stream", "https://a.example", "127.0.0.1")]
    assert b"503" in line.sent
    assert b"Retry-After: 5" in line.sent
    assert line.sent.endswith(b"full\n")


def test_two_origins_are_refused() -> None:
    """Which of them the browser meant cannot be known."""
    line = Line(opened=False)
    line.feed(head(("Origin", "https://a.example"), ("Origin", "https://b.example")))
    assert line.sent.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"HELLO\r\n\r\n", b"GET / FTP/9\r\n\r\n"]
)
def test_what_is_no_request_gets_an_answer_and_an_end(data: bytes) -> None:
    """TLS to a plain port, say."""
    line = Line(opened=False)
    assert line.feed(data) == [Ended(1006)]
    assert line.sent.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(("opcode", "text"), [(TEXT, True), (BINARY, False)])
def test_fragments_become_one_message_with_pings_between_them(opcode: int, text: bool) -> None:
    """Control frames may come between fragments, and are answered at once."""
    line = Line()
    events = line.feed(
        masked(opcode, "ä".encode()[:1], fin=False)
        + masked(PING, b"x")
        + masked(CONT, b"", fin=False)
        + masked(CONT, "ä".encode()[1:] + b"!")
    )
    assert events == [Heard(), Message("ä!".encode(), text)]
    assert line.sent == b"\x8a\x01x"


@pytest.mark.parametrize("pieces", [1, 2, 7])
def test_message_beyond_the_limit_closes_however_it_is_cut(pieces: int) -> None:
    """The limit counts over all fragments."""
    whole = b"x" * LIMIT
    assert Line().feed(masked(TEXT, whole)) == [Message(whole, True)]
    line = Line()
    data = b"x" * (LIMIT + 1)
    size = -(-len(data) // pieces)
    cuts = [data[at : at + size] for at in range(0, len(data), size)]
    for number, cut in enumerate(cuts):
        last = number == len(cuts) - 1
        line.events += line.feed(masked(CONT if number else TEXT, cut, fin=last))
    assert line.events == [Ended(1009)]
    assert line.close_code() == 1009


def test_giant_frame_is_refused_by_its_header_alone() -> None:
    """Nothing of it is waited for or kept."""
    line = Line()
    assert line.feed(masked(BINARY, b"x" * 70_000)[:14]) == [Ended(1009)]


def test_fragments_without_end_are_counted_even_when_empty() -> None:
    """They would cost work without ever reaching the limit of bytes."""
    line = Line()
    line.feed(masked(TEXT, b"", fin=False))
    assert line.feed(masked(CONT, b"", fin=False) * (FRAGMENTS_MAX - 1)) == []
    assert line.feed(masked(CONT, b"", fin=False)) == [Ended(1009)]
    assert line.close_code() == 1009


@pytest.mark.parametrize(
    "frames",
    [
        [masked(TEXT, b"\xff")],
        [masked(TEXT, b"\xc3")],
        [masked(TEXT, b"\xc3", fin=False), masked(CONT, b"x")],
        [masked(TEXT, b"\xed\xa0\x80")],
        [masked(TEXT, b"a", fin=False), masked(CONT, b"\xc3")],
    ],
)
def test_text_that_is_not_utf8_closes(frames: list[bytes]) -> None:
    """Whole or cut, also a character that never ends, and half a surrogate."""
    line = Line()
    for frame in frames:
        line.events += line.feed(frame)
    assert line.events == [Ended(1007)]
    assert line.close_code() == 1007


def test_binary_need_not_be_utf8() -> None:
    """Also right after half a character of text that was whole in the end."""
    assert Line().feed(masked(TEXT, b"a") + masked(BINARY, b"\xff")) == [
        Message(b"a", True),
        Message(b"\xff", False),
    ]


@pytest.mark.parametrize(
    "data",
    [
        masked(3, b""),  # an opcode that does not exist
        masked(CONT, b"x"),  # goes on with nothing
        masked(TEXT, b"a", fin=False) + masked(TEXT, b"b"),  # begins before the end
        masked(PING, b"x", fin=False),  # a control frame in pieces
        masked(PING, b"x" * 126),  # a control frame too long
        b"\x81\x01a",  # not masked
        masked(CLOSE, b"\x03"),  # half a close code
        masked(CLOSE, (1005).to_bytes(2, "big")),  # a code that must not be sent
    ],
)
def test_what_breaks_the_protocol_closes_with_its_code(data: bytes) -> None:
    """One end, one close frame, and nothing is heard afterwards."""
    line = Line()
    events = line.feed(data + masked(TEXT, b"late"))
    assert [type(event) for event in events] == [Ended]
    assert line.close_code() == 1002


def test_close_of_the_client_is_answered_with_its_code() -> None:
    """And the connection half-closed, for the server ends it first."""
    line = Line()
    assert line.feed(masked(CLOSE, (1001).to_bytes(2, "big") + b"bye")) == [Ended(1001)]
    assert line.close_code() == 1001
    assert line.half_closed


def test_flood_of_pings_is_cut_and_a_few_each_second_are_not() -> None:
    """Each costs an answer."""
    line = Line()
    for _ in range(3):
        assert line.feed(masked(PING) * CONTROLS_PER_SECOND_MAX) == [Heard()] * CONTROLS_PER_SECOND_MAX
        line.now_ns += SECOND_NS
    events = line.feed(masked(PONG) * (CONTROLS_PER_SECOND_MAX + 5))
    assert events == [Heard()] * CONTROLS_PER_SECOND_MAX + [Ended(4509)]
    assert line.close_code() == 4509


def test_own_ping_is_one_frame_and_only_while_open() -> None:
    """A sign of life is not asked of who has said goodbye."""
    line = Line()
    line.core.ping()
    line.collect()
    assert line.sent == b"\x89\x00"
    line.core.close(1000, "")
    line.collect()
    line.sent.clear()
    line.core.ping()
    line.collect()
    assert line.sent == b""


def test_own_close_says_code_and_as_much_of_the_reason_as_fits() -> None:
    """A character is not cut in two."""
    line = Line()
    line.core.close(4100, "ä" * 100)
    assert not line.core.open
    assert line.close_code() == 4100
    reason = bytes(line.sent[4:])
    assert len(reason) <= REASON_BYTES_MAX
    assert reason.decode() == "ä" * 61


def test_what_was_under_way_when_we_closed_is_read_until_the_clients_close() -> None:
    """Nothing of it is an event; its close frame ends the connection in order."""
    line = Line()
    line.core.close(4100, "")
    assert line.feed(masked(TEXT, b"[]") * 50) == []
    assert not line.half_closed
    assert line.feed(masked(CLOSE, (4100).to_bytes(2, "big"))) == []
    assert line.half_closed


def test_flood_after_our_close_is_not_read_for_ever() -> None:
    """Some may have been under way; more than that is not."""
    line = Line()
    line.core.close(4100, "")
    frame = masked(TEXT, b"x" * 1_000)
    for _ in range(AFTER_END_BYTES_MAX // len(frame) + 5):
        assert line.feed(frame) == []
    line.core.receive_eof()
    line.collect()
    assert line.half_closed


def test_after_the_end_no_more_than_so_many_tiny_frames_are_parsed() -> None:
    """They are cheap to send and dear to read."""
    line = Line()
    line.core.close(4509, "")
    assert line.feed(masked(TEXT) * AFTER_END_FRAMES_MAX) == []
    assert not line.half_closed
    assert line.feed(masked(TEXT) * 2_000) == []
    assert line.half_closed


def test_caller_who_closes_on_an_event_is_not_given_the_next() -> None:
    """Whatever came in the same packet."""
    line = Line()
    seen = []
    for event in line.core.receive(masked(TEXT, b"1") + masked(TEXT, b"2"), 0):
        seen.append(event)
        line.core.close(1000, "")
    assert seen == [Message(b"1", True)]


def test_core_that_was_forgotten_says_and_hears_nothing() -> None:
    """Its connection is gone; whoever still holds it does no harm."""
    line = Line()
    line.core.forget()
    assert line.feed(masked(TEXT, b"[]")) == []
    line.core.ping()
    line.core.close(1000, "")
    line.core.forget()


def test_end_of_the_stream_ends_the_core() -> None:
    """Half-open: the client sends nothing more, so nothing more can be agreed."""
    line = Line()
    line.core.receive_eof()
    assert not line.core.open


MESSAGES = st.lists(st.binary(max_size=300), max_size=8)


@settings(max_examples=150, deadline=None)
@given(messages=MESSAGES, data=st.data())
def test_any_chunking_and_fragmenting_gives_the_same_messages(messages: list[bytes], data: Any) -> None:
    """Where the network and the client cut says nothing."""
    stream = b""
    for message in messages:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(message)), max_size=3)))
        parts = [message[a:b] for a, b in zip([0, *cuts], [*cuts, len(message)], strict=True)]
        for place, part in enumerate(parts):
            stream += masked(CONT if place else BINARY, part, fin=place == len(parts) - 1)
    line = Line(opened=False)
    whole = head() + stream
    chunks = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    for a, b in zip([0, *chunks], [*chunks, len(whole)], strict=True):
        line.events += line.feed(whole[a:b])
    assert line.events[0] == Opened("/v1/stream", "")
    assert line.events[1:] == [Message(message, False) for message in messages]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=64), st.just(masked(TEXT, b"[]")), st.just(head())), max_size=8))
def test_any_bytes_give_events_and_never_raise(pieces: list[bytes]) -> None:
    """At most one end, and nothing after it."""
    line = Line(opened=False)
    for piece in pieces:
        line.events += line.feed(piece)
    line.core.receive_eof()
    line.collect()
    ends = [place for place, event in enumerate(line.events) if isinstance(event, Ended)]
    assert len(ends) <= 1
    assert not ends or ends[0] == len(line.events) - 1
