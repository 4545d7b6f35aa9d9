"""Trades and quotes over HTTP, on a real small system."""

import asyncio
import json
import random
import zlib
from typing import Any
from urllib.parse import quote as percent

import pytest

from storage.errors import HistoryBusy, QueryError, StoreDamaged, StoreUnavailable
from tapewire.http.access import DELAY_NS
from tests.storage.making import cancel, quote, trade
from tests.tapewire.http.world import NOW, Client, World
from ticks.model import Tick
from ticks.times import format_time

OLD = NOW - 3_600 * 1_000_000_000
"""An hour ago: nobody's delay hides it."""
SECOND = 1_000_000_000


def filled(world: World, count: int = 30) -> list[Tick]:
    """Trades of three symbols, half of them stored; one tick a second."""
    ticks: list[Tick] = [
        trade(("AAPL", "MSFT", "ABR-D")[i % 3], OLD + i * SECOND, i + 1, price=(100 + i) * 10**9)
        for i in range(count)
    ]
    world.publish(*ticks[: count // 2])
    world.store_all()
    world.publish(*ticks[count // 2 :])
    return ticks


async def walk(client: Client, path: str, token: str = "canary-ann") -> list[Any]:
    """The documents of all pages of a question."""
    pages = []
    cursor = ""
    while True:
        answer = await client.get(path + (f"&cursor={cursor}" if cursor else ""), token)
        assert answer.status == 200, answer.body
        pages.append(answer.json)
        cursor = answer.json["next_cursor"]
        if cursor is None:
            return pages


async def test_an_empty_range_is_a_whole_answer(world: World) -> None:
    """No rows, no cursor, and what is known about it."""
    async with world.serving() as client:
        answer = await client.get("/v1/trades?symbols=AAPL")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json == {
        "trades": [],
        "next_cursor": None,
        "known_at": 0,
        "complete_until": 0,
        "access": "live",
        "gaps": [],
    }


async def test_rows_come_from_the_store_and_the_tape_as_one(world: World) -> None:
    """By symbol, then time; with number, mark and exact prices."""
    filled(world)
    async with world.serving() as client:
        answer = await client.get("/v1/trades?symbols=MSFT,AAPL")
    rows = answer.json["trades"]
    assert [row["symbol"] for row in rows] == ["AAPL"] * 10 + ["MSFT"] * 10
    assert [row["m"] for row in rows[:10]] == list(range(1, 31, 3))
    assert [row["n"] for row in rows[:10]] == list(range(1, 11))
    assert rows[0] | {"price": 100, "size": 100, "channel": "t:AAPL", "ts_event": format_time(OLD)} == rows[0]
    assert (answer.json["known_at"], answer.json["complete_until"]) == (30, 30)


async def test_a_range_is_open_at_its_end(world: World) -> None:
    """`start` belongs to it, `end` does not; each in any form of a time."""
    filled(world)
    async with world.serving() as client:
        for start, end in (
            (format_time(OLD), format_time(OLD + 3 * SECOND)),
            (str(OLD), str(OLD + 3 * SECOND)),
            (percent("2026-07-13T15:00:00-04:00"), "2026-07-13T21:00:03+02:00"),
        ):
            answer = await client.get(f"/v1/trades?symbols=AAPL,MSFT,ABR-D&start={start}&end={end}")
            assert sorted(row["m"] for row in answer.json["trades"]) == [1, 2, 3]
        answer = await client.get(f"/v1/trades?start={OLD}&end={OLD}")
        assert (answer.status, answer.json["trades"]) == (200, [])
        answer = await client.get(f"/v1/trades?start={OLD + 1}&end={OLD}")
        assert (answer.status, answer.problem) == (400, "bad-parameter")


async def test_symbols_are_answered_in_the_form_asked(world: World) -> None:
    """The channel keeps the canonical form, so that one can subscribe to it."""
    filled(world, 3)
    async with world.serving() as client:
        (row,) = (await client.get("/v1/trades?symbols=abr.prd")).json["trades"]
        assert (row["symbol"], row["channel"]) == ("ABR.PRD", "t:ABR-D")
        (row,) = (await client.get("/v1/trades?symbols=ABR-D")).json["trades"]
        assert row["symbol"] == "ABR-D"


async def test_without_symbols_every_symbol_is_answered(world: World) -> None:
    """For whoever may read the whole kind."""
    filled(world)
    async with world.serving() as client:
        assert len((await client.get("/v1/trades")).json["trades"]) == 30
        answer = await client.get("/v1/trades", "canary-bob")
    assert (answer.status, answer.problem) == (403, "forbidden")
    assert answer.json["errors"] == [{"detail": "not entitled", "symbol": "*"}]


async def test_pages_of_any_size_give_the_same_rows(world: World) -> None:
    """Full pages but for the last, no row twice, none left out; both ways through time."""
    filled(world)
    async with world.serving() as client:
        for order in ("asc", "desc"):
            path = f"/v1/trades?order={order}"
            whole = (await client.get(path)).json["trades"]
            assert len(whole) == 30
            for limit in (1, 7, 10, 30, 10_000):
                pages = await walk(client, f"{path}&limit={limit}")
                assert [len(page["trades"]) for page in pages[:-1]] == [limit] * (len(pages) - 1)
                assert [row for page in pages for row in page["trades"]] == whole


async def test_short_looks_into_the_store_make_full_pages(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to a number of looks; then the page is sent as it is, and its cursor goes on."""
    filled(world)
    world.history.rows_of_a_look = 2
    async with world.serving() as client:
        whole = (await client.get("/v1/trades")).json["trades"]
        assert len(whole) == 30
        pages = await walk(client, "/v1/trades?limit=7")
        assert [len(page["trades"]) for page in pages] == [7, 7, 7, 7, 2]
        monkeypatch.setattr("tapewire.http.data.LOOKS_MAX", 3)
        pages = await walk(client, "/v1/trades?limit=10")
        assert [len(page["trades"]) for page in pages] == [6] * 5
        assert [row for page in pages for row in page["trades"]] == whole


async def test_a_walk_is_frozen_while_the_tape_grows(world: World) -> None:
    """What is published or stored between two pages is not in the walk."""
    filled(world)
    chance = random.Random(5)
    async with world.serving() as client:
        expected = (await client.get("/v1/trades")).json["trades"]
        rows: list[Any] = []
        cursor = ""
        while True:
            answer = await client.get(f"/v1/trades?limit=4{cursor}")
            rows += answer.json["trades"]
            assert answer.json["known_at"] == 30
            if answer.json["next_cursor"] is None:
                break
            cursor = f"&cursor={answer.json['next_cursor']}"
            # behind, between and before what was sent already
            world.publish(*(trade("AAPL", OLD + chance.randrange(40) * SECOND, 1000 + i) for i in range(3)))
            if chance.random() < 0.5:
                world.store_all()
    assert rows == expected


async def test_known_at_asks_for_an_earlier_state(world: World) -> None:
    """By mark or by time; a cancel that came later is not known yet."""
    world.publish(trade("AAPL", OLD, 1), trade("AAPL", OLD + SECOND, 2))
    world.publish(cancel("AAPL", OLD + 2 * SECOND, 1))
    async with world.serving() as client:
        now = (await client.get("/v1/trades?symbols=AAPL")).json
        assert [(row["upd"], row["upd_m"]) for row in now["trades"]] == [
            ("withdrawn", 3),
            (None, None),
            (None, None),
        ]
        for known_at in ("2", percent(format_time(OLD + SECOND + 1_000))):
            then = (await client.get(f"/v1/trades?symbols=AAPL&known_at={known_at}")).json
            assert [(row["m"], row["upd"]) for row in then["trades"]] == [(1, None), (2, None)]
            assert then["known_at"] == 2
        answer = await client.get("/v1/trades?symbols=AAPL&known_at=4")
        assert (answer.status, answer.problem) == (400, "bad-parameter")
        assert answer.json["detail"] == "known_at: the newest mark is 3"


async def test_known_at_goes_with_a_cursor_only_when_it_is_the_same(world: World) -> None:
    """A walk has one mark."""
    filled(world)
    async with world.serving() as client:
        cursor = (await client.get("/v1/trades?limit=2&known_at=20")).json["next_cursor"]
        answer = await client.get(f"/v1/trades?limit=2&known_at=20&cursor={cursor}")
        assert (answer.status, answer.json["known_at"]) == (200, 20)
        for other in (10, 25, percent(format_time(OLD + 10 * SECOND))):
            answer = await client.get(f"/v1/trades?limit=2&known_at={other}&cursor={cursor}")
            assert (answer.status, answer.problem) == (400, "bad-cursor")


async def test_a_cursor_continues_its_own_question_and_nobody_elses(world: World) -> None:
    """Another query, another user, another tenant's user of the same name, a changed text: 400, no data."""
    filled(world)
    async with world.serving() as client:
        question = "/v1/trades?symbols=AAPL&limit=2"
        cursor = (await client.get(question)).json["next_cursor"]
        assert (await client.get(f"{question}&cursor={cursor}")).status == 200
        assert (await client.get(f"/v1/trades?symbols=AAPL&limit=5&cursor={cursor}")).status == 200
        changed = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
        for path, token in (
            (f"/v1/trades?symbols=MSFT&cursor={cursor}", "canary-ann"),
            (f"/v1/quotes?symbols=AAPL&cursor={cursor}", "canary-ann"),
            (f"/v1/trades?symbols=AAPL&order=desc&cursor={cursor}", "canary-ann"),
            (f"/v1/trades?symbols=AAPL&lineup=iex&cursor={cursor}", "canary-ann"),
            (f"{question}&cursor={cursor}", "canary-bob"),
            (f"{question}&cursor={cursor}", "canary-other"),
            (f"{question}&cursor={changed}", "canary-ann"),
            (f"{question}&cursor={cursor[:-4]}", "canary-ann"),
            (f"{question}&cursor=nonsense", "canary-ann"),
        ):
            answer = await client.get(path, token)
            assert (answer.status, answer.problem) == (400, "bad-cursor"), path
            assert b'trades":[' not in answer.body
        world.now_ns += (world.settings.cursor_ttl_s + 1) * SECOND
        assert (await client.get(f"{question}&cursor={cursor}")).problem == "bad-cursor"


async def test_what_is_not_allowed_is_named_and_nothing_is_sent(world: World) -> None:
    """One denied symbol among allowed ones refuses the request; the decision is audited."""
    filled(world)
    async with world.serving() as client:
        answer = await client.get("/v1/trades?symbols=AAPL,ABR.PRD", "canary-bob")
        assert (answer.status, answer.problem) == (403, "forbidden")
        assert answer.json["errors"] == [{"detail": "not entitled", "symbol": "ABR-D"}]
        assert (await client.get("/v1/trades?symbols=AAPL", "canary-bob")).status == 200
        assert (await client.get("/v1/trades?symbols=AAPL&lineup=iex", "canary-bob")).status == 403
    decisions = [
        (who.user, lineup, kind, symbol, decision.name)
        for _, who, lineup, kind, symbol, decision in world.audited
    ]
    assert decisions == [
        ("bob", "", "t", "AAPL", "LIVE"),
        ("bob", "", "t", "ABR-D", "NONE"),
        ("bob", "iex", "t", "AAPL", "NONE"),
    ]


async def test_delayed_data_is_fifteen_minutes_old_by_both_clocks(world: World) -> None:
    """Neither received nor happened later; the answer says that it is delayed."""
    edge = NOW - DELAY_NS
    world.publish(
        trade("MSFT", edge - SECOND, 1, ts_recv=edge - SECOND),
        trade("MSFT", edge, 2, ts_recv=edge),
        trade("MSFT", edge + 1, 3, ts_recv=edge),  # a clock that is ahead
        trade("MSFT", edge - 5 * SECOND, 4, ts_recv=edge + 1),  # late
        trade("MSFT", NOW, 5, ts_recv=NOW),
    )
    async with world.serving() as client:
        live = (await client.get("/v1/trades?symbols=MSFT")).json
        assert (len(live["trades"]), live["access"]) == (5, "live")
        for form in ("json", "ndjson"):
            answer = await client.get(f"/v1/trades?symbols=MSFT&format={form}", "canary-bob")
            documents = [json.loads(line) for line in answer.body.splitlines()]
            rows = documents[0]["trades"] if form == "json" else documents[:-1]
            assert [row["trade_id"] for row in rows] == [1, 2]
            assert (documents[-1]["access"], documents[-1]["known_at"]) == ("delayed", 3)
        # asking for more does not help
        for more in ("known_at=5", f"end={NOW + SECOND}", f"start={edge + 1}", "order=desc"):
            answer = await client.get(f"/v1/trades?symbols=MSFT&{more}", "canary-bob")
            assert {row["trade_id"] for row in answer.json["trades"]} <= {1, 2}
        world.now_ns += 1
        answer = await client.get("/v1/trades?symbols=MSFT", "canary-bob")
        assert [row["trade_id"] for row in answer.json["trades"]] == [4, 1, 2, 3]


async def test_a_mixed_request_is_delayed_as_a_whole(world: World) -> None:
    """And says so, so that nobody takes it for live."""
    world.publish(trade("AAPL", NOW, 1, ts_recv=NOW), trade("MSFT", OLD, 2))
    async with world.serving() as client:
        answer = (await client.get("/v1/trades?symbols=AAPL,MSFT", "canary-bob")).json
        assert (answer["access"], [row["symbol"] for row in answer["trades"]]) == ("delayed", ["MSFT"])
        answer = (await client.get("/v1/trades?symbols=AAPL", "canary-bob")).json
        assert (answer["access"], len(answer["trades"])) == ("live", 1)


async def test_a_delayed_walk_has_the_same_rows_in_pages(world: World) -> None:
    """The ceiling moves on between two pages; the walk does not."""
    filled(world)
    world.publish(*(trade("MSFT", NOW - DELAY_NS + i * SECOND, 50 + i) for i in range(-5, 5)))
    async with world.serving() as client:
        whole = (await client.get("/v1/trades", "canary-cyd")).json["trades"]
        rows: list[Any] = []
        cursor = ""
        while True:
            answer = await client.get(f"/v1/trades?limit=3{cursor}", "canary-cyd")
            rows += answer.json["trades"]
            if answer.json["next_cursor"] is None:
                break
            cursor = f"&cursor={answer.json['next_cursor']}"
            world.now_ns += SECOND
    assert rows == whole
    assert len(rows) == 35


async def test_quotes_have_their_own_route(world: World) -> None:
    """An absent side is null."""
    world.publish(quote("AAPL", OLD), trade("AAPL", OLD, 1))
    async with world.serving() as client:
        answer = (await client.get("/v1/quotes?symbols=AAPL")).json
    (row,) = answer["quotes"]
    assert (row["bid_price"], row["ask_price"], row["channel"]) == (210.24, None, "q:AAPL")


async def test_another_line_up_is_another_tape_of_its_own(world: World) -> None:
    """Channels carry its name."""
    world.publish(trade("AAPL", OLD, 1))
    world.publish(trade("AAPL", OLD, 2), lineup="iex")
    async with world.serving() as client:
        (row,) = (await client.get("/v1/trades?symbols=AAPL&lineup=iex")).json["trades"]
    assert (row["trade_id"], row["channel"]) == (2, "t:AAPL@iex")


async def test_a_stream_has_all_rows_and_a_last_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows as the pages; the last line counts them, with the CRC-32 of all bytes before it."""
    monkeypatch.setattr("tapewire.http.data.STREAM_PAGE_ROWS", 7)
    filled(world)
    async with world.serving() as client:
        rows = (await client.get("/v1/trades")).json["trades"]
        for path, headers in (
            ("/v1/trades?format=ndjson", {}),
            ("/v1/trades", {"Accept": "application/x-ndjson"}),
        ):
            answer = await client.get(path, **headers)
            assert answer.headers["Content-Type"] == "application/x-ndjson"
            *lines, last = answer.body.splitlines(keepends=True)
            assert [json.loads(line) for line in lines] == rows
            assert json.loads(last) == {
                "end": True,
                "rows": 30,
                "crc": zlib.crc32(b"".join(lines)),
                "next_cursor": None,
                "known_at": 30,
                "complete_until": 30,
                "access": "live",
                "gaps": [],
            }


async def test_a_stream_with_a_limit_can_be_continued(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """In either form; the cursor is the same."""
    monkeypatch.setattr("tapewire.http.data.STREAM_PAGE_ROWS", 4)
    filled(world)
    async with world.serving() as client:
        answer = await client.get("/v1/trades?format=ndjson&limit=10")
        *lines, last = answer.body.splitlines()
        assert (len(lines), json.loads(last)["rows"]) == (10, 10)
        rest = (await client.get(f"/v1/trades?cursor={json.loads(last)['next_cursor']}")).json["trades"]
        whole = (await client.get("/v1/trades")).json["trades"]
    assert [json.loads(line) for line in lines] + rest == whole


async def test_an_empty_stream_has_its_last_line(world: World) -> None:
    """A stream without it was cut; this one was not."""
    async with world.serving() as client:
        answer = await client.get("/v1/trades?format=ndjson")
    assert [json.loads(line)["rows"] for line in answer.body.splitlines()] == [0]


async def test_a_stream_whose_client_leaves_ends_its_scan(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No work for nobody."""
    monkeypatch.setattr("tapewire.http.data.STREAM_PAGE_ROWS", 5)
    filled(world)
    world.history.held = asyncio.Event()
    async with world.serving() as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(
            b"GET /v1/trades?format=ndjson HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer canary-ann\r\n\r\n"
        )
        await asyncio.wait_for(reader.readuntil(b'"t:AAPL"'), 10)
        writer.transport.abort()
        await asyncio.wait_for(world.history.left.wait(), 10)
    assert world.history.pages == 1


async def test_a_stream_that_fails_on_its_way_is_cut(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a last line and without the end of the chunks: nobody can take it for whole."""
    monkeypatch.setattr("tapewire.http.data.STREAM_PAGE_ROWS", 5)
    filled(world)
    world.history.held = asyncio.Event()
    async with world.serving() as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(
            b"GET /v1/trades?format=ndjson HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer canary-ann\r\n\r\n"
        )
        await asyncio.wait_for(reader.readuntil(b'"t:AAPL"'), 10)
        world.history.failure = StoreUnavailable("gone")
        world.history.held.set()
        rest = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    assert b'"end"' not in rest
    assert not rest.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    "path", ["/v1/trades", "/v1/trades?format=ndjson", "/v1/gaps", "/v1/trades?known_at=2026-07-13"]
)
@pytest.mark.parametrize(
    ("failure", "status", "problem"),
    [
        (StoreUnavailable("/secret/path is gone"), 503, "store-unavailable"),
        (StoreDamaged("/secret/path is damaged"), 503, "store-unavailable"),
        (HistoryBusy("too many"), 503, "busy"),
        (QueryError("no meaning"), 400, "bad-parameter"),
    ],
)
async def test_a_store_that_cannot_answer_is_a_problem(
    path: str, failure: Exception, status: int, problem: str, world: World
) -> None:
    """503 with `Retry-After`, without the insides of this machine."""
    world.history.failure = failure  # type: ignore[assignment]  # all of them are StorageErrors
    async with world.serving() as client:
        answer = await client.get(path)
    assert (answer.status, answer.problem) == (status, problem)
    assert b"secret" not in answer.body
    assert (answer.headers.get("Retry-After") == "1") is (status == 503)


async def test_the_allowed_parameters_are_told(world: World) -> None:
    """And the range of `limit`, which the settings give."""
    async with world.serving() as client:
        answer = await client.get("/v1/trades?limit=10001&symbol=A")
    assert [(fault["parameter"], fault["detail"]) for fault in answer.json["errors"]] == [
        ("limit", "allowed: an integer from 1 to 10000"),
        (
            "symbol",
            "unknown parameter; nearest: symbols; "
            "allowed: symbols, start, end, limit, cursor, known_at, lineup, order, format",
        ),
    ]


async def test_a_format_that_is_not_offered_is_not_acceptable(world: World) -> None:
    """406 with what there is."""
    async with world.serving() as client:
        answer = await client.get("/v1/trades", Accept="text/csv")
    assert (answer.status, answer.problem) == (406, "not-acceptable")
