from pathlib import Path

import pytest

from proofs import aims
from proofs.aims import Aim, AimsError, ProofAims, Shown, judge
from tests import checkout


def lines(wanted: ProofAims, shown: Shown, full: bool = False) -> list[str]:
    """The verdicts as they are printed."""
    return [str(verdict) for verdict in judge("03-x", wanted, shown, full)]


@pytest.mark.parametrize(
    ("op", "met", "missed"),
    [("==", 3, 4), ("!=", 4, 3), (">=", 3, 2), ("<=", 3, 4), (">", 4, 3), ("<", 2, 3)],
)
def test_each_operator_tells_met_from_missed(op: str, met: int, missed: int) -> None:
    """The value on the boundary decides."""
    aim = Aim(op, 3)  # type: ignore[arg-type]  # the parameters are the literals, one by one
    assert aim.met(met, full=False)
    assert not aim.met(missed, full=False)


@pytest.mark.parametrize(("wanted", "shown"), [(0, False), (0, "0"), ("a", 1), (True, 1), (0, float("nan"))])
def test_a_value_of_another_kind_misses(wanted: aims.Value, shown: aims.Value) -> None:
    """False is not 0, text is not a number, and nothing equals NaN."""
    assert not Aim("==", wanted).met(shown, full=False)


def test_the_full_form_has_its_own_value() -> None:
    """An aim may ask for more in the full form."""
    wanted = ProofAims(counters={"kills": Aim(">=", 15, full=200)})
    shown = Shown({}, {"kills": 20}, 1)
    assert lines(wanted, shown) == ["PASS 03-x kills=20 (>= 15)"]
    assert lines(wanted, shown, full=True) == ["SHORT 03-x kills=20 (>= 200)"]


def test_a_missing_figure_is_short() -> None:
    """What a proof does not show, it has not proved."""
    wanted = ProofAims(figures={"lost": Aim("==", 0, unit="rows")})
    assert lines(wanted, Shown({}, {}, 1)) == ["SHORT 03-x lost is missing (== 0 rows)"]


def test_a_missing_counter_is_short() -> None:
    """A counter that was never moved means that the fault never acted."""
    wanted = ProofAims(counters={"kills": Aim(">=", 1)})
    assert lines(wanted, Shown({}, {}, 1)) == ["SHORT 03-x kills is missing (>= 1)"]


def test_a_figure_without_an_aim_is_short() -> None:
    """Nobody can put a figure into a proof and leave it unjudged."""
    assert lines(ProofAims(), Shown({"speed": 3.5}, {}, 1)) == ["SHORT 03-x speed=3.5 (no aim)"]


def test_a_counter_without_an_aim_only_informs() -> None:
    """Counters tell what happened; only those with an aim are judged."""
    wanted = ProofAims(figures={"lost": Aim("==", 0)})
    assert lines(wanted, Shown({"lost": 0}, {"rows": 7}, 1)) == ["PASS 03-x lost=0 (== 0)"]


def test_a_proof_that_shows_nothing_is_short() -> None:
    """An empty report is no success."""
    assert lines(ProofAims(), Shown({}, {}, 1)) == ["SHORT 03-x no figures (at least one figure)"]


@pytest.mark.parametrize(
    "text",
    [
        "[x",
        '["03-x".figures.a]\nop = "~"\nvalue = 1',
        '["03-x".figures.a]\nop = "=="',
        '["03-x"]\nnonsense = 1',
    ],
)
def test_senseless_aims_are_one_error(text: str, tmp_path: Path) -> None:
    """Broken TOML, unknown operators, missing values and unknown keys are refused by name."""
    path = tmp_path / "aims.toml"
    path.write_text(text)
    with pytest.raises(AimsError, match=r"aims\.toml"):
        aims.load(path)


def test_aims_and_proofs_belong_together() -> None:
    """Every proof has its aims, every entry its proof, and each proof demands that something acted."""
    folder = checkout.ROOT / "proofs"
    wanted = aims.load(folder / "aims.toml")
    proofs = {path.name for path in folder.iterdir() if path.name[:2].isdigit()}
    assert set(wanted) == proofs
    assert [name for name, entry in wanted.items() if not entry.counters] == []
