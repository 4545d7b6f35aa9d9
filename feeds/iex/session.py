"""The IEX protocol core: datagrams of IEX-TP in, ticks out."""

from typing import Final

import msgspec

from feeds.contract import EARLIEST_NS, LATEST_NS, Counters, FeedState
from feeds.errors import PositionError
from feeds.iex.messages import VENUE, MessageDecoder
from feeds.iex.reference import ReferenceData
from feeds.iex.sequence import Placement, Refusal, Track, place
from feeds.iex.transport import (
    HEADER_BYTES,
    KEY_BYTES,
    PROTOCOLS,
    VERSION,
    Span,
    message_spans,
    unpack_head,
    unpack_key,
)
from ticks.flags import PARTIAL_COVERAGE, REPLAY
from ticks.model import MARKET, FeedEvent, Tick

_POSITION_VERSION: Final = 1


class _Position(msgspec.Struct, array_like=True, frozen=True):
    """What `position` saves. New fields go to the end, with a default."""

    version: int
    track: Track
    last_event_ns: int
    day_over: bool
    counters: Counters
    decoded: dict[int, int]
    unknown: dict[int, int]


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Position).decode


class IexSession:
    """One line of an IEX feed; see `feeds.contract.ProtocolCore` for what it promises.

    It follows one stream, (protocol, channel): the one of the first segments it hears. Ticks
    carry venue `V` and the flag PARTIAL_COVERAGE, because IEX is one exchange.

    A hole in the sequence is told once, when a later segment or heartbeat shows it, by
    gap_open and gap_close on `*`; messages of the hole that still come are dropped as
    duplicates. When a heartbeat shows it, the send time stands in for the event time of the
    first tick after it. What a session sent before we joined it is not a hole; it is counted
    in `missed_before`. A session that begins again (sequence 1, or another session id) goes on
    without a hole.

    Arguments:
        source: number of the feed, see `ticks.sources`.
        replay: the bytes come from a recording; sets the flag REPLAY.
        protocol: message protocol id to follow, see `transport.PROTOCOLS`; None = the first one heard.
    """

    def __init__(self, source: int, *, replay: bool = False, protocol: int | None = None) -> None:
        self._source = source
        self._flags = PARTIAL_COVERAGE | (REPLAY if replay else 0)
        self._protocols = frozenset(PROTOCOLS if protocol is None else (protocol,))
        self._counters = Counters()
        self._decoder = MessageDecoder(source, self._flags, self._counters)
        self._track = Track()
        self._last_event_ns = 0

    @property
    def state(self) -> FeedState:
        """INIT before the first segment, CLOSED after the exchange's end of messages, else LIVE."""
        if not self._track.key:
            return FeedState.INIT
        return FeedState.CLOSED if self._decoder.day_over else FeedState.LIVE

    @property
    def counters(self) -> Counters:
        """What has been seen so far."""
        return self._counters

    @property
    def decoded(self) -> dict[str, int]:
        """Messages decoded so far by their type letter."""
        return {chr(kind): count for kind, count in enumerate(self._decoder.decoded) if count}

    @property
    def unknown(self) -> dict[str, int]:
        """Messages of unknown types by their type letter (`0x07` for what is no letter)."""
        return {
            chr(kind) if 32 < kind < 127 else f"0x{kind:02x}": count
            for kind, count in enumerate(self._decoder.unknown)
            if count
        }

    @property
    def references(self) -> dict[str, ReferenceData]:
        """The newest directory entry of each symbol heard since this object was made."""
        return self._decoder.references

    @property
    def next_sequence(self) -> int:
        """Sequence number of the message that should come next."""
        return self._track.next_sequence

    def data_to_send(self) -> list[bytes]:
        """Nothing: a line only listens."""
        return []

    def receive(self, data: bytes, now_ns: int) -> list[Tick]:
        """Take one segment; return its ticks. See `feeds.contract.ProtocolCore.receive`."""
        counters = self._counters
        counters.frames += 1
        if len(data) < HEADER_BYTES:
            counters.malformed += 1
            return []
        version, key, length, count, offset, sequence, send_ns = unpack_head(data)
        if version != VERSION:
            counters.wrong_protocol += 1
            return []
        spans = message_spans(data, count) if length == len(data) - HEADER_BYTES else None
        if spans is None:
            counters.malformed += 1
            return []
        if not EARLIEST_NS <= send_ns < LATEST_NS:
            send_ns = 0
        track = self._track
        skipped = lost = 0
        from_ns, missing = self._last_event_ns, track.next_sequence
        if key == track.key and sequence == track.next_sequence and offset == track.next_offset:
            # What nearly always happens, without the judgement that anything else needs.
            track.proven = True
            track.next_sequence = sequence + count
            track.next_offset = offset + length
            track.last_send_ns = send_ns
        else:
            placement = self._judge(key, sequence, offset, send_ns, spans)
            if placement is None:
                return []
            skipped, lost = placement.fresh_from, placement.lost
            if placement.restarted:
                missing = 1
        if not count:
            counters.heartbeats += 1
        ticks: list[Tick] = []
        if count > skipped:
            fresh = spans[skipped:] if skipped else spans
            self._decoder.decode(data, fresh, sequence + skipped, send_ns, now_ns, ticks)
            if ticks:
                self._last_event_ns = ticks[-1].ts_event
        if lost:
            to_ns = ticks[0].ts_event if ticks else send_ns
            ticks[:0] = self._gap(missing, lost, from_ns, to_ns, send_ns, now_ns)
        counters.ticks += len(ticks)
        return ticks

    def position(self) -> bytes:
        """Where the line stands and its totals, about 100 bytes."""
        decoder = self._decoder
        return _encode(
            _Position(
                _POSITION_VERSION,
                self._track,
                self._last_event_ns,
                decoder.day_over,
                self._counters,
                {kind: count for kind, count in enumerate(decoder.decoded) if count},
                {kind: count for kind, count in enumerate(decoder.unknown) if count},
            )
        )

    def restore(self, position: bytes) -> None:
        """Go on where the session that gave `position` stood; `references` begin empty.

        Raises:
            PositionError: the bytes are no position of an IEX session.
        """
        try:
            saved = _decode(position)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise PositionError(f"not a position of an IEX session: {error}") from error
        if saved.version != _POSITION_VERSION:
            raise PositionError(f"position of version {saved.version}; only {_POSITION_VERSION} is known")
        if len(saved.track.key) not in (0, KEY_BYTES) or not all(
            0 <= kind < 256 for kind in (*saved.decoded, *saved.unknown)
        ):
            raise PositionError("not a position of an IEX session")
        decoder = self._decoder
        self._track = saved.track
        self._last_event_ns = saved.last_event_ns
        self._counters = decoder.counters = saved.counters
        decoder.day_over = saved.day_over
        decoder.decoded[:] = [saved.decoded.get(kind, 0) for kind in range(256)]
        decoder.unknown[:] = [saved.unknown.get(kind, 0) for kind in range(256)]

    def _judge(
        self, key: bytes, sequence: int, offset: int, send_ns: int, spans: list[Span]
    ) -> Placement | None:
        """Place a segment that is not simply the next one; None when nothing of it is used."""
        counters = self._counters
        if unpack_key(key)[0] not in self._protocols:
            counters.wrong_protocol += 1
            return None
        placement = place(self._track, key, sequence, offset, send_ns, spans)
        if isinstance(placement, Refusal):
            setattr(counters, placement.value, getattr(counters, placement.value) + 1)
            return None
        counters.duplicates += placement.fresh_from
        if placement.joined:
            counters.missed_before = sequence - 1
        if placement.restarted:
            counters.restarts += 1
            self._decoder.day_over = False
        if placement.lost:
            counters.gaps += 1
            counters.lost += placement.lost
        return placement

    def _gap(
        self, missing: int, lost: int, from_ns: int, to_ns: int, send_ns: int, recv_ns: int
    ) -> list[FeedEvent]:
        """The pair that tells of `lost` messages missing from number `missing` on."""
        text = f"messages {missing} to {missing + lost - 1} are missing"
        return [
            FeedEvent(
                self._source, VENUE, MARKET, time_ns, send_ns, recv_ns, sequence, self._flags,
                what, "loss", MARKET, from_ns, to_ns, lost, text,
            )
            for what, time_ns, sequence in (
                ("gap_open", from_ns or send_ns, missing),
                ("gap_close", to_ns or send_ns, missing + lost),
            )
        ]  # fmt: skip
