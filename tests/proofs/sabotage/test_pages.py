"""The planted defects of the page."""

import subprocess
import sys

from proofs.lib import ROOT
from proofs.sabotage import pages
from proofs.sabotage.defects import DEFECTS


def test_every_defect_of_the_page_is_known_to_its_proof() -> None:
    """What can be planted is planted by `make prove-proofs`, and the proof names nothing else."""
    listed = subprocess.run(
        [sys.executable, str(ROOT / "proofs" / "05-page"), "--list-sabotages"],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout.split()  # fmt: skip
    here = {name for name, (_, patch) in DEFECTS.items() if patch.__module__ == pages.__name__}
    assert set(listed) == here
    assert len(listed) == len(here)
