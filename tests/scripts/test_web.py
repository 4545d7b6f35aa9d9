"""Building the page, and telling whether the committed files are what is built."""

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts import web
from tests.web.script import needs_node


def folder(path: Path, **files: bytes) -> Path:
    """A folder with these files; `_` in a name stands for a dot."""
    path.mkdir()
    for name, body in files.items():
        (path / name.replace("_", ".")).write_bytes(body)
    return path


def test_differences_are_told_file_by_file(tmp_path: Path) -> None:
    """What is missing, what is left over, what differs; nothing about what is the same."""
    fresh = folder(tmp_path / "fresh", a_js=b"1", b_js=b"2", c_js=b"3")
    committed = folder(tmp_path / "committed", a_js=b"1", b_js=b"0", d_js=b"4")
    told = ["b.js differs", "c.js is missing", "d.js is left over"]
    assert web.differences(fresh, committed) == told
    assert web.differences(fresh, fresh) == []


@needs_node
def test_compressed_files_are_compared_by_what_is_in_them(tmp_path: Path) -> None:
    """Another version of Node may compress to other bytes; other contents and damage are told."""
    one = folder(tmp_path / "one", a_gz=gzip.compress(b"x" * 99, 9, mtime=0))
    assert web.differences(one, folder(tmp_path / "same", a_gz=gzip.compress(b"x" * 99, 1, mtime=5))) == []
    assert web.differences(one, folder(tmp_path / "other", a_gz=gzip.compress(b"y"))) == ["a.gz differs"]
    assert web.differences(one, folder(tmp_path / "damaged", a_gz=b"no")) == ["a.gz differs"]


def test_without_node_a_check_says_that_it_was_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Loudly, and without failing: the built files are used as they are. Nothing can be built, though."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert web.node_version() == ()
    assert web.main(["check"]) == 0
    assert capsys.readouterr().err.startswith("SKIPPED: ")
    assert web.main(["build"]) == 1


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """With the ones that there are."""
    assert web.main([]) == web.main(["burn"]) == 2
    assert "build|check" in capsys.readouterr().err


@needs_node
def test_a_file_that_was_changed_by_hand_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what is committed now passes it."""
    try:
        assert web.check() == []
    except web.ToolsMissing as error:
        pytest.skip(f"NOT CHECKED: {error}")
    changed = tmp_path / "static"
    web.build(changed)
    (changed / "page.html").write_text("mine")
    assert web.check(changed) == ["page.html differs"]
    monkeypatch.setattr(web, "check", lambda: ["page.html differs"])
    assert web.main(["check"]) == 1
    assert "make page" in capsys.readouterr().err


@needs_node
def test_a_registry_that_does_not_answer_skips_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing was compared, and nothing is wrong; whoever wants to build is told so."""
    for name in ("package.json", "package-lock.json"):
        (tmp_path / name).write_bytes((web.SOURCE / name).read_bytes())
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    with pytest.raises(web.ToolsMissing):
        web.install(tmp_path)
    monkeypatch.setattr(web, "install", lambda source: _missing())
    assert web.main(["check"]) == 0
    assert capsys.readouterr().err.startswith("SKIPPED: ")
    assert web.main(["build"]) == 1


def _missing() -> None:
    raise web.ToolsMissing("no answer")


@needs_node
def test_what_cannot_be_installed_is_said(tmp_path: Path) -> None:
    """With the words of the tool."""
    (tmp_path / "package-lock.json").write_text("{}")
    with pytest.raises(web.BuildFailed, match="npm ci"):
        web.install(tmp_path)


def test_the_lock_file_names_packages_by_their_content_and_no_address() -> None:
    """It works with any registry, and each gives the same bytes."""
    lock: dict[str, Any] = json.loads((web.SOURCE / "package-lock.json").read_text())
    packages = {name: about for name, about in lock["packages"].items() if name}
    assert packages
    assert [name for name, about in packages.items() if "resolved" in about or "integrity" not in about] == []


def test_no_code_of_others_is_committed() -> None:
    """What is installed for the build stays out of the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "web"], cwd=web.ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert [name for name in listed if "node_modules" in name] == []
    ignored = ["git", "check-ignore", "-q", "web/node_modules/x"]
    assert subprocess.run(ignored, cwd=web.ROOT, check=False).returncode == 0
