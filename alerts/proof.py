"""The proof that goes with a ring: everything needed to see why, without asking the tape.

    {"conditions":[{"feature":"last","op":">=","level":"192.30","value":192.31}],
     "tick":{…},"before":{…},"quote":{…}}

`tick` is the one that rang, `before` the one before it that gave the same feature a value in the
rule's sessions (for `double_last`, the first of the two), `quote` the newest quote of any
session. Each is a row as `/v1` answers it, with `n`, `m`, `e` and `channel`; null when the hub
has not seen one since its start. `value` is the newest value when it rang; null when unknown.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from alerts.model import FEATURES, Condition
from ticks.codec import row_json
from ticks.decimals import format_price
from ticks.model import Tick


class Sighting(Struct, frozen=True):
    """A tick and its place on the tape."""

    tick: Tick
    n: int
    m: int
    epoch: int


def proof_json(
    conditions: Sequence[Condition],
    values: Sequence[int | None],
    lineup: str,
    tick: Sighting,
    before: Sighting | None,
    quote: Sighting | None,
) -> Raw:
    """The proof as JSON; `values` are those of `FEATURES`, in their order."""
    members = {
        "conditions": [
            {
                "feature": condition.feature,
                "op": condition.op,
                "level": condition.level_text,
                "value": _price(values[FEATURES.index(condition.feature)]),
            }
            for condition in conditions
        ],
        "tick": _row(tick, lineup),
        "before": _row(before, lineup),
        "quote": _row(quote, lineup),
    }
    return Raw(msgspec.json.encode(members))


def _row(sighting: Sighting | None, lineup: str) -> Raw | None:
    if sighting is None:
        return None
    return Raw(row_json(sighting.tick, sighting.n, sighting.m, sighting.epoch, lineup))


def _price(value: int | None) -> Raw | None:
    return None if value is None else Raw(format_price(value).encode())
