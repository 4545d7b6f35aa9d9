"""Cursors: continued only where, and for whom, they were made."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import cursor as cursor_module
from storage.contract import Key
from storage.cursor import CursorKeeper, CursorOwner, Place
from storage.errors import CursorError, CursorExpired, CursorForeign, CursorForged
from storage.history import HistoryQuery
from ticks import kinds

NOW_S = 1_783_958_400
TTL_S = 3_600
QUERY = HistoryQuery("trades", ("AAPL", "SPY"), "", 5, 10)
OWNER = CursorOwner("default", "demo")
PLACE = Place(Key("AAPL", 7, 12), 99)


@pytest.fixture
def keeper() -> CursorKeeper:
    """With a known key."""
    return CursorKeeper(bytes(range(32)), TTL_S)


def respelled(text: str) -> list[str]:
    """The same bytes, spelled otherwise."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    spellings = {base64.b64encode(raw).decode(), text + "=", text + "==", f"{text}\n", f" {text}", text + "A"}
    if len(text) % 4:
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        spellings.add(text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1])
    return sorted(spellings - {text})


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=32),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**53 - 1),
)
def test_a_cursor_comes_back_as_it_went(symbol: str, ts_event: int, m: int, known_at: int) -> None:
    """Any key, any mark; the text can stand in a URL as it is."""
    keeper = CursorKeeper(bytes(32), TTL_S)
    place = Place(Key(symbol, ts_event, m), known_at)
    text = keeper.seal(QUERY, OWNER, place, NOW_S)
    assert keeper.open(text, QUERY, OWNER, NOW_S + TTL_S) == place
    assert text.replace("-", "a").replace("_", "a").isalnum()
    assert text.isascii()


def test_the_order_of_symbols_does_not_matter(keeper: CursorKeeper) -> None:
    """It is the same question."""
    text = keeper.seal(QUERY, OWNER, PLACE, NOW_S)
    again = HistoryQuery("trades", ("SPY", "AAPL", "SPY"), "", 5, 10)
    assert keeper.open(text, again, OWNER, NOW_S) == PLACE


@pytest.mark.parametrize(
    "other",
    [
        HistoryQuery("quotes", ("AAPL", "SPY"), "", 5, 10),
        HistoryQuery("trades", ("AAPL",), "", 5, 10),
        HistoryQuery("trades", None, "", 5, 10),
        HistoryQuery("trades", ("AAPL,SPY",), "", 5, 10),
        HistoryQuery("trades", ("AAPL", "SPY"), "iex", 5, 10),
        HistoryQuery("trades", ("AAPL", "SPY"), "", 6, 10),
        HistoryQuery("trades", ("AAPL", "SPY"), "", 5, 11),
        HistoryQuery("trades", ("AAPL", "SPY"), "", 5, 10, "desc"),
        HistoryQuery("trades", ("AAPL", "SPY"), "", 5, 10, kinds=(kinds.TRADE,)),
    ],
)
def test_another_question_is_not_continued(keeper: CursorKeeper, other: HistoryQuery) -> None:
    """Whatever differs."""
    text = keeper.seal(QUERY, OWNER, PLACE, NOW_S)
    with pytest.raises(CursorForeign):
        keeper.open(text, other, OWNER, NOW_S)


@pytest.mark.parametrize(
    "other", [CursorOwner("default", "eve"), CursorOwner("rival", "demo"), CursorOwner("defaultdemo", "")]
)
def test_somebody_elses_walk_is_not_continued(keeper: CursorKeeper, other: CursorOwner) -> None:
    """Not even with the same question, in another tenant or by another user."""
    with pytest.raises(CursorForeign):
        keeper.open(keeper.seal(QUERY, OWNER, PLACE, NOW_S), QUERY, other, NOW_S)


@pytest.mark.parametrize(("age_s", "good"), [(TTL_S, True), (TTL_S + 1, False), (-300, True), (-301, False)])
def test_a_cursor_ends(keeper: CursorKeeper, age_s: int, good: bool) -> None:
    """After its time, and when it comes from the future by more than clocks differ."""
    text = keeper.seal(QUERY, OWNER, PLACE, NOW_S)
    if good:
        assert keeper.open(text, QUERY, OWNER, NOW_S + age_s) == PLACE
    else:
        with pytest.raises(CursorExpired):
            keeper.open(text, QUERY, OWNER, NOW_S + age_s)


def test_a_cursor_of_another_version_has_ended(keeper: CursorKeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was ours, but we no longer know what it means: start over."""
    with monkeypatch.context() as patched:
        patched.setattr(cursor_module, "VERSION", 2)
        text = keeper.seal(QUERY, OWNER, PLACE, NOW_S)
    with pytest.raises(CursorExpired, match="version"):
        keeper.open(text, QUERY, OWNER, NOW_S)


def test_every_changed_bit_is_noticed(keeper: CursorKeeper) -> None:
    """There is no part of a cursor that could be changed."""
    text = keeper.seal(QUERY, OWNER, PLACE, NOW_S)
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CursorForged):
            keeper.open(base64.urlsafe_b64encode(changed).rstrip(b"=").decode(), QUERY, OWNER, NOW_S)


def test_a_cursor_has_one_spelling(keeper: CursorKeeper) -> None:
    """Nothing else that decodes to the same bytes is taken."""
    for length in range(4):
        text = keeper.seal(QUERY, OWNER, Place(Key("A" * length, 1, 1), 1), NOW_S)
        for spelling in respelled(text):
            with pytest.raises(CursorForged):
                keeper.open(spelling, QUERY, OWNER, NOW_S)


def test_another_hubs_cursor_is_forged(keeper: CursorKeeper) -> None:
    """Its key is another."""
    text = CursorKeeper(bytes(32), TTL_S).seal(QUERY, OWNER, PLACE, NOW_S)
    with pytest.raises(CursorForged):
        keeper.open(text, QUERY, OWNER, NOW_S)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_a_cursor_or_a_cursor_error(text: str) -> None:
    """Nothing a client sends can do anything else."""
    with pytest.raises(CursorError):
        CursorKeeper(bytes(32), TTL_S).open(text, QUERY, OWNER, NOW_S)


def test_what_is_cut_short_is_forged(keeper: CursorKeeper) -> None:
    """At any place."""
    text = keeper.seal(QUERY, OWNER, PLACE, NOW_S)
    for length in range(len(text)):
        with pytest.raises(CursorForged):
            keeper.open(text[:length], QUERY, OWNER, NOW_S)


def test_impossible_keys_and_symbols_are_refused() -> None:
    """They would make cursors that cannot be opened."""
    with pytest.raises(ValueError, match="32 bytes"):
        CursorKeeper(b"short", TTL_S)
    with pytest.raises(ValueError, match="symbol"):
        CursorKeeper(bytes(32), TTL_S).seal(QUERY, OWNER, Place(Key("A" * 256, 1, 1), 1), NOW_S)
