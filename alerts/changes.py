"""What is to be written down in one transaction, gathered between two of them."""

from msgspec import Struct, field

from alerts.engine import EngineChanges, Kept, ValueKey
from alerts.model import Fire, Owner, State, Watchlist


class Changes(Struct):
    """Everything that has changed; together it is as of mark `m`.

    Grows with what changes until it is taken; whoever gathers bounds the rings (`alerts.queue_fires`).
    """

    m: int = 0
    """Everything up to here is evaluated."""
    sequence: int = 0
    """Rises with each change that somebody waits for."""
    fires: list[Fire] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)
    """By alert id."""
    values: dict[ValueKey, int | None] = field(default_factory=dict)
    alerts: dict[tuple[Owner, str], Kept | None] = field(default_factory=dict)
    """By owner and alert id; None = deleted."""
    watchlists: dict[tuple[Owner, str], Watchlist | None] = field(default_factory=dict)
    """By owner and name; None = deleted."""

    @property
    def urgent(self) -> bool:
        """Whether somebody waits for it: a ring, or an answer."""
        return bool(self.fires or self.alerts or self.watchlists)

    def add(self, made: EngineChanges) -> None:
        """Add what the engine says, which is newer than what is here."""
        self.m = made.m
        self.fires += made.fires
        self.states.update(made.states)
        self.values.update(made.values)
