"""Our side of the fan-out benchmark: tape, hub and front door in one process, fed at a fixed rate.

    python -m benchmarks._fanout_server [--rate 5000] [--universe 500] [--flush-ms 10] [--seconds 60]
                                        [--profile FILE]

What is measured is what runs in earnest: every tick is made, numbered, written to a journal on disk
(and synced), put into the ring, encoded and fanned out. Ticks begin with SIGUSR1. Prints its port,
and when it ends, by itself or by SIGTERM, a JSON line of what the hub counted.
"""

import argparse
import asyncio
import cProfile
import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import uvloop

from accounts import Accounts
from benchmarks._fanout_ticks import TickSource
from config.settings import AccountsSettings, HubSettings, TapeSettings, TokenSettings
from hub.stream import StreamProtocol
from tape.batch import SourcePosition
from tape.tape import Tape
from tapewire.fanout import TapeHistory, make_hub
from tapewire.frontdoor import FrontDoor

TICK_SECONDS: Final = 0.001
"""How often the source looks what is due; C program and peer do the same."""
POSITION: Final = SourcePosition("sim:benchmark", bytes(30))
"""About as long as that of the simulator."""
ACCOUNTS: Final = AccountsSettings(tokens=(TokenSettings(user="benchmark", token="demo"),))


async def feed(tape: Tape, rate: int, universe: int) -> None:
    """Publish what is due, until cancelled."""
    source = TickSource(rate, universe, time.time_ns())
    while True:
        now_ns = time.time_ns()
        if ticks := source.until(now_ns):
            tape.publish("", ticks, POSITION, now_ns)
        await asyncio.sleep(TICK_SECONDS)


async def serve(given: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Serve until the time is over or SIGTERM comes; what the hub counted."""
    loop = asyncio.get_running_loop()
    begin, end = asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, begin.set)
    loop.add_signal_handler(signal.SIGTERM, end.set)
    loop.call_later(given.seconds, end.set)
    settings = HubSettings(raw_flush_ms=given.flush_ms, connections_per_user_max=20_000)
    tape = Tape(TapeSettings(), folder, time.time_ns())
    history = TapeHistory(tape, folder)
    hub = make_hub(settings, tape, Accounts(ACCOUNTS), history)
    tape.on_batch = hub.on_batch
    door = FrontDoor(lambda: StreamProtocol(hub, settings), asyncio.Protocol)
    server = await loop.create_server(door, "127.0.0.1", 0, backlog=4_096)
    print(server.sockets[0].getsockname()[1], flush=True)
    tasks = [asyncio.create_task(hub.run())]
    await asyncio.wait([asyncio.create_task(begin.wait()), ended := asyncio.create_task(end.wait())],
                       return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
    tasks.append(asyncio.create_task(feed(tape, given.rate, given.universe)))
    await ended
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    server.close()
    counted: dict[str, object] = {**hub.counters, "published": tape.marks.accepted, "behind": hub.behind}
    history.close()
    tape.close()
    return counted


def main() -> int:
    """Serve, then print what was counted."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--universe", type=int, default=500)
    parser.add_argument("--flush-ms", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--profile", type=Path)
    given = parser.parse_args()
    profile = cProfile.Profile() if given.profile else None
    with (
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        if profile is not None:
            profile.enable()
        counted = runner.run(serve(given, Path(folder)))
        if profile is not None:
            profile.disable()
            profile.dump_stats(given.profile)
    print(json.dumps(counted))
    return 0


if __name__ == "__main__":
    sys.exit(main())
