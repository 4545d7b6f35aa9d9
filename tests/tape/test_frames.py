"""Frames in sound, damaged and growing bytes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tape import frames
from tape.frames import BATCH, CHANNELS, Damaged, Frame, encode_frame, scan

kinds = st.sampled_from(sorted(frames.KINDS))
headers = st.tuples(kinds, st.integers(0, 2**53), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
payloads = st.binary(max_size=80) | st.just(frames.MAGIC * 9) | st.just(encode_frame(BATCH, 1, 0, 1, b"x"))
made = st.lists(st.tuples(headers, payloads), max_size=8)

Given = list[tuple[tuple[int, int, int, int], bytes]]


def build(given_frames: Given) -> list[bytes]:
    """Encoded frames."""
    return [encode_frame(*header, payload) for header, payload in given_frames]


def values(frame: Frame) -> tuple[tuple[int, int, int, int], bytes]:
    """What a frame was made of."""
    return (frame.kind, frame.first_m, frame.count, frame.epoch), bytes(frame.payload)


def read(data: bytes, start: int = 0) -> Given:
    """The sound frames of some bytes."""
    return [values(item) for item in scan(data, start) if isinstance(item, Frame)]


@given(made)
def test_frames_come_back_as_they_were_made(given_frames: Given) -> None:
    """Any kinds, numbers and payloads, also payloads that look like frames."""
    assert read(b"".join(build(given_frames))) == given_frames


@given(made, st.integers(0, 200))
def test_a_cut_end_yields_the_whole_frames_in_front_of_it(given_frames: Given, cut: int) -> None:
    """An incomplete frame at the end is neither yielded nor called damage: it may still be growing."""
    parts = build(given_frames)
    data = b"".join(parts)[: -cut or None]
    whole, size = 0, 0
    for part in parts:
        size += len(part)
        whole += size <= len(data)
    items = list(scan(data))
    assert [values(item) for item in items if isinstance(item, Frame)][:whole] == given_frames[:whole]
    # What follows can only be a sound frame inside the payload of the one that was cut.
    assert all(values(item)[1] == b"x" for item in items[whole:] if isinstance(item, Frame))


@settings(max_examples=300)
@given(made.filter(bool), st.data())
def test_a_flipped_bit_never_makes_a_wrong_frame(given_frames: Given, data: st.DataObject) -> None:
    """Every frame but the damaged one is found, in order; the damaged one is not."""
    parts = build(given_frames)
    joined = bytearray(b"".join(parts))
    at = data.draw(st.integers(0, len(joined) - 1))
    joined[at] ^= 1 << data.draw(st.integers(0, 7))
    hit, end = 0, len(parts[0])
    while at >= end:
        hit += 1
        end += len(parts[hit])
    found = read(bytes(joined))
    inner = (BATCH, 1, 0, 1), b"x"
    others = given_frames[:hit] + given_frames[hit + 1 :]
    # A sound frame inside the payload of the damaged one may be found instead: it is a frame
    # that somebody wrote there, byte by byte.
    assert [item for item in found if item != inner] == [item for item in others if item != inner]


@given(st.binary(max_size=400) | st.lists(st.just(frames.MAGIC) | st.binary(max_size=20)).map(b"".join))
def test_any_bytes_yield_only_what_has_a_right_crc(data: bytes) -> None:
    """Garbage gives no frame and no exception."""
    assert read(data) == []


@given(made, st.binary(max_size=60))
def test_garbage_between_frames_is_reported_and_skipped(given_frames: Given, garbage: bytes) -> None:
    """Damage in the middle is reported with its place."""
    parts = build(given_frames)
    data = b"".join((garbage, *parts))
    items = list(scan(data))
    assert [values(item) for item in items if isinstance(item, Frame)] == given_frames
    if garbage and given_frames:
        assert items[0] == Damaged(0, len(garbage))


def test_frame_of_an_absurd_length_is_not_believed() -> None:
    """A length beyond the bound is damage, whatever the CRC says."""
    head = frames.HEADER.pack(frames.MAGIC, 0, frames.PAYLOAD_BYTES_MAX + 1, 0, 1, 1, BATCH, 0, 0)
    assert frames.wanted_bytes(memoryview(head), 0) == 0
    assert read(head + bytes(100)) == []


def test_wanted_bytes_tells_how_long_an_incomplete_frame_will_be() -> None:
    """A reader can ask for as much as it needs."""
    whole = encode_frame(BATCH, 5, 1, 1, bytes(1000))
    assert frames.wanted_bytes(memoryview(whole[:40]), 0) == len(whole)
    assert frames.wanted_bytes(memoryview(whole[:31]), 0) == 0
    assert frames.wanted_bytes(memoryview(b"nothing" * 10), 0) == 0


def test_seal_frame_makes_what_encode_frame_makes() -> None:
    """The two ways to make a frame agree."""
    buffer = bytearray(frames.HEADER_BYTES) + b"payload"
    frames.seal_frame(buffer, BATCH, 7, 2, 3)
    assert bytes(buffer) == encode_frame(BATCH, 7, 2, 3, b"payload")


@pytest.mark.parametrize("field", [29, 30, 31])
def test_frame_with_a_field_of_the_future_is_not_understood(field: int) -> None:
    """The spare bytes are zero: what a later version puts there must not be taken for ours."""
    frame = bytearray(frames.HEADER_BYTES) + b"payload"
    frames.seal_frame(frame, BATCH, 7, 2, 3)
    frame[field] = 1
    assert frames.frame_at(memoryview(frame), 0) is None


def test_headers_of_kind_finds_one_kind_only() -> None:
    """Tables of channels are found among rows without walking them."""
    parts = [encode_frame(kind, 1, 0, 1, bytes(9)) for kind in (BATCH, CHANNELS, BATCH, CHANNELS)]
    data = b"".join(parts)
    assert list(frames.headers_of_kind(data, CHANNELS)) == [len(parts[0]), len(data) - len(parts[3])]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=400), st.integers(0, 1200), st.data())
def test_seeking_leaves_out_only_what_is_before(counts: list[int], m: int, data: st.DataObject) -> None:
    """From the place found, a walk meets every frame that is not before, and few that are."""
    parts, first_m, starts = [], 1, []
    size = data.draw(st.sampled_from((10, 1000, 70_000 if len(counts) < 40 else 900)))
    for count in counts:
        parts.append(encode_frame(BATCH, first_m, count, 1, bytes(size)))
        starts.append(first_m)
        first_m += count
    content = b"".join(parts)
    found = frames.last_before(
        lambda offset, wanted: content[offset : offset + wanted], 0, len(content), lambda f: f.first_m < m
    )
    walked = [frame for frame in scan(content, found) if isinstance(frame, Frame)]
    assert walked, "the place is that of a frame"
    skipped = starts[: len(starts) - len(walked)]
    assert all(start < m for start in skipped)
    before = [frame for frame in walked if frame.first_m < m]
    assert sum(frame.end - frame.offset for frame in before) <= frames.SEEK_BYTES + 2 * len(parts[0])


def test_seeking_passes_over_frames_that_do_not_tell() -> None:
    """`None` means to look at the next frame, and damage is passed over too."""
    parts = [encode_frame(CHANNELS if i % 3 else BATCH, i, 0, 1, bytes(5000)) for i in range(300)]
    parts[200] = bytes(len(parts[200]))
    content = b"".join(parts)
    found = frames.last_before(
        lambda offset, wanted: content[offset : offset + wanted], 0, len(content),
        lambda frame: frame.first_m < 210 if frame.kind == BATCH else None,
    )  # fmt: skip
    first = frames.frame_at(memoryview(content), found)
    assert first is not None
    assert 190 <= first.first_m < 210
