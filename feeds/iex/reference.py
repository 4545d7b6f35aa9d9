"""Reference data: what the exchange says of a security, once a day."""

import msgspec


class ReferenceData(msgspec.Struct, frozen=True, gc=False):
    """What the exchange's directory says of a security it lists. Not a tick: it changes once a day."""

    symbol: str
    ts_event: int
    round_lot: int
    """Shares × 1e-6."""
    previous_close: int
    """Adjusted official close of the day before, × 1e-9."""
    luld_tier: int
    """0 none, 1 or 2."""
    test: bool
    when_issued: bool
    etp: bool
    """An exchange-traded product."""
