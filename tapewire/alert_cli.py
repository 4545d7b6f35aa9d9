"""`tapewire alert` and `tapewire watch`: arguments in, exit codes out."""

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import App, Parameter

if TYPE_CHECKING:
    from tapewire.hub_requests import HubRequests

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
DEFAULT_URL: Final = "http://127.0.0.1:8080"
"""Where `tapewire demo` and `tapewire run` listen unless told otherwise."""
Flag = Parameter(negative=())
HubUrl = Annotated[str, Parameter(env_var="TAPEWIRE_URL")]
HubToken = Annotated[str | None, Parameter(env_var="TAPEWIRE_TOKEN")]

alert_app = App(
    name="alert",
    help="Put, list and remove alerts of a hub.",
    help_prologue="Example: tapewire alert add AAPL above 192.30",
)


def _offset(_kind: object, offset: int | None) -> None:
    if offset is not None and not 0 <= offset < 2**53:
        raise ValueError("a ring's place is an integer from 0 on")


@alert_app.command(help_prologue="Example: tapewire alert add AAPL above 192.30 --every")
def add(
    symbol: str,
    condition: Annotated[list[str], Parameter(required=True, negative=())],
    /,
    *,
    every: Annotated[bool, Flag] = False,
    rearm: str | None = None,
    confirm: Annotated[bool, Flag] = False,
    session: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    webhook: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    expires: str | None = None,
    name: str | None = None,
    if_true: str = "wait",
    json: Annotated[bool, Flag] = False,
    url: HubUrl = DEFAULT_URL,
    token: HubToken = None,
) -> int:
    """Watch a new alert, and print it; its id comes first.

    Parameters
    ----------
    symbol
        Such as AAPL.
    condition
        [last|bid|ask|mid] OP LEVEL, OP one of above below cross_up cross_down cross >= <=; more with `and`.
    every
        Ring again and again, not once.
    rearm
        How far the value must go back before it rings again: 0.10, or 0.5%.
    confirm
        Ring only when the next tick says the same.
    session
        rth, pre, post or overnight, again for each; default: all.
    webhook
        URL or id of a receiver to be called too, again for each.
    expires
        RFC 3339 time from which on it does not ring.
    name
        Your name for it; the alert that you call so already is replaced.
    if_true
        When it is true already: wait until it has gone back, fire, or reject.
    json
        Print the hub's answer as JSON.
    url
        Address of the hub; also TAPEWIRE_URL.
    token
        Bearer token; better kept in TAPEWIRE_TOKEN. Default: demo, for a hub on this machine.
    """

    def work(hub: "HubRequests") -> None:
        from tapewire.alert_words import alert_line, rule_form_of

        rule = rule_form_of(
            symbol, condition, every=every, rearm=rearm, confirm=confirm, sessions=session,
            webhooks=webhook, expires=expires, name=name, if_true=if_true,
        )  # fmt: skip
        if name is None:
            made = hub.ask("POST", "/v1/alerts", rule)
        else:
            made = hub.ask("PUT", _path(name), rule)
        _print(made if json else alert_line(made))

    return _with_hub(url, token, work)


@alert_app.command(name="ls", help_prologue="Example: tapewire alert ls --symbol AAPL")
def list_alerts(
    *,
    symbol: str | None = None,
    json: Annotated[bool, Flag] = False,
    url: HubUrl = DEFAULT_URL,
    token: HubToken = None,
) -> int:
    """Print your alerts, a line for each: id, state, symbol, condition and your name for it.

    Parameters
    ----------
    symbol
        Only alerts of this symbol.
    json
        Print each as the hub's JSON.
    url
        Address of the hub; also TAPEWIRE_URL.
    token
        Bearer token; better kept in TAPEWIRE_TOKEN. Default: demo, for a hub on this machine.
    """

    def work(hub: "HubRequests") -> None:
        from tapewire.alert_words import alert_line

        only = {} if symbol is None else {"symbol": symbol}
        for one in hub.ask("GET", "/v1/alerts", **only)["alerts"]:
            _print(one if json else alert_line(one))

    return _with_hub(url, token, work)


@alert_app.command(help_prologue="Example: tapewire alert rm 3f1c2a9e-…")
def rm(
    alerts: Annotated[list[str], Parameter(required=True, negative=())],
    /,
    *,
    url: HubUrl = DEFAULT_URL,
    token: HubToken = None,
) -> int:
    """Watch alerts no longer; their rings stay.

    Parameters
    ----------
    alerts
        Their ids, or your names for them.
    url
        Address of the hub; also TAPEWIRE_URL.
    token
        Bearer token; better kept in TAPEWIRE_TOKEN. Default: demo, for a hub on this machine.
    """

    def work(hub: "HubRequests") -> None:
        for one in alerts:
            hub.ask("DELETE", _path(one))

    return _with_hub(url, token, work)


def watch(
    *,
    since: Annotated[int | None, Parameter(validator=_offset)] = None,
    json: Annotated[bool, Flag] = False,
    url: HubUrl = DEFAULT_URL,
    token: HubToken = None,
) -> int:
    """Print the rings of your alerts as they come. It comes back by itself after a loss; Ctrl-C ends it.

    Parameters
    ----------
    since
        Begin behind this ring (its `off`); 0 = all that are kept. Default: only what rings from now on.
    json
        Each ring with its proof, as the hub's JSON.
    url
        Address of the hub; also TAPEWIRE_URL.
    token
        Bearer token; better kept in TAPEWIRE_TOKEN. Default: demo, for a hub on this machine.
    """

    def work(hub: "HubRequests") -> None:
        from tapewire.watch import Watch

        with suppress(KeyboardInterrupt):
            Watch(hub, sys.stdout, sys.stderr, as_json=json, since=since).run()

    return _with_hub(url, token, work)


def _with_hub(url: str, token: str | None, work: Callable[["HubRequests"], None]) -> int:
    """Ask a hub; what comes to nothing is told in one line."""
    import signal

    from tapewire.alert_words import hub_of
    from tapewire.hub_requests import HubError, HubRequests

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        work(HubRequests(*hub_of(url, token)))
    except ValueError as error:
        return _tell(str(error), EXIT_USAGE)
    except HubError as error:
        return _tell(str(error), EXIT_FAILED)
    except KeyboardInterrupt:
        return EXIT_FAILED
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _path(reference: str) -> str:
    """The path of an alert that is named by id or by its owner's name."""
    from urllib.parse import quote

    return f"/v1/alerts/{quote(reference, safe='')}"


def _print(made: Any) -> None:
    if not isinstance(made, str):
        import msgspec

        made = msgspec.json.Encoder(decimal_format="number").encode(made).decode()
    sys.stdout.write(made + "\n")


def _tell(text: str, code: int) -> int:
    from config.raw import plain

    sys.stderr.write(f"tapewire: {plain(text)}\n")
    return code
