"""A worker of the history pool: `python -m storage.scan_process --data DIR`.

Reads requests from standard input and writes replies to standard output, one at a time
(`storage.scan_messages`). Ends when its input ends, or with its parent. It only reads, so it
may be killed at any moment.
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from storage.bars import bars_page
from storage.child import collect_seldom, end_with_parent, settings_from_environment
from storage.contract import Key
from storage.encode import encode_row, encode_rows
from storage.errors import StorageError, StoreUnavailable
from storage.history import History, HistoryPage
from storage.scan_messages import (
    LENGTH,
    EncodedLatest,
    EncodedPage,
    FirstTimeRequest,
    GapsReply,
    GapsRequest,
    LatestRequest,
    MarkAtRequest,
    NumberReply,
    PageRequest,
    Reply,
    Request,
    StoredReply,
    StoredRequest,
    decode_request,
    encode_message,
    error_reply,
)
from storage.stores import open_reader
from storage.tail_cache import TailCache
from tape.errors import TapeError
from tape.marks import Marks
from tape.reader import TapeReader

MarkAt = Callable[[int, int], int | None]
"""(time_ns, up_to_m) → the last mark received at or before a time; None when nobody knows any more."""


def answer(request: Request, history: History, mark_at: MarkAt) -> Reply:
    """The reply to one request. Whatever the store or the tape raises becomes an error reply."""
    try:
        return _answer(request, history, mark_at)
    except StorageError as error:
        return error_reply(error)
    except (TapeError, OSError) as error:
        return error_reply(StoreUnavailable(f"the tape cannot be read: {error}"))


def _answer(request: Request, history: History, mark_at: MarkAt) -> Reply:
    match request:
        case PageRequest():
            page = _page(request, history)
            body = encode_rows(page.rows, request.names, request.lines)
            return EncodedPage(
                body, len(page.rows), page.next_key, page.known_at, page.complete_until, page.gaps
            )
        case LatestRequest():
            latest = history.latest(
                request.family, request.lineup, request.symbols, request.known_at, request.kinds
            )
            rows = {symbol: encode_row(row, request.names) for symbol, row in latest.rows.items()}
            return EncodedLatest(rows, latest.known_at, latest.complete_until)
        case GapsRequest():
            return GapsReply(history.gaps(request.lineup, request.start_ns, request.end_ns, request.known_at))
        case FirstTimeRequest():
            return NumberReply(history.first_ts(request.family, request.lineup))
        case StoredRequest():
            return StoredReply(history.stored(request.ranges))
        case MarkAtRequest():
            return NumberReply(mark_at(request.time_ns, request.up_to_m))


def _page(request: PageRequest, history: History) -> HistoryPage:
    def rows(after: Key | None, limit: int) -> HistoryPage:
        return history.page(request.query, request.known_at, after, limit)

    if request.newest:
        return bars_page(rows, request.after, request.limit)
    return rows(request.after, request.limit)


def serve(data_dir: Path, requests: int, replies: int) -> None:
    """Answer requests from one descriptor on another until there are no more."""
    settings = settings_from_environment()
    marks = Marks(data_dir)
    tape = TapeReader(data_dir)
    tail = TailCache(TapeReader(data_dir).read)
    history = History(open_reader(settings.storage, data_dir), tail.read, lambda: marks.durable)
    while (body := _read_message(requests)) is not None:
        _write_all(replies, encode_message(answer(decode_request(body), history, partial(_mark_at, tape))))


def _mark_at(tape: TapeReader, time_ns: int, up_to_m: int) -> int | None:
    """The last mark received by a time; None when the tape is not kept so far back."""
    mark = tape.mark_at(time_ns, up_to_m)
    return None if mark == 0 and tape.first_m() > 1 else mark


def _read_message(descriptor: int) -> bytes | None:
    """The next message without its length; None when there are no more."""
    head = _read_exactly(descriptor, LENGTH.size)
    return None if head is None else _read_exactly(descriptor, LENGTH.unpack(head)[0])


def _read_exactly(descriptor: int, size: int) -> bytes | None:
    found = bytearray()
    while len(found) < size:
        part = os.read(descriptor, size - len(found))
        if not part:
            return None
        found += part
    return bytes(found)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def main() -> None:
    """Serve on standard input and output."""
    end_with_parent(signal.SIGKILL)
    collect_seldom()
    # Whatever prints by mistake must not get between the replies.
    replies = os.dup(1)
    os.dup2(2, 1)
    with suppress(BrokenPipeError):  # whoever asked has gone
        serve(Path(sys.argv[sys.argv.index("--data") + 1]), 0, replies)


if __name__ == "__main__":
    main()
