"""How the Autobahn suite is had, and how its verdicts are compared."""

import json
from pathlib import Path

import pytest

from proofs import autobahn
from proofs.aims import ProofError
from proofs.lib import Proof, Slow


def said(behavior: str, close: str = "OK") -> dict[str, str]:
    """What the suite says of a case."""
    return {"behavior": behavior, "behaviorClose": close}


@pytest.mark.parametrize(
    ("ours", "theirs", "is_worse"),
    [
        (said("OK"), said("OK"), False),
        (said("OK"), said("FAILED"), False),
        (said("FAILED"), said("FAILED"), False),
        (said("INFORMATIONAL"), said("OK"), False),
        (said("NON-STRICT"), said("OK"), True),
        (said("FAILED"), said("NON-STRICT"), True),
        (said("OK", "FAILED"), said("OK"), True),
        (said("NO WORD OF ITS"), said("FAILED"), True),
    ],
)
def test_worse_is_what_behaves_or_closes_less_well(
    ours: dict[str, str], theirs: dict[str, str], is_worse: bool
) -> None:
    """The suite's words have an order."""
    assert autobahn.worse({"1.1": ours}, {"1.1": theirs}) == (["1.1"] if is_worse else [])


def test_a_case_that_was_not_tried_is_worse() -> None:
    """A server that has died does not pass."""
    assert autobahn.worse({}, {"1.1": said("FAILED")}) == ["1.1"]
    assert autobahn.worse({"1.1": said("FAILED")}, {}) == []


def test_what_is_installed_is_not_installed_again(tmp_path: Path) -> None:
    """The stamp says which version is there."""
    (tmp_path / "installed").write_text(autobahn.SUITE)
    assert autobahn.install(tmp_path) == tmp_path / "venv" / "bin" / "wstest"


def test_without_an_old_python_the_proof_falls_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProofError, match=r"python2\.7"):
        autobahn.install(tmp_path / "autobahn")


def test_a_version_that_was_chosen_by_hand_is_tried_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where pyenv is in use a version has to be named."""
    python = tmp_path / "python2.7"
    python.write_text('#!/bin/sh\n[ "$PYENV_VERSION" = 2.7.18 ]\n')
    pyenv = tmp_path / "pyenv"
    pyenv.write_text("#!/bin/sh\necho 2.6.9 2.7.18\n")
    python.chmod(0o755)
    pyenv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PYENV_VERSION", raising=False)
    path, environment = autobahn.python2()
    assert (path, environment["PYENV_VERSION"]) == (str(python), "2.7.18")


def test_a_run_gives_the_suite_its_servers_and_reads_its_verdicts(tmp_path: Path) -> None:
    """By name, with the cases left out."""
    program = tmp_path / "wstest"
    program.write_text(
        "#!/bin/sh\ncp spec.json seen.json\nmkdir reports\n"
        'echo \'{"a": {"1.1": {"behavior": "OK"}}}\' > reports/index.json\n'
    )
    program.chmod(0o755)
    proof = Proof(1, False, tmp_path)
    autobahn.run(proof, program, {"a": 1, "b": 2}, ("9.*",), 20)
    spec = json.loads((tmp_path / "seen.json").read_text())
    assert [server["url"] for server in spec["servers"]] == ["ws://127.0.0.1:1", "ws://127.0.0.1:2"]
    assert spec["exclude-cases"] == ["9.*"]
    assert autobahn.results(proof) == {"a": {"1.1": {"behavior": "OK"}}}


@pytest.mark.parametrize(("script", "error"), [("exit 3", ProofError), ("sleep 60", Slow)])
def test_a_suite_that_fails_is_no_verdict(script: str, error: type[ProofError], tmp_path: Path) -> None:
    """Neither one that ends badly nor one that does not end."""
    program = tmp_path / "wstest"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    proof = Proof(1, False, tmp_path)
    with pytest.raises(error):
        autobahn.run(proof, program, {}, (), 0.5)
    for child in proof.children:
        child.end()
