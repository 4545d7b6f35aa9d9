"""A first configuration file: every key with its default, its documentation and what it may be."""

import os
import shlex
from pathlib import Path

from config.raw import PREFIX, plain
from config.settings import Settings
from config.show import to_toml
from tapewire.errors import StartError

HEAD = """\
# Settings of tapewire: every key, with its default. What stays as it is can be left out.
# The environment goes before this file: {prefix}HTTP__PORT=8081 sets `port` of [http].
#
#     tapewire config check --config {file}    what is wrong with it
#     tapewire run --config {file}             run the hub
#
# Whoever is to read anything needs a token (at the end, [[accounts.tokens]]), and without a source
# ([[sources]]) there is nothing to read.

"""


def first_config(file: Path) -> str:
    """The text of a configuration file of this name."""
    return HEAD.format(prefix=PREFIX, file=shlex.quote(str(file))) + to_toml(Settings(), commented=True)


def write_config(file: Path, *, force: bool) -> None:
    """Write a first configuration file, readable by its owner alone: it will hold secrets.

    A file that is there is replaced as a whole, and only if `force` says so.

    Raises:
        StartError: there is one already, or it cannot be written.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}") if force else file
    made = False
    try:
        if file.is_dir():
            raise StartError([f"{plain(str(file))}: is a directory"])
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            made = True
            out.write(first_config(file))
        draft.replace(file)
        made = False
    except FileExistsError:
        raise StartError([f"{plain(str(file))}: there is one already; --force replaces it"]) from None
    except OSError as error:
        raise StartError([f"{plain(str(file))}: {(error.strerror or str(error)).lower()}"]) from None
    finally:
        if made:  # and not whole
            draft.unlink()
