"""What follows from an attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.webhooks.plan import (
    BACKOFF_S,
    NS,
    RETRY_AFTER_S_MAX,
    Again,
    Dead,
    Done,
    Outcome,
    delivery_plan,
    retry_after_s,
)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_success_is_the_end(status: int) -> None:
    """The receiver has it."""
    assert delivery_plan(Outcome(status), 3, 0, 0.5) == Done()


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599, 408, 425, 429, 0])
def test_what_may_pass_is_tried_again(status: int) -> None:
    """Failures of the receiver, too many requests, no answer at all."""
    verdict = delivery_plan(Outcome(status, "why"), 0, 100 * NS, 0.5)
    assert isinstance(verdict, Again)
    assert verdict.due_ns == 105 * NS
    assert "why" in verdict.error


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308, 400, 401, 403, 404, 405, 410, 413, 422])
def test_what_will_not_pass_is_given_up(status: int) -> None:
    """Redirects are not followed; 410 switches the endpoint off, nothing else does."""
    verdict = delivery_plan(Outcome(status), 0, 0, 0.5)
    assert isinstance(verdict, Dead)
    assert verdict.switch_off is (status == 410)
    assert str(status) in verdict.error
    assert ("redirects" in verdict.error) is (status < 400)


def test_an_address_that_is_refused_is_given_up() -> None:
    """Nothing was sent, and nothing will be."""
    assert delivery_plan(Outcome(error="inside", refused=True), 0, 0, 0.5) == Dead("inside")


@given(st.integers(0, 100), st.floats(0, 1, exclude_max=True))
def test_the_wait_grows_and_is_spread(failures: int, chance: float) -> None:
    """Each wait is that of its step, more or less a quarter."""
    verdict = delivery_plan(Outcome(500), failures, 0, chance)
    assert isinstance(verdict, Again)
    step_ns = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)] * NS
    assert 0.75 * step_ns - 1 <= verdict.due_ns <= 1.25 * step_ns


@pytest.mark.parametrize(("asked", "wait_s"), [(0, 5), (3, 5), (77, 77), (10**8, RETRY_AFTER_S_MAX)])
def test_a_receiver_may_ask_for_a_longer_wait(asked: int, wait_s: int) -> None:
    """Not for a shorter one, and not for ever."""
    verdict = delivery_plan(Outcome(429, "", asked), 0, 0, 0.5)
    assert isinstance(verdict, Again)
    assert verdict.due_ns == wait_s * NS


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None), ("", None), ("5", 5), ("0", 0), ("-1", None), ("1.5", None), ("٣", None),
        ("9" * 10, None), ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_as_seconds(header: str | None, seconds: int | None) -> None:
    """What is nothing we know counts as absent."""
    assert retry_after_s(header) == seconds
