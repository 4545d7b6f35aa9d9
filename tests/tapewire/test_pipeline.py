"""What happens to a batch behind the tape."""

from tape.batch import Batch
from tapewire.pipeline import Pipeline
from ticks.model import Quote, Trade


def test_batches_and_ticks_are_counted_by_kind() -> None:
    """Every tick of every batch, under the kind's key in reports."""
    trade = Trade(3, 86, "A", 1, 0, 1, 0, 0, 1, 1, 1, 0, "", 0)
    quote = Quote(3, 0, "A", 1, 0, 1, 0, 0, 1, 1, 2, 1, 86, 86, "", 0)
    pipeline = Pipeline()
    pipeline.on_batch(Batch(1, "", 1, [0, 1, 1], [1, 1, 2], [trade, quote, quote]))
    pipeline.on_batch(Batch(1, "", 4, [0], [2], [trade]))
    published = pipeline.published()
    assert (published["trade"], published["quote"], published["status"]) == (2, 2, 0)
    assert pipeline.batches == 2


def test_every_batch_is_handed_on_in_order() -> None:
    """To each listener in turn, before the next batch."""
    trade = Trade(3, 86, "A", 1, 0, 1, 0, 0, 1, 1, 1, 0, "", 0)
    batches = [Batch(1, "", m, [0], [m], [trade]) for m in (1, 2)]
    pipeline = Pipeline()
    seen: list[tuple[str, Batch]] = []
    pipeline.then.append(lambda batch: seen.append(("first", batch)))
    pipeline.then.append(lambda batch: seen.append(("second", batch)))
    for batch in batches:
        pipeline.on_batch(batch)
    assert seen == [(name, batch) for batch in batches for name in ("first", "second")]
