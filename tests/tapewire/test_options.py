"""What a replay runs with."""

from pathlib import Path

from config.settings import AccountsSettings, HttpSettings, Settings, TokenSettings
from tapewire.options import DEMO_TOKEN, replay_settings

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
