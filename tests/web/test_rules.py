"""The page's rules: is the stream complete, what is said of feeds and figures, words for numbers."""

from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.web.script import Script, needs_node

pytestmark = needs_node


def ok(sub: int = 1, epoch: int = 1, **starts: int | None) -> dict[str, Any]:
    """A granted subscription; a start of None is that of one that resumes."""
    chans = {f"t:{name}": {} if n is None else {"n": n} for name, n in starts.items()}
    return {"op": "ok", "id": sub, "e": epoch, "m": 1, "chans": chans}


def tick(n: int, k: int = 1, symbol: str = "A", op: str = "t") -> dict[str, Any]:
    """A data message; `k` is left out when it is 1, as on the wire."""
    message = {"op": op, "c": f"t:{symbol}", "n": n, "px": 1, "ts": 0}
    return message if k == 1 else {**message, "k": k}


def snap(n: int, symbol: str = "A") -> dict[str, Any]:
    """A snapshot."""
    return {"op": "snap", "c": f"t:{symbol}", "e": 1, "n": n, "m": 1, "tick": tick(n, symbol=symbol)}


def certificate(to: int, sub: int = 1, symbol: str = "A") -> dict[str, Any]:
    """The end of a resume."""
    entry = {"from": 0, "to": to, "sent": 1, "folded": 0, "skipped": 0, "complete": True}
    return {
        "op": "cont", "id": sub, "e": 1, "since": 0, "m": 9, "more": False, "chans": {f"t:{symbol}": entry},
    }  # fmt: skip


windows = st.lists(st.integers(1, 9), min_size=1, max_size=30)


@settings(max_examples=200, deadline=None)
@given(ks=windows, start=st.integers(0, 1_000), cuts=st.lists(st.integers(0, 29), max_size=4))
def test_a_whole_stream_has_no_hole_however_often_it_is_resumed(
    ks: list[int], start: int, cuts: list[int], script: Script
) -> None:
    """Windows that come again after a resume add nothing; together they are every tick once."""
    ends = [start + sum(ks[: place + 1]) for place in range(len(ks))]
    messages = [ok(A=start)]
    for place, (n, k) in enumerate(zip(ends, ks, strict=True)):
        messages.append(tick(n, k))
        for cut in cuts:
            if cut == place:  # resumed from some mark before: some of it once more
                messages.append(ok(A=None))
                messages.extend(tick(ends[again], ks[again]) for again in range(max(0, place - 2), place + 1))
    verdict = script.continuity(*messages)
    assert (verdict["holes"], sum(verdict["fresh"])) == (0, sum(ks))


@settings(max_examples=200, deadline=None)
@given(ks=st.lists(st.integers(1, 9), min_size=3, max_size=30), start=st.integers(0, 1_000), data=st.data())
def test_a_window_that_is_missing_is_a_hole(ks: list[int], start: int, data: Any, script: Script) -> None:
    """Any one but the last, of which nobody could know."""
    gone = data.draw(st.integers(0, len(ks) - 2))
    messages = [ok(A=start)]
    for place, k in enumerate(ks):
        if place != gone:
            messages.append(tick(start + sum(ks[: place + 1]), k))
    verdict = script.continuity(*messages)
    assert (verdict["holes"], sum(verdict["fresh"])) == (1, sum(ks) - ks[gone])


def test_a_window_that_began_before_the_subscription_overlaps(script: Script) -> None:
    """Buckets are shared: `k` may reach further back than this client does."""
    verdict = script.continuity(ok(A=10), snap(12), tick(15, 9))
    assert (verdict["holes"], verdict["fresh"]) == (0, [0, 0, 3])


def test_a_snapshot_does_not_take_back_what_came(script: Script) -> None:
    """One that was made before the newest tick leaves the place where it is."""
    verdict = script.continuity(ok(A=10), tick(15, 5), snap(12), tick(16))
    assert (verdict["holes"], verdict["fresh"]) == (0, [0, 5, 0, 1])


def test_a_subscription_is_behind_until_the_last_part_of_its_certificate(script: Script) -> None:
    """Long certificates come in parts."""
    part = {**certificate(3), "more": True}
    assert script.ask("continuity", messages=[ok(A=None), part], behind=[1, 2])["behind"] == [1, 2]
    assert script.ask("continuity", messages=[part, certificate(3)], behind=[1, 2])["behind"] == [2]


