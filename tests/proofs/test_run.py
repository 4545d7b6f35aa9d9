"""The runner, run on small proofs that behave well or badly in every known way."""

import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import structs

from proofs import run
from proofs.aims import Aim, ProofAims
from proofs.lib import until
from proofs.run import Runner

GOOD = """
import argparse, json, os
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int)
parser.add_argument("--full", action="store_true")
parser.add_argument("--sabotage")
parser.add_argument("--list-sabotages", action="store_true")
given = parser.parse_args()
if given.list_sabotages:
    print("seen", "blind", "idle")
else:
    lost = 1 if given.sabotage in ("seen", "idle") else 0
    acted = 0 if given.sabotage == "idle" else 2
    print(json.dumps({"figures": {"lost": lost}, "counters": {"sabotage_acted": acted}, "seed": given.seed}))
"""
AIMS = ProofAims(figures={"lost": Aim("==", 0, unit="rows")}, timeout_seconds=20)


def runner(folder: Path, code: str, aims: ProofAims = AIMS, name: str = "03-sample") -> Runner:
    """A runner for one proof with this source."""
    proof = folder / name
    proof.write_text(code)
    proof.chmod(0o755)
    return Runner(folder, {name: aims}, full=False, seed=7)


def report(folder: Path, code: str, aims: ProofAims = AIMS) -> list[str]:
    """What the runner says of a proof with this source."""
    made = runner(folder, code, aims)
    return [str(verdict) for verdict in made.run(folder / "03-sample").verdicts]


def test_a_proof_that_meets_its_aims_passes(tmp_path: Path) -> None:
    """One line per figure, with the aim beside it."""
    assert report(tmp_path, GOOD) == ["PASS 03-sample lost=0 (== 0 rows)"]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise ValueError('x')", "ended with status 1"),
        ("import os; os.kill(os.getpid(), 9)", "ended with status -9"),
        ("print('hello')", "printed no figures"),
        ("print('{}')", "printed no figures"),
        ("pass", "printed 0 lines"),
        ("print(); print('{}')", "printed 2 lines"),
        ("import sys; print('skipped', file=sys.stderr); sys.exit(5)", "ended with status 5"),
    ],
)
def test_a_proof_that_shows_nothing_is_short(code: str, why: str, tmp_path: Path) -> None:
    """Crash, death, talk instead of figures, silence and a skip all fall short."""
    (line,) = report(tmp_path, code)
    assert line.startswith(f"SHORT 03-sample {why}")


