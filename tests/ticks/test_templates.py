"""The written functions take ticks as arguments only, and write the keys in the documented order."""

import pytest

from ticks import kinds, templates
from ticks.keys import KEYS
from ticks.kinds import KINDS
from ticks.model import Band

NAMES = {
    "price": lambda price: f"<price {price}>",
    "source": lambda source: f"<source {source}>",
    "source_name": str,
    "letter": chr,
    "free_text": repr,
    "flags": lambda bits: f"<flags {bits}>",
    "exact": str,
    "second": lambda second: f"<second {second}>",
    "ABSENT_PRICE": 2**63 - 1,
}
BAND = Band(3, 0, "AAPL", 1_000_000_007, 0, 5, 0, 0, 324, 265, "B")


def test_a_function_writes_values_by_the_names_it_was_given() -> None:
    """Constants come from the table, values from the tick, forms from the caller."""
    assert templates.short_json(kinds.BAND, NAMES)(BAND, '"s:AAPL"', 4, ',"k":2') == (
        '{"op":"l","c":"s:AAPL","n":4,"k":2,"ts":1000000,"tn":7,"src":<source 3>,'
        '"up":<price 324>,"dn":<price 265>,"ind":\'B\'}'
    )
    assert templates.short_map(kinds.BAND, NAMES)(BAND, {"op": "l"}) == {
        "op": "l", "ts": 1_000_000, "tn": 7, "src": "3", "up": 324, "dn": 265, "ind": "B",
    }  # fmt: skip
    assert templates.long_json(kinds.BAND, NAMES)(BAND, '"AAPL"', '"s:AAPL"', 4, 5, 6) == (
        '{"symbol":"AAPL","ts_event":"<second 1>000000007Z","n":4,"m":5,"e":6,'
        '"channel":"s:AAPL","kind":"band",'
        '"source":<source 3>,"venue":\x00,"ts_send":null,"ts_recv":"<second 0>000000005Z","src_seq":null,'
        '"flags":<flags 0>,"upper":<price 324>,"lower":<price 265>,"indicator":\'B\'}'
    )


def test_a_tick_cannot_become_part_of_a_function() -> None:
    """What looks like source text in a field is only a value."""
    band = Band(3, 0, '{evil}"""', 1, 0, 5, 0, 0, 1, 2, '""" + evil + f"""{evil}')
    assert "evil" in templates.short_json(kinds.BAND, NAMES)(band, '"c"', 1, "")


@pytest.mark.parametrize("kind", KINDS)
def test_leading_keys_and_others_make_up_the_kind(kind: int) -> None:
    """No field is lost or written twice; the symbol has a place of its own."""
    leading, others = templates.row_keys(kind)
    assert leading[0].field == "ts_event"
    assert sorted(key.field for key in (*leading, *others)) == sorted(
        key.field for key in KEYS[kind] if key.field != "symbol"
    )
    assert {key.field for key in templates.wire_keys(kind)} == {key.field for key in KEYS[kind] if key.wire}
