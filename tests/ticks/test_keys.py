"""The key table names every field once and for all, and the page for readers shows it."""

import re

import pytest

from tests import checkout
from ticks import keys
from ticks.flags import NAMES
from ticks.keys import KEYS, LEADING, PLACES, UNITS, Key, remainder_key
from ticks.kinds import KINDS
from ticks.model import type_by_kind

PAGE = checkout.ROOT / "docs" / "wire.md"


def all_keys() -> dict[str, Key]:
    """Every key by `field (what it holds)`, whatever kinds have it."""
    return {f"{key.field} {key.holds}": key for row in KEYS.values() for key in row}


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_every_kind_has_its_keys(kind: int) -> None:
    """In the struct's order, and unlike each other within the kind."""
    assert [key.field for key in KEYS[kind]] == list(type_by_kind[kind].__struct_fields__)
    places = [place.short for place in PLACES if place.short], [place.long for place in PLACES if place.long]
    shorts = [key.short for key in KEYS[kind]] + places[0]
    shorts += [remainder_key(key.short) for key in KEYS[kind] if key.holds == keys.TIME]
    longs = [key.long for key in KEYS[kind]] + places[1]
    assert len(set(shorts)) == len(shorts)
    assert len(set(longs)) == len(longs)


def test_a_short_key_means_one_field_in_every_kind() -> None:
    """Across kinds too, a client may read `px` or `st` without looking at `op`."""
    fields: dict[str, set[str]] = {}
    for key in all_keys().values():
        fields.setdefault(key.short, set()).add(key.field)
        assert key.short.isalpha()
        assert key.short.islower()
        assert len(key.short) <= 4
    assert all(len(named) == 1 for named in fields.values())


def test_what_fields_hold_is_known_to_every_codec() -> None:
    """No word without a form, no form without a field."""
    assert {key.holds for key in all_keys().values()} == set(UNITS)


def test_leading_fields_exist() -> None:
    """What stands in front of `n` in rows is a field of the kind."""
    for kind, fields in LEADING.items():
        assert set(fields) <= set(type_by_kind[kind].__struct_fields__)


def test_remainders_have_keys_of_their_own() -> None:
    """`tn` belongs to `ts`, as native clients know it."""
    assert remainder_key("ts") == "tn"
    assert {remainder_key(key.short) for key in all_keys().values() if key.holds == keys.TIME} == {
        "tn", "stn", "rtn", "ctn", "utn", "ftn", "ttn",
    }  # fmt: skip


# -- docs/wire.md ----------------------------------------------------------------------------


def tables() -> list[list[list[str]]]:
    """The tables of the page: rows of cells, without heads and rules."""
    found: list[list[list[str]]] = []
    before = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("|"):
            if not before.startswith("|"):
                found.append([])
            found[-1].append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        before = line
    return [rows[2:] for rows in found]


def code(text: str) -> str:
    """A name as the page shows it; a dash for none."""
    return f"`{text}`" if text else "–"


def letters(key: Key) -> str:
    """The kinds that have a field, as the page lists them."""
    ops = [KINDS[kind].op for kind, row in KEYS.items() if key in row]
    return "all" if len(ops) == len(KINDS) else " ".join(ops)


def test_the_page_shows_every_field_with_its_keys() -> None:
    """docs/wire.md agrees with the table: field, short key, long key, what it holds, kinds."""
    shown = [row for table in tables() for row in table if len(row) == 5]
    expected = [
        [code(key.short if key.wire else ""), code(key.long), code(key.field), key.holds, letters(key)]
        for key in sorted(all_keys().values(), key=lambda key: (letters(key) != "all", key.long, key.holds))
    ]
    assert shown == expected


def test_the_page_shows_how_each_codec_writes_what_fields_hold() -> None:
    """The units of native JSON, native MessagePack and HTTP rows."""
    shown = [row for table in tables() for row in table if len(row) == 4]
    assert shown == [[holds, *forms] for holds, forms in UNITS.items()]


def test_the_page_shows_the_kinds_and_the_keys_that_are_no_fields() -> None:
    """`op`, channel and `kind` of every kind; place in the tape, and what a fold adds."""
    shown = [row for table in tables() for row in table if len(row) == 3]
    assert shown == [
        *([code(row.op), code(f"{row.channel}:"), code(row.report)] for row in KINDS.values()),
        *([code(place.short), code(place.long), place.meaning] for place in PLACES),
    ]


def test_the_page_shows_the_flags() -> None:
    """Every bit with its name."""
    shown = [row for table in tables() for row in table if len(row) == 2]
    assert shown[: len(NAMES)] == [[str(bit), code(name)] for bit, name in NAMES.items()]
