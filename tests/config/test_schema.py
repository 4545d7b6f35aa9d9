"""The schema and the document agree with the code."""

import subprocess
import sys
from typing import Any

from config.describe import every_setting
from config.schema import json_schema, markdown
from config.settings import Settings
from tests import checkout

DOCUMENT = checkout.ROOT / "docs" / "configuration.md"


def properties(schema: dict[str, Any], path: str) -> dict[str, Any]:
    """The schema of one setting, found by following references."""
    node = schema
    for name in path.replace("[]", "").split("."):
        node = node.get("items", node)
        while "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
        node = node["properties"][name]
    return node


def test_the_document_says_what_the_code_does() -> None:
    """docs/configuration.md is written by `python -m config.schema > docs/configuration.md`."""
    assert DOCUMENT.read_text() == markdown(), "run: python -m config.schema > docs/configuration.md"


def test_the_module_writes_the_document() -> None:
    """The command that the document names works."""
    done = subprocess.run(
        [sys.executable, "-m", "config.schema"], cwd=checkout.ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == markdown()


def test_every_setting_is_in_the_document() -> None:
    """Each plain setting has a row, each section a heading."""
    text = markdown()
    for setting in every_setting(Settings):
        if setting.section is None:
            assert f"| `{setting.name}` |" in text
        else:
            title = f"[[{setting.path}]]" if setting.is_list else f"[{setting.path}]"
            assert f"## `{title}`" in text


def test_every_setting_is_in_the_schema_with_its_documentation() -> None:
    """An editor that reads the schema can explain each key and refuse unknown ones."""
    schema = json_schema()
    for setting in every_setting(Settings):
        assert properties(schema, setting.path)["description"] == setting.doc
    assert all(not definition["additionalProperties"] for definition in schema["$defs"].values())
    assert properties(schema, "http.port")["maximum"] == 65_535
