"""What errors say."""

from tapewire_client.errors import ConnectionPostponed, ConnectionRefused, RequestRefused


def test_a_refusal_says_what_the_hub_said() -> None:
    """In one line, with everything that decides what to do."""
    message = {"op": "err", "id": 3, "code": "BAD_MSG", "class": "fix", "msg": "not so", "hint": "kinds"}
    error = RequestRefused(message)
    assert str(error) == "BAD_MSG: not so: kinds"
    assert (error.code, error.error_class, error.hint, error.request_id) == ("BAD_MSG", "fix", "kinds", 3)


def test_a_refusal_of_a_hub_that_says_little_is_one_too() -> None:
    """What is absent is empty."""
    error = RequestRefused({"op": "err", "code": "HUB"})
    assert str(error) == "HUB"
    assert (error.error_class, error.hint, error.request_id) == ("", "", None)


def test_a_refused_connection_has_its_code() -> None:
    """With the reason, when there is one."""
    assert str(ConnectionRefused(4501, "auth")) == "refused by the hub: 4501 auth"
    assert str(ConnectionRefused(403, "")) == "refused by the hub: 403"


def test_a_postponed_connection_has_its_wait() -> None:
    """Nothing, unless the hub said when."""
    assert ConnectionPostponed("later", 5.0).wait_s == 5.0
    assert ConnectionPostponed("later").wait_s == 0.0
