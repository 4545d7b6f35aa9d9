"""Orphans: withdrawals that came before their print."""

import pytest
from msgspec import structs

from tape.bar_orphans import ORPHANS_MAX, Orphans, corrected, withdrawn_key
from tests.tape.bar_making import TEN, cancel, correct, seconds, trade
from ticks.model import Trade

BAD = trade(0, 10, trade_id=1)
FIXED = trade(0, 12, 50, "@I", trade_id=2)


def orphans(*ticks: object) -> Orphans:
    """With these withdrawals waiting."""
    found = Orphans()
    for tick in ticks:
        found.add(tick)  # type: ignore[arg-type]
    return found


def test_a_print_that_nobody_withdrew_is_left_as_it_is() -> None:
    """Also when another print of its symbol is waited for."""
    other = trade(0, 10, trade_id=3)
    assert orphans().meet(BAD) == (BAD, 0)
    assert orphans(cancel(other, 1)).meet(BAD) == (BAD, 0)


def test_a_cancelled_print_is_gone_once() -> None:
    """The cancel is used up; an equal print after it stands."""
    waiting = orphans(cancel(BAD, 1))
    assert waiting.meet(BAD) == (None, 1)
    assert waiting.meet(BAD) == (BAD, 0)
    assert (len(waiting), dict(waiting.symbols)) == (0, {})


def test_a_corrected_print_keeps_its_time_and_flags() -> None:
    """Price, size, id and conditions are the correction's."""
    original = structs.replace(BAD, flags=4)
    left, met = orphans(correct(BAD, FIXED, 9)).meet(original)
    assert met == 1
    assert isinstance(left, Trade)
    assert (left.price, left.size, left.trade_id, left.conds, left.elig) == (
        FIXED.price, FIXED.size, FIXED.trade_id, FIXED.conds, FIXED.elig,
    )  # fmt: skip
    assert (left.ts_event, left.flags, left.venue) == (BAD.ts_event, 4, BAD.venue)


def test_withdrawals_of_what_a_correction_left_are_met_too() -> None:
    """A chain of corrections, cancelled at its end."""
    last = trade(0, 13, trade_id=3)
    assert orphans(correct(FIXED, last, 2), cancel(last, 3), correct(BAD, FIXED, 1)).meet(BAD) == (None, 3)


@pytest.mark.parametrize(
    "change", [{"symbol": "SPY"}, {"venue": 1}, {"trade_id": 9}, {"price": 1}, {"size": 1}]
)
def test_a_withdrawal_fits_only_the_print_it_names(change: dict[str, object]) -> None:
    """Symbol, venue, id, price and size."""
    other: Trade = structs.replace(BAD, **change)
    assert orphans(cancel(BAD, 1)).meet(other) == (other, 0)


def test_a_withdrawal_told_twice_waits_once() -> None:
    """A vendor repeats itself after a reconnect."""
    waiting = orphans(cancel(BAD, 1), cancel(BAD, 2))
    assert len(waiting) == waiting.symbols["AAPL"] == 1


def test_waiting_ends_after_a_while() -> None:
    """So that a print of the same id is not taken out much later."""
    waiting = orphans(cancel(BAD, 5), cancel(FIXED, 6))
    waiting.forget(TEN + seconds(6))
    assert waiting.meet(BAD) == (BAD, 0)
    assert waiting.meet(FIXED) == (None, 1)


def test_with_no_room_left_the_oldest_is_forgotten() -> None:
    """One more than there is room for."""
    bad = [trade(0, 10, trade_id=number + 1) for number in range(ORPHANS_MAX + 1)]
    waiting = orphans(*(cancel(one, 1) for one in bad))
    assert len(waiting) == ORPHANS_MAX
    assert waiting.meet(bad[0]) == (bad[0], 0)
    assert waiting.meet(bad[1]) == (None, 1)


def test_a_correction_names_the_old_print_and_a_cancel_its_own() -> None:
    """The same print, so the same name."""
    assert withdrawn_key(correct(BAD, FIXED, 1)) == withdrawn_key(cancel(BAD, 1))
    assert withdrawn_key(cancel(corrected(correct(BAD, FIXED, 1), 0, 0), 1)) == withdrawn_key(
        cancel(FIXED, 1)
    )
