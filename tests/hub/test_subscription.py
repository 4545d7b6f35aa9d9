"""One sub: which channel ids it takes, also of channels that appear later."""

from hub.channel_table import ChannelTable
from hub.subscription import Subscription


class Outlet:
    """A connection, as far as a subscription needs one."""

    def __init__(self) -> None:
        self.outbox: list[bytes] = []
        self.stalled = False


def made(*channels: str) -> Subscription:
    """A raw subscription to these channels."""
    subscription = Subscription(Outlet(), 1, "", rate=0.0, packed=False)
    subscription.channels = dict.fromkeys(channels)
    return subscription


def table(names: list[str | None]) -> ChannelTable:
    """A table of channels."""
    return ChannelTable(names, lambda name: names.index(name) if name in names else None)


def test_ids_are_found_for_channels_that_exist() -> None:
    """One that has had no tick has no id."""
    subscription = made("t:A", "t:LATER")
    subscription.resolve(table(["t:X", "t:A"]))
    assert subscription.ids == {1: "t:A"}


def test_channel_that_appears_later_is_found_then() -> None:
    """Only what is new in the table is looked at."""
    names: list[str | None] = ["t:X", "t:A"]
    subscription = made("t:A", "t:LATER")
    subscription.resolve(table(names))
    names += [None, "t:OTHER", "t:LATER"]
    subscription.resolve(table(names))
    assert subscription.ids == {1: "t:A", 4: "t:LATER"}
    assert subscription.resolved == 5


def test_dropped_channels_are_forgotten() -> None:
    """By name and by id; one that is not there is no error."""
    subscription = made("t:A", "t:B")
    subscription.resolve(table(["t:A", "t:B"]))
    subscription.drop(["t:A", "t:NONE"])
    assert (list(subscription.channels), subscription.ids) == (["t:B"], {1: "t:B"})


def test_new_subscription_is_neither_live_nor_settled() -> None:
    """No mark may speak for it before its client has something."""
    subscription = made("t:A")
    assert (subscription.live, subscription.settled) == (False, False)
