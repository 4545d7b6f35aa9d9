"""The model itself; what it shares with the other stores is in `tests.contract.test_store`."""

from storage.contract import Checkpoint, ScanQuery
from storage.memory import MemoryStore
from tests.storage.making import NOON, batch, cancel, trade


def test_batches_of_one_call_may_come_in_any_order() -> None:
    """A correction may be seen before what it corrects."""
    store = MemoryStore()
    store.write([batch([cancel("A", NOON + 1, 1)], 2), batch([trade("A", NOON, 1)], 1)], 2)
    assert [row.upd for row in store.scan(ScanQuery("trades", 2)).rows] == [1, 0]
    assert store.checkpoint() == Checkpoint(2, NOON + 1 + 1_000)


def test_two_models_share_nothing() -> None:
    """Each is a store of its own."""
    one, other = MemoryStore(), MemoryStore()
    one.write([batch([trade()])], 1)
    assert other.stored_m() == 0
    one.close()
