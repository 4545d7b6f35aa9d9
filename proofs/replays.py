"""Replays as their users see them: the command, its one line, and history over HTTP."""

import json
import os
import re
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from proofs import lib
from proofs.aims import ProofError
from proofs.lib import Child, Proof
from proofs.reference import Quote, Trade

START_SECONDS: Final = 60
REPLAY_SECONDS: Final = 300
SYMBOLS_IN_A_QUERY: Final = 400
LISTENING: Final = re.compile(rb'"event":"listening","url":"http://[^"]*:(\d+)"')
LOG_HEAD_BYTES: Final = 65_536
"""A hub says where it listens before it says much else."""
CORRECTIONS: Final = ("upd", "upd_m")
"""Keys of a row that a later cancel or correction may change."""
WRITER: Final = "tapewire.writer_main"
"""What the command line of the writer process holds."""
PLAIN: Final = ("time", "level", "event", "file", "packets", "ticks")
"""Keys of log entries that say nothing about what is wrong with a recording."""
Row = dict[str, Any]
"""One row of an answer, as it was read from JSON with exact numbers."""


def free_port() -> int:
    """A port of loopback that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def replay(
    proof: Proof,
    recording: Path,
    data: Path,
    *options: str,
    port: int = 0,
    settings: Mapping[str, str] | None = None,
) -> Child:
    """Start `tapewire replay`; on any free port when none is given; `settings` by environment."""
    command = ("replay", str(recording), "--data", str(data), "--port", str(port), *options)
    return proof.tapewire(*command, environment=settings)


def whole(proof: Proof, recording: Path, data: Path) -> Row:
    """Replay a recording to its end at full speed; see `report`."""
    return report(replay(proof, recording, data, "--speed", "max", "--exit"))


def report(child: Child) -> Row:
    """Wait for the end of a replay with `--exit`; the line that it prints, with its exit `status`.

    Raises:
        ProofError: it printed other than one line, or ended otherwise than a replay does.
    """
    status, lines = child.wait(REPLAY_SECONDS), child.output.splitlines()
    if status not in (0, 1) or len(lines) != 1:
        raise ProofError(f"replay: status {status}, {len(lines)} lines: {child.errors[-500:]}")
    line: Row = json.loads(lines[0])
    return {**line, "status": status}


@contextmanager
def served(
    proof: Proof, recording: Path, data: Path, settings: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Serve what a finished replay has stored; gives the port."""
    child = replay(proof, recording, data, "--speed", "max", settings=settings)
    try:
        port = port_of(child)
        lib.until(lambda: ready(child, port), START_SECONDS, "a hub that is ready")
        yield port
    finally:
        child.end()


def port_of(child: Child) -> int:
    """The port on which a hub says that it listens; waits until it does.

    So nobody else can have taken the port meanwhile, as with one that was free a moment ago.

    Raises:
        ProofError: it has ended, or says nothing.
    """

    def told() -> int:
        ended = not child.running()
        with child.errors_path.open("rb") as log:
            found = LISTENING.search(log.read(LOG_HEAD_BYTES))
        if ended and not found:
            raise ProofError(f"the hub has ended: {child.errors[-500:]}")
        return int(found[1]) if found else 0

    return lib.until(told, START_SECONDS, "a hub that listens")


def ready(child: Child, port: int) -> bool:
    """Whether a hub has stored all that it has accepted.

    Raises:
        ProofError: it has ended.
    """
    if not child.running():
        raise ProofError(f"the hub has ended: {child.errors[-500:]}")
    marks = lib.marks(port)
    return marks is not None and 0 < marks["accepted"] <= marks["stored"]


def history(port: int, family: str, symbols: Sequence[str], page: int = 10_000) -> Iterator[Row]:
    """Yield all rows of `trades` or `quotes` of these symbols, page by page, in order of symbol."""
    names = sorted(symbols)
    for place in range(0, len(names), SYMBOLS_IN_A_QUERY):
        query: dict[str, str | int] = {
            "symbols": ",".join(names[place : place + SYMBOLS_IN_A_QUERY]),
            "limit": page,
        }
        while True:
            answer = lib.get(port, f"/v1/{family}", query)
            yield from answer[family]
            if answer["next_cursor"] is None:
                break
            query["cursor"] = answer["next_cursor"]


def troubles(child: Child, recording: Path) -> dict[str, str]:
    """What the log of a finished replay says about a recording, other than what is said of any."""
    found: dict[str, str] = {}
    for line in child.errors.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # not a line of the log
        if entry.get("file") == recording.name:
            event = entry["event"]
            found |= {f"{event}: {key}": str(value) for key, value in entry.items() if key not in PLAIN}
    return found


def latest_rows(answer: Any) -> Iterator[Row]:
    """Yield the trades and quotes in an answer of `/v1/latest`."""
    if isinstance(answer, dict) and answer.get("kind") in ("trade", "quote"):
        yield answer
    elif isinstance(answer, dict | list):
        for below in answer.values() if isinstance(answer, dict) else answer:
            yield from latest_rows(below)


def same(row: Row | None, earlier: Row) -> bool:
    """Whether a row says what an earlier one under its mark said, corrections since then aside."""
    if row is None:
        return False
    return all(row.get(key) == value for key, value in earlier.items() if key not in CORRECTIONS)


def writer_of(child: Child) -> int:
    """The process id of a hub's writer; 0 when it has none at the moment."""
    return next((pid for pid, command in child.children().items() if WRITER in command), 0)


def kill(pid: int) -> bool:
    """SIGKILL a process; False for 0, and when it was gone already."""
    if not pid:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def trade_of(row: Row) -> Trade:
    """A row in the terms of the independent reader."""
    return Trade(
        row["symbol"], nanoseconds(row["ts_event"]),
        units(row["price"], 9), units(row["size"], 6), int(row["trade_id"]),
    )  # fmt: skip


def quote_of(row: Row) -> Quote:
    """A row in the terms of the independent reader."""
    return Quote(
        row["symbol"], nanoseconds(row["ts_event"]),
        _side(row["bid_price"]), units(row["bid_size"], 6),
        _side(row["ask_price"]), units(row["ask_size"], 6),
    )  # fmt: skip


def units(value: int | Decimal, digits: int) -> int:
    """An exact JSON number in units of 10⁻ᵈⁱᵍⁱᵗˢ.

    Raises:
        ProofError: it has more digits than that.
    """
    scaled = Decimal(value).scaleb(digits)
    if scaled != int(scaled):
        raise ProofError(f"{value} has more than {digits} digits behind the point")
    return int(scaled)


def nanoseconds(text: str) -> int:
    """An RFC 3339 time in UTC with up to nine digits, as nanoseconds since 1970."""
    whole_part, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole_part).replace(tzinfo=UTC).timestamp())
    return seconds * 1_000_000_000 + int(fraction.ljust(9, "0"))


def _side(price: int | Decimal | None) -> int | None:
    return None if price is None else units(price, 9)
