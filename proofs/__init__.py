"""Proofs: executables that measure what the project promises, and the runner that judges them."""
