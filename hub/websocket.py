"""The WebSocket protocol of one connection, without I/O.

Parsing, handshake and close handshake are `websockets.server.ServerProtocol`; this class
adds what a hub needs on top: messages put together from fragments within limits of bytes
and count, UTF-8 checked, control frames counted against floods, nothing ever buffered
beyond one message.
"""

import codecs
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct
from websockets.exceptions import InvalidMessage, NegotiationError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from hub.codes import CLOSE_NOT_UTF8, CLOSE_POLICY, CLOSE_TOO_BIG

SLICE_BYTES: Final = 4_096
"""Parsed in one go. Somebody who floods us with tiny frames is noticed after so many bytes of them."""
FRAGMENTS_MAX: Final = 1_024
"""alpaca-py sends its subscriptions in pieces of 32 KiB; nobody honest needs more pieces than this."""
CONTROLS_PER_SECOND_MAX: Final = 64
"""How many pings and pongs a client may send."""
AFTER_END_BYTES_MAX: Final = 512 * 1024
"""What a client had under way when we closed is read, until its close frame; no more than this."""
AFTER_END_FRAMES_MAX: Final = 512
"""Nor more frames than this: tiny ones take longer to parse than they took to send."""
REASON_BYTES_MAX: Final = 123
"""Of a close frame: a control frame holds 125 bytes, two of them are the code (RFC 6455, 5.5)."""
BAD_REQUEST: Final = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
"""The answer to a head that is none."""
HEAD_END: Final = b"\r\n\r\n"
_SECOND_NS: Final = 1_000_000_000
_utf8: Final = codecs.getincrementaldecoder("utf-8")


class Refusal(Struct, frozen=True):
    """Why a handshake is refused."""

    status: int
    text: str
    retry_after_s: int | None = None


class Opened(Struct, frozen=True):
    """The handshake is done; the response is among the data to send."""

    path: str
    subprotocol: str
    """The one that was agreed on; empty when the client offered none of ours."""


class Message(Struct, frozen=True):
    """A whole message."""

    payload: bytes
    text: bool


class Heard(Struct, frozen=True):
    """A ping or a pong: the client lives. Pings have been answered."""


class Ended(Struct, frozen=True):
    """The client closed, or was refused, or broke the protocol; the answer is among the data to send."""

    code: int


Event = Opened | Message | Heard | Ended


