import subprocess
import sys

from proofs.lib import ROOT
from proofs.sabotage import deliveries
from proofs.sabotage.defects import DEFECTS


def test_every_defect_of_deliveries_is_known_to_its_proof() -> None:
    """What can be planted is planted by `make prove-proofs`, and the proof names nothing else."""
    listed = subprocess.run(
        [sys.executable, str(ROOT / "proofs" / "05-rings"), "--list-sabotages"],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout.split()  # fmt: skip
    here = {name for name, (_, patch) in DEFECTS.items() if patch.__module__ == deliveries.__name__}
    assert set(listed) == here
    assert len(listed) == len(here)
