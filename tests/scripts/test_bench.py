from pathlib import Path

import pytest

from scripts import bench


def folder_with(parent: Path, **sources: str) -> Path:
    """A folder of benchmarks with these sources."""
    folder = parent / "measures"
    folder.mkdir()
    (folder / "__init__.py").touch()
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)
    return folder


def test_benchmarks_are_modules_and_can_be_chosen(tmp_path: Path) -> None:
    """Every module is one, but for those that begin with an underscore."""
    folder = folder_with(tmp_path, tape="", decode="", _shared="")
    assert bench.names("", folder) == ["decode", "tape"]
    assert bench.names("ta", folder) == ["tape"]


def test_the_json_lines_of_a_benchmark_are_passed_on(tmp_path: Path) -> None:
    """Each line comes out as it was printed."""
    folder = folder_with(tmp_path, tape="print('{\"a\": 1}')\nprint('{\"b\": 2}')")
    assert list(bench.lines("tape", folder)) == ['{"a": 1}', '{"b": 2}']


@pytest.mark.parametrize(
    ("source", "why"), [("raise SystemExit(3)", "status 3"), ("print('fast')", "not JSON")]
)
def test_a_benchmark_that_fails_or_chats_is_an_error(source: str, why: str, tmp_path: Path) -> None:
    """Nothing that is not a measurement gets among the figures."""
    with pytest.raises(bench.BenchmarkFailed, match=why):
        list(bench.lines("tape", folder_with(tmp_path, tape=source)))


def test_nothing_to_run_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that matches no benchmark ends with status 1."""
    assert bench.main(["no-such-benchmark"]) == 1
    assert capsys.readouterr().out == ""
