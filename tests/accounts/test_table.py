"""Accounts from a table of tokens."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import (
    Access,
    Accounts,
    AccountSettingsError,
    AuthFailed,
    AuthMissing,
    Principal,
    TokenExpired,
)
from accounts.table import CREDENTIAL_CHARS_MAX
from config.settings import AccountsSettings, TokenSettings
from ticks.times import parse_time

NOW = parse_time("2026-07-13T14:00:00Z")
SETTINGS = AccountsSettings(
    tokens=(
        TokenSettings(user="ann", token="token-of-ann", roles=("admin",)),
        TokenSettings(user="bob", tenant="other", token="token-of-bob", live=(), delayed=("t:*",)),
        TokenSettings(user="cyd", token="token-of-cyd", expires="2026-07-13T14:00:00.000000001Z"),
    )
)
ACCOUNTS = Accounts(SETTINGS)


def test_a_token_shows_who_its_owner_is() -> None:
    """Tenant, user, roles and end come from the table."""
    ann = ACCOUNTS.authenticate("token-of-ann", NOW)
    assert (ann.tenant, ann.user, ann.roles, ann.expires_ns) == ("default", "ann", frozenset({"admin"}), 0)
    bob = ACCOUNTS.authenticate("token-of-bob", NOW)
    assert (bob.tenant, bob.user, bob.roles) == ("other", "bob", frozenset())


def test_a_key_is_a_user_s_name_with_a_token() -> None:
    """The pair shows the same owner as the token alone."""
    assert ACCOUNTS.authenticate_key("ann", "token-of-ann", NOW) == ACCOUNTS.authenticate("token-of-ann", NOW)


@pytest.mark.parametrize(
    ("key_id", "secret", "error"),
    [
        ("bob", "token-of-ann", AuthFailed),
        ("", "token-of-ann", AuthFailed),
        ("ann", "token-of-nobody", AuthFailed),
        ("ann", "ann", AuthFailed),
        ("ann", "", AuthMissing),
        ("ann", None, AuthMissing),
    ],
)
def test_a_key_whose_halves_do_not_belong_together_fails(
    key_id: str, secret: str | None, error: type[Exception]
) -> None:
    """Another user's token, a name for a token, or no secret at all."""
    with pytest.raises(error):
        ACCOUNTS.authenticate_key(key_id, secret, NOW)


@pytest.mark.parametrize("credential", [None, ""])
def test_no_credential_is_missing(credential: str | None) -> None:
    """An empty one is none."""
    with pytest.raises(AuthMissing):
        ACCOUNTS.authenticate(credential, NOW)


@pytest.mark.parametrize(
    "credential",
    [
        "token-of-an",
        "token-of-ann ",
        "TOKEN-OF-ANN",
        "tökén",
        "\udcff",
        "x" * CREDENTIAL_CHARS_MAX,
        "y" * 100_000,
    ],
)
def test_a_credential_of_nobody_fails(credential: str) -> None:
    """However it looks, and without being repeated in the message."""
    with pytest.raises(AuthFailed) as caught:
        ACCOUNTS.authenticate(credential, NOW)
    assert credential not in str(caught.value)


def test_a_token_expires_at_its_end() -> None:
    """To the nanosecond, both for authentication and for what was authenticated before."""
    cyd = ACCOUNTS.authenticate("token-of-cyd", NOW)
    assert ACCOUNTS.may(cyd, "", "t", "AAPL", NOW) is Access.LIVE
    with pytest.raises(TokenExpired):
        ACCOUNTS.authenticate("token-of-cyd", NOW + 1)
    assert ACCOUNTS.may(cyd, "", "t", "AAPL", NOW + 1) is Access.NONE


def test_what_may_be_read_is_what_the_table_grants() -> None:
    """Everything live by default; only what is listed otherwise."""
    ann, bob = (ACCOUNTS.authenticate(f"token-of-{name}", NOW) for name in ("ann", "bob"))
    assert ACCOUNTS.may(ann, "iex", "q", "MSFT", NOW) is Access.LIVE
    assert ACCOUNTS.may(bob, "", "t", "MSFT", NOW) is Access.DELAYED
    assert ACCOUNTS.may(bob, "", "q", "MSFT", NOW) is Access.NONE
    assert ACCOUNTS.may(bob, "iex", "t", "MSFT", NOW) is Access.NONE


def test_without_tokens_nobody_is_known() -> None:
    """An empty table locks the door, it does not open it."""
    with pytest.raises(AuthFailed):
        Accounts(AccountsSettings()).authenticate("anything", NOW)


def test_every_decision_reaches_the_audit_once() -> None:
    """Granted, delayed and refused alike; a repetition does not."""
    told: list[tuple[str, str, Access]] = []
    accounts = Accounts(
        SETTINGS, lambda _now, who, _l, kind, _s, decision: told.append((who.user, kind, decision))
    )
    bob = accounts.authenticate("token-of-bob", NOW)
    for kind in ("t", "q", "t"):
        accounts.may(bob, "", kind, "AAPL", NOW)
    assert told == [("bob", "t", Access.DELAYED), ("bob", "q", Access.NONE)]


def test_all_problems_of_the_table_are_reported() -> None:
    """Each with the place in the table, none with a token."""
    with pytest.raises(AccountSettingsError) as caught:
        Accounts(
            AccountsSettings(
                tokens=(
                    TokenSettings(user="a", token="canary", live=("x:AAPL",)),
                    TokenSettings(user="b", token="canary", delayed=("@",), expires="tomorrow"),
                    TokenSettings(user="c"),
                )
            )
        )
    problems = caught.value.problems
    assert [problem.split(": ")[0] for problem in problems] == [
        "accounts.tokens[0].live",
        "accounts.tokens[1].delayed",
        "accounts.tokens[1].expires",
        "accounts.tokens[2]",
        "accounts.tokens[1]",
    ]
    assert problems[-1] == "accounts.tokens[1]: has the same token as accounts.tokens[0]"
    assert "canary" not in "".join(problems)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_nobodys_token(credential: str) -> None:
    """No text but the tokens themselves is accepted."""
    expected = AuthFailed if credential else AuthMissing
    with pytest.raises(expected):
        ACCOUNTS.authenticate(credential, NOW)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len("token-of-ann") - 1), st.characters(max_codepoint=0x2FF))
def test_a_token_with_one_character_changed_fails(place: int, char: str) -> None:
    """Each position counts."""
    token = "token-of-ann"
    changed = token[:place] + char + token[place + 1 :]
    if changed == token:
        assert isinstance(ACCOUNTS.authenticate(changed, NOW), Principal)
    else:
        with pytest.raises(AuthFailed):
            ACCOUNTS.authenticate(changed, NOW)
