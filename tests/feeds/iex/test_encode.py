"""Writing IEX messages: the same bytes as the specification's examples."""

from feeds.iex import encode
from feeds.iex.messages import LEAST_BYTES
from feeds.iex.transport import read_head

T1 = 1471980632572715948
SYMBOL = "ZIEXT"
GOLDEN = {
    "5100ac63c02096866d145a49455854202020e4250000241d0f0000000000ec1d0f0000000000e8030000": encode.quote(
        T1, SYMBOL, 990500, 9700, 990700, 1000
    ),
    "5400c3dff705a2866d145a4945585420202064000000241d0f0000000000968f060000000000": encode.trade(
        1471980683662974915, SYMBOL, 990500, 100, 429974
    ),
    "3801ac63c02096866d145a49455854202020e4250000241d0f0000000000": encode.price_level(
        T1, SYMBOL, "8", 990500, 9700
    ),
    "4848ac63c02096866d145a4945585420202054312020": encode.trading_status(T1, SYMBOL, "H", "T1"),
    "44800020897b5a1fb6145a4945585420202064000000241d0f000000000001": encode.directory(
        1492414800000000000, SYMBOL, 100, 990500, 1, 0x80
    ),
    "534500a09997e93db614": encode.system_event(1492448400000000000, "E"),
}


def test_messages_are_the_bytes_of_the_specification() -> None:
    """What is written is what the exchange documents."""
    for expected, written in GOLDEN.items():
        assert written.hex() == expected


def test_every_message_has_the_length_of_its_type() -> None:
    """The types without an example in the specification at least have its length."""
    written = [
        encode.quote(1, "A", 1, 1, 1, 1),
        encode.price_level(1, "A", "8", 1, 1),
        encode.price_level(1, "A", "5", 1, 1),
        encode.trade(1, "A", 1, 1, 1),
        encode.trade_break(1, "A", 1, 1, 1),
        encode.trading_status(1, "A", "T"),
        encode.operational_halt(1, "A", "N"),
        encode.retail_liquidity(1, "A", "C"),
        encode.security_event(1, "A", "O"),
        encode.short_sale_test(1, "A", True, "A"),
        encode.official_price(1, "A", "Q", 1),
        encode.system_event(1, "O"),
        encode.directory(1, "A", 100, 1),
        encode.auction(1, "A", "O", paired=1, reference=1, indicative=1, imbalance=1, side="B"),
    ]
    assert {chr(message[0]): len(message) for message in written} == LEAST_BYTES


def test_a_writer_numbers_messages_and_bytes() -> None:
    """Sequence and offset go on; a heartbeat states those to come; a restart begins anew."""
    writer = encode.SegmentWriter(5)
    heads = [read_head(writer.segment(messages, 1)) for messages in ([b"abc", b"d"], [], [b"e"])]
    assert [(head.sequence, head.offset, head.count) for head in heads] == [(1, 0, 2), (3, 8, 0), (3, 8, 1)]
    writer.restart(6)
    head = read_head(writer.segment([], 1))
    assert (head.session, head.sequence, head.offset) == (6, 1, 0)


def test_a_segment_is_filled_up_to_a_datagram() -> None:
    """`fits` counts the header and the length in front of each message."""
    message = bytes(42)
    held: list[bytes] = []
    while encode.fits(held, message):
        held.append(message)
    size = len(encode.SegmentWriter(1).segment(held, 1))
    assert encode.SEGMENT_BYTES_MAX - 44 < size <= encode.SEGMENT_BYTES_MAX
