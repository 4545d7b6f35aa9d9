import os
import subprocess
import sys
from pathlib import Path

from proofs.sabotage import defects
from tests import checkout

PLANT_AND_IMPORT = """
from proofs.sabotage import defects

@defects.defect("half", "colorsys")
def half(module):
    original = module.rgb_to_yiq
    def broken(*rgb):
        defects.acted()
        return original(*rgb)[:1]
    module.rgb_to_yiq = broken

defects.plant("half")
import colorsys
print(len(colorsys.rgb_to_yiq(1, 1, 1)), len(colorsys.rgb_to_yiq(0, 0, 0)), colorsys.__spec__.name)
"""


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a Python of its own."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_a_planted_defect_changes_the_module_and_counts_how_often(tmp_path: Path) -> None:
    """The patched function runs in place of the original, and each call leaves a mark."""
    tally = tmp_path / "tally"
    result = python(PLANT_AND_IMPORT, TAPEWIRE_SABOTAGE_TALLY=str(tally))
    assert (result.returncode, result.stdout) == (0, "1 1 colorsys\n"), result.stderr
    assert tally.read_bytes() == b".."


def test_other_modules_are_imported_as_ever(tmp_path: Path) -> None:
    """The hook touches the one module it is for, and leaves the import system afterwards."""
    code = PLANT_AND_IMPORT + "\nimport sys, decimal\nprint([type(f).__name__ for f in sys.meta_path][:1])"
    result = python(code, TAPEWIRE_SABOTAGE_TALLY=str(tmp_path / "tally"))
    assert "_Finder" not in result.stdout


def test_every_defect_patches_a_module_of_the_product() -> None:
    """A defect in a test or in a library would prove nothing about the product."""
    for name, (module, patch) in defects.DEFECTS.items():
        assert module.split(".")[0] in checkout.PACKAGES, name
        assert patch.__doc__, f"{name} does not say what it breaks"


def test_an_unknown_defect_is_an_error() -> None:
    """A misspelt name plants nothing and says so."""
    assert "KeyError" in python("from proofs.sabotage import defects; defects.plant('no-such')").stderr
