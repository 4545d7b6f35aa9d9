"""The command line: exit codes, streams, and what the commands hand on."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from config.settings import MASK, Settings
from config.show import to_toml
from tape.errors import TapeLocked
from tapewire.alert_cli import EXIT_USAGE
from tapewire.cli import EXIT_CONFIG, main
from tapewire.errors import StartError
from tapewire.options import DemoOptions, ReplayOptions
from tapewire.tail_options import TailOptions

CONFIG = """
data_dir = "{folder}/var"
[http]
port = 0
[[accounts.tokens]]
user = "ann"
token = "canary-1"
[[sources]]
name = "tape"
type = "replay"
files = ["{folder}/a.pcap"]
"""


class Started:
    """Stands in the place of `tapewire.app`: remembers what it was asked to start."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[Any] = []
        self.failure: Exception | None = None
        module = ModuleType("tapewire.app")
        module.run = module.run_replay = module.run_demo = self._run  # type: ignore[attr-defined]  # made so
        monkeypatch.setitem(sys.modules, "tapewire.app", module)
        # the logs of this process stay as they are
        monkeypatch.setattr("tapewire.logs.configure", lambda settings: None)

    def _run(self, options: object) -> int:
        self.asked.append(options)
        if self.failure is not None:
            raise self.failure
        return 3


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """What the commands start."""
    return Started(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a recording and a configuration, and no settings in the environment."""
    for name in list(os.environ):
        if name.startswith("TAPEWIRE__"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pcap").touch()
    file = tmp_path / "tapewire.toml"
    file.write_text(CONFIG.format(folder=tmp_path))
    file.chmod(0o600)
    return tmp_path


def test_every_help_starts_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    """The example comes first, on stdout."""
    for command in (
        "",
        "demo",
        "replay",
        "run",
        "config",
        "config check",
        "config show",
        "config schema",
        "version",
    ):
        assert main([*command.split(), "--help"]) == 0
        out, err = capsys.readouterr()
        assert out.startswith("Example: tapewire " + command)
        assert err == ""


def test_help_loads_no_server() -> None:
    """What makes a command slow is imported when it runs."""
    code = (
        "import sys\nfrom tapewire.cli import main\nmain(['--help'])\n"
        "print([name for name in ('aiohttp', 'msgspec', 'structlog', 'prometheus_client', 'uvloop')"
        " if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        "nothing",
        "replay",
        "replay a.pcap --bogus",
        "replay a.pcap --speed fast",
        "replay a.pcap --speed 0",
        "replay a.pcap --port 70000",
        "replay a.pcap --port x",
        "config nothing",
        "demo --port 70000",
        "demo --symbols 0",
        "demo --symbols x",
        "demo --rate 0",
        "demo --rate 1000 --speed 1000",
        "demo --seed -1",
        "demo extra",
        "tail",
        "tail AAPL --max-hz 0",
        "tail AAPL --max-hz x",
        "tail AAPL --since -1",
        "tail AAPL --url ftp://x",
        "tail '*' AAPL",
        "init a b",
        "run extra",
    ],
)
def test_what_is_not_understood_exits_with_2(
    arguments: str, started: Started, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a word on stderr, nothing on stdout, and nothing started."""
    assert main(shlex.split(arguments)) == EXIT_USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert "Error" in err or re.match("tapewire: (outside its range|not the address|'\\*' stands)", err)
    assert started.asked == []


def test_replay_hands_on_files_speed_port_and_folder(folder: Path, started: Started) -> None:
    """And gives back the exit code of the work."""
    code = main(["replay", "a.pcap", "a.pcap", "--speed", "max", "--port", "0", "--data", "d", "--exit"])
    assert code == 3
    (options,) = started.asked
    assert isinstance(options, ReplayOptions)
    assert options.files == (Path("a.pcap"), Path("a.pcap"))
    assert (options.speed, options.exit_when_stored) == ("max", True)
    assert (options.settings.http.port, options.settings.data_dir) == (0, "d")
    assert [token.token for token in options.settings.accounts.tokens] == ["demo"]
    assert (folder / "d").is_dir()


def test_replay_plays_as_recorded_and_stays_by_default(
    folder: Path, started: Started, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the settings of the file that is named, and no demo token beside its tokens."""
    assert main(["replay", "a.pcap", "--config", "tapewire.toml"]) == 3
    (options,) = started.asked
    assert (options.speed, options.exit_when_stored) == ("1", False)
    assert [token.user for token in options.settings.accounts.tokens] == ["ann"]
    assert capsys.readouterr() == ("", "")


def test_a_demo_needs_nothing(folder: Path, started: Started, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither arguments nor a configuration, and it leaves no folder behind."""
    assert main(["demo"]) == 3
    (options,) = started.asked
    assert isinstance(options, DemoOptions)
    assert (options.port, options.seed, options.symbols, options.speed, options.rate) == (8080, 7, 12, 1, 100)
    assert (options.data, options.browser) == (None, True)
    assert options.settings.http.port == 8080
    assert [token.token for token in options.settings.accounts.tokens] == ["demo"]
    assert not Path(options.settings.data_dir).exists()
    assert capsys.readouterr() == ("", "")


def test_a_demo_hands_on_its_market_its_folder_and_its_port(folder: Path, started: Started) -> None:
    """The folder is made, and stays."""
    market = "--seed 3 --symbols 40 --speed 2.5 --rate 1000"
    assert main(["demo", "--port", "0", *market.split(), "--data", "d", "--no-browser"]) == 3
    (options,) = started.asked
    assert (options.seed, options.symbols, options.speed, options.rate) == (3, 40, 2.5, 1000)
    assert (options.data, options.browser, options.settings.http.port) == (Path("d"), False, 0)
    assert options.settings.data_dir == "d"
    assert (folder / "d").is_dir()


def test_tail_hands_on_what_to_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names hub and token where the arguments do not."""
    asked: list[TailOptions] = []

    def run_tail(options: TailOptions) -> int:
        asked.append(options)
        return 5

    monkeypatch.setattr("tapewire.tail.run_tail", run_tail)
    monkeypatch.delenv("TAPEWIRE_URL", raising=False)
    monkeypatch.delenv("TAPEWIRE_TOKEN", raising=False)
    assert main(["tail", "aapl", "MSFT"]) == 5
    monkeypatch.setenv("TAPEWIRE_URL", "https://hub.example.com")
    monkeypatch.setenv("TAPEWIRE_TOKEN", "secret")
    assert main(["tail", "*", "--trades", "--max-hz", "2", "--since", "7", "--json"]) == 5
    assert main(["tail", "A", "--quotes", "--url", "h:1", "--token", "other"]) == 5
    assert asked == [
        TailOptions(("AAPL", "MSFT"), ("t", "q"), "ws://127.0.0.1:8080/v1/stream", "demo"),
        TailOptions(("*",), ("t",), "wss://hub.example.com/v1/stream", "secret", 2.0, 7, True),
        TailOptions(("A",), ("q",), "ws://h:1/v1/stream", "other"),
    ]


def test_init_writes_a_file_that_passes_the_check(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once; then only if forced."""
    (folder / "tapewire.toml").unlink()
    assert main(["init"]) == 0
    assert capsys.readouterr() == (
        "",
        "tapewire: wrote tapewire.toml; `tapewire run --config tapewire.toml` runs a hub with it\n",
    )
    assert main(["config", "check", "--config", "tapewire.toml"]) == 0
    assert capsys.readouterr().err == "tapewire: the configuration can be used\n"
    assert main(["init"]) == EXIT_CONFIG
    assert capsys.readouterr() == ("", "tapewire: tapewire.toml: there is one already; --force replaces it\n")
    assert main(["init", "--force"]) == 0
    assert main(["init", "other.toml"]) == 0
    assert (folder / "other.toml").is_file()


def test_run_reads_tapewire_toml_of_the_working_directory(folder: Path, started: Started) -> None:
    """Or the file that is named."""
    assert main(["run"]) == 3
    (folder / "tapewire.toml").rename(folder / "other.toml")
    assert main(["run", "--config", "other.toml"]) == 3
    assert [settings.sources[0].name for settings in started.asked] == ["tape", "tape"]


def test_the_environment_reaches_a_command(
    folder: Path, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over what the file says."""
    monkeypatch.setenv("TAPEWIRE__HTTP__PORT", "5")
    main(["run"])
    assert started.asked[0].http.port == 5


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("run --config missing.toml", "tapewire: missing.toml: no such file or directory"),
        ("run --config .", "tapewire: .: is not a regular file"),
        ("replay b.pcap", "tapewire: recording b.pcap: no such file or directory"),
        ("replay a.pcap --data a.pcap", "tapewire: data folder a.pcap: file exists"),
        ("config show --config missing.toml", "tapewire: missing.toml: no such file or directory"),
        ("config check --config missing.toml", "tapewire: missing.toml: no such file or directory"),
    ],
)
def test_what_cannot_start_exits_with_78_and_one_line(
    arguments: str, line: str, folder: Path, started: Started, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback, nothing on stdout, nothing started."""
    assert main(arguments.split()) == EXIT_CONFIG
    assert capsys.readouterr() == ("", line + "\n")
    assert started.asked == []


def test_a_start_that_fails_later_exits_with_78_too(
    folder: Path, started: Started, capsys: pytest.CaptureFixture[str]
) -> None:
    """As when the port is found in use."""
    started.failure = StartError(["http.port 80 on 127.0.0.1: permission denied"])
    assert main(["run"]) == EXIT_CONFIG
    assert capsys.readouterr().err == "tapewire: http.port 80 on 127.0.0.1: permission denied\n"


def test_a_folder_in_use_is_told_by_the_name_that_was_asked_for(
    folder: Path, started: Started, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--data` wins over the configuration, in the message too."""
    started.failure = TapeLocked("locked")
    assert main(["replay", "a.pcap", "--data", "d"]) == EXIT_CONFIG
    assert capsys.readouterr().err.startswith("tapewire: data folder d: another tapewire is using it;")


def test_our_own_mistakes_keep_their_traceback(folder: Path, started: Started) -> None:
    """What nobody foresaw must be seen."""
    started.failure = KeyError("x")
    with pytest.raises(KeyError):
        main(["run"])


def test_every_problem_of_a_configuration_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr, each with its place, and as JSON on stdout."""
    (folder / "bad.toml").write_text('data_dirs = 1\n[http]\nport = "x"\n')
    expected = [
        "bad.toml:1: data_dirs: unknown key; nearest: data_dir",
        "bad.toml:3: http.port: is text; allowed: an integer from 0 to 65535",
    ]
    assert main(["config", "check", "--config", "bad.toml"]) == EXIT_CONFIG
    assert capsys.readouterr() == ("", "".join(f"tapewire: {line}\n" for line in expected))
    assert main(["config", "check", "--config", "bad.toml", "--json"]) == EXIT_CONFIG
    assert json.loads(capsys.readouterr().out) == {"problems": expected, "warnings": []}


def test_a_good_configuration_is_told_with_its_warnings(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0, nothing secret."""
    (folder / "tapewire.toml").chmod(0o644)
    assert main(["config", "check", "--config", "tapewire.toml"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "warning: tapewire.toml:7: accounts.tokens[0].token: is a secret in a file that everyone" in err
    assert err.endswith("tapewire: the configuration can be used\n")
    assert "canary" not in err


def test_the_settings_in_effect_are_shown_without_secrets(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As TOML and as JSON; the environment is in effect too."""
    monkeypatch.setenv("TAPEWIRE__TAPE__RETRY_MS", "77")
    for arguments, read in ((["--json"], json.loads), ([], tomllib.loads)):
        assert main(["config", "show", "--config", "tapewire.toml", *arguments]) == 0
        out, err = capsys.readouterr()
        shown = read(out)
        assert shown["tape"]["retry_ms"] == 77
        assert shown["accounts"]["tokens"][0]["token"] == MASK
        assert "canary" not in out + err


def test_a_first_configuration_file_can_be_made(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is shown with comments is a configuration that can be used."""
    assert main(["config", "show", "--commented"]) == 0
    text = capsys.readouterr().out
    assert text == to_toml(Settings(), commented=True)
    (folder / "first.toml").write_text(text)
    assert main(["config", "check", "--config", "first.toml"]) == 0


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    """One document on stdout."""
    assert main(["config", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$ref"] == "#/$defs/Settings"


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Alone, as an option, and as JSON with what it runs on."""
    assert main(["version"]) == 0
    assert main(["--version"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == second
    assert main(["version", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["tapewire"] == first
    assert {"aiohttp", "msgspec", "websockets"} <= set(told["libraries"])


def test_a_reader_that_has_seen_enough_is_no_failure() -> None:
    """`tapewire config show | head -1`, with the reading end closed before anything is written."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", "tapewire", "config", "schema"],
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_colour_is_left_out_when_nobody_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """`NO_COLOR`, and a stream that is no terminal."""
    environ = os.environ | {"NO_COLOR": "1", "FORCE_COLOR": ""}
    done = subprocess.run(
        [sys.executable, "-m", "tapewire", "nothing"],
        capture_output=True,
        text=True,
        env=environ,
        check=False,
    )
    assert done.returncode == EXIT_USAGE
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_start_is_no_failure(tmp_path: Path, number: signal.Signals) -> None:
    """Exit code 0, as later on, and no traceback."""
    code = f"""
import os, sys, types
sys.modules["tapewire.app"] = app = types.ModuleType("tapewire.app")
app.run = lambda settings: os.kill(os.getpid(), {number.value})
from tapewire.cli import main
main(["run", "--config", sys.argv[1]])
sys.exit("nothing ended it")
"""
    config = tmp_path / "tapewire.toml"
    config.write_text(f'data_dir = "{tmp_path}/var"')
    done = subprocess.run([sys.executable, "-c", code, str(config)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_empty_data_folder_is_refused(started: Started, capsys: pytest.CaptureFixture[str]) -> None:
    """`--data "$UNSET"` must not fill the working directory."""
    assert main(["replay", __file__, "--data", ""]) == EXIT_USAGE
    assert "a folder has a name" in capsys.readouterr().err
    assert started.asked == []


def test_a_command_leaves_signals_as_they_were(started: Started, tmp_path: Path) -> None:
    """Whoever calls `main` in a process of their own goes on with their handlers."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    config = tmp_path / "tapewire.toml"
    config.write_text(f'data_dir = "{tmp_path}/var"')
    assert main(["run", "--config", str(config)]) == 3
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
