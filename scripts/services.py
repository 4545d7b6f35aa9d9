"""Real servers for tests: started when asked, on free ports, and only these are ended.

    make services          start what is not running yet
    make services-stop     end what was started here

What runs is written down under `var/services/NAME/`: `state.json` (process, start time, port) and
`log`. A process is ended only when number and start time are those that were written down, so a
number that the system has given to somebody else in the meantime is left alone.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

FOLDER: Final = Path(__file__).resolve().parent.parent / "var" / "services"
READY_SECONDS: Final = 30
STOP_SECONDS: Final = 10
POLL_SECONDS: Final = 0.02


class ServiceError(Exception):
    """A server cannot be installed or does not start."""


class Service(Struct, frozen=True):
    """A server that tests can use."""

    name: str
    program: str
    package: str
    """The system package that holds the program."""
    command: Callable[[int, Path], list[str]]
    """The arguments of the program for a port and a folder of its own."""
    ready: Callable[[int], bool]
    """Whether it answers on its port."""


class Running(Struct, frozen=True):
    """A server that was started here."""

    pid: int
    started: str
    """Start time as the kernel counts it: tells a process from a later one with the same number."""
    port: int


def redis_answers(port: int) -> bool:
    """Whether a Redis server on loopback answers PING."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def redis_command(port: int, folder: Path) -> list[str]:
    """Redis on loopback, without any file of its own."""
    return [
        "--bind",
        "127.0.0.1",
        "--port",
        str(port),
        "--dir",
        str(folder),
        "--save",
        "",
        "--appendonly",
        "no",
    ]


SERVICES: Final = (Service("redis", "redis-server", "redis-server", redis_command, redis_answers),)


def start(service: Service, folder: Path = FOLDER) -> Running:
    """Start a server, or find that it runs already; install it when it is missing.

    Raises:
        ServiceError: it is not installed and cannot be, or does not answer in time.
    """
    running = status(service, folder)
    if running is not None:
        return running
    program = shutil.which(service.program) or _install(service)
    home = folder / service.name
    home.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    with (home / "log").open("ab") as log:
        process = subprocess.Popen(
            [program, *service.command(port, home)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=home,
        )  # fmt: skip
    running = Running(process.pid, _start_time(process.pid), port)
    (home / "state.json").write_text(
        json.dumps({"pid": running.pid, "started": running.started, "port": port})
    )
    deadline = time.monotonic() + READY_SECONDS
    while not service.ready(port):
        if process.poll() is not None or time.monotonic() > deadline:
            stop(service, folder)
            raise ServiceError(f"{service.name} does not answer on port {port}: see {home / 'log'}")
        time.sleep(POLL_SECONDS)
    # It outlives this program on purpose; without this, Python would complain at its exit.
    process.returncode = 0
    return running


def status(service: Service, folder: Path = FOLDER) -> Running | None:
    """The server as it was started here; None when it does not run."""
    try:
        state = json.loads((folder / service.name / "state.json").read_text())
    except (OSError, ValueError):
        return None
    running = Running(state["pid"], state["started"], state["port"])
    return running if _start_time(running.pid) == running.started else None


def stop(service: Service, folder: Path = FOLDER) -> bool:
    """End a server that was started here; whether one was running."""
    running = status(service, folder)
    if running is not None:
        _end(running)
    (folder / service.name / "state.json").unlink(missing_ok=True)
    return running is not None


def _end(running: Running) -> None:
    """Ask it to end, and insist when it does not."""
    deadline = time.monotonic() + STOP_SECONDS
    number = signal.SIGTERM
    while _start_time(running.pid) == running.started:
        with suppress(ProcessLookupError):
            os.kill(running.pid, number)
        with suppress(ChildProcessError):
            os.waitpid(running.pid, os.WNOHANG)
        if time.monotonic() > deadline:
            number = signal.SIGKILL
        time.sleep(POLL_SECONDS)


def _install(service: Service) -> str:
    """Install the system package; the path of the program."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        print(f"installing {service.package} …", file=sys.stderr)
        # With this run level the package does not start a server of its own.
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", service.package]):
            subprocess.run(
                ["apt-get", "-qq", *arguments], env=environment, check=False, stdout=subprocess.DEVNULL
            )
    program = shutil.which(service.program)
    if program is None:
        raise ServiceError(
            f"{service.program} is not installed: install the system package {service.package}"
        )
    return program


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start_time(pid: int) -> str:
    """When a process was started, in the kernel's count; empty when it does not run."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # The name, in brackets, may itself hold brackets and blanks.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


def main(arguments: Sequence[str]) -> int:
    """`start`, `stop` or `status` of all servers, or of those named."""
    action, *named = arguments or ["status"]
    if action not in ("start", "stop", "status"):
        print("usage: services start|stop|status [NAME …]", file=sys.stderr)
        return 2
    for service in SERVICES:
        if named and service.name not in named:
            continue
        try:
            if action == "start":
                start(service)
            elif action == "stop":
                stop(service)
        except ServiceError as error:
            print(error, file=sys.stderr)
            return 1
        running = status(service)
        print(
            f"{service.name}: port {running.port}, process {running.pid}"
            if running
            else f"{service.name}: stopped"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
