"""The tables of errors and close codes: no two alike, and ranges that mean what they say."""

import ast
from pathlib import Path

import pytest

from hub import codes
from tests import checkout

SOURCES = [
    *(path for path in sorted((checkout.ROOT / "hub").glob("*.py")) if path.name != "codes.py"),
    checkout.ROOT / "tapewire" / "alert_stream.py",  # the desk, which answers for the hub
]


def used(path: Path) -> set[str]:
    """Names of `codes` that a module refers to."""
    tree = ast.parse(path.read_text())
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return names | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def test_words_and_numbers_name_one_error_each() -> None:
    """Neither a word nor a number stands for two errors."""
    assert len({code.word for code in codes.ERRORS}) == len(codes.ERRORS)
    assert len({code.number for code in codes.ERRORS}) == len(codes.ERRORS)
    assert len({code.number for code in codes.CLOSES}) == len(codes.CLOSES)


def test_tables_hold_every_code_in_order() -> None:
    """No code is defined beside the tables, and the tables are sorted by number."""
    defined = [value for value in vars(codes).values() if isinstance(value, codes.ErrorCode)]
    closes = [value for value in vars(codes).values() if isinstance(value, codes.CloseCode)]
    assert sorted(defined, key=lambda code: code.number) == list(codes.ERRORS)
    assert sorted(closes, key=lambda code: code.number) == list(codes.CLOSES)


def test_classes_are_those_an_app_knows() -> None:
    """An app decides by the class alone, so there are only these."""
    assert {code.error_class for code in codes.ERRORS} <= {"fix", "auth", "plan", "wait", "gone", "hub"}


@pytest.mark.parametrize("close", codes.CLOSES, ids=lambda close: close.word)
def test_range_of_a_close_code_tells_whether_to_come_back(close: codes.CloseCode) -> None:
    """4000–4499 and our own fault: come back; everything else: not unchanged."""
    assert close.come_back == (close.number in range(4000, 4500) or close.number == 1011)
    assert close.number < 1016 or close.number >= 4000


def test_every_code_is_used() -> None:
    """A code that nothing sends would be a promise without a keeper."""
    everything = set().union(*(used(path) for path in SOURCES))
    names = {
        name for name, value in vars(codes).items() if isinstance(value, codes.ErrorCode | codes.CloseCode)
    }
    assert names <= everything, f"nothing sends {names - everything}"
