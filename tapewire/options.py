"""What a command was asked to do, after its arguments and the configuration were put together."""

from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from config.check import is_loopback
from config.settings import AccountsSettings, Settings, TokenSettings

DEMO_TOKEN: Final = "demo"
"""What `tapewire replay` accepts on a loopback address when the configuration has no tokens."""


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


def replay_settings(settings: Settings, port: int | None, data: Path | None) -> Settings:
    """The settings that a replay runs with.

    Without any token in the configuration the token `demo` reads everything, but only when no
    other machine can reach the port.
    """
    http = settings.http if port is None else replace(settings.http, port=port)
    data_dir = settings.data_dir if data is None else str(data)
    accounts = settings.accounts
    if not accounts.tokens and is_loopback(http.host):
        accounts = AccountsSettings(tokens=(TokenSettings(user="demo", token=DEMO_TOKEN),))
    return replace(settings, http=http, data_dir=data_dir, accounts=accounts)
