"""Named lists of symbols: order, revisions, limits, and whose they are."""

import pytest

from alerts.changes import Changes
from alerts.errors import Conflict, Invalid, LimitReached, NotFound
from alerts.watchlists import Watchlists
from config.settings import AlertSettings
from tests.alerts.making import ANN, BOB


def lists(**settings: int) -> tuple[Watchlists, Changes]:
    """Empty lists, and where changes are noted."""
    return Watchlists(AlertSettings(**settings)), Changes()


def test_a_list_keeps_its_order_and_counts_its_revisions() -> None:
    """Symbols in the owner's order and canonical form; the same again changes nothing."""
    table, changes = lists()
    first = table.put(ANN, "tech", ["MSFT", "AAPL", "ABR.PRD"], 5, changes)
    assert (first.rev, first.symbols, first.updated_ns) == (1, ("MSFT", "AAPL", "ABR-D"), 5)
    assert table.put(ANN, "tech", ["MSFT", "AAPL", "ABR-D"], 6, changes) == first
    assert table.put(ANN, "tech", [], 7, changes).rev == 2
    assert changes.watchlists == {(ANN, "tech"): table.get(ANN, "tech")}


def test_lists_of_others_do_not_exist() -> None:
    """Neither to read nor to delete, and a name can be used by everybody."""
    table, changes = lists()
    table.put(ANN, "tech", ["AAPL"], 5, changes)
    for act in (lambda: table.get(BOB, "tech"), lambda: table.delete(BOB, "tech", changes)):
        with pytest.raises(NotFound):
            act()
    assert table.list(BOB) == []
    assert table.put(BOB, "tech", ["IBM"], 5, changes).rev == 1
    assert table.get(ANN, "tech").symbols == ("AAPL",)


def test_a_deleted_list_is_gone_and_noted() -> None:
    """A new one of the name begins with revision 1."""
    table, changes = lists()
    table.put(ANN, "b", ["AAPL"], 5, changes)
    table.put(ANN, "a", ["AAPL"], 5, changes)
    assert [one.name for one in table.list(ANN)] == ["a", "b"]
    table.delete(ANN, "b", changes)
    assert changes.watchlists[ANN, "b"] is None
    table.delete(ANN, "a", changes)
    assert table.list(ANN) == []
    assert table.put(ANN, "b", ["IBM"], 5, changes).rev == 1


def test_a_revision_that_was_named_must_be_there() -> None:
    """0 names a list that is not there yet."""
    table, changes = lists()
    with pytest.raises(Conflict) as caught:
        table.put(ANN, "a", ["IBM"], 5, changes, if_rev=1)
    assert caught.value.rev == 0
    table.put(ANN, "a", ["IBM"], 5, changes, if_rev=0)
    with pytest.raises(Conflict):
        table.put(ANN, "a", [], 5, changes, if_rev=0)
    assert table.put(ANN, "a", [], 5, changes, if_rev=1).rev == 2


@pytest.mark.parametrize(
    ("name", "symbols", "kind", "pointer"),
    [
        ("", [], "bad_value", "/name"),
        ("a" * 65, [], "bad_value", "/name"),
        (" a", [], "bad_value", "/name"),
        ("a\nb", [], "bad_value", "/name"),
        ("\u202eabc", [], "bad_value", "/name"),
        ("\ud800", [], "bad_value", "/name"),
        (5, [], "bad_value", "/name"),
        ("a", "AAPL", "bad_value", "/symbols"),
        ("a", ["AAPL", "aapl"], "unknown_symbol", "/symbols/1"),
        ("a", [5], "unknown_symbol", "/symbols/0"),
        ("a", ["AAPL", "AAPL"], "bad_value", "/symbols"),
        ("a", ["A", "B", "C", "D"], "too_many", "/symbols"),
    ],
    ids=repr,
)
def test_what_is_no_list_is_refused(name: object, symbols: object, kind: str, pointer: str) -> None:
    """With kind and place, and nothing is kept."""
    table, changes = lists(watchlist_symbols_max=3)
    with pytest.raises(Invalid) as caught:
        table.put(ANN, name, symbols, 5, changes)
    assert (caught.value.kind, caught.value.pointer) == (kind, pointer)
    assert table.list(ANN) == []
    assert not changes.watchlists


def test_the_number_of_lists_is_bounded() -> None:
    """For each owner; those that are there can still be changed."""
    table, changes = lists(watchlists_per_user_max=1)
    table.put(ANN, "a", [], 5, changes)
    table.put(BOB, "a", [], 5, changes)
    table.put(ANN, "a", ["IBM"], 5, changes)
    with pytest.raises(LimitReached) as caught:
        table.put(ANN, "b", [], 5, changes)
    assert (caught.value.limit, caught.value.used) == (1, 1)


def test_lists_are_taken_over_from_before() -> None:
    """What was written down is there again."""
    table, changes = lists()
    kept = table.put(ANN, "a", ["IBM"], 5, changes)
    assert Watchlists(AlertSettings(), [kept]).get(ANN, "a") == kept
