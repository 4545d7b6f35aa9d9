"""The settings themselves: frozen, complete, and silent about secrets."""

import msgspec
import pytest

from config.settings import MASK, AccountsSettings, Settings, TapeSettings, TokenSettings, is_secret


def test_all_settings_have_defaults() -> None:
    """Without a file, everything runs."""
    assert Settings().tape == TapeSettings()


def test_settings_cannot_be_changed() -> None:
    """Whoever was given settings may rely on them."""
    with pytest.raises(AttributeError):
        Settings().data_dir = "elsewhere"  # type: ignore[misc]  # what is tested


def test_an_unknown_key_is_refused_by_the_struct_itself() -> None:
    """Also a section that is decoded without the loader takes no unknown key."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"segment_byte": 1}, TapeSettings)


def test_the_repr_of_settings_shows_no_secret() -> None:
    """A settings struct that ends up in a log or a traceback gives nothing away."""
    tokens = (TokenSettings(user="ann", token="canary-1", token_file="ann.token"),)
    shown = repr(Settings(accounts=AccountsSettings(tokens=tokens)))
    assert "canary-1" not in shown
    assert f"token={MASK}" in shown
    assert "'ann.token'" in shown
    assert "'ann'" in shown


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("token", True),
        ("api_key", True),
        ("client_secret", True),
        ("password", True),
        ("token_file", False),
        ("user", False),
    ],
)
def test_a_secret_is_known_by_its_name(name: str, secret: bool) -> None:
    """Names decide; the name of a file is not itself a secret."""
    assert is_secret(name) is secret
