"""A first configuration file."""

import stat
import tomllib
from pathlib import Path

import pytest

from config.describe import Setting, every_setting
from config.load import load
from config.settings import Settings
from tapewire.errors import StartError
from tapewire.first_config import first_config, write_config
from tapewire.preflight import read_settings


def test_it_is_a_configuration_without_problems_or_warnings(tmp_path: Path) -> None:
    """And it changes nothing: every value is the default."""
    file = tmp_path / "tapewire.toml"
    write_config(file, force=False)
    loaded = read_settings(file, {})
    assert (loaded.settings, loaded.warnings) == (Settings(), ())


@pytest.mark.parametrize("setting", list(every_setting(Settings)), ids=lambda setting: setting.path)
def test_every_key_is_there_with_its_documentation(setting: Setting) -> None:
    """Those of the lists that are empty as comments."""
    text = first_config(Path("tapewire.toml"))
    assert f"# {setting.doc}" in text
    assert f"{setting.name} = " in text or f"[{setting.path}]" in text or f"[[{setting.path}]]" in text


def test_the_commands_in_it_name_the_file() -> None:
    """As they have to be typed."""
    text = first_config(Path("my hub.toml"))
    assert "tapewire config check --config 'my hub.toml'" in text
    assert "tapewire run --config 'my hub.toml'" in text
    assert tomllib.loads(text)["data_dir"] == "var"


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    """Secrets will be written into it."""
    file = tmp_path / "tapewire.toml"
    write_config(file, force=False)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    write_config(file, force=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_is_there_stays_unless_forced(tmp_path: Path) -> None:
    """Nothing else is left in the folder either."""
    file = tmp_path / "tapewire.toml"
    file.write_text("mine")
    with pytest.raises(StartError, match="there is one already; --force replaces it"):
        write_config(file, force=False)
    assert file.read_text() == "mine"
    write_config(file, force=True)
    assert load(file, {}).settings == Settings()
    assert list(tmp_path.iterdir()) == [file]


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A folder in its place, a folder that is missing, a file above it."""
    (tmp_path / "file").touch()
    for path, reason in (
        (tmp_path, "is a directory"),
        (tmp_path / "none" / "t.toml", "no such file or directory"),
        (tmp_path / "file" / "t.toml", "not a directory"),
    ):
        with pytest.raises(StartError, match=reason):
            write_config(path, force=True)