def is_gone(pid: int) -> bool:
    """Whether a process has ended; the kernel may take a moment over one that was killed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_proof_of_sources_that_change_is_short(tmp_path: Path) -> None:
    """What its processes loaded was not one product, so its figures are worth nothing."""
    package = tmp_path / "product" / "tape"
    package.mkdir(parents=True)
    for name in ("py.typed", "journal.py", "marks.py"):
        (package / name).touch()
    made = structs.replace(runner(tmp_path, GOOD), product=tmp_path / "product")
    assert made.run(tmp_path / "03-sample").passed
    edit = f"open({str(package / 'marks.py')!r}, 'w').write('# edited')\n"
    (tmp_path / "03-sample").write_text(edit + GOOD)
    (verdict,) = made.run(tmp_path / "03-sample").verdicts
    assert str(verdict).startswith("SHORT 03-sample tape/marks.py was changed while it ran")


def test_a_proof_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """After the time-out neither the proof nor its children run, and their files are gone."""
    note = tmp_path / "note"
    # Only what Python has loaded anyway, so that it gets there well within its time.
    code = (
        "import os\n"
        "folder = os.environ['TMPDIR'] + '/left'\n"
        "os.mkdir(folder)\n"
        "reading, _ = os.pipe()\n"
        "child = os.fork()\n"
        "if child:\n"
        f"    os.write(os.open({str(note)!r}, os.O_CREAT | os.O_WRONLY), f'{{child}} {{folder}}'.encode())\n"
        "os.read(reading, 1)\n"
    )
    (line,) = report(tmp_path, code, ProofAims(timeout_seconds=4))
    assert line == "SHORT 03-sample took longer than 4 s (one JSON line)"
    pid, folder = note.read_text().split()
    assert not Path(folder).exists()
    until(lambda: is_gone(int(pid)), 30, "the end of what it had started")


def test_a_runner_that_is_told_to_end_ends_its_proof(tmp_path: Path) -> None:
    """SIGTERM to the runner leaves no proof running behind it."""
    note = tmp_path / "note"
    made = runner(
        tmp_path,
        "import os, time\n"
        f"os.write(os.open({str(note)!r}, os.O_CREAT | os.O_WRONLY), str(os.getpid()).encode())\n"
        "time.sleep(60)\n",
    )
    code = (
        "from pathlib import Path\n"
        "from proofs import aims, run\n"
        "run.end_when_told()\n"
        f"run.Runner(Path({str(made.folder)!r}), {{'03-sample': aims.ProofAims()}}, False, 7).run("
        f"Path({str(made.folder / '03-sample')!r}))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        until(lambda: note.exists() and note.read_text(), 60, "the proof's start")
        process.terminate()
        assert process.wait(60) == 143
    assert not Path(f"/proc/{note.read_text()}").exists()


def test_a_proof_without_aims_is_short(tmp_path: Path) -> None:
    """A proof that nobody wrote aims for proves nothing."""
    made = Runner(runner(tmp_path, GOOD).folder, {}, full=False, seed=7)
    (verdict,) = made.run(tmp_path / "03-sample").verdicts
    assert str(verdict) == "SHORT 03-sample has no entry in aims.toml (one JSON line)"


def test_proofs_are_found_by_name_and_in_order(tmp_path: Path) -> None:
    """Executables called NN-name are proofs; `only` chooses by the beginning of the name."""
    for name in ("04-b", "03-b", "03-a"):
        made = runner(tmp_path, GOOD, name=name)
    (tmp_path / "03-not-executable").write_text("")
    (tmp_path / "run.py").touch(mode=0o755)
    assert [path.name for path in made.proofs("")] == ["03-a", "03-b", "04-b"]
    assert [path.name for path in made.proofs("03")] == ["03-a", "03-b"]


def test_a_planted_defect_that_moves_a_figure_is_noticed(tmp_path: Path) -> None:
    """A sabotaged run has to fall short, in a figure and not by dying."""
    made = runner(tmp_path, GOOD)
    assert made.sabotages(tmp_path / "03-sample") == ["seen", "blind", "idle"]
    assert made.unnoticed(tmp_path / "03-sample", "seen") == ""
    assert made.unnoticed(tmp_path / "03-sample", "blind") == "every figure was met all the same"
    assert made.unnoticed(tmp_path / "03-sample", "idle") == "the defect never acted"


def test_a_sabotaged_proof_that_dies_has_not_noticed(tmp_path: Path) -> None:
    """A defect that could not be planted must not look found."""
    made = runner(tmp_path, "raise ValueError('x')")
    assert made.unnoticed(tmp_path / "03-sample", "any").startswith("showed nothing")


def test_the_report_names_seed_and_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every line can be repeated and compared: it carries its seed and its machine."""
    assert run.prove(runner(tmp_path, GOOD), "", save=None)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("PASS 03-sample lost=0 (== 0 rows) seed=7 ")
    assert "Python 3." in line


def test_saved_results_are_appended_with_their_date(tmp_path: Path) -> None:
    """A file per proof keeps every saved run."""
    made = runner(tmp_path, GOOD)
    for _ in range(2):
        run.prove(made, "", save=tmp_path / "results")
    text = (tmp_path / "results" / "03-sample.txt").read_text()
    assert text.count("PASS 03-sample lost=0") == 2
    assert text.count(" UTC, short form\n") == 2


def test_no_proof_at_all_is_short(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`make prove only=99` does not succeed by finding nothing."""
    assert not run.prove(Runner(tmp_path, {}, full=False, seed=7), "99", save=None)
    assert capsys.readouterr().out.startswith("SHORT no proof named 99*")


def test_prove_proofs_lists_each_defect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line per defect; one that went unnoticed fails the whole."""
    assert not run.prove_proofs(runner(tmp_path, GOOD), "")
    assert [line.split(" seed=")[0] for line in capsys.readouterr().out.splitlines()] == [
        "NOTICED 03-sample seen",
        "UNNOTICED 03-sample blind: every figure was met all the same",
        "UNNOTICED 03-sample idle: the defect never acted",
    ]


def test_a_proof_without_sabotages_is_not_proved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A proof that knows no defect has not shown that it can see one."""
    assert not run.prove_proofs(runner(tmp_path, "pass"), "")
    assert capsys.readouterr().out == "UNNOTICED 03-sample: knows no sabotage\n"
