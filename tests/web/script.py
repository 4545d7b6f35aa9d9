"""The pure modules of the page, compiled and run by Node: one question a line, one answer a line."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from scripts import web

DRIVER: Final = """
import { createInterface } from "node:readline";
const page = await import(process.argv[1]);
const round = (value) => (typeof value === "number" ? Math.round(value * 1e6) / 1e6 : value);
const tasks = {
  call: ({ name, values }) => round(page[name](...values)),
  feed({ events, symbols, quiet, now }) {
    const outages = new page.Outages();
    for (const event of events) outages.take(...event);
    return [page.feedText(outages, symbols, quiet, now), page.missedText(outages, symbols, now)];
  },
  gap({ messages }) {
    const continuity = new page.Continuity();
    for (const message of messages) continuity.take(message);
    return page.gapText(continuity.gap);
  },
  told({ texts }) {
    const told = new page.Told();
    return texts.map(([text, now]) => told.say(text, now));
  },
  announcer({ every, steps }) {
    const announcer = new page.Announcer(every);
    return steps.map(([text, now]) => {
      if (text !== null) announcer.say(text);
      return announcer.due(now);
    });
  },
  slot: ({ after, drawn }) => page.slot(after, () => drawn),
  backoff: ({ attempt, bounds, drawn }) => page.backoff(attempt, bounds, () => drawn),
  continuity({ messages, behind = [] }) {
    const continuity = new page.Continuity();
    for (const id of behind) continuity.behind.add(id);
    const fresh = messages.map((message) =>
      (message.op === "move" ? (continuity.move(message.c, message.sub), 0) : continuity.take(message)));
    const { holes, gaps, mark, epoch, foreign } = continuity;
    return { fresh, holes, gaps, mark, epoch, foreign, behind: [...continuity.behind] };
  },
  recent({ samples, now }) {
    const recent = new page.Recent();
    for (const sample of samples) recent.add(...sample);
    return recent.sum(now);
  },
  clock({ pongs }) {
    const clock = new page.Clock();
    return pongs.map(([now, pong]) => (clock.pong(now, pong), round(clock.ahead)));
  },
  row({ ticks, now }) {
    const row = new page.Row();
    for (const tick of ticks) row.take(...tick);
    return { ...row, change: row.change, age: row.age(now) };
  },
  candles({ seconds, steps }) {
    const candles = new page.Candles(seconds);
    const verdicts = steps.map(([name, given]) => candles[name](given) ?? null);
    return { verdicts, list: candles.list() };
  },
  words: ({ symbol, name, candles }) => page.candleText(symbol, name, candles, page.priceText),
  rings({ fires }) {
    const rings = new page.Rings();
    return [fires.map((fire) => rings.take(fire)), rings.list().map(({ event_id }) => event_id)];
  },
};
for await (const line of createInterface({ input: process.stdin })) {
  const { task, ...given } = JSON.parse(line);
  console.log(JSON.stringify(tasks[task](given) ?? null));
}
"""

needs_node: Final = pytest.mark.skipif(
    web.node_version() < web.NODE_MIN,
    reason="no Node 20.19 with npm here: install it to test the page's script",
)


class Script:
    """The modules in a process of their own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, task: str, **given: Any) -> Any:
        """What a task of the driver comes to."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"task": task, **given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the script has ended: see above"
        return json.loads(line)

    def call(self, name: str, *values: Any) -> Any:
        """What one of the functions returns, to six decimals."""
        return self.ask("call", name=name, values=values)

    def continuity(self, *messages: dict[str, Any]) -> dict[str, Any]:
        """What the client's rule makes of messages."""
        verdict: dict[str, Any] = self.ask("continuity", messages=messages)
        return verdict


@contextmanager
def running(folder: Path) -> Iterator[Script]:
    """The modules, compiled into a folder."""
    try:
        web.build_modules(folder)
    except web.ToolsMissing as error:
        pytest.skip(f"NOT CHECKED: {error}")
    command = ["node", "--input-type=module", "--eval", DRIVER, (folder / "core" / "index.js").as_uri()]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "TZ": "UTC"}
    ) as process:
        yield Script(process)
        assert process.stdin is not None
        process.stdin.close()
