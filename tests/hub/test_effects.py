"""What follows from a message, as values."""

from hub.codes import RATE
from hub.effects import Answer, Subscribe, error_message


def test_error_message_tells_word_number_class_and_meaning() -> None:
    """`op` comes first; an id and a hint are there when there are any."""
    message = error_message(RATE, "slow down", 3)
    assert list(message) == ["op", "id", "code", "no", "class", "msg", "hint"]
    assert (message["op"], message["id"], message["code"], message["no"], message["class"]) == (
        "err", 3, "RATE", 429, "wait",
    )  # fmt: skip


def test_error_message_without_id_and_hint_leaves_them_out() -> None:
    """Nothing is said about what is not known; id 0 is an id."""
    assert "id" not in error_message(RATE, "")
    assert "hint" not in error_message(RATE, "")
    assert error_message(RATE, "", 0)["id"] == 0


def test_effects_compare_by_value() -> None:
    """Tests and tables can compare lists of effects."""
    assert Answer({"op": "pong"}) == Answer({"op": "pong"})
    wish = Subscribe(1, "", ("t:A",), ("t",), False, None, "live")
    assert wish == Subscribe(1, "", ("t:A",), ("t",), False, None, "live", ())
