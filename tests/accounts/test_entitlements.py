"""Grants and the decision for one channel."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.entitlements import Access, Entitlements, Grants, parse_grants
from ticks.errors import ChannelError

APPLE = ("", "t", "AAPL")


@pytest.mark.parametrize(
    ("grants", "channel", "included"),
    [
        (["*"], APPLE, True),
        (["*"], ("iex", "q", "MSFT"), True),
        (["@iex"], ("iex", "q", "MSFT"), True),
        (["@iex"], APPLE, False),
        (["t:*"], APPLE, True),
        (["t:*"], ("", "q", "AAPL"), False),
        (["t:*"], ("iex", "t", "AAPL"), False),
        (["t:*@iex"], ("iex", "t", "AAPL"), True),
        (["t:*@iex"], APPLE, False),
        (["t:AAPL"], APPLE, True),
        (["t:AAPL"], ("", "t", "AAPLW"), False),
        (["t:AAPL"], ("", "q", "AAPL"), False),
        (["t:AAPL"], ("iex", "t", "AAPL"), False),
        (["t:AAPL@iex"], ("iex", "t", "AAPL"), True),
        (["f:*"], ("", "f", "*"), True),
        (["q:MSFT", "t:AAPL"], APPLE, True),
        ([], APPLE, False),
    ],
)
def test_a_grant_covers_what_it_says_and_no_more(
    grants: list[str], channel: tuple[str, str, str], included: bool
) -> None:
    """Line-ups, kinds and symbols are all compared whole."""
    assert parse_grants(grants).include(*channel) is included


@pytest.mark.parametrize("text", ["", "t", "x:AAPL", "@", "@IEX", "t:AAPL!b", "t:", "**", "t:A B", "@iex "])
def test_what_is_no_grant_is_refused(text: str) -> None:
    """A grant that is misread could give away data; so none is guessed."""
    with pytest.raises(ChannelError):
        parse_grants([text])


def test_live_wins_over_delayed_and_nothing_is_the_default() -> None:
    """The most that was granted counts."""
    entitlements = Entitlements(live=parse_grants(["t:AAPL"]), delayed=parse_grants(["t:*"]))
    assert entitlements.access("", "t", "AAPL") is Access.LIVE
    assert entitlements.access("", "t", "MSFT") is Access.DELAYED
    assert entitlements.access("", "q", "AAPL") is Access.NONE
    assert Entitlements().access("", "t", "AAPL") is Access.NONE


def test_more_access_is_a_larger_value() -> None:
    """So that the access to several channels is the least of them."""
    assert Access.NONE < Access.DELAYED < Access.LIVE


CHANNELS = st.tuples(
    st.sampled_from(["", "iex"]), st.sampled_from(["t", "q"]), st.sampled_from(["AAPL", "MSFT", "A"])
)
GRANTS = st.sampled_from(
    ["*", "@iex", "t:*", "q:*", "t:*@iex", "t:AAPL", "q:MSFT", "t:AAPL@iex", "q:A@iex", "n:*"]
)


def covers(grant: str, lineup: str, kind: str, symbol: str) -> bool:
    """The notation read in the plainest way."""
    if grant in ("*", f"@{lineup}"):
        return True
    name = f"@{lineup}" if lineup else ""
    return grant in (f"{kind}:*{name}", f"{kind}:{symbol}{name}")


@settings(max_examples=300, deadline=None)
@given(st.lists(GRANTS, max_size=4), CHANNELS)
def test_a_list_of_grants_is_the_union_of_each(grants: list[str], channel: tuple[str, str, str]) -> None:
    """Compared with a plain reading of the notation."""
    assert parse_grants(grants).include(*channel) is any(covers(grant, *channel) for grant in grants)


def test_no_grants_include_nothing() -> None:
    """The empty value denies."""
    assert not Grants().include("", "t", "AAPL")
