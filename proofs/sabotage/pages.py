"""Planted defects of the page, and of what it is told."""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from proofs.sabotage.defects import acted, defect

LOSE_EVERY: Final = 4
QUOTE: Final = b'"op":"q"'
SNAPSHOT: Final = b'"op":"snap"'


@defect("page-not-compressed", "tapewire.http.page")
def page_not_compressed(module: Any) -> None:
    """Files are sent as they are, whatever the browser takes."""

    def broken(accepted: str, offered: Any) -> str:
        if accepted:
            acted()
        return ""

    module.best_coding = broken


def restyled(module: Any, change: Callable[[bytes], bytes]) -> None:
    """Serve another style sheet than the one that was built."""
    original = module.load

    def broken() -> Any:
        site = original()
        files = {}
        for name, file in site.by_name.items():
            if name.endswith(".css"):
                acted()
                file = replace(file, body=change(file.body), coded={})
            files[name] = file
        return replace(site, by_name=files)

    module.load = broken


@defect("page-faint", "tapewire.http.page")
def page_faint(module: Any) -> None:
    """Headings and labels hardly stand out from their ground."""
    restyled(module, lambda css: css + b"h2, dt, label > span { color: light-dark(#aaa, #666) !important }")


@defect("page-too-wide", "tapewire.http.page")
def page_too_wide(module: Any) -> None:
    """The page does not become narrower than a tablet."""
    restyled(module, lambda css: css + b"#page { min-width: 30rem }")


@defect("page-policy-too-strict", "tapewire.http.page")
def page_policy_too_strict(module: Any) -> None:
    """The browser is told to use no style sheet."""
    original = module.content_policy

    def broken(host: str) -> str:
        acted()
        policy: str = original(host)
        return policy.replace("style-src 'self'", "style-src 'none'")

    module.content_policy = broken


@defect("flushes-lost", "hub.connection")
def flushes_lost(module: Any) -> None:
    """Now and then a flush that has quotes is not written."""
    original = module.Connection.send
    count = 0

    def broken(self: Any, data: Any) -> None:
        nonlocal count
        count += any(QUOTE in piece and SNAPSHOT not in piece for piece in data)
        if count < LOSE_EVERY:
            original(self, data)
        else:
            count = 0
            acted()

    module.Connection.send = broken
