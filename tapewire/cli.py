"""The command line: arguments in, exit codes out. The work is done in `tapewire.app`.

stdout is data, stderr is talk. Exit codes:

    0    done, or stopped by SIGINT or SIGTERM after everything in flight was kept
    1    the work itself failed (a replay whose stored ticks differ from the published ones, a hub that
         cannot be followed or says no)
    2    the command was not understood
    78   the service cannot start; one line on stderr for each reason

What a command needs is imported when it runs, so that `--help` answers at once.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import App, CycloptsError, Parameter, Token

from tapewire.alert_cli import DEFAULT_URL, EXIT_USAGE, Flag, HubToken, HubUrl, alert_app, watch

if TYPE_CHECKING:
    from config.settings import Settings

EXIT_CONFIG: Final = 78
"""`EX_CONFIG` of sysexits.h: starting again without a change is of no use."""

app = App(
    name="tapewire",
    help="A real-time market-data hub: one numbered tape of ticks, fanned out, stored and queried.",
    help_prologue="Example: tapewire replay tops.pcap.gz --speed max --exit",
    help_format="plaintext",
    version_flags="--version",
    version=lambda: _version(),  # looked up only when asked for
    result_action="return_value",
)
config_app = App(
    name="config",
    help="Check, show and describe the configuration.",
    help_prologue="Example: tapewire config check --config tapewire.toml",
)
app.command(config_app)
app.command(alert_app)
app.command(watch, help_prologue="Example: tapewire watch")

ConfigFile = Annotated[Path | None, Parameter(name="--config")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Reads `sys.argv` when no arguments are given."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(tokens, exit_on_error=False, print_error=True)
        sys.stdout.flush()
    except CycloptsError:
        return EXIT_USAGE
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code if isinstance(code, int) else 0


def _speed(_kind: object, text: str) -> None:
    """Refuse a playing speed that is none."""
    from msgspec.inspect import type_info

    from config.describe import fits
    from config.settings import Speed

    if not fits(type_info(Speed), text):
        raise ValueError("a speed is 1, a factor such as 60 or 0.5, or max")


def _port(_kind: object, port: int | None) -> None:
    if port is not None and not 0 <= port <= 65_535:
        raise ValueError("a port is an integer from 0 to 65535")


def _hz(_kind: object, hz: float | None) -> None:
    if hz is not None and not 0 < hz <= 1_000_000:
        raise ValueError("a rate is a number above 0, updates a second")


def _mark(_kind: object, mark: int | None) -> None:
    if mark is not None and not 0 <= mark < 2**53:
        raise ValueError("a mark is an integer from 0 on, as tail says it in the end")


def _check_market(**market: Any) -> None:
    """Refuse a market that cannot be simulated."""
    from feeds.sim.settings import SimSettings

    SimSettings(**market)


def _folder(_kind: object, tokens: Sequence[Token]) -> Path:
    """A folder; an empty name, as of a variable that is not set, is not the working directory."""
    if not tokens[0].value:
        raise ValueError("a folder has a name")
    return Path(tokens[0].value)


@app.command(help_prologue="Example: tapewire replay tops.pcap.gz --speed max --exit")
def replay(
    files: Annotated[list[Path], Parameter(required=True, negative=())],
    /,
    *,
    speed: Annotated[str, Parameter(validator=_speed)] = "1",
    port: Annotated[int | None, Parameter(validator=_port)] = None,
    data: Annotated[Path | None, Parameter(converter=_folder)] = None,
    config: ConfigFile = None,
    exit_when_stored: Annotated[bool, Parameter(name="--exit", negative=())] = False,
) -> int:
    """Play recordings as if they were live, and serve them.

    An interrupted replay goes on where it stopped when it is started again on the same data folder.
    Without tokens in the configuration, the token `demo` is accepted on a loopback address.

    Parameters
    ----------
    files
        Recordings, pcap or pcapng, gzipped or not, in the order to play.
    speed
        1 as recorded, a factor such as 60, or max.
    port
        Port to listen on; 0 = any free one; default: http.port of the configuration.
    data
        Data folder; default: data_dir of the configuration.
    config
        Configuration file; default: none.
    exit_when_stored
        End when all is stored, and print one line of JSON with the counts.
    """

    def adjust(settings: "Settings") -> "Settings":
        from tapewire.options import replay_settings

        return replay_settings(settings, port, data)

    def start(settings: "Settings") -> int:
        from tapewire.app import run_replay
        from tapewire.options import ReplayOptions
        from tapewire.preflight import check_data_folder, check_recordings

        check_recordings(files)
        check_data_folder(settings)
        return run_replay(ReplayOptions(tuple(files), settings, speed, exit_when_stored))

    return _start(config, start, adjust=adjust)


@app.command(help_prologue="Example: tapewire demo")
def demo(
    *,
    port: Annotated[int, Parameter(validator=_port)] = 8080,
    seed: int = 7,
    symbols: int = 12,
    speed: float = 1.0,
    rate: float = 100.0,
    data: Path | None = None,
    browser: bool = True,
) -> int:
    """Simulate a market and serve it on this machine: no keys, no servers, at any hour.

    The token is `demo`. The page opens in a browser when there is one and stdout is a terminal.

    Parameters
    ----------
    port
        Port to listen on; 0 = any free one.
    seed
        What the market's random numbers grow from: the same seed, the same market.
    symbols
        How many symbols trade, 1 to 20000; AAPL, MSFT, SPY and TSLA are the first.
    speed
        How much faster than a real market it lives, 0.001 to 1000.
    rate
        Ticks of the whole market in a second at speed 1, on average.
    data
        Folder that keeps the tape; started again on it, the demo goes on. Default: a temporary one.
    browser
        Open the page in a browser.
    """

    def start(settings: "Settings") -> int:
        from tapewire.app import run_demo
        from tapewire.demo_start import data_folder
        from tapewire.options import DemoOptions, demo_settings
        from tapewire.preflight import check_data_folder

        with data_folder(data) as directory:
            settings = demo_settings(settings, port, directory)
            check_data_folder(settings)
            return run_demo(DemoOptions(settings, port, seed, symbols, speed, rate, data, browser))

    try:
        _check_market(seed=seed, symbols=symbols, rate=rate, speed=speed)
    except ValueError as error:
        _tell(str(error))
        return EXIT_USAGE
    return _start(None, start)


@app.command(help_prologue="Example: tapewire run --config tapewire.toml")
def run(*, config: Annotated[Path, Parameter(name="--config")] = Path("tapewire.toml")) -> int:
    """Run the hub: the sources of the configuration, the tape, the store and HTTP, on one port.

    SIGINT or SIGTERM ends it after what is in flight was kept.

    Parameters
    ----------
    config
        Configuration file.
    """

    def start(settings: "Settings") -> int:
        from tapewire.app import run as run_app
        from tapewire.preflight import check_data_folder, check_recordings

        check_recordings([Path(file) for source in settings.sources for file in source.files])
        check_data_folder(settings)
        return run_app(settings)

    return _start(config, start)


@app.command(help_prologue="Example: tapewire init")
def init(file: Path = Path("tapewire.toml"), /, *, force: Annotated[bool, Flag] = False) -> int:
    """Write a first configuration file: every key with its default, explained.

    Parameters
    ----------
    file
        Where to write it.
    force
        Replace one that is there.
    """
    from tapewire.errors import StartError
    from tapewire.first_config import write_config

    try:
        write_config(file, force=force)
    except StartError as error:
        _tell(*error.problems)
        return EXIT_CONFIG
    _tell(f"wrote {file}; `tapewire run --config {file}` runs a hub with it")
    return 0


@app.command(help_prologue="Example: tapewire tail AAPL MSFT")
def tail(
    symbols: Annotated[list[str], Parameter(required=True, negative=())],
    /,
    *,
    trades: Annotated[bool, Flag] = False,
    quotes: Annotated[bool, Flag] = False,
    max_hz: Annotated[float | None, Parameter(validator=_hz)] = None,
    since: Annotated[int | None, Parameter(validator=_mark)] = None,
    json: Annotated[bool, Flag] = False,
    url: HubUrl = DEFAULT_URL,
    token: HubToken = None,
) -> int:
    """Follow symbols: a live table in a terminal, a line for each tick elsewhere.

    It comes back by itself after a loss, and says what is missing. Ctrl-C ends it.

    Parameters
    ----------
    symbols
        Such as AAPL and BRK.B; '*' alone: all of them.
    trades
        Trades only, unless quotes are asked for too.
    quotes
        Quotes only, unless trades are asked for too.
    max_hz
        At most so many updates a second of each: 16, 8, 4, 2, 1, 0.5 or 0.25. Default: every tick.
    since
        Begin behind this mark, as an earlier tail said it in the end; 0 = the beginning of the tape.
    json
        The messages of the stream as they are, one on each line.
    url
        Address of the hub; also TAPEWIRE_URL.
    token
        Bearer token; better kept in TAPEWIRE_TOKEN. Default: demo, for a hub on this machine.
    """
    from tapewire.tail_options import tail_options

    try:
        options = tail_options(
            symbols, trades=trades, quotes=quotes, url=url, token=token, max_hz=max_hz, since=since,
            as_json=json,
        )  # fmt: skip
    except ValueError as error:
        _tell(str(error))
        return EXIT_USAGE
    from tapewire.tail import run_tail

    return run_tail(options)


@config_app.command(help_prologue="Example: tapewire config check --config tapewire.toml")
def check(*, config: ConfigFile = None, json: Annotated[bool, Flag] = False) -> int:
    """Report everything that is wrong with the configuration; exit code 78 when something is.

    Parameters
    ----------
    config
        Configuration file; without it, the environment alone is checked.
    json
        Print problems and warnings as JSON on stdout.
    """
    from config.errors import ConfigError
    from tapewire.preflight import read_settings

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    try:
        warnings = read_settings(config).warnings
    except ConfigError as error:
        problems = error.problems
    if json:
        _print_json({"problems": problems, "warnings": warnings})
    else:
        _tell(*problems, *(f"warning: {warning}" for warning in warnings))
        if not problems:
            _tell("the configuration can be used")
    return EXIT_CONFIG if problems else 0


@config_app.command(help_prologue="Example: tapewire config show --commented > tapewire.toml")
def show(
    *,
    config: ConfigFile = None,
    commented: Annotated[bool, Flag] = False,
    json: Annotated[bool, Flag] = False,
) -> int:
    """Print the settings in effect, secrets masked.

    Parameters
    ----------
    config
        Configuration file; without it, defaults and environment.
    commented
        Explain each setting, so that the text can serve as a first configuration file.
    json
        Print JSON in place of TOML.
    """

    def print_settings(settings: "Settings") -> int:
        from config.show import to_toml

        text = to_toml(settings, commented=commented)
        if json:
            import tomllib

            _print_json(tomllib.loads(text))
        else:
            sys.stdout.write(text)
        return 0

    return _start(config, print_settings, logs=False)


@config_app.command(help_prologue="Example: tapewire config schema > tapewire.schema.json")
def schema() -> int:
    """Print a JSON Schema of the configuration file, for editors."""
    from config.schema import json_schema

    _print_json(json_schema())
    return 0


@app.command(help_prologue="Example: tapewire version --json")
def version(*, json: Annotated[bool, Flag] = False) -> int:
    """Print the version.

    Parameters
    ----------
    json
        Print the versions of Python and of the libraries too, as JSON.
    """
    if not json:
        sys.stdout.write(_version() + "\n")
        return 0
    import platform

    _print_json(
        {
            "tapewire": _version(),
            "python": platform.python_version(),
            "platform": platform.platform(),
            "libraries": _libraries(),
        }
    )
    return 0


def _start(
    config: Path | None,
    command: "Callable[[Settings], int]",
    *,
    adjust: "Callable[[Settings], Settings] | None" = None,
    logs: bool = True,
) -> int:
    """Run a command with the settings; a start that fails is told in lines, not in tracebacks.

    `adjust` puts arguments of the command line into the settings.
    """
    from tapewire.preflight import explain, read_settings

    settings: Settings | None = None
    try:
        with _ending_on_signals():
            loaded = read_settings(config)
            settings = loaded.settings if adjust is None else adjust(loaded.settings)
            _tell(*(f"warning: {warning}" for warning in loaded.warnings))
            if logs:
                from tapewire.logs import configure

                configure(settings.log)
            return command(settings)
    except Exception as error:
        problems = explain(error, settings)
        if problems is None:
            raise
        _tell(*problems)
        return EXIT_CONFIG


@contextmanager
def _ending_on_signals() -> Iterator[None]:
    """End with code 0 on SIGINT and SIGTERM, until the system is up and handles them by itself.

    So long nothing is in flight that would have to be kept. No exception, as one that is raised
    inside a callback of the interpreter is lost.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        os._exit(0)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _version() -> str:
    from importlib.metadata import version as installed

    return installed("tapewire")


def _libraries() -> dict[str, str]:
    """Name → installed version of each library that tapewire needs at run time."""
    import re
    from importlib.metadata import requires
    from importlib.metadata import version as installed

    needed = [line for line in requires("tapewire") or [] if "extra ==" not in line]
    names = [re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in needed]
    return {name: installed(name) for name in sorted(names)}


def _print_json(value: object) -> None:
    import msgspec

    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def _tell(*lines: str) -> None:
    """Talk to whoever started us."""
    for line in lines:
        sys.stderr.write(f"tapewire: {line}\n")
