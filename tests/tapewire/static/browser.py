"""A real Chromium without a window, driven by its own DevTools protocol over a WebSocket."""

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from scripts import web

CHROMIUM: Final = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
"""Where the browser is; None when there is none."""
FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
)  # fmt: skip
START_SECONDS: Final = 30
ANSWER_SECONDS: Final = 20
POLL_SECONDS: Final = 0.05


def axe() -> str:
    """The source of axe-core, as the page's own tools bring it: it is not part of this project."""
    try:
        web.install()
    except web.ToolsMissing as error:
        pytest.skip(f"NOT CHECKED: {error}")
    return (web.SOURCE / "node_modules" / "axe-core" / "axe.min.js").read_text()


class BrowserError(Exception):
    """The browser could not do what it was told: the page is on its way to another, say."""


class Tab:
    """One tab; what it logged and refused is kept."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._last_id = 0
        self._session = ""
        self._answer: Callable[[str, str, Any], tuple[int, Any]] | None = None
        self._answering: set[asyncio.Task[None]] = set()
        self.complaints: list[str] = []
        """Errors and warnings of the console, of the network, of the content policy; uncaught exceptions."""
        self.sent: list[Any] = []
        """Messages that the page has sent over WebSockets."""
        self.received: list[Any] = []
        """Messages that it was sent."""

    async def listen(self) -> None:
        """Take what the browser tells, until it ends."""
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told)
            else:
                self._note(told["method"], told["params"])

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol.

        Raises:
            BrowserError: it was refused.
        """
        self._last_id += 1
        answer = self._answers[self._last_id] = asyncio.get_running_loop().create_future()
        command: dict[str, Any] = {"id": self._last_id, "method": method, "params": params}
        if self._session:
            command["sessionId"] = self._session
        await self._socket.send_json(command)
        told = await asyncio.wait_for(answer, ANSWER_SECONDS)
        if "error" in told:
            raise BrowserError(f"{method}: {told['error']['message']}")
        result: dict[str, Any] = told["result"]
        return result

    async def attach(self) -> None:
        """Open a tab and listen to everything it may complain about."""
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            await self.call(f"{domain}.enable")

    async def show(
        self, width: int = 1000, height: int = 800, *, dark: bool = False, calm: bool = False
    ) -> None:
        """Choose the size of the window, and the colours and the motion that its user prefers."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        motion = {"name": "prefers-reduced-motion", "value": "reduce" if calm else "no-preference"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme, motion])

    async def answer(
        self, patterns: Sequence[str], answer: Callable[[str, str, Any], tuple[int, Any]]
    ) -> None:
        """Answer requests to addresses like `patterns` here, in the server's place.

        Args:
            patterns: with `*` for anything.
            answer: (method, URL, decoded body or None) → status and JSON value.
        """
        self._answer = answer
        await self.call("Fetch.enable", patterns=[{"urlPattern": pattern} for pattern in patterns])

    async def open(self, url: str) -> None:
        """Go to an address; its script has run when this returns."""
        await self.call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def reload(self) -> None:
        """Load the page again, likewise."""
        before = await self.value("performance.timeOrigin")
        await self.call("Page.reload")
        await self.until(f"performance.timeOrigin !== {before} && document.readyState === 'complete'")

    async def value(self, expression: str) -> Any:
        """What an expression comes to in the page."""
        told = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    async def until(self, expression: str, seconds: float = ANSWER_SECONDS) -> Any:
        """Wait until an expression is true in the page; its value."""
        async with asyncio.timeout(seconds):
            while True:
                with suppress(BrowserError):
                    if value := await self.value(expression):
                        return value
                await asyncio.sleep(POLL_SECONDS)

    async def press(self, key: str, code: int) -> None:
        """Press and release one key that is no letter (`code` as in `KeyboardEvent.keyCode`)."""
        shown = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        text = {"text": "\r"} if key == "Enter" else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **shown, **text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **shown)

    async def type(self, text: str) -> None:
        """Type text where the focus is."""
        await self.call("Input.insertText", text=text)

    async def audit(self, axe: str) -> list[str]:
        """What axe-core (its source) has to object to the page, one line each."""
        await self.call("Runtime.evaluate", expression=axe)
        told = await self.value("axe.run(document).then(({violations}) => violations)")
        return [
            f"{rule['id']} ({rule['impact']}): {node['html'][:200]}"
            for rule in told
            for node in rule["nodes"]
        ]

    async def picture(self) -> bytes:
        """What is seen, as PNG."""
        told = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(told["data"])

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method == "Network.webSocketFrameSent":
            self.sent += json.loads(params["response"]["payloadData"])
        elif method == "Network.webSocketFrameReceived" and params["response"]["opcode"] == 1:
            self.received += json.loads(params["response"]["payloadData"])
        elif method == "Fetch.requestPaused":
            task = asyncio.create_task(self._fulfil(params))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{params['entry']['source']}: {params['entry']['text']}")

    async def _fulfil(self, params: dict[str, Any]) -> None:
        assert self._answer is not None
        request = params["request"]
        body = json.loads(request["postData"]) if "postData" in request else None
        status, value = self._answer(request["method"], request["url"], body)
        with suppress(BrowserError):  # the page has left meanwhile
            await self.call(
                "Fetch.fulfillRequest",
                requestId=params["requestId"],
                responseCode=status,
                responseHeaders=[{"name": "Content-Type", "value": "application/json"}],
                body=base64.b64encode(json.dumps(value).encode()).decode() if status != 204 else "",
            )


@asynccontextmanager
async def browsing(profile: Path) -> AsyncIterator[Tab]:
    """A browser with an empty profile and one tab."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        address = await _address(profile / "DevToolsActivePort", process)
        async with aiohttp.ClientSession() as session, session.ws_connect(address, max_msg_size=0) as socket:
            tab = Tab(socket)
            listening = asyncio.create_task(tab.listen())
            try:
                await tab.attach()
                yield tab
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _address(file: Path, process: asyncio.subprocess.Process) -> str:
    """Where the browser listens: it writes that into its profile."""
    async with asyncio.timeout(START_SECONDS):
        while not (file.exists() and "\n" in file.read_text()):  # noqa: ASYNC240 - a tiny local file
            assert process.returncode is None, "the browser has ended"
            await asyncio.sleep(POLL_SECONDS)
    port, path = file.read_text().split("\n")[:2]  # noqa: ASYNC240 - likewise
    return f"ws://127.0.0.1:{port}{path}"
