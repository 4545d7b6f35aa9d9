import subprocess
import sys

from proofs.lib import ROOT
from proofs.sabotage import stream
from proofs.sabotage.defects import DEFECTS

PROOFS = ("04-autobahn", "04-hostile-clients", "04-stalled-readers")


def test_every_defect_of_the_stream_is_known_to_one_of_its_proofs() -> None:
    """What can be planted is planted by `make prove-proofs`, and the proofs name nothing else."""
    listed = [
        name
        for proof in PROOFS
        for name in subprocess.run(
            [sys.executable, str(ROOT / "proofs" / proof), "--list-sabotages"],
            capture_output=True, text=True, timeout=60, check=True,
        ).stdout.split()
    ]  # fmt: skip
    here = {name for name, (_, patch) in DEFECTS.items() if patch.__module__ == stream.__name__}
    assert set(listed) == here
    assert len(listed) == len(here)
