"""How much of one turn of the loop all clients' messages together may take.

Without it each of a hundred clients could take its share in the same turn, and whoever waits for
ticks would wait for all of them.
"""

import asyncio
import time
from typing import Final

TURN_SECONDS: Final = 0.001
"""One message more is begun as long as those before it have taken less than this."""


class Turn:
    """Counts what messages take of the loop's turn; time of this thread, not of the machine."""

    def __init__(self) -> None:
        self._spent = 0.0
        self._renewing = False

    def over(self) -> bool:
        """Whether whoever has more to do has to wait for the next turn."""
        return self._spent > TURN_SECONDS

    def spend(self, since: float) -> float:
        """Count what was done since `time.thread_time()` was `since`; what it is now."""
        now = time.thread_time()
        self._spent += now - since
        if not self._renewing:
            self._renewing = True
            asyncio.get_running_loop().call_soon(self._renew)
        return now

    def _renew(self) -> None:
        self._spent = 0.0
        self._renewing = False
