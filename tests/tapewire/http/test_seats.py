"""One user's requests take no other user's place."""

from contextlib import ExitStack

import pytest

from accounts import Principal
from tapewire.http.problems import Problem
from tapewire.http.seats import Seats

ANN, BOB = Principal("house", "ann"), Principal("house", "bob")


def test_a_user_has_so_many_seats_and_another_their_own() -> None:
    """The one too many is told to come again; a seat that is given back can be taken."""
    seats = Seats(3)
    with ExitStack() as held:
        for _ in range(3):
            held.enter_context(seats.taken(ANN))
        with pytest.raises(Problem) as caught, seats.taken(ANN):
            raise AssertionError("there was no seat")
        assert caught.value.kind.status == 429
        assert caught.value.headers["Retry-After"] == "1"
        with seats.taken(BOB):
            pass
    with seats.taken(ANN):
        pass


def test_the_same_name_in_another_tenant_is_somebody_else() -> None:
    """Owners are tenant and user."""
    seats = Seats(1)
    with seats.taken(ANN), seats.taken(Principal("street", "ann")):
        pass


def test_a_seat_is_given_back_after_a_failure() -> None:
    """Whatever the request did."""
    seats = Seats(1)
    with pytest.raises(ZeroDivisionError), seats.taken(ANN):
        raise ZeroDivisionError
    with seats.taken(ANN):
        pass


def test_public_routes_need_no_seat() -> None:
    """There is nobody to count."""
    seats = Seats(0)
    with seats.taken(None):
        pass