class WebSocketCore:
    """One connection's protocol. Bytes in by `receive`, bytes out by `data_to_send`.

    Args:
        message_bytes: the largest message, however it is fragmented.
        subprotocols: those we speak, the most preferred first.
        check: may refuse a handshake, by its path, `Origin` and `Host`.
        fragments_max: the most pieces that a message may come in.
    """

    def __init__(
        self,
        *,
        message_bytes: int,
        subprotocols: Sequence[str],
        check: Callable[[str, str | None, str | None], Refusal | None],
        fragments_max: int = FRAGMENTS_MAX,
    ) -> None:
        self._protocol = ServerProtocol(
            subprotocols=[Subprotocol(name) for name in subprotocols],
            max_size=message_bytes,
            select_subprotocol=_select,
        )
        self._check = check
        self._fragments_max = fragments_max
        self._parts: list[bytes] = []
        self._text = False
        self._decoder = _utf8()
        self._fragments = 0
        self._controls = 0
        self._controls_since_ns = 0
        self._ended = False
        self._opened = False
        self._forgotten = False
        self._held = False
        self._after_end = 0
        self._after_end_frames = 0
        self._apology: list[bytes] = []
        self._shaken = False
        """The request has come."""
        self._head_end = b""
        """The last bytes received while it has not."""

    @property
    def open(self) -> bool:
        """Whether data may be sent."""
        return self._held or self._protocol.state is State.OPEN

    @property
    def ended(self) -> bool:
        """Whether nothing that the client says matters any more."""
        return self._ended

    def receive(self, data: bytes, now_ns: int) -> Iterator[Event]:
        """Take bytes from the client; never raises.

        Events come one by one, so that a caller who closes on one of them is not given the next.
        `data_to_send` has to be asked after each, and at the end. `now_ns` counts from anywhere.
        """
        begin = 0
        while begin < len(data) and not self._forgotten:
            end = begin + SLICE_BYTES
            if not self._shaken:
                end = min(end, self._end_of_head(data, begin))
            self._protocol.receive_data(data[begin:end])
            yield from self._events(now_ns)
            if self._ended and not self._discard(SLICE_BYTES):
                return
            begin = end

    def receive_eof(self) -> None:
        """The client has sent everything it will."""
        self._protocol.receive_eof()

    def forget(self) -> None:
        """The connection is gone: let go of what would keep its memory until garbage is looked for."""
        self._ended = self._forgotten = True
        self._check = _refuse_all
        self._protocol.parser.close()

    def data_to_send(self) -> list[bytes]:
        """Take what the protocol itself wants sent; an empty element means: half-close."""
        if self._held:
            return []
        apology, self._apology = self._apology, []
        return apology + self._protocol.data_to_send()

    def ping(self) -> None:
        """Ask the client for a sign of life; the frame is among the data to send."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_ping(b"")

    def close(self, code: int, reason: str) -> None:
        """Begin the close handshake; the frame is among the data to send."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code, _cut(reason))
        self._end(code)

    def _end_of_head(self, data: bytes, begin: int) -> int:
        """Where in `data` the request ends, or else `data` itself.

        Frames in the same packet are parsed when the request has been answered: what is wrong with
        them needs a close frame, which there is none of before.
        """
        known = self._head_end + data[begin : begin + SLICE_BYTES]
        found = known.find(HEAD_END)
        if found < 0:
            self._head_end = known[-len(HEAD_END) + 1 :]
            return len(data)
        return begin + found + len(HEAD_END) - len(self._head_end)

    def _events(self, now_ns: int) -> Iterator[Event]:
        events = self._protocol.events_received()
        if self._ended:
            self._after_end_frames += len(events)
        for received in events:
            if self._ended:
                break
            # What ends the connection may stand behind it in the same bytes: answers still go out first.
            self._held = self._opened and self._protocol.state is not State.OPEN
            if isinstance(received, Request):
                yield self._handshake(received)
            elif isinstance(received, Frame):
                yield from self._frame(received, now_ns)
        self._held = False
        if not self._ended and self._protocol.close_expected():
            if isinstance(self._protocol.handshake_exc, InvalidMessage):
                self._apology.append(BAD_REQUEST)
            yield self._end(self._close_code())  # what came was no WebSocket, or no longer one

    def _discard(self, size: int) -> bool:
        """After the end only the client's close frame matters; False when that should have come by now."""
        self._after_end += size
        if self._after_end <= AFTER_END_BYTES_MAX and self._after_end_frames <= AFTER_END_FRAMES_MAX:
            return True
        if self._protocol.state is State.CLOSING and not self._protocol.eof_sent:
            self._protocol.fail(1002)
        return False

    def _handshake(self, request: Request) -> Event:
        self._shaken = True
        origins = request.headers.get_all("Origin")
        hosts = request.headers.get_all("Host")
        refusal = self._check(request.path, origins[0] if origins else None, hosts[0] if hosts else None)
        if len(origins) > 1:
            refusal = Refusal(400, "more than one Origin")
        if refusal is not None:
            response = self._protocol.reject(refusal.status, refusal.text + "\n")
            if refusal.retry_after_s is not None:
                response.headers["Retry-After"] = str(refusal.retry_after_s)
        else:
            response = self._protocol.accept(request)
            if response.status_code != 101 and request.headers.get_all("Sec-WebSocket-Version") != ["13"]:
                response = self._protocol.reject(426, "WebSocket version 13 is spoken here\n")
                response.headers["Upgrade"] = "websocket"
                response.headers["Sec-WebSocket-Version"] = "13"
        self._protocol.send_response(response)
        self._opened = self._protocol.state is State.OPEN
        if not self._opened:
            return self._end(1006)
        return Opened(request.path, self._protocol.subprotocol or "")

    def _frame(self, frame: Frame, now_ns: int) -> Iterator[Event]:
        opcode = frame.opcode
        if opcode is Opcode.PING or opcode is Opcode.PONG:
            yield self._control(now_ns)
        elif opcode is Opcode.CLOSE:
            yield self._end(self._close_code())
        elif opcode is not Opcode.CONT and frame.fin:
            yield self._message(bytes(frame.data), opcode is Opcode.TEXT)
        else:
            yield from self._fragment(frame)

    def _control(self, now_ns: int) -> Event:
        if now_ns - self._controls_since_ns >= _SECOND_NS:
            self._controls_since_ns = now_ns
            self._controls = 0
        self._controls += 1
        if self._controls > CONTROLS_PER_SECOND_MAX:
            return self._refuse(CLOSE_POLICY.number, "too many control frames")
        return Heard()

    def _fragment(self, frame: Frame) -> Iterator[Event]:
        """Put a message together. `ServerProtocol` sees to it that fragments come in a legal order."""
        if frame.opcode is not Opcode.CONT:
            self._text = frame.opcode is Opcode.TEXT
            self._decoder = _utf8()
            self._fragments = 0
        self._fragments += 1
        if self._fragments > self._fragments_max:
            yield self._refuse(CLOSE_TOO_BIG.number, "too many fragments")
            return
        data = bytes(frame.data)
        if self._text and not self._is_utf8(data, final=frame.fin):
            yield self._refuse(CLOSE_NOT_UTF8.number, "text that is not UTF-8")
            return
        if data:
            self._parts.append(data)
        if frame.fin:
            payload = b"".join(self._parts)
            self._parts = []
            yield Message(payload, self._text)

    def _is_utf8(self, data: bytes, *, final: bool) -> bool:
        """Whether the next fragment goes on as UTF-8; a character may be cut between two."""
        try:
            self._decoder.decode(data, final)
        except UnicodeDecodeError:
            return False
        return True

    def _message(self, payload: bytes, text: bool) -> Event:
        self._decoder = _utf8()
        if text and not self._is_utf8(payload, final=True):
            return self._refuse(CLOSE_NOT_UTF8.number, "text that is not UTF-8")
        return Message(payload, text)

    def _refuse(self, code: int, reason: str) -> Event:
        self._protocol.fail(code, reason)
        return self._end(code)

    def _end(self, code: int) -> Event:
        self._ended = True
        self._held = False
        self._parts = []
        return Ended(code)

    def _close_code(self) -> int:
        closed = self._protocol.close_rcvd or self._protocol.close_sent
        return int(closed.code) if closed is not None else 1006


def _refuse_all(path: str, origin: str | None, host: str | None) -> Refusal:
    return Refusal(503, "the connection is gone")


def _cut(reason: str) -> str:
    """As much of a reason as a close frame holds."""
    return reason.encode()[:REASON_BYTES_MAX].decode(errors="ignore")


def _select(protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """The first of ours that the client offers. To offer nothing is no error: a shell tool does.

    Raises:
        NegotiationError: it offers only others; a browser would give up without saying why.
    """
    ours = protocol.available_subprotocols or ()
    agreed = next((name for name in ours if name in offered), None)
    if offered and ours and agreed is None:
        raise NegotiationError(f"spoken here: {', '.join(ours)}")
    return agreed
