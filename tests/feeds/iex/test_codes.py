"""The exchange's codes in our words."""

from feeds.iex.codes import QUOTE_CONDITIONS, SALE_CONDITIONS, STATES


def test_sale_flags_become_letters_in_order() -> None:
    """Each flag is one letter, and several keep the order F T I 8 X; reserved bits say nothing."""
    assert SALE_CONDITIONS[0x00] == ""
    assert SALE_CONDITIONS[0x80] == "F"
    assert SALE_CONDITIONS[0x40] == "T"
    assert SALE_CONDITIONS[0x20] == "I"
    assert SALE_CONDITIONS[0x10] == "8"
    assert SALE_CONDITIONS[0x08] == "X"
    assert SALE_CONDITIONS[0xFF] == "FTI8X"
    assert SALE_CONDITIONS[0x07] == ""


def test_quote_flags_become_letters() -> None:
    """H is halted or unavailable, T is outside the regular session."""
    assert [QUOTE_CONDITIONS[flags] for flags in (0x00, 0x40, 0x80, 0xC0, 0x3F)] == ["", "T", "H", "HT", ""]


def test_our_words_are_distinct_within_a_state() -> None:
    """Two codes of one message never become the same word."""
    for what, words in STATES.values():
        assert len(set(words.values())) == len(words), what
