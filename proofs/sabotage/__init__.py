"""Planted defects, with which `make prove-proofs` shows that the proofs can see one.

`sitecustomize` is imported by Python itself at start when this folder is on PYTHONPATH, as it is
in a proof with `--sabotage` and in all its children. Production code contains no hook for it.
"""
