"""What is tried before anything starts, and the one line that says why it cannot.

A service that cannot start exits with 78 (`EX_CONFIG`) and one line for each problem; a
traceback is for our own mistakes only.
"""

import errno
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from accounts import Accounts, AccountSettingsError
from alerts.errors import AlertsError
from config.errors import ConfigError
from config.load import Loaded, load
from config.raw import plain
from config.settings import HttpSettings, Settings
from feeds.errors import RecordingError
from storage.errors import StorageError, UnknownStore
from storage.stores import check_store
from tape.errors import TapeError, TapeLocked
from tapewire.errors import StartError

BACKLOG: Final = 1_024
"""Connections that may wait to be accepted: a page reload of every client of a small office."""


def read_settings(file: Path | None, environ: Mapping[str, str] | None = None) -> Loaded:
    """Read the configuration and try everything in it that can be tried without starting.

    Without `environ`, the variables of this process are used.

    Raises:
        ConfigError: with every problem found.
    """
    loaded = load(file, environ)
    problems: list[str] = []
    try:
        Accounts(loaded.settings.accounts)
    except AccountSettingsError as error:
        problems += error.problems
    try:
        check_store(loaded.settings.storage)
    except UnknownStore as error:
        problems.append(f"storage.url: {plain(str(error))}")
    if problems:
        place = "settings" if file is None else plain(str(file))
        raise ConfigError([f"{place}: {problem}" for problem in problems])
    return loaded


def check_recordings(files: Sequence[Path]) -> None:
    """Make sure that each recording is a file that can be opened.

    Raises:
        StartError: naming each that is not.
    """
    problems = []
    for file in files:
        try:
            if file.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            with file.open("rb"):
                pass
        except OSError as error:
            problems.append(f"recording {plain(str(file))}: {_reason(error)}")
    if problems:
        raise StartError(problems)


def check_data_folder(settings: Settings) -> None:
    """Make the data folder where it is missing, and make sure that files can be made in it.

    Raises:
        StartError: it is not a folder, or cannot be written.
    """
    folder = Path(settings.data_dir)
    probe = folder / f".writable-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except (OSError, ValueError) as error:
        raise StartError([_data_folder(settings, _reason(error))]) from None


def open_listener(http: HttpSettings) -> socket.socket:
    """A listening socket on `http.host` and `http.port`, for `aiohttp.web.SockSite`.

    Raises:
        StartError: the port is in use or not permitted, or the address is not of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            http.host, http.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise StartError([f"http.host {plain(http.host)}: {_reason(error)}"]) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        name = f"http.port {http.port} on {plain(http.host)}"
        hint = "; choose another with http.port or --port" if error.errno == errno.EADDRINUSE else ""
        raise StartError([f"{name}: {_reason(error)}{hint}"]) from None
    return listener


def url_of(listener: socket.socket) -> str:
    """The address under which a listening socket is reached from this machine, `http://HOST:PORT`."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def explain(error: BaseException, settings: Settings | None = None) -> tuple[str, ...] | None:
    """The lines that tell why a start failed; None when `error` is no such failure.

    A group of errors, as a task group raises it, is explained when each of its members is.
    """
    if isinstance(error, BaseExceptionGroup):
        parts = [explain(member, settings) for member in error.exceptions]
        return None if None in parts else tuple(line for part in parts if part for line in part)
    if isinstance(error, ConfigError | AccountSettingsError | StartError):
        return error.problems
    if isinstance(error, TapeLocked):
        return (
            _data_folder(settings, "another tapewire is using it; stop that one, or choose another folder"),
        )
    if isinstance(error, TapeError):
        cause = error.__cause__
        reason = f"{error}: {_reason(cause)}" if isinstance(cause, OSError) else str(error)
        return (_data_folder(settings, plain(reason)),)
    if isinstance(error, RecordingError):
        return (f"recording {plain(str(error))}",)
    if isinstance(error, UnknownStore):
        return (f"storage.url: {plain(str(error))}",)
    if isinstance(error, StorageError | AlertsError):
        return (_data_folder(settings, plain(str(error))),)
    if isinstance(error, OSError) and error.filename is not None:
        return (_file(error, settings),)
    return None


def _file(error: OSError, settings: Settings | None) -> str:
    """The line for a file that cannot be used: the setting that names it, or the data folder."""
    if settings is not None and str(error.filename) == settings.tape.boot_id_path:
        return f"tape.boot_id_path {plain(str(error.filename))}: {_reason(error)}"
    return _data_folder(settings, f"{plain(str(error.filename))}: {_reason(error)}")


def _data_folder(settings: Settings | None, reason: str) -> str:
    name = "" if settings is None else f" {plain(settings.data_dir)}"
    return f"data folder{name}: {reason}"


def _reason(error: OSError | ValueError) -> str:
    """The system's own words, without the file name that the line already has."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return plain(str(error))