def test_a_declared_gap_is_no_hole_and_is_counted_apart(script: Script) -> None:
    """Whatever comes next is right, in the channels of that subscription alone."""
    gap = {"op": "gap", "id": 1, "c": "*", "from": 5, "to": 50, "why": "slow", "next": "snap"}
    verdict = script.continuity(ok(1, A=1), ok(2, B=1), gap, tick(40), tick(9, symbol="B"))
    assert (verdict["holes"], verdict["gaps"], verdict["fresh"][3:]) == (1, 1, [1, 1])


def test_a_new_epoch_makes_numbers_begin_anew(script: Script) -> None:
    """They may even be smaller; of another subscription they stay as they were."""
    epoch = {"op": "epoch", "id": 1, "e": 2, "m": 77, "why": "restart"}
    verdict = script.continuity(ok(1, A=90), ok(2, B=90), epoch, tick(5), tick(6, symbol="B"))
    assert (verdict["holes"], verdict["fresh"][3:], verdict["epoch"]) == (0, [1, 0], 2)


def test_a_resume_in_an_older_epoch_forgets_the_newer_numbers(script: Script) -> None:
    """The hub begins where the mark is, and announces the epoch again on the way."""
    epoch = {"op": "epoch", "id": 1, "e": 2, "m": 77, "why": "restart"}
    verdict = script.continuity(ok(1, 2, A=3), tick(4), ok(1, 1, A=None), tick(91), epoch, tick(4), tick(5))
    assert (verdict["holes"], verdict["fresh"]) == (0, [0, 1, 0, 1, 0, 1, 1])
    # the mark to resume from was given in the newest epoch there was
    assert script.continuity(ok(1, 2, A=3), ok(1, 1, A=None))["epoch"] == 2


def test_a_tape_that_ends_before_what_we_have_is_another_one(script: Script) -> None:
    """The mark was given by a hub that has lost its folder; on the same tape nothing is amiss."""
    assert script.continuity(ok(A=80), tick(81), certificate(80))["foreign"] is True
    assert script.continuity(ok(A=58), tick(59), certificate(59))["foreign"] is False


def test_marks_and_unknown_messages_are_taken_and_passed_over(script: Script) -> None:
    """A newer hub may say more; what is of no channel of ours is dropped."""
    verdict = script.continuity(
        ok(A=1), {"op": "mark", "m": 44, "now": 1}, {"op": "health", "c": "t:A", "n": 9}, tick(2, symbol="Z")
    )
    assert (verdict["mark"], verdict["fresh"], verdict["holes"]) == (44, [0, 0, 0, 0], 0)


