"""The numbers and names of the sessions agree."""

from ticks import sessions


def test_names_stand_at_their_numbers() -> None:
    """Stored numbers never move: each has the name it always had."""
    assert [sessions.OVERNIGHT, sessions.PRE, sessions.RTH, sessions.POST, sessions.CLOSED] == [0, 1, 2, 3, 4]
    assert sessions.NAMES == ("overnight", "pre", "rth", "post", "closed")
    assert all(sessions.NAMES[number] == name for name, number in sessions.NUMBERS.items())
    assert len(sessions.NUMBERS) == 5
