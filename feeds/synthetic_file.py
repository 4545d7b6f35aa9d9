"""Write a made-up recording to a file.

A shell, and a command: `python -m feeds.synthetic_file out.pcap.gz --messages 50000` prints
what is in the file as one JSON line.
"""

import argparse
import gzip
from collections.abc import Sequence
from pathlib import Path

import msgspec

from feeds.iex.market_day import Day
from feeds.synthetic import Container, Content, SyntheticRecording


def write_recording(
    path: Path, day: Day, container: Container | None = None, *, packed: bool = False
) -> Content:
    """Write a recording, gzip-packed if asked, and return what is in it. The same input gives the same file.

    Raises:
        ValueError: see `MarketDay`.
        OSError: the file cannot be written.
    """
    recording = SyntheticRecording(day, container)
    with path.open("wb") as file:
        if packed:
            # Neither name nor time go into the file, so that equal content is equal bytes.
            with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packer:
                packer.writelines(recording.chunks())
        else:
            file.writelines(recording.chunks())
    return recording.content


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    defaults = Day()
    parser = argparse.ArgumentParser(description="Write a made-up recording of an IEX trading day.")
    parser.add_argument("path", type=Path, help="file to write; packed when its name ends in .gz")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--symbols", type=int, default=defaults.symbols)
    parser.add_argument("--messages", type=int, default=defaults.messages)
    parser.add_argument("--seconds", type=int, default=defaults.duration_s, help="length of the day")
    parser.add_argument("--format", choices=("pcap-us", "pcap-ns", "pcapng"), default="pcap-us")
    parser.add_argument("--big-endian", action="store_true")
    parser.add_argument(
        "--vlan", type=int, action="append", default=[], help="tag each frame; may be repeated"
    )
    chosen = parser.parse_args(arguments)
    day = Day(chosen.seed, chosen.symbols, chosen.messages, defaults.start_ns, chosen.seconds)
    container = Container(chosen.format, chosen.big_endian, tuple(chosen.vlan))
    try:
        content = write_recording(chosen.path, day, container, packed=chosen.path.suffix == ".gz")
    except (ValueError, OSError) as error:
        parser.error(str(error))
    print(msgspec.json.encode(content).decode())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
