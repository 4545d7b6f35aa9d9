"""A worker of the pool: requests in, replies out."""

import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

from config.settings import StorageSettings
from storage.child import ChildSettings, child_command, child_environment
from storage.errors import StoreDamaged
from storage.history import History, HistoryQuery
from storage.memory import MemoryStore
from storage.scan_messages import (
    LENGTH,
    EncodedLatest,
    EncodedPage,
    ErrorReply,
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
    decode_reply,
    encode_message,
)
from storage.scan_process import answer, serve
from tape.batch import Batch
from tape.errors import FormatError
from tape.reader import Damage
from tests.storage.making import NOON, batch, gap, quote, trade
from tests.storage.running import open_tape, publish, some_ticks
from ticks.model import Tick

TICKS: list[Tick] = [trade("A", NOON, 1), quote("B", NOON + 1), gap("gap_open", NOON + 2)]


def history() -> History:
    """Two ticks in the store, one more on the tape."""
    store = MemoryStore()
    store.write([batch(TICKS[:2])], 2)
    return History(store, lambda after_m, up_to_m: [batch(TICKS[2:], 3)], lambda: 3)


def replied(request: Request) -> Reply:
    """The reply of that history."""
    return answer(request, history(), lambda time_ns, up_to_m: min(time_ns, up_to_m))


def test_each_request_has_its_kind_of_reply() -> None:
    """With what history says."""
    page = replied(PageRequest(HistoryQuery("trades"), 3))
    assert isinstance(page, EncodedPage)
    assert (page.rows, page.next_key, page.known_at, page.complete_until) == (1, None, 3, 3)
    assert json.loads(page.body)["symbol"] == "A"
    assert [one.open_m for one in page.gaps] == [3]
    latest = replied(LatestRequest("quotes", "", ("A", "B"), 3, names={"B": "b"}))
    assert isinstance(latest, EncodedLatest)
    assert json.loads(latest.rows["B"])["symbol"] == "b"
    gaps = replied(GapsRequest("", 0, NOON * 2, 3))
    assert isinstance(gaps, GapsReply)
    assert [one.open_m for one in gaps.gaps.gaps] == [3]
    assert replied(FirstTimeRequest("trades", "")) == NumberReply(NOON)
    assert replied(MarkAtRequest(5, 3)) == NumberReply(3)
    stored = replied(StoredRequest(((1, 3),)))
    assert isinstance(stored, StoredReply)
    assert (stored.stored.counts, stored.stored.symbols) == ({"trade": 1, "quote": 1}, 2)


def test_lines_are_ended_each() -> None:
    """As NDJSON wants it."""
    page = replied(PageRequest(HistoryQuery("trades"), 3, lines=True))
    assert isinstance(page, EncodedPage)
    assert page.body.endswith(b"}\n")


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (StoreDamaged("x"), "StoreDamaged"),
        (FormatError("x"), "StoreUnavailable"),
        (OSError(5, "x"), "StoreUnavailable"),
    ],
)
def test_what_store_or_tape_raise_is_a_reply(error: Exception, name: str) -> None:
    """The worker goes on."""

    def refuse(after_m: int, up_to_m: int) -> list[Batch | Damage]:
        raise error

    broken = History(MemoryStore(), refuse, lambda: 3)
    reply = answer(PageRequest(HistoryQuery("trades"), 3), broken, lambda time_ns, up_to_m: 0)
    assert isinstance(reply, ErrorReply)
    assert reply.name == name


def test_a_question_without_meaning_is_a_reply_too() -> None:
    """It is the caller's fault and says so."""
    reply = replied(PageRequest(HistoryQuery("nonsense"), 3))
    assert isinstance(reply, ErrorReply)
    assert reply.name == "QueryError"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with a tape of a thousand ticks and no store."""
    tape = open_tape(tmp_path)
    publish(tape, some_ticks(0, 1_000))
    tape.close()
    return tmp_path


def test_requests_are_served_in_order_until_there_are_no_more(folder: Path) -> None:
    """Over descriptors, however the bytes are cut."""
    requests_out, requests_in = os.pipe()
    replies_out, replies_in = os.pipe()
    served = threading.Thread(target=serve, args=(folder, requests_out, replies_in))
    served.start()
    sent = encode_message(MarkAtRequest(2**62, 1_000)) + encode_message(
        PageRequest(HistoryQuery("trades"), 1_000, limit=5)
    )
    for first in range(0, len(sent), 7):
        os.write(requests_in, sent[first : first + 7])
    os.close(requests_in)
    served.join(20.0)
    os.close(replies_in)
    with os.fdopen(replies_out, "rb") as replies:
        said = replies.read()
    os.close(requests_out)
    (length,) = LENGTH.unpack_from(said)
    assert decode_reply(said[4 : 4 + length]) == NumberReply(1_000)
    page = decode_reply(said[8 + length :])
    assert isinstance(page, EncodedPage)
    assert page.rows == 5


def test_a_time_before_what_is_kept_of_the_tape_has_no_mark(tmp_path: Path) -> None:
    """Not the mark 0, which would say that nothing had been received by then."""
    tape = open_tape(tmp_path)
    publish(tape, some_ticks(0, 50))
    tape.close()
    with subprocess.Popen(
        child_command("storage.scan_process", tmp_path),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=child_environment(ChildSettings(StorageSettings(), "")),
    ) as worker:  # fmt: skip
        assert worker.stdin is not None
        assert worker.stdout is not None

        def asked(time_ns: int) -> Reply:
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write(encode_message(MarkAtRequest(time_ns, 50)))
            worker.stdin.flush()
            (length,) = LENGTH.unpack(worker.stdout.read(LENGTH.size))
            return decode_reply(worker.stdout.read(length))

        assert asked(1) == NumberReply(0)
        (segment,) = (tmp_path / "journal").iterdir()
        segment.unlink()
        tape = open_tape(tmp_path)
        publish(tape, some_ticks(50, 50))
        tape.close()
        assert asked(1) == NumberReply(None)
        worker.stdin.close()


PRINTS = """
import sys
import storage.scan_process as process

serve = process.serve
process.serve = lambda *given: (print("by mistake", flush=True), serve(*given))
process.main()
"""


@pytest.mark.parametrize("prints", [False, True])
def test_the_process_ends_with_its_input_and_keeps_prints_away_from_replies(
    folder: Path, prints: bool
) -> None:
    """What is printed by mistake goes to standard error."""
    command = child_command("storage.scan_process", folder)
    if prints:
        command = [*command[:2], "-c", PRINTS, *command[4:]]
    done = subprocess.run(
        command,
        input=encode_message(FirstTimeRequest("trades", "")),
        env=child_environment(ChildSettings(StorageSettings(), "")),
        capture_output=True, timeout=30, check=True,
    )  # fmt: skip
    assert decode_reply(done.stdout[LENGTH.size :]) == NumberReply(None)
    assert done.stderr == (b"by mistake\n" if prints else b"")
