"""Who asks, and how far they may see."""

import ipaddress

import pytest

from accounts import Access, Accounts
from config.settings import AccountsSettings, TokenSettings
from tapewire.http.access import DELAY_NS, ceiling, identify, is_trusted, permit, permit_any
from tapewire.http.problems import Problem
from ticks.times import parse_time

NOW = parse_time("2026-07-13T14:00:00Z")
ACCOUNTS = Accounts(
    AccountsSettings(
        tokens=(
            TokenSettings(user="ann", token="canary-ann"),
            TokenSettings(user="bob", token="canary-bob", live=("t:AAPL",), delayed=("t:*",)),
            TokenSettings(user="cyd", token="canary-cyd", live=("t:AAPL",), expires="2026-07-13T13:00:00Z"),
        )
    )
)


@pytest.mark.parametrize(
    "header", ["Bearer canary-ann", "bearer canary-ann", "BEARER   canary-ann ", " Bearer canary-ann"]
)
def test_a_bearer_token_shows_who_asks(header: str) -> None:
    """The scheme is read in any case, blanks around the token do not count."""
    assert identify(ACCOUNTS, [header], NOW).user == "ann"


@pytest.mark.parametrize(
    ("headers", "name", "challenge"),
    [
        ([], "auth-missing", 'Bearer realm="tapewire"'),
        (["Basic canary-ann"], "auth-missing", 'Bearer realm="tapewire"'),
        (["canary-ann"], "auth-missing", 'Bearer realm="tapewire"'),
        (["Bearer"], "auth-missing", 'Bearer realm="tapewire"'),
        (["Bearer canary-ann2"], "auth-failed", 'Bearer realm="tapewire", error="invalid_token"'),
        (["Bearer canary-ann x"], "auth-failed", 'Bearer realm="tapewire", error="invalid_token"'),
        (["Bearer canary-cyd"], "token-expired", 'Bearer realm="tapewire", error="invalid_token"'),
    ],
)
def test_whoever_is_not_known_is_told_how_to_be(headers: list[str], name: str, challenge: str) -> None:
    """401 with a challenge; the credential is not repeated."""
    with pytest.raises(Problem) as caught:
        identify(ACCOUNTS, headers, NOW)
    assert caught.value.kind.name == name
    assert caught.value.kind.status == 401
    assert caught.value.headers == {"WWW-Authenticate": challenge}
    assert b"canary" not in caught.value.body()


def test_a_key_shows_who_asks() -> None:
    """The user's name and the token, each in a header of its own."""
    assert identify(ACCOUNTS, [], NOW, ["ann"], ["canary-ann"]).user == "ann"


@pytest.mark.parametrize(
    ("key_ids", "secrets", "name"),
    [
        (["ann"], [], "auth-missing"),
        ([], ["canary-ann"], "auth-failed"),
        (["bob"], ["canary-ann"], "auth-failed"),
        (["cyd"], ["canary-cyd"], "token-expired"),
    ],
)
def test_half_a_key_and_a_wrong_one_are_refused(key_ids: list[str], secrets: list[str], name: str) -> None:
    """401, without repeating either half."""
    with pytest.raises(Problem) as caught:
        identify(ACCOUNTS, [], NOW, key_ids, secrets)
    assert (caught.value.kind.name, caught.value.kind.status) == (name, 401)
    assert b"canary" not in caught.value.body()


@pytest.mark.parametrize(
    ("headers", "key_ids", "secrets"),
    [
        (["Bearer canary-ann", "Bearer canary-bob"], [], []),
        (["Bearer canary-ann"], ["ann"], ["canary-ann"]),
        ([], ["ann", "bob"], ["canary-ann"]),
        ([], ["ann"], ["canary-ann", "canary-bob"]),
    ],
)
def test_two_credentials_are_refused(headers: list[str], key_ids: list[str], secrets: list[str]) -> None:
    """Two parsers might take two different ones."""
    with pytest.raises(Problem) as caught:
        identify(ACCOUNTS, headers, NOW, key_ids, secrets)
    assert caught.value.kind.name == "bad-request"


def test_live_access_has_no_ceiling() -> None:
    """Everything there is."""
    ann = identify(ACCOUNTS, ["Bearer canary-ann"], NOW)
    reach = permit(ACCOUNTS, ann, "", "q", ["AAPL", "MSFT"], NOW)
    assert reach.access is Access.LIVE
    assert reach.time_ns is None


def test_one_delayed_symbol_delays_the_whole_answer() -> None:
    """To what is fifteen minutes old."""
    bob = identify(ACCOUNTS, ["Bearer canary-bob"], NOW)
    assert permit(ACCOUNTS, bob, "", "t", ["AAPL"], NOW).access is Access.LIVE
    reach = permit(ACCOUNTS, bob, "", "t", ["AAPL", "MSFT"], NOW)
    assert reach.access is Access.DELAYED
    assert reach.time_ns == parse_time("2026-07-13T13:45:00Z")


def test_each_symbol_that_is_not_allowed_is_named() -> None:
    """403 with the denied ones and no others."""
    bob = identify(ACCOUNTS, ["Bearer canary-bob"], NOW)
    with pytest.raises(Problem) as caught:
        permit(ACCOUNTS, bob, "iex", "t", ["AAPL", "MSFT"], NOW)
    assert caught.value.kind.status == 403
    assert [fault.symbol for fault in caught.value.errors] == ["AAPL", "MSFT"]


def test_all_symbols_need_a_grant_for_the_whole_kind() -> None:
    """Whoever may read one symbol may not read every symbol."""
    now_ns = parse_time("2026-07-13T12:00:00Z")
    cyd = identify(ACCOUNTS, ["Bearer canary-cyd"], now_ns)
    assert permit(ACCOUNTS, cyd, "", "t", ["AAPL"], now_ns).access is Access.LIVE
    with pytest.raises(Problem):
        permit(ACCOUNTS, cyd, "", "t", ["*"], now_ns)
    bob = identify(ACCOUNTS, ["Bearer canary-bob"], NOW)
    assert permit(ACCOUNTS, bob, "", "t", ["*"], NOW).access is Access.DELAYED


def test_of_several_kinds_the_one_counts_that_allows_most() -> None:
    """And the symbol that is allowed least decides, as with one kind."""
    bob = identify(ACCOUNTS, ["Bearer canary-bob"], NOW)
    assert permit_any(ACCOUNTS, bob, "", ["q", "t"], ["AAPL"], NOW).access is Access.LIVE
    assert permit_any(ACCOUNTS, bob, "", ["q", "t"], ["AAPL", "MSFT"], NOW).access is Access.DELAYED
    with pytest.raises(Problem):
        permit_any(ACCOUNTS, bob, "", ["q", "b1m"], ["AAPL"], NOW)


def test_the_ceiling_follows_the_clock() -> None:
    """Fifteen minutes behind, always."""
    assert ceiling(Access.DELAYED, NOW).time_ns == NOW - DELAY_NS


@pytest.mark.parametrize(
    ("remote", "trusted"),
    [
        ("192.0.2.7", True),
        ("::ffff:192.0.2.7", True),
        ("2001:db8::5", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("192.0.3.1", False),
        ("2001:db9::5", False),
        ("fe80::1%eth0", False),
        (None, False),
    ],
)
def test_a_peer_is_trusted_by_its_own_address(remote: str | None, trusted: bool) -> None:
    """The proxies that are named, and this machine."""
    proxies = [ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8::/32")]
    assert is_trusted(remote, proxies) is trusted
