"""What each setting is, read from the structs."""

from typing import Annotated, Literal

import pytest
from msgspec import Meta
from msgspec.inspect import IntType, type_info

from config.describe import INTEGER_MAX, allowed, every_setting, field_docs, fits, settings_of
from config.settings import Section, Settings, TapeSettings, TokenSettings


def test_every_setting_is_documented_and_has_an_allowed_range() -> None:
    """A setting without a docstring, or of a type the loader does not know, fails here."""
    settings = list(every_setting(Settings))
    assert len(settings) > 30
    for setting in settings:
        assert setting.doc.endswith((".", ")")), f"{setting.path}: needs a docstring under it"
        assert allowed(setting.value_type, setting.name)


def test_every_default_fits_its_own_range() -> None:
    """A default that the file could not say would be a trap."""
    for setting in every_setting(Settings):
        if setting.section is None and not setting.required:
            value = list(setting.default) if isinstance(setting.default, tuple) else setting.default
            assert fits(setting.value_type, value), setting.path


def test_paths_lead_through_sections_and_lists() -> None:
    """A path says where in the file a setting stands."""
    paths = [setting.path for setting in every_setting(Settings)]
    assert "data_dir" in paths
    assert "tape.segment_bytes" in paths
    assert "accounts.tokens[].user" in paths


def test_a_docstring_over_several_lines_becomes_one() -> None:
    """Documentation is one line, however it is wrapped in the source."""
    assert field_docs(TapeSettings)["segment_bytes"] == "Size at which a journal segment is sealed, bytes."
    assert all("\n" not in setting.doc for setting in every_setting(Settings))


def test_a_secret_is_a_text_with_a_secret_name() -> None:
    """The list `tokens` is none, the text `token` in it is."""
    by_name = {setting.name: setting for setting in settings_of(TokenSettings)}
    assert by_name["token"].is_secret
    assert not by_name["token_file"].is_secret
    assert not by_name["user"].is_secret


class Sample(Section, frozen=True):
    """One field of each type."""

    flag: bool = False
    ratio: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.5
    above: Annotated[int, Meta(gt=3, lt=9)] = 4
    any_ms: int = 0
    below: Annotated[int, Meta(le=5)] = 0
    word: Literal["a", "b"] = "a"
    name: Annotated[str, Meta(pattern="^[a-z]+$")] = "x"
    names: tuple[str, ...] = ()


ALLOWED: dict[str, tuple[str, list[object], list[object]]] = {
    "flag": ("true or false", [True, False], [0, 1, "true"]),
    "ratio": ("a number from 0.0 to 1.0", [0, 1, 0.25], [1.5, float("nan"), True, "0.5"]),
    "above": ("an integer from 4 to 8", [4, 8], [3, 9, 5.0, True, "5"]),
    "any_ms": ("an integer (milliseconds)", [-5, 0, INTEGER_MAX], [INTEGER_MAX + 1, 10**400, "5ms"]),
    "below": ("an integer, 5 or less", [5, -1], [6]),
    "word": ("one of a, b", ["a", "b"], ["c", 1, ["a"]]),
    "name": ("text like ^[a-z]+$", ["abc"], ["A", "", "abc\n", 5]),
    "names": ("a list, each text", [[], ["a", "b"]], ["a", [1], ["a\0"], {}]),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_words_and_checks_of_a_type_agree(name: str) -> None:
    """What the message says is allowed is what is allowed."""
    setting = next(setting for setting in settings_of(Sample) if setting.name == name)
    words, good, bad = ALLOWED[name]
    assert allowed(setting.value_type, name) == words
    assert all(fits(setting.value_type, value) for value in good)
    assert not any(fits(setting.value_type, value) for value in bad)


def test_a_type_that_no_setting_may_have_is_named() -> None:
    """A new setting of an unforeseen type is found by the first test here, not by a user."""
    with pytest.raises(TypeError, match="BytesType"):
        allowed(type_info(bytes))
    assert not fits(type_info(bytes), b"x")
    assert isinstance(type_info(int), IntType)
