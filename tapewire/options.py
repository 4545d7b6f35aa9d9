"""What a command was asked to do, after its arguments and the configuration were put together."""

from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from config.check import is_loopback
from config.settings import AccountsSettings, Settings, TokenSettings
from feeds.sim.settings import SimSettings

DEMO_TOKEN: Final = "demo"
"""What `tapewire demo` accepts, and `tapewire replay` on a loopback address when the configuration
has no tokens."""
_DEMO_ACCOUNTS: Final = AccountsSettings(tokens=(TokenSettings(user="demo", token=DEMO_TOKEN),))


class ReplayOptions(Struct, frozen=True):
    """`tapewire replay`: play recordings as if they were live."""

    files: tuple[Path, ...]
    """The recordings, in order."""
    settings: Settings
    """With `--port` and `--data` put in, and the demo token where one is due."""
    speed: str = "1"
    """`1` as recorded, a factor such as `60` or `0.5`, or `max`."""
    exit_when_stored: bool = False
    """Whether to end, with a report on stdout, when all is stored."""


class DemoOptions(Struct, frozen=True):
    """`tapewire demo`: a simulated market, served on this machine."""

    settings: Settings
    """With port, data folder and the demo token put in."""
    port: int = 8080
    """Where to listen; 0 = any free port."""
    seed: int = 7
    symbols: int = 12
    speed: float = 1.0
    """How much faster than a real market it lives."""
    rate: float = 100.0
    """Ticks of the whole market in a second at `speed` 1, ticks/s."""
    data: Path | None = None
    """The folder that keeps the tape; None = a temporary one that is gone when the demo ends."""
    browser: bool = False
    """Whether to show the page in a browser."""

    @property
    def market(self) -> SimSettings:
        """The market to simulate.

        Raises:
            ValueError: it cannot be simulated so.
        """
        return SimSettings(seed=self.seed, symbols=self.symbols, rate=self.rate, speed=self.speed)


def demo_settings(settings: Settings, port: int, directory: Path) -> Settings:
    """The settings that a demo runs with: on loopback whatever is configured, open to the demo token.

    Its webhooks may be received on the same machine.
    """
    http = replace(settings.http, host="127.0.0.1", port=port, trusted_proxies=())
    webhooks = replace(settings.webhooks, private_addresses=True)
    return replace(settings, http=http, webhooks=webhooks, data_dir=str(directory), accounts=_DEMO_ACCOUNTS)


def replay_settings(settings: Settings, port: int | None, data: Path | None) -> Settings:
    """The settings that a replay runs with.

    Without any token in the configuration the token `demo` reads everything, but only when no
    other machine can reach the port.
    """
    http = settings.http if port is None else replace(settings.http, port=port)
    data_dir = settings.data_dir if data is None else str(data)
    accounts = settings.accounts
    if not accounts.tokens and is_loopback(http.host):
        accounts = _DEMO_ACCOUNTS
    return replace(settings, http=http, data_dir=data_dir, accounts=accounts)
