"""The nouns: what follows from a rule, and the ids of rings."""

from hashlib import sha1
from uuid import UUID

from alerts.model import ALL_SESSIONS_MASK, SESSIONS, Condition, Rule, event_id
from ticks.sessions import CLOSED, PRE, RTH

ALERT: str = "6fa459ea-ee8a-3ca4-894e-db77e160355e"
LEVEL: Condition = Condition("last", ">=", 10, "0.00000001")
CROSSING: Condition = Condition("bid", "cross", 10, "0.00000001")


def test_the_id_of_a_ring_follows_from_alert_and_generation() -> None:
    """The same ring has the same id after a crash; another generation has another one."""
    first = event_id(ALERT, 1)
    assert UUID(first).version == 5
    # RFC 9562: the digest of namespace and name, with the bits of version and variant put in.
    digest = int.from_bytes(sha1(UUID(ALERT).bytes + b"1").digest()[:16])
    free = ~(0xF << 76 | 0x3 << 62)
    assert UUID(first).int & free == digest & free
    assert first == event_id(ALERT, 1)
    assert first != event_id(ALERT, 2)


def test_the_crossing_is_found_wherever_it_stands() -> None:
    """`crossing` is its place; -1 when there is none."""
    assert Rule("AAPL", (LEVEL,)).crossing == -1
    assert Rule("AAPL", (LEVEL, CROSSING)).crossing == 1


def test_sessions_become_bits() -> None:
    """A rule without sessions of its own listens to all but the closed market."""
    assert Rule("AAPL", (LEVEL,), sessions=("rth", "pre")).session_mask == 1 << RTH | 1 << PRE
    assert Rule("AAPL", (LEVEL,)).session_mask == ALL_SESSIONS_MASK
    assert Rule("AAPL", (LEVEL,)).sessions == SESSIONS
    assert not ALL_SESSIONS_MASK >> CLOSED & 1
