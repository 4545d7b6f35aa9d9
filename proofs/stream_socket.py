"""A client of the native protocol on a plain socket, so that it can break off anywhere.

RFC 6455 in the plainest way; it shares no code with the hub or with the clients that are shipped.

ProofError
└── Closed          the hub has ended the connection
"""

import base64
import hashlib
import json
import os
import socket
import struct
from decimal import Decimal
from typing import Any, Final

import msgspec

from proofs.aims import ProofError

GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA
FINAL: Final = 0x80
GONE: Final = 1006
"""The code of an end without a close frame."""
CHUNK_BYTES: Final = 65_536
CONNECT_SECONDS: Final = 30
Message = dict[str, Any]
"""One message of a frame; numbers with a fraction are exact `Decimal`s."""


class Closed(ProofError):
    """The hub has ended the connection: `code` as in its close frame, `GONE` without one."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"closed by the hub: {code} {reason}")
        self.code = code


class StreamSocket:
    """One connection to `/v1/stream` on loopback. Blocking; nothing is read that is not asked for.

    Args:
        port: of the hub.
        packed: MessagePack in place of JSON.
        buffer_bytes: what the kernel may keep of what was not read; 0 = as it likes.
        timeout_seconds: how long the hub may take to answer.

    Raises:
        OSError: nobody listens there.
        ProofError: the handshake failed.
    """

    def __init__(
        self,
        port: int,
        *,
        packed: bool = False,
        buffer_bytes: int = 0,
        timeout_seconds: float = CONNECT_SECONDS,
    ) -> None:
        self.packed = packed
        self._buffer = bytearray()
        self._closed: Closed | None = None
        self._socket = socket.socket()
        if buffer_bytes:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        self._socket.settimeout(timeout_seconds)
        try:
            self._socket.connect(("127.0.0.1", port))
            self._shake_hands(port)
        except BaseException:
            self._socket.close()
            raise

    def send(self, *messages: Message) -> None:
        """Send one frame of messages."""
        if self.packed:
            self._send(BINARY, msgspec.msgpack.encode(messages))
        else:
            self._send(TEXT, json.dumps(messages).encode())

    def receive(self, timeout_seconds: float, most_bytes: int = CHUNK_BYTES) -> list[Message]:
        """Read once, and return the messages of all frames that are complete now; none after the time.

        Raises:
            Closed: the hub has ended the connection.
            ProofError: what came is not of the protocol.
        """
        if self._buffer and (messages := self._messages()):
            return messages  # they came with the handshake
        if self._closed is not None:
            raise self._closed
        self._socket.settimeout(timeout_seconds)
        try:
            data = self._socket.recv(most_bytes)
        except TimeoutError:
            return []
        except OSError as error:
            raise Closed(GONE, str(error)) from error
        if not data:
            raise Closed(GONE)
        self._buffer += data
        messages = self._messages()
        if not messages and self._closed is not None:
            raise self._closed
        return messages

    @property
    def inside_frame(self) -> bool:
        """Whether a frame has begun and is not complete."""
        return bool(self._buffer)

    def abort(self) -> None:
        """Vanish at once, by a reset: no close frame, no orderly end."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        """End the TCP connection."""
        self._socket.close()

    def _shake_hands(self, port: int) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        codec = "msgpack" if self.packed else "json"
        self._socket.sendall(
            f"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: tapewire.v1.{codec}\r\n\r\n".encode()
        )
        received = bytearray()
        while b"\r\n\r\n" not in received:
            data = self._socket.recv(CHUNK_BYTES)
            if not data:
                raise Closed(GONE, "in the handshake")
            received += data
        head, _, rest = bytes(received).partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        accept = base64.b64encode(hashlib.sha1(f"{key}{GUID}".encode()).digest()).decode()
        if not status.startswith("HTTP/1.1 101 ") or headers.get("sec-websocket-accept") != accept:
            raise ProofError(f"no WebSocket: {status}")
        if headers.get("sec-websocket-protocol") != f"tapewire.v1.{codec}":
            raise ProofError(f"another subprotocol: {headers.get('sec-websocket-protocol')}")
        self._buffer += rest

    def _send(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        if size < 126:
            head = struct.pack(">BB", FINAL | opcode, 0x80 | size)
        else:
            head = struct.pack(">BBH", FINAL | opcode, 0x80 | 126, size)
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
        try:
            self._socket.sendall(head + mask + masked)
        except OSError as error:
            raise Closed(GONE, str(error)) from error

    def _messages(self) -> list[Message]:
        """Take all complete frames out of the buffer."""
        buffer, place, found = self._buffer, 0, []
        while len(buffer) >= place + 2:
            opcode, size, begin = buffer[place], buffer[place + 1], place + 2
            if size == 126:
                begin += 2
            elif size == 127:
                begin += 8
            if len(buffer) < begin:
                break
            if size >= 126:
                size = int.from_bytes(buffer[place + 2 : begin])
            if len(buffer) < begin + size:
                break
            found += self._frame(opcode, bytes(buffer[begin : begin + size]))
            place = begin + size
        del buffer[:place]
        return found

    def _frame(self, opcode: int, payload: bytes) -> list[Message]:
        if opcode == FINAL | (BINARY if self.packed else TEXT):
            return self._decode(payload)
        if opcode == FINAL | PING:
            self._send(PONG, payload)
        elif opcode == FINAL | CLOSE:
            # What came in front of it is still to be returned.
            self._closed = Closed(int.from_bytes(payload[:2]) or GONE, payload[2:].decode())
        elif opcode != FINAL | PONG:
            raise ProofError(f"a frame of kind {opcode:02x}")
        return []

    def _decode(self, payload: bytes) -> list[Message]:
        try:
            frame = (
                msgspec.msgpack.decode(payload) if self.packed else json.loads(payload, parse_float=Decimal)
            )
        except (ValueError, msgspec.DecodeError) as error:
            raise ProofError(f"a frame that cannot be read: {error}") from error
        if not isinstance(frame, list) or not all(isinstance(message, dict) for message in frame):
            raise ProofError(f"a frame that is no list of messages: {payload[:80]!r}")
        return frame
