"""Settings shown as TOML."""

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from config.check import build
from config.raw import Raw
from config.settings import (
    MASK,
    AccountsSettings,
    HttpSettings,
    Settings,
    SourceSettings,
    TokenSettings,
)
from config.show import to_toml, toml_value

FULL = Settings(
    data_dir='a "quoted" \\ folder',
    http=HttpSettings(port=0),
    accounts=AccountsSettings(
        tokens=(
            TokenSettings(user="ann", token="canary-1", live=("t:*", "@iex")),
            TokenSettings(user="bob", token_file="bob.token"),
        )
    ),
    sources=(SourceSettings(name="tape", type="replay", files=("a.pcap.gz",), speed="max"),),
)


def read_back(text: str) -> Settings | None:
    """What the loader makes of a shown text."""
    raw = Raw()
    raw.read_toml(text)
    assert raw.problems == []
    return build(raw)


def test_shown_settings_read_back_as_themselves() -> None:
    """What is shown is what is in effect."""
    assert read_back(to_toml(FULL, masked=False)) == FULL
    assert read_back(to_toml(FULL, masked=False, commented=True)) == FULL


def test_secrets_are_masked() -> None:
    """A secret never reaches a terminal; that there is one does."""
    shown = to_toml(FULL)
    assert "canary-1" not in shown
    assert shown.count(f'token = "{MASK}"') == 1
    assert 'token = ""' in shown
    assert 'token_file = "bob.token"' in shown


def test_a_commented_document_explains_every_setting() -> None:
    """With comments it serves as a first configuration file: the defaults read back."""
    text = to_toml(Settings(), commented=True)
    assert read_back(text) == Settings()
    assert "# Size at which a journal segment is sealed, bytes. Allowed: an integer from 65536" in text
    assert "# [[accounts.tokens]]" in text
    assert "# user = …" in text
    assert "# [[sources]]" in text


def test_the_commented_example_of_a_list_is_valid_when_uncommented() -> None:
    """Taking away the `#` in front gives an entry of the list."""
    lines = to_toml(Settings(), commented=True).splitlines()
    start = lines.index("# [[sources]]")
    example = [line.removeprefix("# ") for line in lines[start:] if line.startswith("# ")]
    text = "\n".join(example).replace("name = …", 'name = "a"').replace("type = …", 'type = "replay"')
    assert tomllib.loads(text)["sources"][0]["speed"] == "1"


@settings(max_examples=200, deadline=None)
@given(st.text(), st.lists(st.integers() | st.booleans() | st.text(), max_size=4))
def test_any_value_reads_back_from_toml(text: str, entries: list[object]) -> None:
    """Quotes, control characters and what JSON escapes otherwise than TOML."""
    document = f"a = {toml_value(text)}\nb = {toml_value(entries)}\n"
    assert tomllib.loads(document) == {"a": text, "b": entries}
