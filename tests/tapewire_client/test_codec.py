"""Frames, with and without msgspec."""

import contextlib
import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapewire_client import ProtocolError, codec
from tapewire_client.codec import decoder, encoder

MESSAGES = [{"op": "t", "c": "t:A", "n": 5, "px": 752.03, "ts": 1_790_000_000_000_000, "id": 2**53 - 1}]


@pytest.fixture(params=["with msgspec", "without"])
def _json(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "without":
        monkeypatch.setattr(codec, "_fast", None)


@pytest.mark.usefixtures("_json")
def test_json_is_read_with_and_without_msgspec() -> None:
    """Into the same values."""
    assert decoder("json")(json.dumps(MESSAGES).encode()) == MESSAGES


@pytest.mark.usefixtures("_json")
def test_decimals_are_exact_when_wished() -> None:
    """With the zeros that were written; integers stay integers."""
    (message,) = decoder("json", exact=True)(b'[{"op":"t","px":191.20,"n":3}]')
    assert (str(message["px"]), type(message["n"])) == ("191.20", int)  # type: ignore[typeddict-item]  # it is a trade
    assert isinstance(message["px"], Decimal)  # type: ignore[typeddict-item]  # likewise


@pytest.mark.usefixtures("_json")
@pytest.mark.parametrize(
    "frame", [b"", b"{", b"{}", b"[1]", b'"t"', b'[{"c":"t:A"}]', b"\xff", b"[" * 100_000]
)
def test_what_is_no_list_of_messages_is_one_error(frame: bytes) -> None:
    """Whatever is wrong with it, and whoever reads it."""
    with pytest.raises(ProtocolError):
        decoder("json")(frame)


@pytest.mark.usefixtures("_json")
@given(st.binary())
def test_any_bytes_are_messages_or_the_one_error(frame: bytes) -> None:
    """Nothing else comes out."""
    with contextlib.suppress(ProtocolError):
        assert all("op" in message for message in decoder("json")(frame))


@given(st.binary())
def test_any_bytes_are_packed_messages_or_the_one_error(frame: bytes) -> None:
    """Likewise for MessagePack."""
    with contextlib.suppress(ProtocolError):
        assert all("op" in message for message in decoder("msgpack")(frame))


def test_messagepack_goes_both_ways() -> None:
    """With msgspec."""
    packed = encoder("msgpack")(MESSAGES)
    assert isinstance(packed, bytes)
    assert decoder("msgpack")(packed) == MESSAGES
    assert msgspec.msgpack.decode(packed) == MESSAGES


def test_json_is_sent_as_text() -> None:
    """As the subprotocol asks."""
    text = encoder("json")(MESSAGES)
    assert isinstance(text, str)
    assert json.loads(text) == MESSAGES


def test_messagepack_without_msgspec_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, not with the first frame."""
    monkeypatch.setattr(codec, "_fast", None)
    for make in (encoder, decoder):
        with pytest.raises(ModuleNotFoundError, match=r"tapewire-client\[msgpack\]"):
            make("msgpack")
