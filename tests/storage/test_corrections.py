"""What cancels and corrections say about earlier prints."""

from storage.contract import Row
from storage.corrections import REPLACED, WITHDRAWN, Correction, Corrections, as_known_at, correction_of
from tests.storage.making import DAY, NOON, VENUE, cancel, correct, quote, trade
from ticks.times import day_number

DAY_13 = day_number("2026-07-13")


def named(m: int = 5, upd: int = WITHDRAWN, **changes: object) -> Correction:
    """A correction of AAPL's print 1."""
    fields: dict[str, object] = {
        "lineup": "", "symbol": "AAPL", "day": DAY_13, "venue": VENUE, "trade_id": 1, "m": m, "upd": upd,
    } | changes  # fmt: skip
    return Correction(**fields)  # type: ignore[arg-type]  # of the right types above


def row(m: int = 2, **changes: int) -> Row:
    """AAPL's print 1."""
    return Row(trade(), 1, m, 1, "", **changes)


def test_a_cancel_withdraws_and_a_correction_replaces() -> None:
    """Each names the print by venue and id, on its own trading day."""
    assert correction_of(cancel("AAPL", NOON + 1, 1), "", 5) == named()
    assert correction_of(correct("AAPL", NOON + 1, 1, 2), "iex", 5) == named(upd=REPLACED, lineup="iex")


def test_other_ticks_and_missing_ids_say_nothing() -> None:
    """There is no print without an id to speak of."""
    assert correction_of(trade(), "", 5) is None
    assert correction_of(quote(), "", 5) is None
    assert correction_of(cancel("AAPL", NOON, 0), "", 5) is None
    assert correction_of(correct("AAPL", NOON, 0, 1), "", 5) is None


def test_the_first_to_speak_wins_whatever_the_order_they_are_given_in() -> None:
    """So the answer as of a mark never changes."""
    marked = Corrections([named(9), named(6, REPLACED)]).marked(row())
    assert (marked.upd, marked.upd_m) == (REPLACED, 6)
    assert Corrections([named(9)]).marked(row(upd=REPLACED, upd_m=6)).upd_m == 6
    assert Corrections([named(4)]).marked(row(upd=REPLACED, upd_m=6)).upd_m == 4


def test_only_the_named_print_is_marked() -> None:
    """Another symbol, venue, day, line-up or id, and what came later, are left alone."""
    for other in (
        named(symbol="B"), named(venue=1), named(day=DAY_13 - 1),
        named(lineup="iex"), named(trade_id=2), named(2),
    ):  # fmt: skip
        assert Corrections([other]).marked(row()) == row()
    quoted = Row(quote(), 1, 2, 1, "")
    assert Corrections([named()]).marked(quoted) is quoted


def test_a_print_of_another_day_is_not_the_one_named() -> None:
    """Ids begin anew each day."""
    yesterday = Row(trade(ts_event=NOON - DAY), 1, 2, 1, "")
    assert Corrections([named()]).marked(yesterday) == yesterday


def test_no_corrections_are_false() -> None:
    """So that nobody has to look at rows for nothing."""
    assert not Corrections([])
    assert Corrections([named()])


def test_what_was_not_known_yet_is_cleared() -> None:
    """At the very mark of the correction it is known."""
    corrected = row(upd=WITHDRAWN, upd_m=6)
    assert as_known_at(corrected, 5) == row()
    assert as_known_at(corrected, 6) is corrected
