"""Line numbers of keys in TOML."""

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from config.lines import LINES_MAX, Path, key_lines
from config.show import toml_value

TEXT = '''\
# a comment
data_dir = "x"   # 2

[tape]           # 4
segment_bytes = 5
names = [        # 6
  "a",
  "b # not a comment",
]
note = """       # 10
[fake]
key = 1
"""
[[accounts.tokens]]   # 14
user = "a"
[[accounts.tokens]]   # 16
user = "b"
  live.more = 3       # 18
[accounts.tokens.below] # 19
x = 1
[http]
inline = {port = 1, host = "h"}  # 22
list = [
  {a = 1},
]
'''


def test_each_key_is_found_on_its_line() -> None:
    """Sections, lists of tables, dotted keys, inline tables and values over several lines."""
    expected: dict[Path, int] = {
        ("data_dir",): 2,
        ("tape",): 4,
        ("tape", "segment_bytes"): 5,
        ("tape", "names"): 6,
        ("tape", "note"): 10,
        ("accounts", "tokens", 0): 14,
        ("accounts", "tokens", 0, "user"): 15,
        ("accounts", "tokens", 1): 16,
        ("accounts", "tokens", 1, "user"): 17,
        ("accounts", "tokens", 1, "live"): 18,
        ("accounts", "tokens", 1, "live", "more"): 18,
        ("accounts", "tokens", 1, "below"): 19,
        ("accounts", "tokens", 1, "below", "x"): 20,
        ("http",): 21,
        ("http", "inline"): 22,
        ("http", "inline", "port"): 22,
        ("http", "inline", "host"): 22,
        ("http", "list"): 23,
        ("http", "list", 0): 23,
        ("http", "list", 0, "a"): 23,
    }
    assert key_lines(TEXT) == expected


def test_other_line_separators_inside_strings_do_not_count() -> None:
    """Only a line feed ends a line in TOML, also behind a carriage return."""
    assert key_lines('a = "x\u2028y"\r\nb = 1\r\n') == {("a",): 1, ("b",): 2}


def test_a_text_of_too_many_lines_has_no_line_numbers() -> None:
    """The work stays bounded."""
    assert key_lines("\n" * LINES_MAX + "a = 1\n") == {}


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,6}", fullmatch=True),
        st.dictionaries(
            st.from_regex(r"[a-z_]{1,6}", fullmatch=True), st.integers() | st.text(max_size=20), max_size=5
        ),
        max_size=4,
    )
)
def test_any_table_of_tables_is_found_line_by_line(tables: dict[str, dict[str, object]]) -> None:
    """A document written line by line is read back with just those lines."""
    lines: list[str] = []
    expected: dict[Path, int] = {}
    for section, values in tables.items():
        lines.append(f"[{section}]")
        expected[(section,)] = len(lines)
        for key, value in values.items():
            lines.append(f"{key} = {toml_value(value)}")
            expected[(section, key)] = len(lines)
    text = "\n".join(lines)
    assert tomllib.loads(text) == tables
    assert key_lines(text) == expected
