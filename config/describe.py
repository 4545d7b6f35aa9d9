"""What each setting is: its path, type, allowed values, default and documentation.

All of it is read from the structs in `config.settings`; the documentation of a field is the
docstring under it, which Python does not keep, so it is parsed from the source.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from typing import Final

from msgspec import Struct
from msgspec.inspect import (
    BoolType,
    Field,
    FloatType,
    IntType,
    LiteralType,
    StrType,
    StructType,
    Type,
    VarTupleType,
    type_info,
)

from config.settings import Section, is_secret

INTEGER_MAX: Final = 2**53 - 1
"""Largest integer of any setting: what every reader of JSON takes exactly."""
UNITS: Final = {
    "_ns": "nanoseconds",
    "_ms": "milliseconds",
    "_s": "seconds",
    "_bytes": "bytes",
    "_kib": "KiB",
    "_rows": "rows",
    "_ticks": "ticks",
    "_marks": "marks",
}
"""The end of a setting's name → its unit."""


class Setting(Struct, frozen=True):
    """One setting, or one section."""

    path: str
    """Dotted path in the file; `[]` stands for the entries of a list of tables."""
    name: str
    value_type: Type
    required: bool
    default: object
    """None when it is required."""
    doc: str
    """Its documentation, on one line."""

    @property
    def section(self) -> type[Section] | None:
        """The struct of a section or of a list's entries; None for a plain value."""
        return section_of(self.value_type)

    @property
    def is_list(self) -> bool:
        """Whether it is a list, of tables or of values."""
        return isinstance(self.value_type, VarTupleType)

    @property
    def is_text(self) -> bool:
        """Whether it is text, or one of several words."""
        return isinstance(self.value_type, StrType | LiteralType)

    @property
    def is_secret(self) -> bool:
        """Whether its value must never be shown."""
        return isinstance(self.value_type, StrType) and is_secret(self.name)


def section_of(kind: Type) -> type[Section] | None:
    """The struct behind a table or a list of tables; None for a plain value."""
    inner = kind.item_type if isinstance(kind, VarTupleType) else kind
    return inner.cls if isinstance(inner, StructType) and issubclass(inner.cls, Section) else None


def settings_of(section: type[Section], path: str = "") -> tuple[Setting, ...]:
    """The settings of one section, in order; `path` is where the section stands."""
    info = type_info(section)
    assert isinstance(info, StructType)
    docs = field_docs(section)
    return tuple(_setting(field, path, docs.get(field.name, "")) for field in info.fields)


def every_setting(section: type[Section], path: str = "") -> Iterator[Setting]:
    """All settings below a section, depth first, each section before its settings."""
    for setting in settings_of(section, path):
        yield setting
        if setting.section is not None:
            yield from every_setting(setting.section, setting.path + "[]" * setting.is_list)


@cache
def field_docs(section: type[Section]) -> dict[str, str]:
    """Field name → the docstring under it, on one line."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(section))).body[0]
    assert isinstance(tree, ast.ClassDef)
    docs: dict[str, str] = {}
    for statement, below in zip(tree.body, tree.body[1:], strict=False):
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            docs[statement.target.id] = " ".join(str(below.value.value).split())
    return docs


def allowed(kind: Type, name: str = "") -> str:
    """What values a type takes, in words; with the unit, when `name` says one."""
    match kind:
        case BoolType():
            return "true or false"
        case IntType() | FloatType():
            return _allowed_number(kind) + _unit(name)
        case LiteralType(values=values):
            return "one of " + ", ".join(str(value) for value in values)
        case StrType(pattern=str(pattern)):
            return f"text like {pattern}"
        case StrType(min_length=int()):
            return "text, not empty"
        case StrType():
            return "text"
        case VarTupleType(item_type=StructType()):
            return "a list of tables"
        case VarTupleType(item_type=item):
            return f"a list, each {allowed(item)}"
        case StructType():
            return "a table"
        case _:  # a test walks every setting through here
            raise TypeError(f"a setting cannot be a {type(kind).__name__}")


def fits(kind: Type, value: object) -> bool:
    """Whether a value as TOML gives it is of the type and within its range (plain values only)."""
    match kind:
        case BoolType():
            return isinstance(value, bool)
        case IntType():
            return isinstance(value, int) and not isinstance(value, bool) and _within(kind, value)
        case FloatType():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return number and _within(kind, float(value))  # type: ignore[arg-type]  # checked just above
        case LiteralType(values=values):
            return isinstance(value, str) and value in values
        case StrType(pattern=pattern, min_length=least):
            plain = isinstance(value, str) and value.isprintable() and len(value) >= (least or 0)
            return plain and re.search(pattern or "", str(value)) is not None
        case VarTupleType(item_type=item):
            return isinstance(value, list) and all(fits(item, entry) for entry in value)
        case _:
            return False


def _setting(field: Field, path: str, doc: str) -> Setting:
    default = None if field.required else field.default
    dotted = f"{path}.{field.encode_name}" if path else field.encode_name
    return Setting(dotted, field.encode_name, field.type, field.required, default, doc)


def _bounds(kind: IntType | FloatType) -> tuple[float | None, float | None]:
    """Lowest and highest value, both inclusive."""
    low, high = kind.ge, kind.le
    if isinstance(kind, IntType):
        low = kind.gt + 1 if kind.gt is not None else low
        high = kind.lt - 1 if kind.lt is not None else high
        high = INTEGER_MAX if high is None else high
        low = -INTEGER_MAX if low is None else low
    return low, high


def _within(kind: IntType | FloatType, value: float) -> bool:
    low, high = _bounds(kind)
    # not (a > b) would let NaN pass
    return (low is None or value >= low) and (high is None or value <= high) and value == value


def _allowed_number(kind: IntType | FloatType) -> str:
    noun = "an integer" if isinstance(kind, IntType) else "a number"
    low, high = (None if bound in (-INTEGER_MAX, INTEGER_MAX) else bound for bound in _bounds(kind))
    if low is None and high is None:
        return noun
    if high is None:
        return f"{noun}, {low} or more"
    return f"{noun}, {high} or less" if low is None else f"{noun} from {low} to {high}"


def _unit(name: str) -> str:
    return next((f" ({unit})" for end, unit in UNITS.items() if name.endswith(end)), "")
