"""What pool and workers say to each other."""

import pytest

from storage import errors
from storage.contract import Gap, Key
from storage.errors import QueryError, StorageError, StoreUnavailable
from storage.history import Gaps, HistoryQuery, Stored
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
    decode_request,
    encode_message,
    error_of,
    error_reply,
)

GAP = Gap("", "*", "loss", -(2**63), None, -1, 1, 0, 3)
KEY = Key("AAPL", -(2**63), 2**63 - 1)


@pytest.mark.parametrize(
    "request_",
    [
        PageRequest(HistoryQuery("trades"), 5),
        PageRequest(HistoryQuery("bars", ("A",), "iex", 1, 2**63, "desc", (6,)), 5, KEY, 7, {"A": "a"}, True),
        LatestRequest("quotes", "", ("A", "B"), 9, (4,), {}),
        GapsRequest("", -(2**63), 2**63, 9),
        FirstTimeRequest("trades", "iex"),
        StoredRequest(((1, 2), (5, 9))),
        MarkAtRequest(5, 9),
    ],
)
def test_a_request_arrives_as_it_was_sent(request_: Request) -> None:
    """With its length in front; whatever numbers it holds."""
    sent = encode_message(request_)
    assert LENGTH.unpack_from(sent) == (len(sent) - LENGTH.size,)
    assert decode_request(sent[LENGTH.size :]) == request_


@pytest.mark.parametrize(
    "reply",
    [
        EncodedPage(b"\x00\xff{}", 1, KEY, 5, 4, [GAP]),
        EncodedPage(b"", 0, None, 5, 5, []),
        EncodedLatest({"A": b"{}"}, 1, 1),
        GapsReply(Gaps([GAP], 1, 1)),
        NumberReply(None),
        NumberReply(-(2**63)),
        StoredReply(Stored({"trade": 3}, 2)),
        ErrorReply("QueryError", "no"),
    ],
)
def test_a_reply_arrives_as_it_was_sent(reply: Reply) -> None:
    """Bodies are bytes, whatever is in them."""
    assert decode_reply(encode_message(reply)[LENGTH.size :]) == reply


@pytest.mark.parametrize("name", [name for name in dir(errors) if name[0].isupper()])
def test_an_error_is_raised_as_what_it_was(name: str) -> None:
    """On the other side of the pipe."""
    kind: type[StorageError] = getattr(errors, name)
    error = error_of(error_reply(kind("why")))
    assert type(error) is kind
    assert str(error) == "why"


def test_an_unknown_error_is_unavailability() -> None:
    """A name from the pipe never becomes anything but an error of ours."""
    for name in ("Exception", "annotations", "__doc__", "Nonsense"):
        assert type(error_of(ErrorReply(name, "why"))) is StoreUnavailable
    assert type(error_of(ErrorReply("QueryError", "why"))) is QueryError
