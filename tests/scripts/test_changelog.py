"""The changelog is made of the notes: all of them, each once, and none is lost."""

import re
from datetime import date
from pathlib import Path

import pytest

from scripts.changelog import HEAD, ChangelogError, Note, main, read_notes, section, with_section
from tests import checkout

DAY = date(2026, 11, 24)
NOTES = [Note(3, "b", "B is\nhere."), Note(5, "c", "See [C](../docs/c.md)."), Note(3, "a", "A is here.")]
SECTION = "## 0.2.0 (2026-11-24)\n\n* See [C](docs/c.md).\n* A is here.\n* B is here.\n"


def project(folder: Path) -> Path:
    """A project with these notes."""
    (folder / "changes").mkdir()
    (folder / "changes" / "README.md").write_text("# Changes\n")
    for note in NOTES:
        (folder / "changes" / f"{note.issue:03}-{note.name}.md").write_text(f"{note.text}\n")
    return folder


def test_a_section_has_each_note_on_a_line_newest_issue_first() -> None:
    """With links that lead from the project's folder."""
    assert section("0.2.0", DAY, NOTES) == SECTION


@pytest.mark.parametrize(("version", "notes"), [("2", NOTES), ("v0.2.0", NOTES), ("0.2.0", [])])
def test_no_section_is_made_of_nothing(version: str, notes: list[Note]) -> None:
    """Nor of a version that is none."""
    with pytest.raises(ChangelogError):
        section(version, DAY, notes)


def test_the_newest_section_comes_first_and_each_version_once() -> None:
    """What was there stays as it was."""
    first = with_section(HEAD, SECTION)
    assert first == f"{HEAD}\n{SECTION}"
    second = with_section(first, SECTION.replace("0.2.0", "0.3.0"))
    assert second == f"{HEAD}\n{SECTION.replace('0.2.0', '0.3.0')}\n{SECTION}"
    with pytest.raises(ChangelogError, match=re.escape("0.2.0 already")):
        with_section(second, SECTION)
    assert with_section(first, SECTION.replace("0.2.0", "0.2.0rc1")).count("\n## ") == 2


def test_without_write_nothing_is_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The section is printed."""
    root = project(tmp_path)
    assert main(["0.2.0", "2026-11-24"], root) == 0
    assert capsys.readouterr().out == SECTION
    assert len(list((root / "changes").iterdir())) == 4
    assert not (root / "CHANGELOG.md").exists()


def test_write_moves_the_notes_into_the_changelog(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once: then there are none, and the changelog stays as it is."""
    root = project(tmp_path)
    assert main(["0.2.0", "2026-11-24", "--write"], root) == 0
    assert (root / "CHANGELOG.md").read_text() == f"{HEAD}\n{SECTION}"
    assert [path.name for path in (root / "changes").iterdir()] == ["README.md"]
    assert main(["0.3.0", "2026-11-25", "--write"], root) == 1
    assert "no notes" in capsys.readouterr().err
    assert (root / "CHANGELOG.md").read_text() == f"{HEAD}\n{SECTION}"


def test_a_version_that_is_there_keeps_the_notes(tmp_path: Path) -> None:
    """Nothing is removed that was not written."""
    root = project(tmp_path)
    (root / "CHANGELOG.md").write_text(f"{HEAD}\n{SECTION}")
    assert main(["0.2.0", "2026-11-24", "--write"], root) == 1
    assert len(list((root / "changes").iterdir())) == 4


@pytest.mark.parametrize(("name", "text"), [("note.md", "A."), ("003-empty.md", "\n")])
def test_a_file_that_is_no_note_is_named(name: str, text: str, tmp_path: Path) -> None:
    """It is not passed over."""
    (tmp_path / name).write_text(text)
    with pytest.raises(ChangelogError, match=name):
        read_notes(tmp_path)


def test_the_notes_of_this_project_make_a_section() -> None:
    """Each is in it; after a release there may be none."""
    notes = read_notes(checkout.ROOT / "changes")
    if notes:
        assert section("9.9.9", DAY, notes).count("\n* ") == len(notes)
