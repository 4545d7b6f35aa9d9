"""Signatures of Standard Webhooks: what a receiver checks before it believes a ring.

The signed text is `ID.TIMESTAMP.BODY`, keyed with the bytes behind `whsec_`. While a secret is
being changed, a ring is signed with the old one and the new one.
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Sequence
from typing import Final

PREFIX: Final = "whsec_"
KEY_BYTES: Final = 32
"""Of a secret we make; the specification allows 24 to 64."""


def secret_of(key: bytes) -> str:
    """A secret as the receiver is told it: `whsec_` and base64.

    Raises:
        ValueError: the key has not 24 to 64 bytes.
    """
    if not 24 <= len(key) <= 64:
        raise ValueError("a key has 24 to 64 bytes")
    return PREFIX + b64encode(key).decode()


def key_of(secret: str) -> bytes:
    """The key of a secret.

    Raises:
        ValueError: it is none; the message does not repeat it.
    """
    if not secret.startswith(PREFIX):
        raise ValueError(f"a secret begins with {PREFIX}")
    try:
        return b64decode(secret.removeprefix(PREFIX), validate=True)
    except Error:
        raise ValueError("a secret is base64") from None


def sign(secrets: Sequence[str], event_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt.

    Args:
        secrets: of the endpoint, the newest first.
        event_id: of the ring: the same at every attempt.
        timestamp_s: of this attempt, Unix seconds.
        body: exactly the bytes that are sent.
    """
    text = b"%s.%d.%s" % (event_id.encode(), timestamp_s, body)
    signatures = [hmac.new(key_of(secret), text, hashlib.sha256).digest() for secret in secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join("v1," + b64encode(signature).decode() for signature in signatures),
    }
