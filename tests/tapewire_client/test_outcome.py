"""What the end of a connection means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.codes import CLOSE_OVERLOAD, CLOSES, CloseCode
from tapewire_client.outcome import Outcome, of_close, of_status


@pytest.mark.parametrize("close", CLOSES, ids=lambda close: close.word)
def test_each_close_code_of_the_hub_is_understood(close: CloseCode) -> None:
    """As its table means it; a `bye` is our own word, and says nothing about coming back."""
    if close.word != "bye":
        assert of_close(close.number, close.word).come_back is close.come_back


@pytest.mark.parametrize("code", [1001, 1006, 1012, 1013, 3000, 4000, 4499])
def test_whoever_goes_away_may_be_asked_again(code: int) -> None:
    """A broken line, a restart, a proxy's own codes."""
    assert of_close(code, "") == Outcome(come_back=True)


def test_the_hubs_own_words_say_when() -> None:
    """As it writes them when it has no room."""
    assert of_close(CLOSE_OVERLOAD.number, f"{CLOSE_OVERLOAD.word}, retry in 5 s") == Outcome(True, 5.0)
    assert of_close(4101, "retry in 120s") == Outcome(True, 120.0)
    assert of_close(4101, "retry in 99999 s") == Outcome(True)


@pytest.mark.parametrize(
    ("status", "retry_after", "outcome"),
    [
        (503, "7", Outcome(True, 7.0)),
        (503, None, Outcome(True)),
        (502, "Wed, 21 Oct 2026 07:28:00 GMT", Outcome(True)),
        (429, " 3 ", Outcome(True, 3.0)),
        (408, None, Outcome(True)),
        (425, None, Outcome(True)),
        (401, "5", Outcome(False)),
        (403, None, Outcome(False)),
        (404, None, Outcome(False)),
        (301, None, Outcome(True)),
    ],
)
def test_an_answer_of_http_is_understood(status: int, retry_after: str | None, outcome: Outcome) -> None:
    """4xx is our fault, but for those that ask for patience."""
    assert of_status(status, retry_after) == outcome


@given(st.integers(), st.text(), st.one_of(st.none(), st.text()))
def test_nothing_a_peer_says_is_an_error(number: int, reason: str, retry_after: str | None) -> None:
    """Whatever its codes and texts."""
    assert of_close(number, reason).wait_s >= 0
    assert of_status(number, retry_after).wait_s >= 0
