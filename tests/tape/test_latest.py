"""The newest tick of each channel."""

from hypothesis import given
from hypothesis import strategies as st

from tape.batch import Batch
from tape.latest import Latest, LatestTable
from tests.tape.making import quote, trade
from ticks.model import Tick, TradeCancel


@given(st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=5), max_size=20))
def test_latest_is_the_last_one_of_each_channel(made: list[list[int]]) -> None:
    """With its number, mark and epoch, whatever order channels appear in."""
    table, model, m = LatestTable(), dict[int, Latest](), 1
    for ids in made:
        ticks: list[Tick] = [quote(m + i) for i in range(len(ids))]
        table.update(Batch(m % 3, "", m, ids, [m + i for i in range(len(ids))], ticks))
        for i, channel_id in enumerate(ids):
            model[channel_id] = Latest(ticks[i], m + i, m + i, m % 3)
        m += len(ids)
    assert {i: table.get(i) for i in range(30)} == {i: model.get(i) for i in range(30)}


def test_a_cancel_is_not_the_newest_state() -> None:
    """It takes something back; what it leaves is decided elsewhere."""
    table, first = LatestTable(), trade(1)
    cancel = TradeCancel(3, 86, "AAPL", 2, 0, 2, 2, 0, 10**9, 10**6, 1, 65, "C")
    table.update(Batch(1, "", 1, [0, 0, 1], [1, 2, 1], [first, cancel, cancel]))
    assert table.get(0) == Latest(first, 1, 1, 1)
    assert table.get(1) is None
