"""Settings as they were written: the file and the environment, before any check.

Both become one nested table, and each part of it remembers where it was said, so that a
problem found later can name the place.
"""

import tomllib
from collections.abc import Callable, Mapping
from typing import Any, Final

from config.describe import every_setting, section_of, settings_of
from config.errors import ConfigError
from config.lines import Path, key_lines
from config.settings import Section, Settings

PREFIX: Final = "TAPEWIRE__"
"""Of the environment variables that are settings: `TAPEWIRE__TAPE__SEGMENT_BYTES`."""
_NEARLY: Final = "TAPEWIRE_"


class Raw:
    """Nested tables, and where each value in them was said."""

    def __init__(self, file: str = "") -> None:
        self.table: dict[str, Any] = {}
        self.problems: list[str] = []
        """What is wrong, one line each; the checks that follow add to it."""
        self._file = plain(file)
        self._lines: dict[Path, int] = {}
        self._variables: dict[Path, str] = {}

    def origin(self, path: Path) -> str:
        """Where the value at a path was said: `tapewire.toml:12`, or the variable's name."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._variables:
                return self._variables[path[:length]]
            if path[:length] in self._lines:
                return f"{self._file}:{self._lines[path[:length]]}"
        return self._file or "settings"

    def said_in_file(self, path: Path) -> bool:
        """Whether the value at a path stands in the configuration file."""
        return not any(path[:length] in self._variables for length in range(1, len(path) + 1))

    def read_toml(self, text: str) -> None:
        """Take in the text of the file; what is wrong with it becomes a problem."""
        try:
            self.table = tomllib.loads(text)
            self._lines = key_lines(text)
        except RecursionError:
            self.problems.append(f"{self._file}: is nested too deeply")
        except ValueError as error:  # TOMLDecodeError, and integers of thousands of digits
            self.problems.append(f"{self._file}: is not TOML: {plain(str(error))}")

    def read_environment(self, environ: Mapping[str, str], read: Callable[[str], str]) -> None:
        """Lay the variables over what the file says, whole sections before single values.

        `read` gives the text of the file that a `…_FILE` variable names, or raises ConfigError.
        """
        self.problems.extend(
            f"{plain(name)}: is not read; settings begin with {PREFIX}{hint}"
            for name in sorted(environ)
            if (hint := _misspelt(name)) is not None
        )
        names = [name for name in environ if name.startswith(PREFIX)]
        for name in sorted(names, key=lambda name: (name.count("__"), name)):
            try:
                path, value = _variable(name, environ, read)
                self._put(path, value, plain(name))
            except ConfigError as error:
                self.problems.extend(f"{plain(name)}: {problem}" for problem in error.problems)

    def _put(self, path: Path, value: object, name: str) -> None:
        table = self.table
        for step in path[:-1]:
            below = table.setdefault(str(step), {})
            if not isinstance(below, dict):
                raise ConfigError([f"{dotted(path[:-1])} is not a table where it is set as a whole"])
            table = below
        table[str(path[-1])] = value
        self._variables[path] = name


def dotted(path: Path) -> str:
    """A path as people write it: `accounts.tokens[0].user`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{plain(step)}" if text else plain(step)
    return text


def plain(text: str) -> str:
    """Text of a stranger, fit for one line: control characters escaped, cut at 200 characters."""
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[:201])
    return shown if len(shown) <= 200 else shown[:200] + "…"


def _variable(name: str, environ: Mapping[str, str], read: Callable[[str], str]) -> tuple[Path, object]:
    """The path and value of one environment variable."""
    keys = tuple(name.removeprefix(PREFIX).lower().split("__"))
    is_known, is_text = _look_up(keys)
    value = environ[name]
    if not is_known and keys[-1].endswith("_file"):
        keys = (*keys[:-1], keys[-1].removesuffix("_file"))
        is_known, is_text = _look_up(keys)
        if name.removesuffix("_FILE") in environ:
            raise ConfigError([f"is set as well as {plain(name.removesuffix('_FILE'))}; set one of them"])
        if is_known:
            value = read(value).rstrip("\r\n")
    if not value.isprintable():
        raise ConfigError(["has a line break, NUL or other control character in it"])
    # an unknown key is put as text, so that the check names it together with its nearest
    return keys, value if is_text or not is_known else _parse(value)


def _misspelt(name: str) -> str | None:
    """What to say of a variable that was probably meant to be a setting; None when it was not."""
    rest = name.removeprefix(_NEARLY)
    if rest == name or name.startswith(PREFIX):
        return None
    for setting in every_setting(Settings):
        if setting.path.replace(".", "_").upper() == rest.upper().replace("__", "_"):
            return f": {PREFIX}{setting.path.replace('.', '__').upper()}"
    return "" if "__" in rest else None


def _look_up(keys: tuple[str, ...]) -> tuple[bool, bool]:
    """Whether the path leads to a setting, and whether that is plain text."""
    section: type[Section] | None = Settings
    for place, key in enumerate(keys, 1):
        found = [setting for setting in settings_of(section, "") if setting.name == key] if section else []
        if not found:
            return False, False
        if place == len(keys):
            return True, found[0].is_text
        section = None if found[0].is_list else section_of(found[0].value_type)
    return False, False


def _parse(value: str) -> object:
    """A number, list, table or truth value, written as in TOML."""
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        raise ConfigError(['is not a value as TOML writes it, such as 5, true, ["a"] or {a = 1}']) from None
