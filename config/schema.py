"""The settings described for machines (JSON Schema) and for readers (`docs/configuration.md`).

To write the document anew: `python -m config.schema > docs/configuration.md`.
"""

import sys
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from config.describe import Setting, allowed, field_docs, section_of, settings_of
from config.settings import Section, Settings
from config.show import toml_value

HEAD: Final = """\
# Configuration

<!-- Written by `python -m config.schema > docs/configuration.md`: change config/settings.py instead. -->

tapewire reads one TOML file, named with `--config`. Everything has a default; an unknown key, a wrong type
or a value out of range stops the start with exit code 78 and one line for each problem: file, line, key,
what was found and what is allowed.

```toml
data_dir = "var"

[http]
port = 8080

[[accounts.tokens]]
user = "ann"
token_file = "ann.token"
live = ["t:*", "q:AAPL", "@iex"]
```

**Environment.** A variable sets one key over the file; two underscores stand for the dot. Text is taken as it
is; everything else is written as in TOML, lists and tables inline. A name with `_FILE` behind it reads the
value from a file. Entries of a list cannot be set one by one.

```sh
TAPEWIRE__TAPE__SEGMENT_BYTES=1048576
TAPEWIRE__HTTP__PORT_FILE=port.txt
TAPEWIRE__ACCOUNTS__TOKENS='[{user = "ann", token_file = "ann.token"}]'
```

**Units** end the name: `_s` seconds, `_ms` milliseconds, `_bytes`, `_kib`, `_rows`. Numbers are plain
integers, without a unit behind them. Relative paths start at the working directory.

**Secrets** (text settings called token, secret, password or key) are shown as `********` by `tapewire
config show` and are in no log and no error. Keep them in files of their own that only the service may read;
a secret that stands in a configuration file which everyone on the machine may read is warned of.

**Tools.** `tapewire config check --config FILE` reports problems, `tapewire config show` prints the
settings in effect (with `--commented` a first configuration file), `tapewire config schema` prints a JSON
Schema for editors.
"""


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the configuration file, with the documentation of each setting."""
    (_,), definitions = msgspec.json.schema_components([Settings], ref_template="#/$defs/{name}")
    for section in _sections(Settings):
        properties = definitions[section.__name__]["properties"]
        for name, doc in field_docs(section).items():
            properties[name]["description"] = doc
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": "#/$defs/Settings",
        "$defs": definitions,
    }


def markdown() -> str:
    """The text of `docs/configuration.md`."""
    parts = [HEAD, *_table("Top level", settings_of(Settings))]
    parts += [text for section in settings_of(Settings) for text in _section(section)]
    return "\n".join(parts)


def _sections(section: type[Section]) -> Iterator[type[Section]]:
    yield section
    for setting in settings_of(section):
        below = section_of(setting.value_type)
        if below is not None:
            yield from _sections(below)


def _section(setting: Setting) -> Iterator[str]:
    """One section of the document and those below it; nothing for a plain value."""
    if setting.section is None:
        return
    title = f"[[{setting.path}]]" if setting.is_list else f"[{setting.path}]"
    below = settings_of(setting.section, setting.path)
    yield from _table(f"`{title}`", below, setting.doc)
    for inner in below:
        yield from _section(inner)


def _table(title: str, settings: tuple[Setting, ...], doc: str = "") -> Iterator[str]:
    yield f"## {title}\n"
    if doc:
        yield f"{doc}\n"
    plain = [setting for setting in settings if setting.section is None]
    if not plain:
        return
    yield "| key | default | allowed | meaning |"
    yield "|---|---|---|---|"
    for setting in plain:
        default = "required" if setting.required else f"`{toml_value(setting.default)}`"
        limits = allowed(setting.value_type, setting.name).replace("|", "\\|")
        yield f"| `{setting.name}` | {default} | {limits} | {setting.doc} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(markdown())
