"""A moment, by the two clocks that a hub needs."""

from msgspec import Struct


class Moment(Struct, frozen=True, gc=False):
    """Now. Made by the shell; cores are given it."""

    utc_ns: int
    """What the calendar's clock says: for tokens, and for what clients are told."""
    awake_ns: int
    """How long this process has been running its loop, ns from any beginning: for time-outs. It never
    goes back, and it does not count time in which the loop stood still: nobody could be heard then."""
