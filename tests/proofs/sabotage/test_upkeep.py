import subprocess
import sys

from proofs.sabotage import defects, upkeep
from tests import checkout


def test_every_defect_of_the_upkeep_is_known_to_its_proof() -> None:
    """A defect that no proof plants shows nothing."""
    ours = {name for name, (_, patch) in defects.DEFECTS.items() if patch.__module__ == upkeep.__name__}
    proof = checkout.ROOT / "proofs" / "03-kill"
    listed = subprocess.run(
        [sys.executable, str(proof), "--list-sabotages"],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout.split()  # fmt: skip
    assert ours
    assert ours <= set(listed)
