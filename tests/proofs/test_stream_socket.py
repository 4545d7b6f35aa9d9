"""The client on a plain socket, against a server of the websockets package and one of raw bytes."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.sync.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

from proofs.aims import ProofError
from proofs.stream_socket import GONE, Closed, StreamSocket

MARK = b'\x81\x0f[{"op":"mark"}]'
JSON, MSGPACK = Subprotocol("tapewire.v1.json"), Subprotocol("tapewire.v1.msgpack")


@contextmanager
def server(
    handler: Callable[[ServerConnection], None], subprotocols: list[Subprotocol] | None = None
) -> Iterator[int]:
    """A WebSocket server on loopback; gives its port."""
    made: Server = serve(handler, "127.0.0.1", 0, subprotocols=subprotocols or [JSON, MSGPACK])
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    try:
        yield made.socket.getsockname()[1]
    finally:
        made.shutdown()
        thread.join()


def received(client: StreamSocket, count: int) -> list[dict[str, Any]]:
    """Read until so many messages have come."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        messages = client.receive(30)
        assert messages or client.inside_frame, "nothing came"
        found += messages
    return found


def test_messages_go_out_and_come_back_in_json() -> None:
    """What the peer echoes is what was sent, with exact numbers; long frames too."""

    def echo(connection: ServerConnection) -> None:
        for data in connection:
            connection.send(data)

    with server(echo) as port:
        client = StreamSocket(port)
        client.send({"op": "hello", "text": "é" * 100}, {"op": "sub", "id": 1})
        client.send({"op": "long", "text": "x" * 300})
        one, two, three = received(client, 3)
        client.close()
    assert (one, two["id"], len(three["text"])) == ({"op": "hello", "text": "é" * 100}, 1, 300)


@pytest.mark.parametrize("size", [1, 125, 126, 65_535, 65_536, 200_000])
def test_frames_of_every_length_are_read(size: int) -> None:
    """All three forms of the length, and a price without a detour through a float."""
    with server(
        lambda peer: peer.send(json.dumps([{"op": "t", "x": "x" * size}])[:-2] + ',"px":1.10}]')
    ) as port:
        client = StreamSocket(port)
        (message,) = received(client, 1)
        client.close()
    assert len(message["x"]) == size
    assert message["px"] == Decimal("1.10")


def test_messages_go_out_and_come_in_in_messagepack() -> None:
    """Binary frames in both directions, when the other subprotocol was agreed on."""

    def answer(connection: ServerConnection) -> None:
        heard = msgspec.msgpack.decode(connection.recv(decode=False))
        connection.send(msgspec.msgpack.encode([{"op": "heard", "what": heard}]))

    with server(answer) as port:
        client = StreamSocket(port, packed=True)
        client.send({"op": "bye"})
        assert received(client, 1) == [{"op": "heard", "what": [{"op": "bye"}]}]
        client.close()


def test_a_close_frame_is_told_after_what_came_before_it() -> None:
    """Messages in the same packet as the close frame are not lost, and its code is known."""

    def say_and_leave(connection: ServerConnection) -> None:
        connection.send('[{"op":"drain"}]')
        connection.close(4100, "drain")

    with server(say_and_leave) as port:
        client = StreamSocket(port)
        assert received(client, 1) == [{"op": "drain"}]
        with pytest.raises(Closed, match="4100 drain") as caught:
            received(client, 1)
        client.close()
    assert caught.value.code == 4100


def test_pings_are_answered() -> None:
    """A peer that asks for a sign of life gets it, unasked by the user of the client."""
    answered = threading.Event()

    def ask(connection: ServerConnection) -> None:
        connection.ping().wait(30)
        answered.set()
        connection.send('[{"op":"thanks"}]')

    with server(ask) as port:
        client = StreamSocket(port)
        # The ping itself brings no message.
        messages = client.receive(30) or received(client, 1)
        client.close()
    assert (messages, answered.is_set()) == ([{"op": "thanks"}], True)


@contextmanager
def shaken(*answers: bytes) -> Iterator[tuple[StreamSocket, socket.socket]]:
    """A connected client, and the other end after a good handshake and some more bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ends: list[socket.socket] = []

        def serve_one() -> None:
            end, _ = listener.accept()
            ends.append(end)
            protocol = ServerProtocol(subprotocols=[JSON])
            protocol.receive_data(end.recv(4096))
            (request,) = protocol.events_received()
            assert isinstance(request, Request)
            protocol.send_response(protocol.accept(request))
            end.sendall(b"".join((*protocol.data_to_send(), *answers)))

        thread = threading.Thread(target=serve_one)
        thread.start()
        client = StreamSocket(listener.getsockname()[1])
        thread.join()
        with ends[0]:
            yield client, ends[0]
        client.close()


def test_frames_right_behind_the_handshake_are_kept() -> None:
    """What comes in the same packet as the response is returned without waiting for more."""
    with shaken(MARK) as (client, _):
        assert client.receive(30) == [{"op": "mark"}]


def test_a_frame_that_has_begun_is_known() -> None:
    """So that a proof can break off right there; the rest completes it."""
    with shaken() as (client, end):
        end.sendall(b'\x81\x0f[{"op":"')
        assert client.receive(30) == []
        assert client.inside_frame
        end.sendall(b'mark"}]')
        assert client.receive(30) == [{"op": "mark"}]
        assert not client.inside_frame


def test_nothing_in_time_is_no_message() -> None:
    """Waiting is bounded, and the end of the wait is no end of the connection."""
    with shaken() as (client, end):
        assert client.receive(0.01) == []
        end.sendall(MARK)
        assert client.receive(30) == [{"op": "mark"}]


@pytest.mark.parametrize("frame", [b"\x01\x02[]", b"\x82\x02[]", b"\x81\x02{}", b"\x81\x03[1]", b"\x81\x01["])
def test_what_is_not_of_the_protocol_is_an_error(frame: bytes) -> None:
    """A fragment, the other codec, no list, no messages, no JSON."""
    with shaken() as (client, end):
        end.sendall(frame)
        with pytest.raises(ProofError, match="a frame"):
            client.receive(30)


def test_an_end_without_a_word_is_told() -> None:
    """A peer that only ends the TCP connection is gone."""
    with shaken() as (client, end):
        end.close()
        with pytest.raises(Closed) as caught:
            client.receive(30)
    assert caught.value.code == GONE


def test_an_abort_is_a_reset() -> None:
    """The peer sees an error, not an orderly end."""
    with shaken() as (client, end):
        client.abort()
        with pytest.raises(ConnectionResetError):
            end.recv(1)


def test_a_refused_handshake_is_an_error() -> None:
    """No upgrade and another subprotocol are both noticed."""
    with (
        server(lambda _: None, [Subprotocol("other")]) as port,
        pytest.raises(ProofError, match=r"no WebSocket|another subprotocol"),
    ):
        StreamSocket(port)


def test_nobody_there_is_an_os_error() -> None:
    """A hub that does not listen yet is told apart from one that refuses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        StreamSocket(port)
