"""`tapewire watch`: rings as they come, a line for each. stdout has the rings, stderr the talk.

Rings have places without a hole (`off`), and the hub keeps them: what came while the hub was away
is printed when it is back. Nothing is confirmed, so other clients still get theirs.
"""

import time
from collections.abc import Callable
from typing import Any, Final, TextIO

import msgspec

from config.raw import plain
from tapewire.alert_words import ring_line
from tapewire.hub_requests import HubAway, HubRequests

LOOK_SECONDS: Final = 0.5
AWAY_SECONDS: Final = 2.0
PAGE: Final = 1_000
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class Watch:
    """One run of the command."""

    def __init__(
        self, hub: HubRequests, out: TextIO, err: TextIO, *, as_json: bool, since: int | None
    ) -> None:
        """Begin behind ring `since`; None = behind the newest one there is."""
        self._hub = hub
        self._out = out
        self._err = err
        self._as_json = as_json
        self._off = since
        self._away = False

    def run(self, sleep: Callable[[float], None] = time.sleep) -> None:
        """Print until the signal to stop.

        Raises:
            HubRefused: the hub says no.
            HubAway: nobody answered the first time.
        """
        if self._off is None:
            self._off = self._newest()
        self.look()
        self._tell(f"watching {self._hub.base}; Ctrl-C ends it")
        while True:
            sleep(AWAY_SECONDS if self._away else LOOK_SECONDS)
            try:
                self.look()
            except HubAway as error:
                if not self._away:
                    self._tell(f"{error}; coming back")
                self._away = True

    def look(self) -> None:
        """Print what is new.

        Raises:
            HubRefused, HubAway: as `run`.
        """
        if self._away:
            newest = self._newest()
            self._away = False
            self._tell("connected again")
            if newest < (self._off or 0):
                self._tell("this hub has fewer rings than before: beginning anew")
                self._off = 0
        while True:
            cursor: dict[str, int] = {"cursor": self._off} if self._off else {}
            page = self._hub.ask("GET", "/v1/fires", order="asc", limit=PAGE, **cursor)
            for ring in page["fires"]:
                self._print(ring)
                self._off = ring["off"]
            self._out.flush()
            if page["next_cursor"] is None:
                return

    def _newest(self) -> int:
        fires = self._hub.ask("GET", "/v1/fires", order="desc", limit=1)["fires"]
        return int(fires[0]["off"]) if fires else 0

    def _print(self, ring: dict[str, Any]) -> None:
        self._out.write((_encode(ring).decode() if self._as_json else ring_line(ring)) + "\n")

    def _tell(self, text: str) -> None:
        self._err.write(f"tapewire: {plain(text)}\n")
        self._err.flush()
