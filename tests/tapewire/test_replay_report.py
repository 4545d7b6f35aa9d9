"""The line that a replay ends with."""

from collections.abc import Iterator
from typing import cast

from tape.reader import Damage, Span, TapeReader
from tapewire.replay_report import differences, ranges_of, report
from tapewire.totals import KINDS_MAX, Totals
from ticks.kinds import DEPTH, QUOTE, TRADE


class Spans:
    """A reader that knows spans only."""

    def __init__(self, *spans: Span | Damage) -> None:
        self._spans = spans

    def spans(self, after_m: int, up_to_m: int) -> Iterator[Span | Damage]:
        yield from self._spans

    def close(self) -> None:
        pass


def totals(first_m: int, **counts: int) -> Totals:
    """Totals with some kinds counted."""
    published = [0] * KINDS_MAX
    for name, count in counts.items():
        published[{"trade": TRADE, "quote": QUOTE, "depth": DEPTH}[name]] = count
    return Totals(first_m, published)


def test_neighbouring_spans_of_a_recording_become_one_range() -> None:
    """Spans of others, and of the hub itself, cut the range in two."""
    reader = Spans(Span(1, 5, "a"), Span(6, 9, "a"), Span(10, 11, ""), Span(12, 20, "a"), Span(21, 22, "b"))
    assert ranges_of(cast(TapeReader, reader), {"a"}, 1, 22) == [(1, 9), (12, 20)]


def test_what_the_tape_retired_counts_as_the_recordings() -> None:
    """Nobody can tell any more whose it was; what was damaged is not counted as stored."""
    reader = Spans(Damage(1, 9, "retention"), Span(10, 12, "a"), Damage(13, 14, "disk"))
    assert ranges_of(cast(TapeReader, reader), {"a"}, 1, 14) == [(1, 12)]


def test_a_recording_without_ticks_has_no_range() -> None:
    """Nothing was published, so nothing can be stored."""
    assert ranges_of(cast(TapeReader, Spans()), {"a"}, 0, 10) == []


def test_the_report_sums_recordings() -> None:
    """Counts add up; the first mark is the smallest; letters are in order."""
    line = report({"T": 1, "Q": 2}, [totals(9, trade=1), totals(3, quote=2), Totals()], {}, 5, 12, 0, 1.23456)
    assert list(line["decoded"]) == ["Q", "T"]
    assert line["published"] == {"trade": 1, "quote": 2}
    assert (line["first_m"], line["last_m"], line["seconds"]) == (3, 12, 1.235)


def test_kinds_always_come_in_the_same_order() -> None:
    """The line does not depend on which recording, or which kind, came first."""
    line = report(
        {}, [totals(1, depth=1), totals(9, quote=2), totals(3, trade=1)], {"quote": 2, "trade": 1}, 1, 9, 0, 1
    )
    assert list(line["published"]) == ["trade", "quote", "depth"]
    assert list(line["stored"]) == ["trade", "quote"]


def test_a_kind_stored_otherwise_than_published_is_a_difference() -> None:
    """More is as wrong as less; kinds that are only journalled do not count."""
    line = report(
        {}, [totals(1, trade=2, quote=1, depth=7)], {"trade": 1, "quote": 1, "status": 1}, 1, 9, 0, 0
    )
    assert differences(line) == {"trade": (2, 1), "status": (0, 1)}
