"""A simulated exchange that trades at any hour without keys; see `docs/simulator.md`.

`SimExchange` is the core: the time goes in, ticks come out. The shell is `feeds.sim.feed`.
"""

from feeds.sim.exchange import SimExchange
from feeds.sim.settings import SimSettings
from feeds.sim.view import SimView

__all__ = ["SimExchange", "SimSettings", "SimView"]
