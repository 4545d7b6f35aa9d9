"""One recording being played: bytes of the file in, batches of ticks with their positions out.

A core: `feeds.replay` reads the file and the clock for it.
"""

from fractions import Fraction
from typing import Final

import msgspec

from feeds.contract import ProtocolCore
from feeds.errors import PositionError
from feeds.pacing import ReplayPlan
from feeds.packets import CaptureCounters
from feeds.pcap import PcapReader
from ticks.model import Tick

PACKETS_MAX: Final = 256
"""Most packets of one batch: enough that the cost of a journal write is shared by many ticks."""
TICKS_MAX: Final = 1_024
"""No packet is added to a batch that has this many ticks, so that one batch takes some milliseconds."""
_POSITION_VERSION: Final = 1


class _Position(msgspec.Struct, array_like=True, frozen=True):
    """What is saved of a playback. New fields go to the end, with a default."""

    version: int
    offset: int
    """Byte of the uncompressed file behind the last packet played."""
    packets: int
    recv_ns: int
    core: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Position).decode


class Played(msgspec.Struct, frozen=True):
    """One batch: what came of the packets that were due."""

    ticks: list[Tick]
    position: bytes
    """How far the recording has been played; going on from it gives exactly the ticks that follow."""
    recv_ns: int
    """Capture time of its last packet: the receive time of its last tick."""


class Playback:
    """Plays one recording.

    Arguments:
        core: the protocol that the recording's datagrams speak, as it is at the start of a recording.
        speed: as in `ReplayPlan`.
        saved: the position of a batch to go on behind; None plays from the start.

    Raises:
        PositionError: `saved` is no position of a playback.
    """

    def __init__(self, core: ProtocolCore, speed: Fraction | None, saved: bytes | None = None) -> None:
        self.core: Final = core
        self.packets = 0
        """Packets played, those before `saved` included."""
        self._recv_ns = 0
        offset = 0
        if saved is not None:
            position = _parse(saved)
            core.restore(position.core)
            self.packets, self._recv_ns, offset = position.packets, position.recv_ns, position.offset
        self._offset = offset
        self._reader = PcapReader(skip_to=offset)
        self._plan = ReplayPlan(speed)

    @property
    def waiting(self) -> int:
        """Packets that have been read and not played."""
        return len(self._plan)

    @property
    def capture(self) -> CaptureCounters:
        """What has been found in the file so far."""
        return self._reader.counters

    @property
    def damage(self) -> str:
        """After `finish`: what is wrong with the file; empty when nothing is."""
        return self._reader.damage

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the file.

        Raises:
            RecordingError: the file is no capture.
        """
        self._plan.add(self._reader.feed(data))

    def finish(self) -> None:
        """Say that the file has ended.

        Raises:
            RecordingError: the file is no capture.
        """
        self._plan.add(self._reader.finish())

    def wait_ns(self, now_ns: int) -> int | None:
        """How long until a packet is due; None when none has been read that is not played."""
        return self._plan.wait_ns(now_ns)

    def play(self, now_ns: int) -> Played:
        """Play the packets that are due, up to one batch of them; perhaps there are no ticks in it."""
        ticks: list[Tick] = []
        take, receive = self._plan.take, self.core.receive
        recv_ns = self._recv_ns
        for _ in range(PACKETS_MAX):
            packet = take(now_ns)
            if packet is None:
                break
            # A capture's clock may step back; the time of receipt never does.
            recv_ns = max(recv_ns, packet.time_ns)
            ticks += receive(packet.payload, recv_ns)
            self.packets += 1
            self._offset = packet.offset_after
            if len(ticks) >= TICKS_MAX:
                break
        self._recv_ns = recv_ns
        return Played(ticks, self.position(), recv_ns)

    def position(self) -> bytes:
        """How far the recording has been played."""
        return _encode(
            _Position(_POSITION_VERSION, self._offset, self.packets, self._recv_ns, self.core.position())
        )


def _parse(saved: bytes) -> _Position:
    try:
        position = _decode(saved)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise PositionError(f"not a position of a recording: {error}") from error
    if position.version != _POSITION_VERSION:
        raise PositionError(f"position of version {position.version}; only {_POSITION_VERSION} is known")
    return position
