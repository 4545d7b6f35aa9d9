"""`tapewire tail`: follow symbols in a terminal, or line by line when the output goes elsewhere.

stdout has the ticks, stderr what people should know: losses, gaps, what may not be had. Prices
are written as the hub wrote them, digit for digit.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

import msgspec
from rich.console import Console
from rich.live import Live
from rich.text import Text

from config.raw import plain
from tapewire.tail_board import Board
from tapewire.tail_lines import JSON_OPS, OTHER_TAPE, hole_text, line_of, sentences, summary_text
from tapewire.tail_options import TailOptions
from tapewire.tail_table import draw
from tapewire_client import DATA_OPS, ClientError, ConnectionLost, Hole, Message, RequestRefused, connect

DRAW_SECONDS: Final = 0.25
EXIT_FAILED: Final = 1
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


def run_tail(options: TailOptions) -> int:
    """Follow until SIGINT or SIGTERM; returns the exit code."""
    return asyncio.run(Tail(options).run())


class Tail:
    """One run of the command; ticks go to `out`, by default stdout, and talk to `err`, by default stderr."""

    def __init__(self, options: TailOptions, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._options = options
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._client = connect(
            options.url,
            token=options.token,
            since=options.since,
            exact=True,
            on_loss=self._lost,
        )
        self._board = Board(() if options.everything else options.symbols)
        self._console = Console(file=self._out)
        self._live: Live | None = None
        self._trouble = ""
        self._tape: str | None = None
        self._told_holes = 0
        self._connected = False

    async def run(self) -> int:
        """Follow; then say how it went."""
        code = 0
        try:
            with _until_signal():
                async with self._client:
                    self._connected = True
                    await self._subscribe()
                    if not await (self._show() if self._in_terminal else self._write()):
                        return EXIT_FAILED
        except ClientError as error:
            self._tell(self._explain(error))
            code = EXIT_FAILED
        if self._connected:
            self._tell(self._status())
        return EXIT_FAILED if self._client.continuity.hole_count else code

    @property
    def _in_terminal(self) -> bool:
        # Not what rich takes for a terminal: FORCE_COLOR must not draw a table into a pipe.
        return self._out.isatty() and not self._console.is_dumb_terminal and not self._options.as_json

    async def _subscribe(self) -> None:
        options = self._options
        await self._client.subscribe(
            "*" if options.everything else options.symbols,
            kinds=options.kinds,
            mode="raw" if options.max_hz is None else "interval",
            hz=options.max_hz,
        )

    # -- stdout --------------------------------------------------------------------------------

    async def _write(self) -> bool:
        """Write line by line; False when there was nothing to follow."""
        async for message in self._client:
            line = self._line(message)
            if line is not None:
                self._out.write(line + "\n")
                self._out.flush()
            if not self._goes_on(message):
                return False
        return True

    def _line(self, message: Message) -> str | None:
        if not self._options.as_json:
            line = line_of(message)
            return None if line is None else plain(line)
        told = message["op"] in DATA_OPS or message["op"] in JSON_OPS
        return _encode(message).decode() if told else None

    async def _show(self) -> bool:
        """Show a table that is drawn anew four times a second, and stays in the end; likewise."""
        with Live(console=self._console, auto_refresh=False, vertical_overflow="ellipsis") as self._live:
            self._redraw(self._live)
            try:
                async for message in self._client:
                    self._board.take(message)
                    if not self._goes_on(message):
                        return False
            finally:
                self._drawing.cancel()
                self._draw(self._live)
                self._live = None
        return True

    def _redraw(self, live: Live) -> None:
        """Draw, now and ever again."""
        self._draw(live)
        self._drawing = asyncio.get_running_loop().call_later(DRAW_SECONDS, self._redraw, live)

    def _draw(self, live: Live) -> None:
        rows = self._board.rows(time.time_ns() // 1_000)
        live.update(draw(rows, self._trouble or self._status()), refresh=True)

    # -- stderr --------------------------------------------------------------------------------

    def _goes_on(self, message: Message) -> bool:
        """Say what people should know of a message; False when there is nothing to follow."""
        if message["op"] == "welcome":
            self._welcomed(message.get("tape"))
        for sentence in sentences(message):
            self._tell(sentence)
        for hole in self._new_holes():
            self._tell(hole_text(hole.channel, hole.after, hole.before))
        return message["op"] != "ok" or bool(message.get("chans", True)) or "denied" not in message

    def _welcomed(self, tape: str | None) -> None:
        if self._client.connects > 1:
            self._trouble = ""
            self._tell("connected again")
            if self._tape not in (None, tape):
                self._tell(OTHER_TAPE)
        self._tape = tape

    def _new_holes(self) -> Iterator[Hole]:
        holes = self._client.continuity.holes
        while self._told_holes < len(holes):
            yield holes[self._told_holes]
            self._told_holes += 1

    def _lost(self, why: str, wait_s: float) -> None:
        self._trouble = f"connection lost ({plain(why)}), coming back"
        self._tell(f"connection lost ({why}); coming back in {wait_s:.1f} s")

    def _status(self) -> str:
        return summary_text(self._client.continuity, self._client.connects - 1, self._client.mark)

    def _explain(self, error: ClientError) -> str:
        """One line for an error, with what to do about it where that is known."""
        hint = ""
        if isinstance(error, RequestRefused) and error.error_class == "auth":
            hint = "; name one with --token or TAPEWIRE_TOKEN"
        elif isinstance(error, ConnectionLost) and not self._connected:
            hint = "; is a hub running there? `tapewire demo` starts one"
        return f"{self._options.url}: {error}{hint}"

    def _tell(self, text: str) -> None:
        line = f"tapewire: {plain(text)}"
        if self._live is not None and self._err.isatty():
            self._live.console.print(Text(line), soft_wrap=True)  # above the table, which stays whole
        else:
            self._err.write(line + "\n")
            self._err.flush()


@contextmanager
def _until_signal() -> Iterator[None]:
    """Run a block until it ends, or until SIGINT or SIGTERM, which end it as if it had ended by itself."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    signals: list[int] = []

    def stop(number: int) -> None:
        signals.append(number)
        task.cancel()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop, number)
    try:
        yield
    except asyncio.CancelledError:
        if not signals:
            raise
        for _ in signals:  # somebody may be impatient
            task.uncancel()
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
