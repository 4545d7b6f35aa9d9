"""What a demo needs around it: a folder, the words that tell how to go on, and the page shown."""

import os
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from feeds.sim.listing import list_stocks
from tapewire.demo import may_show_page, next_steps
from tapewire.options import DemoOptions


@contextmanager
def data_folder(given: Path | None) -> Iterator[Path]:
    """The folder that was given, or a temporary one that is removed in the end."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="tapewire-demo-", ignore_cleanup_errors=True) as made:
        yield Path(made)


def announce(url: str, options: DemoOptions) -> None:
    """Print the page's address on stdout, and on stderr what to do next; show the page if wanted."""
    page = f"{url}/"
    symbols = [stock.symbol for stock in list_stocks(min(options.symbols, 3))]
    sys.stdout.write(page + "\n")
    sys.stdout.flush()
    sys.stderr.write(next_steps(page, symbols, options.data))
    sys.stderr.flush()
    if options.browser and may_show_page(os.environ, sys.platform, terminal=sys.stdout.isatty()):
        # A browser may keep its starter waiting; a thread of its own, so that nothing here does.
        threading.Thread(target=webbrowser.open, args=(page,), daemon=True).start()
