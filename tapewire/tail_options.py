"""What `tapewire tail` was asked to do. Pure."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from config.check import is_loopback
from tapewire.options import DEMO_TOKEN

STREAM_PATH: Final = "/v1/stream"
SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


class TailOptions(Struct, frozen=True):
    """What to follow, and how to show it."""

    symbols: tuple[str, ...]
    """`*` alone = all of them."""
    kinds: tuple[str, ...]
    url: str
    """Address of the hub's stream."""
    token: str | None = None
    max_hz: float | None = None
    """Updates a second and channel; None = every tick."""
    since: int | None = None
    """A mark to begin behind."""
    as_json: bool = False

    @property
    def everything(self) -> bool:
        """Whether all symbols are asked for."""
        return self.symbols == ("*",)


def tail_options(
    symbols: Sequence[str],
    *,
    trades: bool,
    quotes: bool,
    url: str,
    token: str | None,
    max_hz: float | None = None,
    since: int | None = None,
    as_json: bool = False,
) -> TailOptions:
    """Put the arguments together: symbols in capitals, both kinds unless one is chosen.

    A hub on this machine is shown the demo's token when none is named; another machine never is.

    Raises:
        ValueError: `url` is no address of a hub, or `*` stands beside symbols.
    """
    if "*" in symbols and len(symbols) > 1:
        raise ValueError("'*' stands for all symbols: alone, or not at all")
    kinds = tuple(kind for kind, wanted in (("t", trades), ("q", quotes)) if wanted) or ("t", "q")
    stream = stream_url(url)
    if token is None and is_loopback(urlsplit(stream).hostname or ""):
        token = DEMO_TOKEN
    unique = tuple(dict.fromkeys(symbol.upper() for symbol in symbols))
    return TailOptions(unique, kinds, stream, token, max_hz, since, as_json)


def stream_url(text: str) -> str:
    """The address of the stream of a hub named by `HOST:PORT`, or by the address of its page.

    Raises:
        ValueError: it is no address of a hub.
    """
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        known = parts.scheme in SCHEMES and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:  # a port or an address that is none
        known = False
    if not known:
        raise ValueError(f"not the address of a hub, such as http://127.0.0.1:8080: {text}")
    path = parts.path.rstrip("/")
    if not path.endswith(STREAM_PATH):
        path += STREAM_PATH
    return f"{SCHEMES[parts.scheme]}://{parts.netloc}{path}"
