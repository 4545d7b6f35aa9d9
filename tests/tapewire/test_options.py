"""What a replay and a demo run with."""

from pathlib import Path

import pytest

from config.settings import AccountsSettings, HttpSettings, Settings, TokenSettings
from tapewire.options import DEMO_TOKEN, DemoOptions, demo_settings, replay_settings

OWN = AccountsSettings(tokens=(TokenSettings(user="ann", token="x"),))


def test_arguments_win_over_the_configuration() -> None:
    """Port and data folder; what is not given stays."""
    settings = replay_settings(Settings(), 0, Path("elsewhere"))
    assert (settings.http.port, settings.data_dir) == (0, "elsewhere")
    settings = replay_settings(Settings(data_dir="here", http=HttpSettings(port=5)), None, None)
    assert (settings.http.port, settings.data_dir) == (5, "here")


def test_without_tokens_a_loopback_replay_accepts_demo() -> None:
    """Looking at a recording on one's own machine needs no configuration."""
    (token,) = replay_settings(Settings(), None, None).accounts.tokens
    assert (token.user, token.token, token.live) == ("demo", DEMO_TOKEN, ("*",))


def test_with_tokens_demo_is_not_accepted() -> None:
    """Whoever configures tokens does not get one more."""
    assert replay_settings(Settings(accounts=OWN), None, None).accounts == OWN


def test_an_open_port_has_no_demo_token() -> None:
    """A well-known token must not open data to a network."""
    http = HttpSettings(host="0.0.0.0", trusted_proxies=("10.0.0.1",))
    assert replay_settings(Settings(http=http), None, None).accounts.tokens == ()


def test_a_demo_is_open_to_this_machine_and_to_demo_alone() -> None:
    """Whatever is configured: its token is well known, and its tape is no business of other tokens."""
    http = HttpSettings(host="0.0.0.0", port=5, trusted_proxies=("10.0.0.1",))
    settings = demo_settings(Settings(http=http, accounts=OWN), 0, Path("d"))
    assert (settings.http.host, settings.http.port, settings.http.trusted_proxies) == ("127.0.0.1", 0, ())
    assert settings.data_dir == "d"
    assert [token.token for token in settings.accounts.tokens] == [DEMO_TOKEN]


def test_the_market_of_a_demo_is_checked() -> None:
    """It is what was asked for, or cannot be simulated."""
    market = DemoOptions(Settings(), seed=3, symbols=5, rate=10.0, speed=2.0).market
    assert (market.seed, market.symbols, market.rate, market.speed) == (3, 5, 10.0, 2.0)
    with pytest.raises(ValueError, match="symbols"):
        _ = DemoOptions(Settings(), symbols=0).market
