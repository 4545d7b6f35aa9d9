"""The table of what becomes of each vendor message."""

import pytest

from feeds.iex.messages import LEAST_BYTES, decode_message
from feeds.iex.reference import ReferenceData
from feeds.message_kinds import BY_TYPE, TABLE, markdown
from tests import checkout
from tests.feeds.iex.test_messages import ONE_OF_EACH
from ticks.kinds import KINDS

IEX_TYPES = "S D H I O P E Q 8 5 T B X A a M R L C".split()  # noqa: SIM905
ALPACA_TYPES = "t q b d u c x s l i n o p success error subscription".split()  # noqa: SIM905


def test_every_documented_type_of_message_is_in_the_table_once() -> None:
    """Those of IEX's TOPS, DEEP and DEEP+, and those of Alpaca's stock, crypto, option and news streams."""
    listed = [(row.vendor, row.type) for row in TABLE]
    documented = [("iex", type_) for type_ in IEX_TYPES] + [("alpaca", type_) for type_ in ALPACA_TYPES]
    assert listed == documented
    assert len(BY_TYPE) == len(TABLE)


@pytest.mark.parametrize("type_", sorted(LEAST_BYTES))
def test_the_iex_decoder_does_what_the_table_says(type_: str) -> None:
    """Each message becomes the stated kind of tick, or reference data where it says none."""
    row = BY_TYPE["iex", type_]
    made = decode_message(ONE_OF_EACH[type_])
    if row.kind is None:
        assert isinstance(made, ReferenceData)
    else:
        assert not isinstance(made, ReferenceData)
        assert made.kind == row.kind


def test_types_that_the_iex_decoder_lacks_become_no_tick() -> None:
    """What the table calls undecoded is undecoded."""
    undecoded = {row.type for row in TABLE if row.vendor == "iex"} - set(LEAST_BYTES)
    assert undecoded == set("aMRLC")
    assert all(BY_TYPE["iex", type_].kind is None for type_ in undecoded)


def test_channel_key_and_store_follow_from_the_kind() -> None:
    """One row of the kind table decides; what becomes no tick says what becomes of it."""
    for row in TABLE:
        if row.kind is None:
            assert (row.channel, row.report, row.stored) == ("", "", False)
            assert row.note
        else:
            kind = KINDS[row.kind]
            assert (row.channel, row.report, row.stored) == (
                kind.channel,
                kind.report,
                kind.family is not None,
            )


@pytest.mark.parametrize("vendor", ["iex", "alpaca"])
def test_the_document_shows_the_table(vendor: str) -> None:
    """`docs/feeds.md` holds the rows as they are; print `markdown(vendor)` into it after a change."""
    assert markdown(vendor) in (checkout.ROOT / "docs" / "feeds.md").read_text()
