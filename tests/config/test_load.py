"""Loading: file, environment, token files, warnings."""

from pathlib import Path

import pytest

from config.load import ConfigError, load


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    """A configuration file with the given mode."""
    file = folder / "tapewire.toml"
    file.write_text(text)
    file.chmod(mode)
    return file


def problems_of(file: Path | None, **environ: str) -> tuple[str, ...]:
    """The problems for which loading fails."""
    with pytest.raises(ConfigError) as caught:
        load(file, environ)
    return caught.value.problems


def test_without_a_file_the_environment_is_laid_over_the_defaults() -> None:
    """A container needs no file."""
    loaded = load(None, {"TAPEWIRE__TAPE__SEGMENT_BYTES": "1048576", "HOME": "/nowhere"})
    assert loaded.settings.tape.segment_bytes == 1_048_576
    assert loaded.settings.http.port == 8080
    assert loaded.warnings == ()


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """What is nearer to the process counts."""
    file = write(tmp_path, "[http]\nport = 1\npage_rows = 5\n")
    settings = load(file, {"TAPEWIRE__HTTP__PORT": "2"}).settings
    assert (settings.http.port, settings.http.page_rows) == (2, 5)


def test_problems_of_file_and_environment_come_together(tmp_path: Path) -> None:
    """Both are mended in one go."""
    file = write(tmp_path, "[http]\nport = -1\n")
    first, second = problems_of(file, TAPEWIRE__TAPE__RETRY="5", TAPEWIRE__HTTP__PAGE_ROWS="5")
    assert first == f"{file}:2: http.port: is -1; allowed: an integer from 0 to 65535"
    assert second == "TAPEWIRE__TAPE__RETRY: tape.retry: unknown key; nearest: tape.retry_ms"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "no such file or directory"),
        ("[http]\nport = 1\n".encode("utf-16"), "is UTF-16"),
        (b"[http]\nport = 1\0\n", "has NUL bytes"),
        (b"[http\n", "is not TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_problem(tmp_path: Path, content: bytes | None, why: str) -> None:
    """Missing, in another encoding, or not TOML."""
    file = tmp_path / "tapewire.toml"
    if content is not None:
        file.write_bytes(content)
    (problem,) = problems_of(file)
    assert problem.startswith(f"{file}: ")
    assert why in problem


def test_a_folder_is_no_configuration_file(tmp_path: Path) -> None:
    """Naming the folder instead of the file is told so."""
    assert problems_of(tmp_path) == (f"{tmp_path}: is not a regular file",)


def test_a_token_is_read_from_its_file(tmp_path: Path) -> None:
    """The token stands in the settings afterwards, wherever it came from."""
    (tmp_path / "ann.token").write_text("s3cret-of-ann\n")
    file = write(
        tmp_path, f'[[accounts.tokens]]\nuser = "ann"\ntoken_file = "{tmp_path}/ann.token"\n', mode=0o644
    )
    loaded = load(file, {})
    assert loaded.settings.accounts.tokens[0].token == "s3cret-of-ann"
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ('user = "a"', "has no token; give token or token_file"),
        ('user = "a"\ntoken = "canary-1"\ntoken_file = "x"', "has both token and token_file"),
        ('user = "a"\ntoken_file = "missing.token"', "the file missing.token no such file or directory"),
        ('user = "a"\ntoken = "canary 2"', "has a token with blanks or characters"),
        ('user = "a"\ntoken = "canäry"', "has a token with blanks or characters"),
    ],
)
def test_an_entry_needs_exactly_one_usable_token(tmp_path: Path, entry: str, problem: str) -> None:
    """No token means nobody could use the entry, two that one of them is a mistake."""
    file = write(tmp_path, f"[[accounts.tokens]]\n{entry}\n")
    (found,) = problems_of(file)
    assert found.startswith(f"{file}:1: accounts.tokens[0]: ")
    assert problem in found
    assert "can" not in found.removeprefix(str(file)).replace("can carry", "")


def test_a_token_in_a_file_that_everyone_may_read_is_warned_of(tmp_path: Path) -> None:
    """The warning names the line and the way out, and not the token."""
    text = '[[accounts.tokens]]\nuser = "ann"\ntoken = "canary-1"\n'
    file = write(tmp_path, text, mode=0o644)
    (warning,) = load(file, {}).warnings
    assert warning.startswith(f"{file}:3: accounts.tokens[0].token: is a secret in a file that everyone")
    assert "canary" not in warning
    file.chmod(0o640)
    assert load(file, {}).warnings == ()


def test_a_token_from_the_environment_is_not_warned_of(tmp_path: Path) -> None:
    """Only what stands in the file is readable there."""
    file = write(tmp_path, "", mode=0o644)
    environ = {"TAPEWIRE__ACCOUNTS__TOKENS": '[{user = "ann", token = "x"}]'}
    assert load(file, environ).warnings == ()


def test_an_empty_token_file_is_refused(tmp_path: Path) -> None:
    """A secret that was not mounted must not become an empty password."""
    (tmp_path / "t").write_text("\n")
    file = write(tmp_path, f'[[accounts.tokens]]\nuser = "a"\ntoken_file = "{tmp_path}/t"\n')
    assert "has no token" in problems_of(file)[0]
