"""The connection, against a hub that does what the test says."""

import asyncio
import socket
from http import HTTPStatus
from typing import Any

import pytest

from tapewire_client import (
    ConnectionLost,
    ConnectionPostponed,
    ConnectionRefused,
    ProtocolError,
    RequestRefused,
    connect,
)
from tapewire_client.budget import SHARE
from tests.tapewire_client.scripted import (
    SECONDS_MAX,
    Visit,
    numbers,
    opened,
    scripted_hub,
    take,
    take_all,
)
from tests.tapewire_client.wire import epoch, gap, mark, ok, snap, trade, welcome

# -- asking and receiving -----------------------------------------------------------------------


async def test_hello_and_sub_say_what_was_asked_for() -> None:
    """The token, the symbols as a list, the mode, and from where."""
    async with scripted_hub() as hub, asyncio.TaskGroup() as group:
        client = connect(hub.url, token="secret", since=70)
        entering = group.create_task(client.__aenter__())
        visit = await hub.visit()
        hello = await visit.greet()
        assert hello == {"op": "hello", "client": {"name": "tapewire-client"}, "token": "secret"}
        await entering
        await client.subscribe(("A", "B"), kinds=("t", "q"), mode="interval", hz=2, lineup="iex")
        assert await visit.receive() == {
            "op": "sub", "id": 1, "symbols": ["A", "B"], "kinds": ["t", "q"], "mode": "interval", "hz": 2,
            "lineup": "iex", "from": {"m": 70},
        }  # fmt: skip
        await client.subscribe("*", kinds=["f"], start="live", since=0)
        assert await visit.receive() == {
            "op": "sub", "id": 2, "symbols": "*", "kinds": ["f"], "mode": "raw", "lineup": "",
            "from": {"m": 0},
        }  # fmt: skip
        await client.close()


async def test_messages_come_in_order_and_repeats_do_not() -> None:
    """Several in a frame, control messages among them."""
    async with scripted_hub() as hub:
        client, visit = await opened(hub)
        await visit.send(trade(5), trade(5), mark(101), trade(4), trade(6))
        ops = []
        async for message in client:
            ops.append(message["op"])
            if message["op"] == "t" and message["n"] == 6:
                break
        assert ops == ["welcome", "ok", "snap", "t", "mark", "t"]
        assert client.continuity.repeats == 2
        await client.close()


async def test_what_comes_in_the_frame_of_the_welcome_is_not_lost() -> None:
    """A hub may put more behind it."""
    async with scripted_hub() as hub, asyncio.TaskGroup() as group:
        client = connect(hub.url)
        entering = group.create_task(client.__aenter__())
        await (await hub.visit()).greet(epoch(2, 50, None))
        await entering
        assert (await take(client, "epoch"))["e"] == 2
        await client.close()


async def test_the_mark_speaks_for_what_was_taken() -> None:
    """Not for what waits in the client; so what is stored with it was seen."""
    async with scripted_hub() as hub:
        client, visit = await opened(hub)
        await visit.send(trade(5), mark(101), trade(6), mark(102))
        marks = [client.mark]
        assert await numbers(client, 1) == [5]
        marks.append(client.mark)
        await take(client, "mark")
        assert [*marks, client.mark] == [None, None, 101]
        await client.close()


async def test_messagepack_is_spoken_when_wished() -> None:
    """Both ways."""
    async with scripted_hub() as hub:
        client, visit = await opened(hub, codec="msgpack")
        assert visit.packed
        await visit.send(trade(5))
        assert await numbers(client, 1) == [5]
        await client.close()


async def test_prices_are_exact_when_wished() -> None:
    """As decimals in place of floats."""
    async with scripted_hub() as hub:
        client, visit = await opened(hub, exact=True)
        await visit.socket.send('[{"op":"t","c":"t:A","n":5,"px":0.10}]')
        assert str((await take(client, "t"))["px"]) == "0.10"
        await client.close()


async def test_a_subscription_that_is_given_up_is_told_to_the_hub() -> None:
    """Once; what is not known is not."""
    async with scripted_hub() as hub:
        client, visit = await opened(hub)
        await client.unsubscribe(1)
        await client.unsubscribe(1)
        await client.subscribe(["B"], kinds=["t"])
        assert await visit.receive() == {"op": "unsub", "id": 1}
        assert (await visit.receive())["id"] == 2
        await client.close()


