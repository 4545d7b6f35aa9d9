"""What `tapewire demo` tells whoever started it, and whether it may show a page. Pure."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

TEXT_BROWSERS: Final = frozenset(("elinks", "links", "lynx", "w3m", "www-browser"))
"""They would take the terminal away from the demo."""


def next_steps(url: str, symbols: Sequence[str], data: Path | None) -> str:
    """What to do next, as lines for a terminal.

    Args:
        url: the page's address, `http://HOST:PORT/`.
        symbols: some that trade, the most active first.
        data: the folder that keeps the tape; None = a temporary one.
    """
    base = url.rstrip("/")
    some, port = list(symbols[:3]), base.rpartition(":")[2]
    tail = ["tapewire", "tail", *some[:2]]
    if port != "8080":
        tail += ["--url", base]
    kept = "is gone when the demo ends; keep it with --data DIR"
    if data is not None:
        kept = f"is kept in {shlex.quote(str(data))}; started again on it, the demo goes on"
    return "\n".join(
        (
            "A simulated market; nothing in it is a real price. In another terminal:",
            f"  {shlex.join(tail)}",
            f"  curl -s -H 'Authorization: Bearer demo' '{base}/v1/latest?symbols={','.join(some)}'",
            f"  curl -s -H 'Authorization: Bearer demo' '{base}/v1/trades?symbols={some[0]}&limit=3'",
            f"WebSocket: ws{base.removeprefix('http')}/v1/stream, token: demo. The page: {url}",
            f"The tape {kept}. Ctrl-C ends it.",
            "",
        )
    )


def may_show_page(environ: Mapping[str, str], platform: str, *, terminal: bool) -> bool:
    """Whether a page can be shown where the command was typed: on a terminal, and on a desktop."""
    if not terminal or environ.get("BROWSER") in TEXT_BROWSERS:
        return False
    if platform in ("darwin", "win32"):
        return not environ.get("SSH_CONNECTION")
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
