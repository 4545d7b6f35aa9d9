"""What a demo needs around it."""

import sys
from pathlib import Path

import pytest

from config.settings import Settings
from tapewire.demo_start import announce, data_folder
from tapewire.options import DemoOptions


def test_without_a_folder_a_temporary_one_is_made_and_removed() -> None:
    """With everything that was put into it."""
    with data_folder(None) as folder:
        (folder / "file").touch()
        assert folder.is_dir()
    assert not folder.exists()


def test_a_folder_that_was_given_stays(tmp_path: Path) -> None:
    """It is not even made here: who checks it may refuse it."""
    with data_folder(tmp_path / "demo") as folder:
        folder.mkdir()
    assert folder == tmp_path / "demo"
    assert folder.is_dir()


def test_stdout_has_the_address_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a program can read it; the words for people are on stderr, and no page is opened."""
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setenv("DISPLAY", ":0")
    announce("http://127.0.0.1:8080", DemoOptions(Settings(), browser=True))
    out, err = capsys.readouterr()
    assert out == "http://127.0.0.1:8080/\n"
    assert "tapewire tail AAPL MSFT" in err
    assert opened == []


@pytest.mark.parametrize(("browser", "expected"), [(True, ["http://h:1/"]), (False, [])])
def test_on_a_terminal_the_page_is_opened_unless_it_is_not_wanted(
    browser: bool, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a thread of its own, for a browser may keep its starter waiting."""
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("threading.Thread.start", lambda thread: thread.run())
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("BROWSER", raising=False)
    announce("http://h:1", DemoOptions(Settings(), browser=browser))
    assert opened == expected
