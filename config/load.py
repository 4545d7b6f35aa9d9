"""From a TOML file and the environment to `Settings`.

The file is laid over the defaults, the environment over the file:
`TAPEWIRE__TAPE__SEGMENT_BYTES=1048576` sets `segment_bytes` of `[tape]`, a name with `_FILE`
behind it reads the value from a file, lists and tables are written as inline TOML. Every
problem is reported, one line each, before anything is started.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from config.check import build
from config.errors import ConfigError
from config.files import UnreadableFile, is_world_readable, read_text
from config.raw import Raw, dotted, plain
from config.settings import Settings, TokenSettings

__all__ = ["ConfigError", "Loaded", "load"]


class Loaded(Struct, frozen=True):
    """Usable settings, and what their owner should hear."""

    settings: Settings
    warnings: tuple[str, ...] = ()
    """One line each."""


def load(file: Path | None, environ: Mapping[str, str] | None = None) -> Loaded:
    """Read the settings; without a file, from the defaults and the environment alone.

    Without `environ`, the variables of this process are used.
    Token files are read here: in the result each entry of `accounts.tokens` has its token.

    Raises:
        ConfigError: with every problem found.
    """
    raw = Raw("" if file is None else str(file))
    if file is not None:
        try:
            raw.read_toml(read_text(file))
        except UnreadableFile as error:
            raw.problems.append(f"{plain(str(file))}: {error}")
    raw.read_environment(os.environ if environ is None else environ, _named_file)
    settings = build(raw)
    if settings is not None:
        settings = _fill_tokens(settings, raw)
    if settings is None or raw.problems:
        raise ConfigError(raw.problems)
    return Loaded(settings, _warnings(settings, file, raw))


def _fill_tokens(settings: Settings, raw: Raw) -> Settings:
    """Put the tokens that stand in files beside the names of the files."""
    tokens = []
    for place, entry in enumerate(settings.accounts.tokens):
        path = ("accounts", "tokens", place)
        try:
            tokens.append(replace(entry, token=_token(entry)))
        except ConfigError as error:
            raw.problems.append(f"{raw.origin(path)}: {dotted(path)}: {error}")
    return replace(settings, accounts=replace(settings.accounts, tokens=tuple(tokens)))


def _token(entry: TokenSettings) -> str:
    if entry.token and entry.token_file:
        raise ConfigError(["has both token and token_file; give one of them"])
    token = entry.token
    if entry.token_file:
        token = _named_file(entry.token_file).strip()
    if not token:
        raise ConfigError(["has no token; give token or token_file"])
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise ConfigError(["has a token with blanks or characters that no header can carry"])
    return token


def _named_file(name: str) -> str:
    try:
        return read_text(Path(name))
    except UnreadableFile as error:
        raise ConfigError([f"the file {plain(name)} {error}"]) from None


def _warnings(settings: Settings, file: Path | None, raw: Raw) -> tuple[str, ...]:
    if file is None or not is_world_readable(file):
        return ()
    paths = [
        ("accounts", "tokens", place, "token")
        for place, entry in enumerate(settings.accounts.tokens)
        if not entry.token_file
    ]
    return tuple(
        f"{raw.origin(path)}: {dotted(path)}: is a secret in a file that everyone on this machine may read; "
        "use token_file, or chmod 600"
        for path in paths
        if raw.said_in_file(path)
    )
