"""The hub's view of the tape's channels: keys for stars, and names by key."""

from hub.channel_table import ChannelTable

NAMES: list[str | None] = ["t:AAPL", "q:AAPL", None, "t:MSFT@iex", "t:AAPL!b", "t:SPY"]


def table(names: list[str | None]) -> ChannelTable:
    """A table that has looked at all names."""
    made = ChannelTable(names, lambda name: names.index(name) if name in names else None)
    made.learn()
    return made


def test_channels_are_grouped_by_kind_and_lineup() -> None:
    """Back-filled and damaged channels belong to no star."""
    made = table(list(NAMES))
    assert made.keys == [("t", ""), ("q", ""), None, ("t", "iex"), None, ("t", "")]
    assert list(made.member_names(("t", ""))) == ["t:AAPL", "t:SPY"]
    assert list(made.members(("t", "iex"))) == [3]


def test_new_channels_are_learned_when_they_appear() -> None:
    """The tape's list grows; looking again costs only what is new."""
    names = list(NAMES)
    made = table(names)
    names.append("q:SPY")
    assert list(made.member_names(("q", ""))) == ["q:AAPL"]
    made.learn()
    made.learn()
    assert list(made.member_names(("q", ""))) == ["q:AAPL", "q:SPY"]
    assert len(made.keys) == len(names)


def test_channels_that_appear_during_iteration_come_too() -> None:
    """A snapshot that takes a while includes them."""
    names = list(NAMES)
    made = table(names)
    members = made.member_names(("q", ""))
    assert next(members) == "q:AAPL"
    names.append("q:SPY")
    made.learn()
    assert list(members) == ["q:SPY"]


def test_asking_for_what_does_not_exist_remembers_nothing() -> None:
    """A client can ask for any line-up; that must not make the table grow."""
    made = table(list(NAMES))
    for number in range(100):
        assert list(made.members(("t", f"made-up-{number}"))) == []
        assert not made.has_members(("t", f"made-up-{number}"))
    assert len(made._members) == 3


def test_channels_of_a_key_share_one_key() -> None:
    """Ten thousand symbols don't need ten thousand tuples."""
    made = table(list(NAMES))
    assert made.keys[0] is made.keys[5]


def test_channels_of_feed_events_are_told_apart() -> None:
    """They say something about the tape itself."""
    assert table([*NAMES, "f:*", "f:*@iex"]).feed_ids == {6, 7}
