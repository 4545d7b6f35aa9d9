"""Attempts against real receivers: signed, bounded, and never to an address inside."""

import asyncio
import datetime
import json
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from msgspec.structs import replace
from standardwebhooks import Webhook

from alerts.webhooks.endpoints import Endpoint
from alerts.webhooks.plan import Outcome
from alerts.webhooks.sender import AddressRefused, GuardedResolver, Sender, body_of
from alerts.webhooks.signature import secret_of
from config.settings import WebhookSettings
from tests.alerts.webhooks.making import ANN, NOW, NS, Receiver, answering, flood, hang, receiving, stored

DEMO = WebhookSettings(private_addresses=True, timeout_s=5)
SECRET, OLD = secret_of(bytes(range(32))), secret_of(bytes(32))


def endpoint(url: str) -> Endpoint:
    """A receiver of ann's."""
    return Endpoint("wh_1", ANN, url, SECRET, "", 0, "", NOW)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on loopback."""
    async with receiving() as made:
        yield made


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    """A sender that may call this machine."""
    made = Sender(DEMO)
    yield made
    await made.close()


class Names(AbstractResolver):
    """Answers with what tests say, one answer after the other, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The next answer."""
        self.asked.append(host)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            {"hostname": host, "host": one, "port": port, "family": family, "proto": 0, "flags": 0}
            for one in found
        ]

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_ring_arrives_signed_in_the_form_of_the_specification(
    receiver: Receiver, sender: Sender
) -> None:
    """The reference library checks it; the id is the event's, the body the same at every attempt."""
    ring = stored()
    for later in (0, 60):
        assert await sender.send(endpoint(receiver.url), ring, NOW + later * NS) == Outcome(204)
    first, second = receiver.got
    assert first.body == second.body == body_of(ring)
    assert first.event_id == second.event_id == ring.fire.event_id
    stamps = [int(one.headers["webhook-timestamp"]) for one in receiver.got]
    assert stamps == [NOW // NS, NOW // NS + 60]
    checker = Webhook(SECRET)
    signed = checker.sign(first.event_id, _utc(stamps[0]), first.body.decode())
    assert first.headers["webhook-signature"] == signed
    body = json.loads(first.body)
    assert (body["type"], body["timestamp"]) == ("alert.fired", "2027-01-15T08:00:00.000000000Z")
    assert {"event_id", "alert", "symbol", "at", "proof", "off", "m"} <= set(body["data"])
    assert first.headers["content-type"] == "application/json"


def _utc(seconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


async def test_while_a_secret_changes_two_signatures_are_sent(receiver: Receiver, sender: Sender) -> None:
    """Until the time of the old one is over."""
    changing = replace(endpoint(receiver.url), old_secret=OLD, old_until_ns=NOW + 1)
    for now_ns in (NOW, NOW + 1):
        await sender.send(changing, stored(), now_ns)
    assert [one.headers["webhook-signature"].count("v1,") for one in receiver.got] == [2, 1]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(status: int, receiver: Receiver, sender: Sender) -> None:
    """Wherever it leads."""
    receiver.answer = answering(status, Location=receiver.url + "/elsewhere")
    assert (await sender.send(endpoint(receiver.url), stored(), NOW)).status == status
    assert len(receiver.got) == 1


async def test_a_refusal_is_told_with_its_beginning_on_one_line(receiver: Receiver, sender: Sender) -> None:
    """For the owner to read, and without what a terminal would obey."""
    receiver.answer = answering(503, Retry_After="77")
    outcome = await sender.send(endpoint(receiver.url), stored(), NOW)
    assert outcome == Outcome(503, "because of  [31mthat", 77)


async def test_of_an_answer_without_end_only_the_beginning_is_read(
    receiver: Receiver, sender: Sender
) -> None:
    """And the connection is closed."""
    receiver.answer = flood
    outcome = await sender.send(endpoint(receiver.url), stored(), NOW)
    assert outcome.status == 500
    assert set(outcome.error) == {"x"}
    assert len(outcome.error) <= 200


async def test_a_receiver_that_hangs_is_given_up_in_time(receiver: Receiver) -> None:
    """The time is for the whole attempt."""
    sender = Sender(replace(DEMO, timeout_s=1))
    receiver.answer = hang
    outcome = await sender.send(endpoint(receiver.url), stored(), NOW)
    await sender.close()
    assert outcome == Outcome(error="no answer within 1 s")


async def test_nobody_listening_is_a_failure_that_may_pass(sender: Sender) -> None:
    """It is tried again."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        assert await sender.send(endpoint(url), stored(), NOW) == Outcome(error="no connection")


async def test_an_answer_that_is_not_http_is_a_failure_that_may_pass(sender: Sender) -> None:
    """Bytes that are no answer, headers without end, and an end too early."""
    for answer in (b"", b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, b"HTTP/1.1 20"):

        async def speak(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes = answer
        ) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()

        server = await asyncio.start_server(speak, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            outcome = await sender.send(endpoint(f"http://127.0.0.1:{port}/"), stored(), NOW)
        assert (outcome.status, outcome.refused) == (0, False), answer[:20]


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"])
async def test_this_machine_is_not_called_outside_a_demo(host: str, receiver: Receiver) -> None:
    """Not by its address, nor by its name; no connection is made."""
    port = int(receiver.url.rpartition(":")[2].partition("/")[0])
    sender = Sender(WebhookSettings(ports=(port,)))
    outcome = await sender.send(endpoint(f"http://{host}:{port}/"), stored(), NOW)
    await sender.close()
    assert outcome.refused
    assert receiver.got == []


@pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "0177.0.0.1", "127.1", "name.example"])
async def test_a_name_for_an_address_inside_is_refused(host: str, receiver: Receiver) -> None:
    """Also where the system reads numbers as addresses; whatever the name says before."""
    port = int(receiver.url.rpartition(":")[2].partition("/")[0])
    sender = Sender(WebhookSettings(ports=(port,)), Names(["127.0.0.1", "10.1.2.3"]))
    outcome = await sender.send(endpoint(f"http://{host}:{port}/"), stored(), NOW)
    await sender.close()
    assert outcome.refused
    assert receiver.got == []


async def test_a_name_that_turns_to_an_address_inside_is_refused_then(receiver: Receiver) -> None:
    """DNS rebinding: each connection asks anew, and goes where it was told, or nowhere."""
    port = int(receiver.url.rpartition(":")[2].partition("/")[0])
    # 198.51.100.1 is for documents and answers nobody: here it stands for the first, harmless answer.
    names = Names(["8.8.8.8", "127.0.0.1"], ["127.0.0.1"])
    guarded = GuardedResolver(names, private=False)
    assert [one["host"] for one in await guarded.resolve("name.example", port)] == ["8.8.8.8"]
    with pytest.raises(AddressRefused):
        await guarded.resolve("name.example", port)
    await guarded.close()
    sender = Sender(WebhookSettings(ports=(port,)), names)
    assert (await sender.send(endpoint(f"http://name.example:{port}/"), stored(), NOW)).refused
    await sender.close()
    assert receiver.got == []


async def test_each_attempt_asks_for_the_address_anew(receiver: Receiver) -> None:
    """No answer is kept, and no connection."""
    port = receiver.url.rpartition(":")[2].partition("/")[0]
    names = Names(["127.0.0.1"])
    sender = Sender(DEMO, names)
    for _ in range(2):
        assert (await sender.send(endpoint(f"http://name.example:{port}/"), stored(), NOW)).status == 204
    await sender.close()
    assert names.asked == ["name.example"] * 2


async def test_no_cookie_and_no_proxy_is_used(
    receiver: Receiver, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a receiver sets does not come back; what the environment says is not looked at."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(headers={"Set-Cookie": "a=b"})

    receiver.answer = answer
    for _ in range(2):
        assert (await sender.send(endpoint(receiver.url), stored(), NOW)).status == 200
    assert all("cookie" not in one.headers for one in receiver.got)