async def test_commands_keep_the_limits_of_the_welcome() -> None:
    """Beyond the burst they come no faster than allowed: the third waits."""
    async with scripted_hub() as hub, asyncio.TaskGroup() as group:
        client = connect(hub.url)
        entering = group.create_task(client.__aenter__())
        visit = await hub.visit()
        await visit.greet(limits={"commands_per_s": 20, "burst": 2 / SHARE})
        await entering
        for symbol in "AB":
            await client.subscribe([symbol])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await client.subscribe(["C"])
        assert [(await visit.receive())["id"] for _ in range(2)] == [1, 2]
        await client.close()


# -- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "reason"), [(4501, "TOKEN_EXPIRED"), (4509, "RATE"), (1009, "too big")])
async def test_a_close_that_says_stay_away_is_an_error(code: int, reason: str) -> None:
    """Coming back unchanged would end the same way."""
    async with scripted_hub() as hub:
        client, visit = await opened(hub)
        await visit.close(code, reason)
        with pytest.raises(ConnectionRefused, match=f"refused by the hub: {code} {reason}"):
            await take(client, "t")
        await client.close()


async def refuse(visit: Visit) -> None:
    """Say no to a hello."""
    await visit.receive()
    await visit.send(
        {"op": "err", "code": "AUTH_FAILED", "no": 402, "class": "auth", "msg": "the token is not valid"}
    )
    await visit.close(4501, "AUTH_FAILED")


async def test_a_token_that_is_not_valid_is_an_error() -> None:
    """At the first connection, and when it has become invalid in between."""
    async with scripted_hub() as hub:
        client, visit = await opened(hub)
        hub.script = refuse
        with pytest.raises(RequestRefused, match="AUTH_FAILED: the token is not valid"):
            await connect(hub.url, token="wrong").__aenter__()
        visit.cut()
        with pytest.raises(RequestRefused) as caught:
            await take(client, "t")
        assert (caught.value.error_class, caught.value.request_id) == ("auth", None)
        await client.close()


async def test_a_refusal_that_passes_is_waited_for() -> None:
    """As when the hub had a fault of its own: the client comes again."""
    async with scripted_hub() as hub:
        client, visit = await opened(hub)
        said_no = 0

        async def fail(visit: Visit) -> None:
            nonlocal said_no
            said_no += 1
            await visit.receive()
            if said_no == 1:
                await visit.send({"op": "err", "code": "HUB", "class": "hub", "msg": "our fault"})
            else:
                await visit.send(welcome(), ok({"t:A": 4}), trade(5))
                await visit.socket.wait_closed()

        hub.script = fail
        visit.cut()
        assert await numbers(client, 1) == [5]
        assert said_no == 2
        await client.close()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (HTTPStatus.FORBIDDEN, ConnectionRefused),
        (HTTPStatus.NOT_FOUND, ConnectionRefused),
        (HTTPStatus.SERVICE_UNAVAILABLE, ConnectionPostponed),
        (HTTPStatus.TOO_MANY_REQUESTS, ConnectionPostponed),
    ],
)
async def test_an_answer_in_place_of_the_handshake_is_told(
    status: HTTPStatus, error: type[Exception]
) -> None:
    """With its status; the error says whether coming back is of use, and when."""
    async with scripted_hub() as hub:
        hub.answer = (status, {"Retry-After": "7"})
        with pytest.raises(error, match=str(status.value)) as caught:
            await connect(hub.url).__aenter__()
        assert getattr(caught.value, "wait_s", 7.0) == 7.0


