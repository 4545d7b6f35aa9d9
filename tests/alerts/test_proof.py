"""The proof that goes with a ring."""

import json
from decimal import Decimal

from alerts.proof import Sighting, proof_json
from tests.alerts.making import UNIT, condition, quote, trade


def test_a_proof_shows_conditions_tick_the_one_before_and_the_quote() -> None:
    """Prices are exact; each tick comes with its place on the tape."""
    proof = json.loads(
        bytes(
            proof_json(
                [condition(level=100), condition("<=", 101.5, "ask")],
                [100 * UNIT + 1, None, 101 * UNIT, None],
                "iex",
                Sighting(trade(100), 5, 17, 2),
                Sighting(trade(99.5), 4, 16, 1),
                Sighting(quote(99, 101), 8, 15, 1),
            )
        ),
        parse_float=Decimal,
    )
    assert [one["value"] for one in proof["conditions"]] == [Decimal("100.000000001"), 101]
    assert proof["conditions"][1]["level"] == "101.5"
    assert (proof["tick"]["price"], proof["before"]["price"]) == (100, Decimal("99.5"))
    assert [proof[name]["m"] for name in ("tick", "before", "quote")] == [17, 16, 15]
    assert [proof[name]["n"] for name in ("tick", "before", "quote")] == [5, 4, 8]
    assert [proof[name]["e"] for name in ("tick", "before", "quote")] == [2, 1, 1]
    assert proof["tick"]["channel"] == "t:AAPL@iex"


def test_what_was_not_seen_is_null() -> None:
    """The first tick after a start has none before it."""
    proof = json.loads(
        bytes(proof_json([condition()], [None] * 4, "", Sighting(trade(100), 1, 1, 1), None, None))
    )
    assert proof["before"] is None
    assert proof["quote"] is None
    assert proof["conditions"][0]["value"] is None
