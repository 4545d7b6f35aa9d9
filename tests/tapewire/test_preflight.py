"""What is tried before a start, and how failures are told."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from accounts import AccountSettingsError
from config.errors import ConfigError
from config.settings import HttpSettings, Settings
from tape.errors import FormatError, TapeLocked
from tape.tape import Tape
from tapewire.errors import StartError
from tapewire.preflight import (
    check_data_folder,
    check_recordings,
    explain,
    open_listener,
    read_settings,
    url_of,
)


def test_settings_are_read_with_their_grants_and_times(tmp_path: Path) -> None:
    """What only the accounts can judge is found before the start too, with the file's name."""
    file = tmp_path / "t.toml"
    file.write_text('[[accounts.tokens]]\nuser = "a"\ntoken = "x"\nlive = ["z:*"]\nexpires = "soon"\n')
    with pytest.raises(ConfigError) as caught:
        read_settings(file, {})
    live, expires = caught.value.problems
    assert live.startswith(f"{file}: accounts.tokens[0].live: no such kind of channel")
    assert expires.startswith(f"{file}: accounts.tokens[0].expires: not a time")


def test_a_store_that_is_none_is_found_before_the_start(tmp_path: Path) -> None:
    """Together with what else is wrong; and the password in its address is not repeated."""
    file = tmp_path / "t.toml"
    file.write_text(
        '[storage]\nurl = "postgres://u:canary@h/db"\n'
        '[[accounts.tokens]]\nuser = "a"\ntoken = "x"\nlive = ["z:*"]'
    )
    with pytest.raises(ConfigError) as caught:
        read_settings(file, {})
    grants, store = caught.value.problems
    assert "accounts.tokens[0].live" in grants
    assert store == f"{file}: storage.url: no such store: 'postgres' (there is sqlite:)"


def test_usable_settings_are_given_back() -> None:
    """Without a file, from the environment that was handed in."""
    assert read_settings(None, {"TAPEWIRE__HTTP__PORT": "0"}).settings.http.port == 0


def test_every_missing_recording_is_named(tmp_path: Path) -> None:
    """Missing ones and folders; the one that is there is not mentioned."""
    there = tmp_path / "there.pcap"
    there.touch()
    check_recordings([there])
    with pytest.raises(StartError) as caught:
        check_recordings([there, tmp_path / "a.pcap", tmp_path])
    assert caught.value.problems == (
        f"recording {tmp_path}/a.pcap: no such file or directory",
        f"recording {tmp_path}: is a directory",
    )


def test_a_missing_data_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    """With its parents, and without a trace of the trial."""
    folder = tmp_path / "a" / "b"
    check_data_folder(Settings(data_dir=str(folder)))
    assert list(folder.iterdir()) == []


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file in its place, a file above it."""
    file = tmp_path / "file"
    file.touch()
    for name in (file, file / "below"):
        with pytest.raises(StartError) as caught:
            check_data_folder(Settings(data_dir=str(name)))
        (problem,) = caught.value.problems
        assert problem.startswith(f"data folder {name}: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_data_folder_is_told(tmp_path: Path) -> None:
    """Before anything starts."""
    tmp_path.chmod(0o500)
    with pytest.raises(StartError, match="permission denied"):
        check_data_folder(Settings(data_dir=str(tmp_path)))


async def test_a_listener_takes_connections() -> None:
    """The socket is ready to be served, at the port it got."""
    with open_listener(HttpSettings(port=0)) as listener:
        _, writer = await asyncio.open_connection(*listener.getsockname())
        writer.close()
        await writer.wait_closed()


def test_a_port_in_use_is_told_with_a_way_out() -> None:
    """One line that names address and port."""
    with open_listener(HttpSettings(port=0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(StartError) as caught:
            open_listener(HttpSettings(port=port))
    assert caught.value.problems == (
        f"http.port {port} on 127.0.0.1: address already in use; choose another with http.port or --port",
    )


def test_an_address_of_another_machine_is_told() -> None:
    """192.0.2.1 belongs to documentation and to no machine; no name is looked up."""
    with pytest.raises(StartError, match=r"http\.port 0 on 192\.0\.2\.1: cannot assign requested address"):
        open_listener(HttpSettings(host="192.0.2.1", port=0, trusted_proxies=("192.0.2.2",)))
    with pytest.raises(StartError, match=r"http\.host not an address: "):
        open_listener(HttpSettings(host="not an address", port=0))


def test_a_listener_that_fails_is_closed() -> None:
    """A warning about an unclosed socket would fail this test."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for _ in range(3):
            with pytest.raises(StartError):
                open_listener(HttpSettings(port=taken.getsockname()[1]))


def test_a_data_folder_in_use_is_explained(tmp_path: Path) -> None:
    """The real lock of a real tape, told in one line."""
    settings = Settings(data_dir=str(tmp_path))
    tape = Tape(settings.tape, tmp_path, 1)
    try:
        with pytest.raises(TapeLocked) as caught:
            Tape(settings.tape, tmp_path, 1)
    finally:
        tape.close()
    assert explain(caught.value, settings) == (
        f"data folder {tmp_path}: another tapewire is using it; stop that one, or choose another folder",
    )


def test_failures_of_a_start_are_explained_and_mistakes_are_not() -> None:
    """A group is explained when all its members are; anything else keeps its traceback."""
    config, start = ConfigError(["a", "b"]), StartError(["c"])
    assert explain(config) == ("a", "b")
    assert explain(AccountSettingsError(["d"])) == ("d",)
    assert explain(FormatError("journal of a newer format\n")) == (
        r"data folder: journal of a newer format\n",
    )
    assert explain(BaseExceptionGroup("x", [config, ExceptionGroup("y", [start])])) == ("a", "b", "c")
    assert explain(KeyError("x")) is None
    assert explain(ExceptionGroup("x", [start, ValueError()])) is None


def test_a_listener_has_an_address() -> None:
    """With the port that was free, and brackets where IPv6 needs them."""
    with open_listener(HttpSettings(port=0)) as listener:
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
    with socket.socket(socket.AF_INET6) as listener:
        try:
            listener.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
        assert url_of(listener) == f"http://[::1]:{listener.getsockname()[1]}"
