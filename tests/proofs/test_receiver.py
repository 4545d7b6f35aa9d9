"""A receiver remembers what came, and holds its answers as long as it was told to."""

import threading
import urllib.request

from proofs import lib
from proofs.receiver import Delivery, receiving


def post(url: str, body: bytes) -> int:
    """The status of the answer to a webhook."""
    request = urllib.request.Request(url, body, {"webhook-id": "one"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        status: int = answer.status
        return status


def test_what_came_is_remembered_and_answered() -> None:
    """Id and body, as often as they came."""
    with receiving(lambda: 0.0) as receiver:
        assert [post(receiver.url, b"{}"), post(receiver.url, b"{}")] == [200, 200]
        lib.until(lambda: not receiver.held, 30, "the end of both")
    assert receiver.deliveries == [Delivery("one", b"{}")] * 2


def test_a_held_request_is_seen_before_its_answer() -> None:
    """It is counted while its sender waits."""
    with receiving(lambda: 0.2) as receiver:
        sender = threading.Thread(target=post, args=(receiver.url, b"{}"))
        sender.start()
        assert lib.until(lambda: receiver.held, 30, "a request that is held") == 1
        sender.join()
        lib.until(lambda: not receiver.held, 30, "its answer")
