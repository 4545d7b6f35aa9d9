"""A receiver of webhooks that takes its time: it remembers what came, and holds each answer for a while."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from msgspec import Struct

BODY_BYTES_MAX: Final = 1 << 20


class Delivery(Struct, frozen=True):
    """One request that came, whole."""

    webhook_id: str
    body: bytes


class Receiver:
    """What has come so far. Its threads add to it; reading is for the proof's thread."""

    def __init__(self, hold_seconds: Callable[[], float]) -> None:
        self.deliveries: list[Delivery] = []
        """In the order they came; a request that broke off is not among them."""
        self.url = ""
        self.hold_seconds = hold_seconds
        self._lock = threading.Lock()
        self._held = 0

    @property
    def held(self) -> int:
        """How many requests have come and are not answered yet."""
        return self._held

    def take(self, delivery: Delivery) -> None:
        """Remember a request, and return when it is to be answered."""
        with self._lock:
            self.deliveries.append(delivery)
            self._held += 1
            seconds = self.hold_seconds()
        try:
            time.sleep(seconds)
        finally:
            with self._lock:
                self._held -= 1


@contextmanager
def receiving(hold_seconds: Callable[[], float]) -> Iterator[Receiver]:
    """A receiver on a port of loopback; every answer is 200, after `hold_seconds()`."""
    receiver = Receiver(hold_seconds)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length", 0)), BODY_BYTES_MAX)
            body = self.rfile.read(length)
            if len(body) < length:
                return  # its sender is gone
            receiver.take(Delivery(self.headers.get("webhook-id", ""), body))
            with suppress(OSError):  # likewise
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: what came is counted."""

        def handle(self) -> None:
            with suppress(OSError):  # a sender that was killed
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/rings"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
