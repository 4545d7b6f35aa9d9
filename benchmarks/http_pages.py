"""How long a page of 10,000 trades takes over HTTP: `python -m benchmarks.http_pages`.

A made-up recording is stored, then all its trades are read page by page, again and again, by one
client on loopback. Measured in wall-clock time from the request to the last byte of the answer,
encoding and transport included, parsing by the client not. `first` pages begin a query, `next`
ones follow a cursor. `load_1m` is the machine's load: on a busy one these times mean little.
"""

import json
import os
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median, quantiles
from typing import Final
from urllib.parse import urlencode

from feeds.iex.market_day import Day, symbol_names
from feeds.synthetic_file import write_recording
from proofs import lib, replays
from proofs.lib import Proof, proof_folder
from proofs.machine import machine

DAY: Final = Day(symbols=20, messages=400_000, duration_s=600)
PAGE_ROWS: Final = 10_000
ROUNDS: Final = 12


def read_all(port: int) -> dict[str, list[float]]:
    """Read all trades once; seconds of each full page, by first and next."""
    taken = defaultdict[str, list[float]](list)
    query: dict[str, str | int] = {"symbols": ",".join(symbol_names(DAY.symbols)), "limit": PAGE_ROWS}
    while True:
        began = time.perf_counter()
        body = lib.text(port, f"/v1/trades?{urlencode(query)}")
        seconds = time.perf_counter() - began
        answer = json.loads(body)
        if len(answer["trades"]) == PAGE_ROWS:
            taken["next" if "cursor" in query else "first"].append(seconds)
        if answer["next_cursor"] is None:
            return taken
        query["cursor"] = answer["next_cursor"]


def measure(folder: Path) -> dict[str, object]:
    """Store a recording, read it back, and give the figures."""
    proof = Proof(seed=1, full=False, folder=folder)
    recording = folder / "made-up.pcap.gz"
    content = write_recording(recording, DAY, packed=True)
    try:
        replays.whole(proof, recording, folder / "data")
        with replays.served(proof, recording, folder / "data") as port:
            read_all(port)  # so that files and caches are as they are in daily use
            rounds = [read_all(port) for _ in range(ROUNDS)]
    finally:
        for child in proof.children:
            child.end()
    pages = {kind: [seconds for found in rounds for seconds in found[kind]] for kind in ("first", "next")}
    every = [*pages["first"], *pages["next"]]
    return {
        "benchmark": "http_pages",
        "page_rows": PAGE_ROWS,
        "trades": content.messages["T"],
        "pages": len(every),
        "page_p50_ms": round(median(every) * 1000, 1),
        "page_p99_ms": round(quantiles(every, n=100)[98] * 1000, 1),
        "first_page_p50_ms": round(median(pages["first"]) * 1000, 1),
        "load_1m": round(os.getloadavg()[0], 1),
        "machine": machine(),
    }


def main() -> int:
    """Print one JSON line."""
    with proof_folder() as folder:
        print(json.dumps(measure(folder), ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