@settings(max_examples=100, deadline=None)
@given(delays=st.lists(st.integers(0, 5_000), max_size=200), old=st.lists(st.integers(0, 9_999), max_size=9))
def test_percentiles_are_by_nearest_rank_over_ten_seconds(
    delays: list[int], old: list[int], script: Script
) -> None:
    """As computed naively; what is older than ten seconds and what has no delay does not count."""
    samples = [[80_000, delay, 1] for delay in old] + [[95_000, None, 5]] + [[95_000, d, 2] for d in delays]
    told = script.ask("recent", samples=samples, now=100_000)
    ranked = sorted(delays)

    def rank(percent: int) -> int | None:
        return ranked[max(0, -(-percent * len(ranked) // 100) - 1)] if ranked else None

    assert (told["p50"], told["p99"]) == (rank(50), rank(99))
    assert told["messages"] == (len(delays) + 1) / 5
    assert told["ticks"] == (2 * len(delays) + 5) / 5


def test_what_is_kept_for_the_figures_is_bounded(script: Script) -> None:
    """A stream of any speed costs a bounded memory; the oldest goes."""
    told = script.ask("recent", samples=[[1_000, n, 1] for n in range(12_000)], now=1_000)
    assert told["messages"] <= 5_000
    assert told["p99"] > 11_000


def test_the_quickest_ping_tells_how_far_the_clocks_differ(script: Script) -> None:
    """A slow one says little; it is believed only until a quicker one comes, and not for ever."""
    ahead = 5_000
    pongs = [
        [1_000 + trip, {"ct": 1_000_000, "st": (1_000 + ahead + early) * 1_000}]
        for trip, early in ((400, 10), (4, 2), (300, 290))
    ]
    assert script.ask("clock", pongs=pongs) == [ahead + 10 - 200, ahead, ahead]
    slow = [[1_300, {"ct": 1_000_000, "st": 7_150_000}]] * 6
    assert script.ask("clock", pongs=[*pongs, *slow])[-1] == 6_000


def test_a_row_shows_the_newest_of_a_symbol(script: Script) -> None:
    """Last, bid, ask, change since the first price seen, ticks, age by the ticks' own times."""
    row = script.ask(
        "row",
        ticks=[
            [{"op": "t", "px": 100.1, "ts": 1_000_000, "src": "sim"}, 0, 1_500],
            [{"op": "q", "bp": 100.2, "ap": None, "ts": 2_000_000, "src": "sim"}, 3, 2_500],
            [{"op": "t", "px": 100.4, "ts": 3_000_000, "src": "sim"}, 2, 3_500],
            [{"op": "x", "px": 55, "ts": 2_900_000, "src": "sim"}, 1, 3_600],
            [{"op": "s", "wh": "trading", "st": "order_acceptance", "ts": 2_950_000, "src": "sim"}, 1, 3_600],
        ],
        now=4_000,
    )
    assert (row["last"], row["bid"], row["ask"], row["change"]) == (100.4, 100.2, None, 0.3)
    assert (row["ticks"], row["age"], row["feed"]) == (7, 1_000, "simulated")
    assert row["note"] == "order acceptance"


def test_a_replayed_row_ages_from_when_its_tick_came(script: Script) -> None:
    """Its own time is months ago; a snapshot's time of arrival says nothing."""
    told = {"op": "t", "px": 1, "ts": 1_000, "src": "iex-tops", "fl": 258}
    assert script.ask("row", ticks=[[told, 0, 9_000]], now=9_500)["age"] is None
    assert script.ask("row", ticks=[[told, 0, 9_000], [told, 1, 9_100]], now=9_500)["age"] == 400


@pytest.mark.parametrize(
    ("tick", "feed"),
    [
        ({"src": "sim"}, "simulated"),
        ({"src": "sim-b", "fl": 256}, "simulated"),
        ({"src": "iex-tops", "fl": 256}, "live"),
        ({"src": "iex-tops", "fl": 258}, "replay"),
        ({"src": "replay"}, "replay"),
        ({"src": "simplex"}, "live"),
    ],
)
def test_the_feed_is_told_by_source_and_flags(tick: dict[str, Any], feed: str, script: Script) -> None:
    """A recording is one whatever made it."""
    assert script.call("feedOf", tick) == feed


def test_waits_before_coming_back_are_drawn_below_a_growing_bound(script: Script) -> None:
    """Full jitter between the hub's own bounds."""
    bounds = {"min": 500, "max": 20_000, "factor": 2}
    waits = [script.ask("backoff", attempt=n, bounds=bounds, drawn=0.5) for n in (0, 1, 2, 5, 6, 900)]
    assert waits == [250, 500, 1_000, 8_000, 10_000, 10_000]


def test_after_an_orderly_end_the_hub_says_when_to_come_back(script: Script) -> None:
    """Anywhere between its two bounds."""
    slots = [script.ask("slot", after=[1_000, 5_000], drawn=drawn) for drawn in (0, 0.5, 1)]
    assert slots == [1_000, 3_000, 5_000]


NOON_MS: Final = 1_783_944_000_000  # 2026-07-13T12:00:00Z


def event(what: str, scope: str = "*", lost: int = 0, at_ms: int = NOON_MS) -> dict[str, Any]:
    """What a feed tells of itself; an interval of one minute that ends at `at_ms`."""
    start_us, end_us = (at_ms - 60_000) * 1000, at_ms * 1000
    message = {"op": "f", "c": "f:*", "n": 1, "ts": end_us, "wh": what, "why": "outage", "sc": scope}
    return {**message, "fts": start_us, "tts": end_us} | ({"ls": lost} if lost else {})


@pytest.mark.parametrize(
    ("events", "symbols", "feed", "missed"),
    [
        ([], ["A"], "", ""),
        ([("gap_open", "*", 0)], ["A"], "The feed is down since 11:59:00 (outage).", ""),
        ([("gap_open", "A", 0)], ["B", "A"], "The feed of A is down since 11:59:00 (outage).", ""),
        ([("gap_open", "A", 0), ("gap_close", "A", 1)], ["B"], "", ""),
        ([("gap_open", "C", 0)], ["B"], "", ""),
        ([("switch", "*", 0)], ["B"], "", ""),
        (
            [("gap_open", "*", 0), ("gap_close", "*", 1)], ["A"], "",
            "The feed missed 1 message from 11:59:00 to 12:00:00 (outage).",
        ),
        (
            [("gap_close", "A", 2_000)], ["A"], "",
            "The feed missed 2,000 messages from 11:59:00 to 12:00:00 (outage).",
        ),
        (
            [("gap_close", "*", -1)], ["A"], "",
            "The feed missed part of the market from 11:59:00 to 12:00:00 (outage).",
        ),
    ],
)  # fmt: skip
def test_what_the_feed_misses_is_said(
    events: list[tuple[str, str, int]], symbols: list[str], feed: str, missed: str, script: Script
) -> None:
    """While it lasts, and what it was; of symbols that are shown, and of the whole market."""
    told = [[event(what, scope, lost), True] for what, scope, lost in events]
    assert script.ask("feed", events=told, symbols=symbols, quiet=None, now=NOON_MS) == [feed, missed]


def test_a_snapshot_of_the_feed_tells_only_what_is_still_so(script: Script) -> None:
    """A gap that was over before the page was opened is history."""
    now = NOON_MS + 86_400_000
    opened = script.ask("feed", events=[[event("gap_open"), False]], symbols=["A"], quiet=None, now=now)
    assert opened == ["The feed is down since 2026-07-13 11:59:00 (outage).", ""]
    closed = [[event("gap_open"), False], [event("gap_close"), False]]
    assert script.ask("feed", events=closed, symbols=["A"], quiet=None, now=now) == ["", ""]


def test_silence_is_said_after_a_while_but_not_explained(script: Script) -> None:
    """The page knows no calendar; without symbols or connection there is nothing to miss."""
    quiet = "No ticks since 12:00:00: the market is closed, or its feed is down."
    for symbols, since, now, text in (
        (["A"], NOON_MS, NOON_MS + 14_999, ""),
        (["A"], NOON_MS, NOON_MS + 15_000, quiet),
        ([], NOON_MS, NOON_MS + 99_000, ""),
        (["A"], None, NOON_MS + 99_000, ""),
    ):
        assert script.ask("feed", events=[], symbols=symbols, quiet=since, now=now) == [text, ""]


def test_a_gap_that_the_hub_declares_is_told_with_its_reason_and_its_marks(script: Script) -> None:
    """The newest of them; without any there is nothing to tell."""
    gap = {"op": "gap", "id": 1, "c": "*", "from": 5, "to": 50, "why": "slow", "next": "snap"}
    assert script.ask("gap", messages=[ok(A=1)]) == ""
    assert script.ask("gap", messages=[ok(A=1), gap, {**gap, "to": 60, "why": "restart"}]) == (
        "The hub declared a gap (restart): ticks between the marks 5 and 60 were not delivered."
    )


def test_what_is_over_is_told_for_five_minutes(script: Script) -> None:
    """And once more when something new comes."""
    minute = 60_000
    texts = [
        ["", 0],
        ["a", minute],
        ["a", 5 * minute],
        ["a", 6 * minute],
        ["b", 7 * minute],
        ["b", 8 * minute],
    ]
    assert script.ask("told", texts=texts) == ["", "a", "a", "", "b", "b"]


@pytest.mark.parametrize(
    ("feeds", "delay", "shown"),
    [
        ([None, None], None, ["none", "No ticks yet"]),
        (["live", None], None, ["live", "LIVE"]),
        (["live"], 1_999, ["live", "LIVE"]),
        (["live"], 2_000, ["late", "DELAYED 2.0 s"]),
        (["live"], 900_000, ["late", "DELAYED 15 min"]),
        (["live", "replay"], None, ["replay", "REPLAY"]),
        (["live", "replay", "simulated"], 80, ["simulated", "SIMULATED"]),
        (["simulated"], 3_000, ["simulated", "SIMULATED, 3.0 s late"]),
    ],
)
def test_the_badge_hides_nothing(
    feeds: list[str | None], delay: int | None, shown: list[str], script: Script
) -> None:
    """What is not live is said whatever else is shown, and so is what comes late."""
    assert script.call("badge", feeds, delay) == shown


@pytest.mark.parametrize(
    ("status", "begin"),
    [(None, "The hub cannot be reached"), (404, "This server has no stream"), (426, "The hub refused")],
)
def test_why_no_connection_opens_is_said(status: int | None, begin: str, script: Script) -> None:
    """As far as the same address tells over HTTP."""
    assert script.call("failureText", status).startswith(begin)


def test_symbols_are_read_as_people_type_them(script: Script) -> None:
    """Small letters, blanks, repeats, and no more than fit; a `+` in an address becomes a blank."""
    assert script.call("readSymbols", " aapl,BRK.b,, aapl ,ACHR ") == ["AAPL", "BRK.B", "ACHR"]
    assert script.call("readSymbols", "ne a," + "X" * 25) == ["NE+A"]
    assert script.call("readSymbols", "*,AAPL") == ["AAPL"]
    assert len(script.call("readSymbols", ",".join(f"S{n}" for n in range(500)))) == 100


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("priceText", [752.03], "752.03"),
        ("priceText", [1234.5], "1,234.50"),
        ("priceText", [0.000000001], "0.000000001"),
        ("priceText", [None], "–"),
        ("changeText", [0.3], "+0.30"),
        ("changeText", [-1.2345], "−1.2345"),
        ("changeText", [0], "0.00"),
        ("percentText", [1.5, 300], "+0.50 %"),
        ("percentText", [-3, 300], "−1.00 %"),
        ("percentText", [-0.0001, 300], "0.00 %"),
        ("percentText", [None, None], ""),
        ("delayText", [86.6], "87 ms"),
        ("ageText", [0], "0.0 s"),
        ("ageText", [9_940], "9.9 s"),
        ("ageText", [9_960], "10 s"),
        ("ageText", [119_000], "119 s"),
        ("ageText", [120_000], "2 min"),
        ("ageText", [7_200_000], "2 h"),
        ("ageText", [200_000_000], "2 d"),
        ("ageText", [None], "–"),
    ],
)
def test_numbers_become_words(name: str, values: list[Any], words: str, script: Script) -> None:
    """Exact prices, a sign in front of what moved, ages in the unit that fits."""
    assert script.call(name, *values) == words


def test_a_channel_of_two_subscriptions_is_told_once_and_has_no_hole(script: Script) -> None:
    """Single ticks and folded ones of the same channel overlap; who is behind does not take anything back."""
    single = [tick(n) for n in (11, 12, 13)]
    verdict = script.continuity(
        ok(2, A=10), tick(11), ok(1, A=None), *single, tick(13, 2), tick(14), tick(15, 2)
    )
    assert (verdict["holes"], verdict["fresh"]) == (0, [0, 1, 0, 0, 1, 1, 0, 1, 1])


def test_another_subscription_that_is_behind_makes_no_foreign_tape(script: Script) -> None:
    """Its certificate ends before what has come by the one that the channel is counted by."""
    messages = (ok(2, A=80), ok(1, A=None), tick(81), tick(82))
    assert script.continuity(*messages, certificate(80, sub=2))["foreign"] is False
    assert script.continuity(*messages, certificate(80, sub=1))["foreign"] is True


def test_a_channel_that_goes_back_to_another_subscription_has_its_gaps(script: Script) -> None:
    """A gap of a subscription voids the channels that come by it, moved ones too."""
    move = {"op": "move", "c": "t:A", "sub": 2}
    gap = {"op": "gap", "id": 2, "c": "*", "from": 5, "to": 50, "why": "slow", "next": "snap"}
    assert script.continuity(ok(1, A=1), move, gap, tick(40))["holes"] == 0
    assert script.continuity(ok(1, A=1), gap, tick(40))["holes"] == 1


def test_a_voice_speaks_now_and_then_and_says_the_newest(script: Script) -> None:
    """No more often than asked; what was overtaken is never said, nor what was taken back."""
    steps = [
        ["a", 0],
        ["b", 100],
        ["c", 900],
        [None, 1_000],
        [None, 1_100],
        ["d", 1_900],
        ["", 1_950],
        [None, 3_000],
    ]
    assert script.ask("announcer", every=1_000, steps=steps) == ["a", "", "", "c", "", "", "", ""]


def test_a_spark_has_one_point_a_second_and_a_bounded_length(script: Script) -> None:
    """The newest price of each; the oldest go."""
    ticks = [[{"op": "t", "px": n, "ts": 0, "src": "sim"}, 1, 10_000 + 250 * n] for n in range(400)]
    spark = script.ask("row", ticks=ticks, now=0)["spark"]
    assert (spark[:2], spark[-2:], len(spark)) == ([163, 167], [395, 399], 60)


@pytest.mark.parametrize(
    ("prices", "path"),
    [([], ""), ([5], ""), ([1, 2], "M0.0 10.0L20.0 0.0"), ([3, 3, 3], "M0.0 5.0L10.0 5.0L20.0 5.0")],
)
def test_a_spark_is_drawn_into_its_box(prices: list[int], path: str, script: Script) -> None:
    """The lowest at the bottom, the highest on top; what does not move is in the middle."""
    assert script.call("sparkPath", prices, 20, 10) == path
