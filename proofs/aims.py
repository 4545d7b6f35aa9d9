"""What each proof has to show, and the comparison of what it showed with that.

Aims stand in `aims.toml` and change only with a decision in `docs/decisions/`:

    ["03-kill"]
    timeout_seconds = 300               # of the short form; full_timeout_seconds of the full one

    ["03-kill".figures.missing_rows]
    op = "=="                           # == != >= <= > <
    value = 0
    full = 0                            # the value for the full form, where it is another
    unit = "rows"

    ["03-kill".counters.interrupted]    # so that a proof in which nothing acted falls short
    op = ">="
    value = 15

ProofError
└── AimsError       aims.toml cannot be read, or says something that has no meaning
"""

import operator
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

Value = bool | int | float | str
"""What a figure can be."""

OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


class ProofError(Exception):
    """Anything wrong with a proof as such, not with what it measures."""


class AimsError(ProofError):
    """`aims.toml` is unreadable or senseless."""


class Aim(Struct, frozen=True, forbid_unknown_fields=True):
    """What one figure has to be."""

    op: Literal["==", "!=", ">=", "<=", ">", "<"]
    value: Value
    full: Value | None = None
    """The value in the full form; None = the same."""
    unit: str = ""

    def wanted(self, full: bool) -> Value:
        """The value to compare with, in the short or the full form."""
        return self.full if full and self.full is not None else self.value

    def text(self, full: bool) -> str:
        """The aim as it is printed: `>= 15 rows`."""
        return f"{self.op} {self.wanted(full)} {self.unit}".rstrip()

    def met(self, shown: Value, full: bool) -> bool:
        """Whether `shown` is what was aimed at; a value of another kind is not."""
        wanted = self.wanted(full)
        # bool is an int to Python, and "3" must not be compared with 3.
        if isinstance(shown, str | bool) is not isinstance(wanted, str | bool):
            return False
        try:
            return OPERATORS[self.op](shown, wanted)
        except TypeError:
            return False


class ProofAims(Struct, frozen=True, forbid_unknown_fields=True):
    """What one proof has to show, and how long it may take."""

    figures: dict[str, Aim] = {}
    counters: dict[str, Aim] = {}
    timeout_seconds: int = 300
    full_timeout_seconds: int = 3600

    def limit_seconds(self, full: bool) -> int:
        """How long the proof may take, s."""
        return self.full_timeout_seconds if full else self.timeout_seconds


class Shown(Struct, frozen=True):
    """The one line that a proof prints."""

    figures: dict[str, Value]
    counters: dict[str, int]
    seed: int


class Verdict(Struct, frozen=True):
    """One line of the report."""

    passed: bool
    proof: str
    figure: str
    aim: str

    def __str__(self) -> str:
        return f"{'PASS' if self.passed else 'SHORT'} {self.proof} {self.figure} ({self.aim})"


def load(path: Path) -> dict[str, ProofAims]:
    """Read `aims.toml`: proof → its aims.

    Raises:
        AimsError: the file is missing, is not TOML, or has an unknown key or operator.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=dict[str, ProofAims])
    except (OSError, msgspec.MsgspecError) as error:
        raise AimsError(f"{path}: {error}") from error


def judge(proof: str, aims: ProofAims, shown: Shown, full: bool) -> list[Verdict]:
    """One verdict per figure and per counter with an aim; never an empty list.

    A figure without an aim falls short: what nobody judges proves nothing (numbers that only
    inform belong among the counters).
    """
    verdicts = [
        *_compare(proof, aims.figures, shown.figures, full),
        *(
            Verdict(False, proof, f"{name}={value}", "no aim")
            for name, value in shown.figures.items()
            if name not in aims.figures
        ),
        *_compare(proof, aims.counters, shown.counters, full),
    ]
    return verdicts or [Verdict(False, proof, "no figures", "at least one figure")]


def failed(proof: str, why: str) -> list[Verdict]:
    """The verdict on a proof that showed nothing: it falls short."""
    return [Verdict(False, proof, why, "one JSON line")]


def _compare(proof: str, aims: Mapping[str, Aim], values: Mapping[str, Value], full: bool) -> list[Verdict]:
    verdicts = []
    for name, aim in aims.items():
        if name in values:
            passed, text = aim.met(values[name], full), f"{name}={values[name]}"
        else:
            passed, text = False, f"{name} is missing"
        verdicts.append(Verdict(passed, proof, text, aim.text(full)))
    return verdicts
