"""How fast IEX recordings become ticks, on one core: `python -m benchmarks.decode [FILE]`.

Measured in CPU time of the process, median of five runs over the whole file:

* `decode`: datagrams, already unwrapped, to ticks that are dropped again batch by batch;
* `unwrap`: bytes of the capture to datagrams;
* `whole`: from the compressed file to ticks with their positions, as a replay does it.

Without FILE it takes the real TOPS recording if it is there, else a made-up one of as many messages.
"""

import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from feeds.iex import IexSession
from feeds.iex.market_day import Day
from feeds.packets import Packet
from feeds.pcap import PcapReader
from feeds.playback import Playback
from feeds.recordings import Recording
from feeds.synthetic_file import write_recording
from proofs import lib
from proofs.aims import ProofError
from proofs.machine import machine
from ticks.model import Tick
from ticks.sources import REPLAY

RUNS: Final = 5
BATCH_TICKS: Final = 1_024
REAL: Final = "iex/20260713_TOPS1.6_premarket_150000pkts.pcap.gz"
MADE: Final = Day(symbols=13_000, messages=212_153)


def cpu_seconds(work: Callable[[], None]) -> float:
    """The median CPU time of `work`, s."""
    taken = []
    for _ in range(RUNS):
        gc.collect()
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return median(taken)


def chunks_of(path: Path) -> list[bytes]:
    """The uncompressed file in chunks."""
    recording = Recording(path)
    chunks = list(iter(recording.read, b""))
    recording.close()
    return chunks


def unwrap(chunks: Sequence[bytes]) -> list[Packet]:
    """The datagrams of a capture."""
    reader = PcapReader()
    return [packet for chunk in chunks for packet in reader.feed(chunk)] + reader.finish()


def decode(packets: Sequence[Packet]) -> IexSession:
    """All datagrams to ticks, which are dropped in batches as a tape would hand them on."""
    session = IexSession(REPLAY, replay=True)
    receive = session.receive
    batch: list[Tick] = []
    for packet in packets:
        batch += receive(packet.payload, packet.time_ns)
        if len(batch) >= BATCH_TICKS:
            batch = []
    return session


def whole(path: Path) -> None:
    """A replay at full speed without its loop."""
    recording = Recording(path)
    playback = Playback(IexSession(REPLAY, replay=True), None)
    while chunk := recording.read():
        playback.feed(chunk)
        while playback.waiting:
            playback.play(0)
    playback.finish()
    while playback.waiting:
        playback.play(0)
    recording.close()


def measure(path: Path) -> dict[str, object]:
    """The figures of one recording."""
    chunks = chunks_of(path)
    packets = unwrap(chunks)
    session = decode(packets)
    messages = sum(session.decoded.values())
    return {
        "benchmark": "decode",
        "recording": path.name,
        "messages": messages,
        "packets": len(packets),
        "decode_messages_per_cpu_s": round(messages / cpu_seconds(lambda: void(decode(packets)))),
        "unwrap_packets_per_cpu_s": round(len(packets) / cpu_seconds(lambda: void(unwrap(chunks)))),
        "whole_messages_per_cpu_s": round(messages / cpu_seconds(lambda: whole(path))),
        "runs": RUNS,
        "machine": machine(),
    }


def void(_: object) -> None:
    """Drop a result."""


def main(arguments: Sequence[str]) -> int:
    """Print one JSON line."""
    if arguments:
        print(json.dumps(measure(Path(arguments[0]))))
        return 0
    try:
        real = lib.recordings() / REAL
    except ProofError:
        real = None
    if real is not None and real.is_file():
        print(json.dumps(measure(real)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made-up.pcap.gz"
        write_recording(path, MADE, packed=True)
        print(json.dumps(measure(path)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
