"""Failures of the handshake in few words."""

import errno

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close

from tapewire_client.errors import ConnectionPostponed, ConnectionRefused
from tapewire_client.opening import NO_CLOSE_CODE, close_of, is_local, reason_of, refusal
from tapewire_client.outcome import Outcome


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("ws://127.0.0.1:8080/v1/stream", True),
        ("ws://127.8.8.8/", True),
        ("ws://[::1]:8080/", True),
        ("ws://localhost/", True),
        ("ws://hub.localhost:1/", True),
        ("ws://localhost.example.com/", False),
        ("ws://10.0.0.1/", False),
        ("ws://[2001:db8::1]/", False),
        ("wss://example.com/", False),
    ],
)
def test_a_hub_on_this_machine_is_recognised(url: str, local: bool) -> None:
    """No proxy is asked for it."""
    assert is_local(url) is local


def test_the_systems_words_are_used() -> None:
    """Without numbers and addresses; an error without words is told by its name."""
    assert reason_of(OSError(errno.EHOSTUNREACH, "No route to host")) == "no route to host"
    assert reason_of(ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('::1', 1)")) == (
        "connection refused"
    )
    assert reason_of(EOFError()) == "EOFError"
    assert reason_of(OSError("Multiple exceptions: …")) == "Multiple exceptions: …"


def test_a_close_is_told_by_what_the_hub_sent() -> None:
    """Not by what we did; without a close frame it is 1006."""
    assert close_of(ConnectionClosedError(Close(4101, "overload"), None)) == (4101, "overload")
    assert close_of(ConnectionClosedError(None, Close(1011, "ours"))) == (NO_CLOSE_CODE, "")


def test_whether_to_come_back_decides_the_error() -> None:
    """With the wait, where there is one."""
    later = refusal(Outcome(come_back=True, wait_s=5.0), 503, "Service Unavailable")
    assert isinstance(later, ConnectionPostponed)
    assert (str(later), later.wait_s) == ("turned away: 503 Service Unavailable", 5.0)
    never = refusal(Outcome(come_back=False), 403, "Forbidden")
    assert isinstance(never, ConnectionRefused)
    assert (never.code, never.reason) == (403, "Forbidden")
