"""Keys of requests that are sent again."""

import asyncio

import pytest

from alerts.model import Owner
from tapewire.http.idempotency import KEPT_NS, KEPT_PER_OWNER, IdempotencyKeys, Kept
from tapewire.http.problems import Problem

ANN, BOB = Owner("default", "ann"), Owner("default", "bob")


class Work:
    """Counts how often it is done, and can be held or fail."""

    def __init__(self) -> None:
        self.done = 0
        self.held: asyncio.Event | None = None
        self.error: Exception | None = None

    async def __call__(self) -> Kept:
        """Do it."""
        self.done += 1
        if self.held is not None:
            await self.held.wait()
        if self.error is not None:
            raise self.error
        return Kept(201, b"%d" % self.done, {})


async def test_work_under_a_key_is_done_once() -> None:
    """For each owner; without a key each time."""
    keys, work = IdempotencyKeys(), Work()
    first = await keys.once(ANN, "k", b"1", 0, work)
    assert await keys.once(ANN, "k", b"1", KEPT_NS - 1, work) == first
    assert work.done == 1
    await keys.once(BOB, "k", b"1", 0, work)
    await keys.once(ANN, None, b"1", 0, work)
    assert work.done == 3


async def test_a_second_request_waits_for_the_first() -> None:
    """Both get the same answer; another request under the key is refused at once."""
    keys, work = IdempotencyKeys(), Work()
    work.held = asyncio.Event()
    both = [asyncio.create_task(keys.once(ANN, "k", b"1", 0, work)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Problem):
        await keys.once(ANN, "k", b"2", 0, work)
    work.held.set()
    first, second = await asyncio.gather(*both)
    assert first == second
    assert work.done == 1


async def test_work_that_fails_is_forgotten_and_can_be_done_again() -> None:
    """Whoever waited gets the same error."""
    keys, work = IdempotencyKeys(), Work()
    work.held, work.error = asyncio.Event(), Problem("invalid")
    both = [asyncio.create_task(keys.once(ANN, "k", b"1", 0, work)) for _ in range(2)]
    await asyncio.sleep(0)
    work.held.set()
    assert [type(one) for one in await asyncio.gather(*both, return_exceptions=True)] == [Problem] * 2
    work.error = None
    assert (await keys.once(ANN, "k", b"1", 0, work)).status == 201


async def test_when_the_first_client_leaves_the_second_is_told() -> None:
    """It may try again."""
    keys, work = IdempotencyKeys(), Work()
    work.held = asyncio.Event()
    first, second = (asyncio.create_task(keys.once(ANN, "k", b"1", 0, work)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(Problem) as caught:
        await second
    assert caught.value.kind.name == "not-done"


async def test_answers_are_forgotten_after_a_day_and_beyond_a_number() -> None:
    """The oldest first; so memory has a bound."""
    keys, work = IdempotencyKeys(), Work()
    await keys.once(ANN, "old", b"1", 0, work)
    await keys.once(ANN, "old", b"1", KEPT_NS, work)
    assert work.done == 2
    for number in range(KEPT_PER_OWNER + 5):
        await keys.once(ANN, f"k{number}", b"1", KEPT_NS, work)
    done = work.done
    await keys.once(ANN, f"k{KEPT_PER_OWNER + 4}", b"1", KEPT_NS, work)
    assert work.done == done
    await keys.once(ANN, "k0", b"1", KEPT_NS, work)
    assert work.done == done + 1