async def test_nobody_there_is_an_error_in_few_words() -> None:
    """Also where a name has several addresses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for host in ("127.0.0.1", "localhost"):
        with pytest.raises(ConnectionLost) as caught:
            await connect(f"ws://{host}:{port}/v1/stream").__aenter__()
        assert str(caught.value) == "connection refused"


async def test_a_hub_on_this_machine_is_reached_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says about the world outside."""
    for name in ("http_proxy", "https_proxy", "ws_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    async with scripted_hub() as hub:
        client, _ = await opened(hub)
        await client.close()


async def test_another_server_is_recognised() -> None:
    """One that speaks WebSocket, but not our protocol."""
    async with scripted_hub(subprotocols=()) as hub:
        with pytest.raises(ConnectionRefused, match="does not speak tapewire's protocol"):
            await connect(hub.url).__aenter__()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1/stream", "127.0.0.1:1", "ws://", ""])
def test_what_is_no_address_is_told_at_once(url: str) -> None:
    """Before anything is tried."""
    with pytest.raises(ValueError, match="not the address of a stream"):
        connect(url)


async def test_one_text_in_place_of_a_list_of_symbols_is_told_at_once() -> None:
    """It would be taken for a list of letters."""
    async with scripted_hub() as hub:
        client, _ = await opened(hub)
        with pytest.raises(ValueError, match="'AAPL'"):
            await client.subscribe("AAPL")
        await client.close()


async def test_a_client_that_was_not_entered_says_so() -> None:
    """In place of waiting for ever."""
    with pytest.raises(ConnectionLost, match="async with"):
        await anext(connect("ws://127.0.0.1:1/v1/stream"))


# -- a hub at fault, and the end ----------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    ["{", "{}", "[1]", '[{"c":"t:A"}]', '[{"op":"t","c":"t:A"}]', '[{"op":"t","c":"t:A","n":"5"}]',
     '[{"op":"cont","chans":[]}]', '[{"op":"drain","after":5}]', '[{"op":"mark"}]'],
)  # fmt: skip
async def test_what_is_not_of_the_protocol_is_an_error_of_the_peer(frame: str) -> None:
    """A frame or a message; the connection is given up."""
    async with scripted_hub() as hub:
        client, visit = await opened(hub)
        await visit.socket.send(frame)
        with pytest.raises(ProtocolError):
            await take(client, "weather")
        async with asyncio.timeout(SECONDS_MAX):
            await visit.socket.wait_closed()
        await client.close()


@pytest.mark.parametrize("wrong", [{"limits": []}, {"ping_s": "x"}, {"reconnect": {"min": "a", "max": 1}}])
async def test_a_welcome_that_is_not_what_it_should_be_is_an_error_of_the_peer(wrong: dict[str, Any]) -> None:
    """At once, at the first connection."""
    async with scripted_hub() as hub:

        async def greet(visit: Visit) -> None:
            await visit.greet(**wrong)
            await visit.socket.wait_closed()

        hub.script = greet
        with pytest.raises(ProtocolError, match="a welcome that"):
            await connect(hub.url).__aenter__()


async def test_closing_ends_the_loop_while_it_waits_for_messages() -> None:
    """As when another task has seen enough."""
    async with scripted_hub() as hub:
        client, _ = await opened(hub)
        await take(client, "snap")
        async with asyncio.TaskGroup() as group:
            ops = group.create_task(take_all(client))
            await asyncio.sleep(0)
            await client.close()
        assert ops.result() == []


async def test_closing_ends_the_loop_while_it_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although somebody is there who does not answer."""
    monkeypatch.setattr("tapewire_client.opening.HANDSHAKE_SECONDS", 1_000.0)
    async with scripted_hub() as hub:
        client, visit = await opened(hub)
        visit.cut()
        async with asyncio.TaskGroup() as group:
            ops = group.create_task(take_all(client))
            visit = await hub.visit()
            await visit.receive()
            await client.close()
        assert "t" not in ops.result()
        async with asyncio.timeout(SECONDS_MAX):
            await visit.socket.wait_closed()


async def test_leaving_the_block_closes_the_connection() -> None:
    """With the code of an orderly end."""
    async with scripted_hub() as hub, asyncio.TaskGroup() as group:

        async def leave_soon() -> None:
            async with connect(hub.url):
                pass

        group.create_task(leave_soon())
        visit = await hub.greeted()
        async with asyncio.timeout(SECONDS_MAX):
            await visit.socket.wait_closed()
        assert visit.socket.close_code == 1000


async def test_a_declared_gap_is_passed_on_and_no_hole() -> None:
    """With what follows it."""
    async with scripted_hub() as hub:
        client, visit = await opened(hub)
        await visit.send(trade(5), gap(), snap(9), trade(10))
        assert (await take(client, "gap"))["why"] == "budget"
        assert await numbers(client, 1) == [10]
        assert (client.continuity.gaps, client.continuity.skipped, client.continuity.holes) == (1, 4, [])
        await client.close()
