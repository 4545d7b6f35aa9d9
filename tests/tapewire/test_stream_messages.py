"""The types of what the hub says: each op once, as the page for readers has it, and strict."""

import re

import msgspec
import pytest
from msgspec import structs

from tapewire.stream_messages import SAID, Err, MarkSaid, Ok
from tests import checkout

PAGE = (checkout.ROOT / "docs" / "native-protocol.md").read_text()


def test_the_page_has_the_same_ops_with_the_same_fields() -> None:
    """Of everything that the hub says."""
    section = PAGE.split("\n## What the hub says\n", 1)[1].split("\n## ", 1)[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    told = {op.strip(" `"): set(re.findall(r"`([^`]+)`", fields)) for op, fields, _ in lines}
    typed = {
        str(one.__struct_config__.tag): {field.encode_name for field in structs.fields(one)} for one in SAID
    }
    assert typed == told


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (MarkSaid, {"op": "mark", "m": 1}),
        (MarkSaid, {"op": "mark", "m": 1, "now": 1, "more": 1}),
        (MarkSaid, {"op": "mark", "m": -1, "now": 1}),
        (Ok, {"op": "ok", "unsub": False}),
        (Err, {"op": "err", "code": "RATE", "no": 429, "msg": "x"}),
    ],
)
def test_what_is_missing_or_unknown_is_refused(kind: type, message: dict[str, object]) -> None:
    """So that a field cannot come or go without the document."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(message, kind)
