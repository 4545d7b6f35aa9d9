"""Which decisions are told."""

from accounts.audit import REPEAT_NS, AuditFilter
from accounts.entitlements import Access
from accounts.principal import Principal

ANN = Principal("t1", "ann")
Told = list[tuple[int, Principal, str, str, str, Access]]


def noted(
    *steps: tuple[int, Principal, str, Access], remembered_max: int = 100
) -> list[tuple[int, str, str]]:
    """(time, user, symbol) of each decision told after noting the steps."""
    told: list[tuple[int, str, str]] = []
    audit = AuditFilter(
        lambda now, who, _l, _k, symbol, _d: told.append((now, who.user, symbol)), remembered_max
    )
    for now_ns, who, symbol, decision in steps:
        audit.note(now_ns, who, "", "t", symbol, decision)
    return told


def test_a_decision_is_told_once_a_day() -> None:
    """The same decision again is no news until a day later."""
    steps = [(time, ANN, "AAPL", Access.LIVE) for time in (1, 2, REPEAT_NS, REPEAT_NS + 1, REPEAT_NS + 2)]
    assert noted(*steps) == [(1, "ann", "AAPL"), (REPEAT_NS + 1, "ann", "AAPL")]


def test_a_changed_decision_is_told_at_once() -> None:
    """Also when it changes back."""
    decisions = [Access.LIVE, Access.NONE, Access.NONE, Access.LIVE]
    assert [time for time, _, _ in noted(*((i, ANN, "A", d) for i, d in enumerate(decisions)))] == [0, 1, 3]


def test_users_of_the_same_name_in_two_tenants_are_two() -> None:
    """The tenant belongs to the key."""
    other = Principal("t2", "ann")
    assert len(noted((1, ANN, "A", Access.LIVE), (1, other, "A", Access.LIVE))) == 2


def test_what_was_forgotten_is_told_again_and_the_oldest_is_forgotten_first() -> None:
    """Memory is bounded, and the bound never hides a decision."""
    symbols = ["A", "B", "C", "A", "C"]
    steps = [(time, ANN, symbol, Access.LIVE) for time, symbol in enumerate(symbols)]
    assert [symbol for _, _, symbol in noted(*steps, remembered_max=2)] == ["A", "B", "C", "A"]


def test_all_that_was_decided_is_told() -> None:
    """The hook gets time, principal, line-up, kind, symbol and decision, in this order."""
    told: Told = []
    audit = AuditFilter(lambda *line: told.append(line))
    audit.note(5, ANN, "iex", "q", "MSFT", Access.DELAYED)
    assert told == [(5, ANN, "iex", "q", "MSFT", Access.DELAYED)]
