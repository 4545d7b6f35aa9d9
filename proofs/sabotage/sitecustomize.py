"""Imported by Python at start-up: plants the defect that the environment names, if any."""

import os

if name := os.environ.get("TAPEWIRE_SABOTAGE"):
    from proofs.sabotage import defects

    defects.plant(name)
