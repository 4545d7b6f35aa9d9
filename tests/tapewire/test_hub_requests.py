"""Requests against a real server on loopback: answers, refusals, and those that are no hub."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tapewire.hub_requests import HubAway, HubRefused, HubRequests

Asked = list[tuple[str, str, bytes]]
"""What a server was asked: line, authorization, body."""


@contextmanager
def answering(status: int, body: bytes, location: str = "") -> Iterator[tuple[str, Asked]]:
    """A server that gives one answer; its address, and what it was asked."""
    asked: Asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append((self.requestline, self.headers.get("Authorization", ""), sent))
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_DELETE = do_GET

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_answer_keeps_its_digits() -> None:
    """And the token, the query and the body went out."""
    with answering(200, b'{"value":1.10}') as (base, asked):
        assert HubRequests(base, "t").ask("POST", "/v1/alerts", {"a": 1}, limit=2) == {
            "value": Decimal("1.10")
        }
    assert asked == [("POST /v1/alerts?limit=2 HTTP/1.1", "Bearer t", b'{"a": 1}')]


def test_no_content_is_none() -> None:
    """A delete has nothing to say; without a token none is shown."""
    with answering(204, b"") as (base, asked):
        assert HubRequests(base, None).ask("DELETE", "/x") is None
    assert asked == [("DELETE /x HTTP/1.1", "", b"")]


def test_a_refusal_is_told_in_the_hubs_words() -> None:
    """A problem of the caller."""
    with (
        answering(404, b'{"title":"There is no such object"}') as (base, _),
        pytest.raises(HubRefused, match="no such"),
    ):
        HubRequests(base, "t").ask("GET", "/x")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_by_itself_is_no_refusal(status: int) -> None:
    """It may be asked again."""
    with answering(status, b"") as (base, _), pytest.raises(HubAway, match=str(status)):
        HubRequests(base, "t").ask("GET", "/x")


def test_a_token_does_not_follow_a_redirect() -> None:
    """Who was named is asked, and nobody else."""
    with (
        answering(200, b"{}") as (other, asked_other),
        answering(302, b"", other) as (base, _),
        pytest.raises(HubRefused, match="302"),
    ):
        HubRequests(base, "t").ask("GET", "/x")
    assert asked_other == []


def test_who_is_no_hub_is_told() -> None:
    """Another server there, or nobody."""
    with answering(200, b"<html>") as (base, _), pytest.raises(HubAway, match="no hub"):
        HubRequests(base, "t").ask("GET", "/x")
    with pytest.raises(HubAway, match="refused"):
        HubRequests(base, "t").ask("GET", "/x")
