"""What proofs build upon: children end with the proof, conditions are waited for, folders go."""

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from proofs import lib
from proofs.aims import ProofError
from proofs.lib import Proof, Slow
from proofs.sabotage.defects import DEFECTS

SLEEPER = "import time; time.sleep(60)"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPER!r}]).wait()"


@pytest.fixture
def proof(tmp_path: Path) -> Iterator[Proof]:
    """A proof in an own folder, whose children are ended afterwards."""
    made = Proof(seed=7, full=False, folder=tmp_path)
    yield made
    for child in made.children:
        child.end()


def gone(pid: int) -> bool:
    """Whether a process has ended (or waits for somebody to take note of it)."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_child_is_waited_for_and_its_words_are_kept(proof: Proof) -> None:
    """Status, output and errors of a child are there after its end."""
    child = proof.child(
        sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    )
    assert child.wait(30) == 3
    assert (child.output, child.errors) == ("out\n", "err\n")


def test_a_child_that_stays_is_slow(proof: Proof) -> None:
    """Waiting is bounded, and says for whom."""
    child = proof.child(sys.executable, "-c", SLEEPER)
    with pytest.raises(Slow, match="still runs"):
        child.wait(0.05)


def test_killing_a_child_spares_what_it_started(proof: Proof) -> None:
    """`kill` ends one process; `end` the rest of its session."""
    child = proof.child(sys.executable, "-c", PARENT)
    below = lib.until(child.children, 30, "a grandchild")
    ((grandchild, command),) = below.items()
    assert "time.sleep" in command
    child.kill()
    assert not child.running()
    assert not gone(grandchild)
    child.end()
    lib.until(lambda: gone(grandchild), 30, "the grandchild's end")
    child.alone()


def test_who_has_ended_is_never_looked_for_again(proof: Proof, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system gives its number to a stranger, who must not be killed for it."""
    waited, killed, ended = (proof.child(sys.executable, "-c", "pass") for _ in range(3))
    waited.wait(30)
    killed.kill()
    killed.alone()
    ended.end()
    with subprocess.Popen([sys.executable, "-c", SLEEPER]) as stranger:
        monkeypatch.setattr(lib, "_session", lambda session: [stranger.pid])
        for child in (waited, killed, ended):
            child.end()
            child.alone(0.0)
        assert stranger.poll() is None
        stranger.kill()


def test_a_condition_is_waited_for_and_its_value_returned() -> None:
    """`until` gives what the condition gave, or says what did not happen."""
    answers = iter([0, "", "now"])
    assert lib.until(lambda: next(answers), 30, "now") == "now"
    with pytest.raises(Slow, match=r"0\.01 s for never"):
        lib.until(lambda: False, 0.01, "never")


def test_the_folder_is_bounded(proof: Proof, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof that fills its disk is stopped at the next child."""
    monkeypatch.setattr(lib, "FOLDER_BYTES_MAX", 10)
    (proof.folder / "big").write_bytes(bytes(11))
    with pytest.raises(lib.Excess, match="11 bytes"):
        proof.child(sys.executable, "-c", "pass")


def test_children_do_not_inherit_settings(proof: Proof, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof runs with the settings it gives itself, not with those of the shell around it."""
    monkeypatch.setenv("TAPEWIRE__HTTP__PORT", "1")
    assert "TAPEWIRE__HTTP__PORT" not in proof.environment()


def test_the_recordings_are_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`TAPEWIRE_DATA` names the folder; without one a proof cannot run."""
    monkeypatch.setenv("TAPEWIRE_DATA", str(tmp_path))
    assert lib.recordings() == tmp_path
    monkeypatch.setenv("TAPEWIRE_DATA", str(tmp_path / "none"))
    with pytest.raises(ProofError, match="TAPEWIRE_DATA"):
        lib.recordings()


def run_proof(folder: Path, code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a proof with this source as the runner would."""
    path = folder / "03-sample"
    path.write_text(f"from proofs.lib import *\n{code}")
    return subprocess.run(
        [sys.executable, str(path), *options],
        capture_output=True, text=True, timeout=60, env={**os.environ, "TMPDIR": str(folder)},
    )  # fmt: skip


def test_a_proof_prints_one_line_with_its_seed(tmp_path: Path) -> None:
    """Figures, counters and the seed come out as one JSON object; the folder is gone."""
    code = "def f(p):\n  p.figures['n'] = p.random.randrange(10**9)\n  p.counters['acts'] += 2\nprove(f)"
    first, second = (run_proof(tmp_path, code, "--seed", "7").stdout for _ in range(2))
    assert first == second
    shown = json.loads(first)
    assert shown["counters"] == {"acts": 2}
    assert shown["seed"] == 7
    assert [path.name for path in tmp_path.iterdir()] == ["03-sample"]


def test_a_proof_that_fails_prints_no_line_and_leaves_nothing(tmp_path: Path) -> None:
    """An error ends the children, removes the folder and gives a status other than 0."""
    code = (
        f"def f(p):\n  c = p.child(sys.executable, '-c', {SLEEPER!r})\n"
        "  print(c.pid, file=sys.stderr, flush=True)\n  raise ValueError\nprove(f)"
    )
    ended = run_proof(tmp_path, code)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert gone(int(ended.stderr.split()[0]))
    assert [path.name for path in tmp_path.iterdir()] == ["03-sample"]


def test_a_sabotaged_proof_and_its_children_run_with_the_defect(tmp_path: Path) -> None:
    """The proof begins anew with the defect named in its environment and the hook on its path."""
    name = next(iter(DEFECTS))
    code = (
        "import sys\n"
        "def f(p):\n  p.figures['named'] = os.environ[SABOTAGE]\n"
        "  p.figures['planted'] = type(sys.meta_path[0]).__name__\n"
        f"prove(f, sabotages=({name!r},))"
    )
    assert run_proof(tmp_path, code, "--list-sabotages").stdout == f"{name}\n"
    shown = json.loads(run_proof(tmp_path, code, "--sabotage", name).stdout)
    assert shown["figures"] == {"named": name, "planted": "_Finder"}
    assert shown["counters"] == {"sabotage_acted": 0}


@pytest.fixture
def port() -> Iterator[int]:
    """A server on loopback that answers 200 to the right token and 401 else."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = 200 if self.headers["Authorization"] == "Bearer demo" else 401
            body = json.dumps({"path": self.path}).encode()[:-1] + b', "price": 752.030000001}'
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_an_answer_is_read_with_exact_numbers(port: int) -> None:
    """Prices arrive as decimals, and query values are escaped."""
    answer = lib.get(port, "/v1/trades", {"symbols": "BRK A,B+"})
    assert answer == {"path": "/v1/trades?symbols=BRK+A%2CB%2B", "price": Decimal("752.030000001")}


def test_a_request_that_nobody_answers_is_an_error() -> None:
    """With a name of its own: a hub that is just starting or ending does not answer either."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        nobody = mute.getsockname()[1]
        with pytest.raises(lib.Unanswered, match="/v1/trades"):
            lib.get(nobody, "/v1/trades")
        assert lib.marks(nobody) is None
    with socket.create_server(("127.0.0.1", 0)) as rude:
        hang_up = threading.Thread(target=lambda: rude.accept()[0].close())
        hang_up.start()
        with pytest.raises(lib.Unanswered):
            lib.get(rude.getsockname()[1], "/v1/trades")
        hang_up.join()


def test_an_answer_other_than_200_is_an_error(port: int) -> None:
    """A refusal is never taken for data."""
    with pytest.raises(ProofError, match="401"):
        lib.get(port, "/v1/trades", token="wrong")
