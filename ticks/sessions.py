"""The parts of a trading day, in New York time.

Numbers are written into journals and stores (inside `elig`): never change or reuse one.
"""

from typing import Final

OVERNIGHT: Final = 0
"""20:00 of the eve to 04:00, before each trading day."""
PRE: Final = 1
"""04:00 (IEX 08:00) to 09:30."""
RTH: Final = 2
"""Regular trading hours, 09:30 to 16:00 (half days 13:00)."""
POST: Final = 3
"""From the close to 20:00 (half days and IEX 17:00)."""
CLOSED: Final = 4
"""No session: weekends, holidays, and what is left of a half day."""

NAMES: Final[tuple[str, ...]] = ("overnight", "pre", "rth", "post", "closed")
"""Number → name, as in the `session` parameter of queries."""
NUMBERS: Final[dict[str, int]] = {name: number for number, name in enumerate(NAMES)}
"""Name → number."""
